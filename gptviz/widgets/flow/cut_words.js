// @ts-check
/** The words about cuts: what their list says, and where they disagree with shares; in each language. */

/**
 * A column with its share, the block of it that is cut, and the probability after this cut.
 * @typedef {{name: string, cut: string, share: string, after: string}} Named
 */

/**
 * The probability of a next token without a cut, after the cut of a ribbon, and after the cut of all attention of its
 * block.
 * @typedef {{layer: number, token: string, before: string, after: string, afterAll: string}} Replaced
 */

const en = {
  cuts: {
    title: "Cuts",
    remove: (/** @type {string} */ name) => `take back: ${name}`,
    removeAll: "take all back",
    dropped: "These cuts were removed, because they belong to the previous prompt or model:",
    none: "none yet",
    note:
      "The bars show the pass with these cuts, the pale bars behind them the pass without cuts. The ribbons and the " +
      "probabilities that are read early still show the pass without cuts.",
    leadsNow: "The last token of the bars leads only after the cuts, and cannot be chosen.",
    scaled:
      "A cut ribbon has weight 0. The other weights of its row are renormalised: they are scaled up until they sum " +
      "to 1 again. The result is the same as if the ribbon’s source token were masked.",
    replaced: (/** @type {Replaced} */ { layer, token, before, after, afterAll }) =>
      "More of the other tokens is taken instead. Here that matters more than a cut of all attention of block " +
      `${layer}, where nothing is taken instead: the probability of ${token} goes from ${before} to ${after}, with ` +
      `that cut only to ${afterAll}.`,
    noteWithout: "Here the bars and the ribbons still show the pass without cuts.",
    notKept: "This page does not keep what these cuts do at this token.",
  },
  lesson: {
    none:
      "Here attention’s share and effect agree: a block with a larger share never has a smaller effect when it is " +
      "cut (within 1 percentage point).",
    still: "Here no cut of attention changes the probability by 1 percentage point.",
    alone: (/** @type {number} */ layer) => `block ${layer} alone`,
    differ: (/** @type {Named} */ strong, /** @type {Named} */ wide, /** @type {string} */ before) =>
      `Share and effect disagree: attention’s share is ${strong.share} in ${strong.name} and ${wide.share} in ` +
      `${wide.name}, but cutting it takes the probability from ${before} to ${strong.after} in ${strong.cut} and to ` +
      `${wide.after} in ${wide.cut}.`,
    amount: "A share says how much there is, not whether the answer needs it.",
    raises: (/** @type {string[]} */ cuts) =>
      `The cut in ${cuts.join(" and in ")} raises the probability: what attention brings there works against this ` +
      "token. A share does not say so.",
  },
};

/** @type {typeof en} */
const zh = {
  cuts: {
    title: "切断",
    remove: (name) => `撤销：${name}`,
    removeAll: "全部撤销",
    dropped: "这些切断已移除，因为它们属于之前的提示或模型：",
    none: "还没有",
    note: "条形是切断之后的结果，后面的浅色条形是切断之前的。带子和提前读出的概率仍是没有切断时的。",
    leadsNow: "条形中的最后一个词元在切断后才领先，不能选它。",
    scaled: "切断的带子权重为 0。同一行的其他权重重新归一化：按比例放大，直到总和又是 1。结果与遮住来源词元相同。",
    replaced: ({ layer, token, before, after, afterAll }) =>
      `于是从其他词元取得更多。在这里，这比切断第 ${layer} 块的全部注意力影响更大，后者没有东西来补上：` +
      `${token} 的概率从 ${before} 变为 ${after}，而那样切断只变为 ${afterAll}。`,
    noteWithout: "这里的条形和带子都是没有切断时的。",
    notKept: "本页没有保存这些切断在这个词元处的结果。",
  },
  lesson: {
    none: "这里注意力的份额和效果一致：份额较大的块，切断的效果不会较小（1 个百分点以内）。",
    still: "这里，切断哪一块的注意力都不会使概率改变 1 个百分点。",
    alone: (layer) => `只切第 ${layer} 块`,
    differ: (strong, wide, before) =>
      `份额和效果不一致：注意力的份额在${strong.name}是 ${strong.share}，在${wide.name}是 ${wide.share}；但切断后，概率从 ${before} 变为：` +
      `${strong.cut} ${strong.after}，${wide.cut} ${wide.after}。`,
    amount: "份额说明有多少，不说明答案是否需要它。",
    raises: (cuts) => `${cuts.join("和")}的切断提高了概率：那里的注意力带来的内容不利于这个词元。份额看不出这一点。`,
  },
};

export const cutCatalogue = { en, zh };
