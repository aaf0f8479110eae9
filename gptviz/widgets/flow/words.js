// @ts-check
/** The words of the flow view, in each language. */

import { attentionRefusals } from "../shared/attention_refusals.js";
import { logitRefusals } from "../shared/logit_refusals.js";
import { grouped } from "../shared/numbers.js";
import { partRefusals } from "../shared/part_refusals.js";
import { addRefusals } from "../shared/words.js";
import { playCatalogue } from "./play_words.js";

/**
 * A column with its share, the block of it that is cut, and the probability after this cut.
 * @typedef {{name: string, cut: string, share: string, after: string}} Named
 */

const en = {
  tokens: "prompt: point at a token to follow it, click to choose it",
  picture: (/** @type {string} */ token) =>
    `The credit for ${token}, from the embedding at the left to the last block at the right. ` +
    "The table below has its numbers, and the list its ribbons.",
  pictureWeights: (/** @type {string} */ token) =>
    `The attention weights of ${token}, block by block from left to right. ` +
    "The table below has its numbers, and the list its ribbons.",
  stage: "the picture; arrow keys up and down follow another token",
  reaches: "Where the stream of",
  reachesEnd: "after the last block comes from. A width is a share, not a cause: only a cut shows what matters.",
  reachesWeights: "Where the attention of",
  reachesWeightsEnd: "goes, block by block.",
  legend: {
    stream: "stream: straight",
    attention: "attention: curved",
    mlp: "MLP: a part of the band",
    cut: "cut",
    read:
      "Widths are credit: how much of what the followed token holds after the last block comes through here, by the lengths " +
      "of the vectors. It is the same for every next token, and is computed backward, from right to left. What points " +
      "against the sum has a share of 0, and may still matter. In the table a share is of what stands in the followed token " +
      "after that step of the block; so the shares of different blocks do not add up. Attention copies: what a ribbon takes " +
      "along also stays where it was. A short hook comes from the first token, which has a lane of its own; a dotted one is many ribbons " +
      "thinner than a pixel.",
    weights:
      "Widths are attention weights, averaged over the heads of a block. They say where a token looks, not what that " +
      "changes.",
  },
  pooled: (/** @type {number} */ layers, /** @type {number} */ columns) =>
    `${layers} blocks in ${columns} columns: the shares of the blocks in a column are multiplied, so that sums stay exact.`,
  pooledWeights: (/** @type {number} */ layers, /** @type {number} */ columns) =>
    `${layers} blocks in ${columns} columns: the weights of the blocks in a column are averaged.`,
  window: (/** @type {number} */ drawn, /** @type {number} */ earlier) =>
    `The last ${grouped(drawn)} tokens are drawn. Credit that reaches one of the ${grouped(earlier)} earlier tokens is ` +
    "summed there and not followed further back.",
  earlier: (/** @type {number} */ count) => `${grouped(count)} earlier tokens`,
  block: (/** @type {number} */ first, /** @type {number} */ last) =>
    first === last ? `block ${first}` : `blocks ${first}–${last}`,
  open: (/** @type {string} */ block) => `${block}: show its heads and their ribbons here, or hide them (Escape)`,
  head: {
    open: "open",
    close: "close",
    openName: (/** @type {string} */ head) => `${head}: open its map and its arithmetic under the picture`,
    closeName: (/** @type {string} */ head) => `${head}: close it (Escape)`,
    cut: "cut",
    restore: "take back",
    panel: (/** @type {string} */ head) => `${head}, opened from the picture`,
    back: "back to the picture (Escape)",
    follows: "The picture above now follows",
    again: "follow again:",
    noNeurons: "This page does not keep the strongest neurons of the MLP at this token.",
    noHeads: "This page does not keep what the heads and the MLP do at this token.",
    through: (/** @type {string} */ head, /** @type {string} */ share) =>
      `${head}: ${share} of the credit comes through it.`,
  },
  neurons: (/** @type {string} */ list) => `The MLP’s neurons that add most, with the length of what they add: ${list}`,
  parts: "attention, then MLP",
  ends: "credit at the embedding",
  sideBySide: "attention and MLP side by side",
  weightsAt: "largest weight of all blocks",
  resting: "resting place",
  openLane: (/** @type {string} */ token) => `Give ${token} a whole row`,
  closeLane: "thin lane",
  small: (/** @type {number} */ count) => `${grouped(count)} more`,
  unfoldHint: (/** @type {string} */ most, /** @type {string} */ names) =>
    `Click to give each a row. Together they have at most ${most} at any depth: ${names}`,
  fold: "fold again",
  later: (/** @type {number} */ count) => `${grouped(count)} later · to the last`,
  laterHint: "Nothing goes from later tokens to this one. Click to follow the last token.",
  table: {
    caption: "What each block adds to the followed token",
    attention: "share of attention in",
    weights: "largest weight of",
    cutAttention: "attention into",
    mlp: "share of the MLP in",
    cutMlp: "MLP of",
    cutHere: "cut here: probability of",
    thin: "ribbons thinner than a pixel",
    thinCount: (/** @type {number} */ count, /** @type {string} */ share) => `${grouped(count)}, ${share} together`,
    none: "none",
    never: "not cut",
    neverWhy: "this block has no such part, or one that cannot be cut",
    notHeld: "not kept",
    notHeldWhy: "this saved file does not keep the attention of this block",
    strongest: (/** @type {number} */ layer) => `block ${layer}:`,
    cut: (/** @type {string} */ name) => `cut: ${name}`,
    restore: (/** @type {string} */ name) => `take the cut back: ${name}`,
  },
  effect: (/** @type {string} */ before, /** @type {string} */ after) => `${before} → ${after}`,
  effectsNotKept: "This page does not keep what cuts do at this token.",
  part: {
    attention: (/** @type {number} */ layer, /** @type {string} */ token) => `block ${layer}, attention into ${token}`,
    mlp: (/** @type {number} */ layer, /** @type {string} */ token) => `block ${layer}, MLP of ${token}`,
    mlpEverywhere: (/** @type {number} */ layer) => `block ${layer}, MLP`,
    head: (/** @type {number} */ layer, /** @type {number} */ head) => `L${layer} · H${head}`,
    heads: (/** @type {string} */ block, /** @type {number} */ count) => `${block}, ${count} of its heads`,
    key: (/** @type {number} */ layer, /** @type {string} */ source, /** @type {string} */ target) =>
      `block ${layer}, ${source} → ${target}`,
    headKey: (/** @type {string} */ head, /** @type {string} */ source, /** @type {string} */ target) =>
      `${head}, ${source} → ${target}`,
  },
  lesson: {
    none:
      "Here attention’s share and effect agree: a block with a larger share never has a smaller effect when it is cut " +
      "(within 1 percentage point).",
    still: "Here no cut of attention changes the probability by 1 percentage point.",
    alone: (/** @type {number} */ layer) => `block ${layer} alone`,
    differ: (/** @type {Named} */ strong, /** @type {Named} */ wide, /** @type {string} */ before) =>
      `Share and effect disagree: attention’s share is ${strong.share} in ${strong.name} and ${wide.share} in ` +
      `${wide.name}, but cutting it takes the probability from ${before} to ${strong.after} in ${strong.cut} and to ` +
      `${wide.after} in ${wide.cut}. A share says how much there is, not whether the answer needs it.`,
  },
  lens: {
    title: "read early with the last layer’s reader",
    probabilityOf: "probability of",
    tied:
      "Depth 0 is hatched: this model uses one table for two steps (tied weights). It takes the vectors of tokens from " +
      "this table, and reads the next token with it. So at depth 0 it reads the token itself.",
    depth: (/** @type {number} */ depth, /** @type {string} */ share) => `depth ${depth}: ${share}`,
    notKept: "This page does not keep what is read early at this token.",
  },
  next: "next token after",
  nextHint: "click one to follow it",
  nextNotKept: "this page keeps nothing more about them at this token",
  others: (/** @type {number} */ count) => `${grouped(count)} others`,
  nowLeads: "leads only after the cuts; it cannot be followed",
  before: "behind: before the cuts",
  cuts: {
    title: "Cuts",
    remove: (/** @type {string} */ name) => `take back: ${name}`,
    removeAll: "take all back",
    dropped: "Removed, because they belong to the previous prompt or model:",
    note:
      "The bars show the pass with these cuts. The ribbons and the probabilities that are read early still show the pass " +
      "without cuts.",
    scaled:
      "A cut ribbon has weight 0. The other weights of its row are renormalised: they are scaled up until they sum to 1 " +
      "again. The result is the same as if the ribbon’s source token were masked.",
    noteWithout: "Here the bars and the ribbons still show the pass without cuts.",
    notKept: "This page does not keep what these cuts do at this token.",
  },
  hover: {
    ribbon: (/** @type {string} */ block, /** @type {string} */ source, /** @type {string} */ target) =>
      `${block}, attention from ${source} to ${target}:`,
    bundle: (/** @type {string} */ block, /** @type {number} */ count, /** @type {string} */ target) =>
      `${block}, ${grouped(count)} thin ribbons into ${target} together:`,
    stream: (/** @type {string} */ block, /** @type {string} */ token) => `${block}, the stream of ${token}:`,
    bias: (/** @type {string} */ block, /** @type {string} */ token) => `${block}, the bias of attention in ${token}:`,
    after: (/** @type {string} */ block, /** @type {string} */ token) => `${block}, ${token} after attention:`,
    mlp: (/** @type {string} */ block, /** @type {string} */ token) => `${block}, the MLP of ${token}:`,
    ofCredit: "of the credit",
    ofWeight: "attention weight",
    click: "click to cut it",
    clickRibbon: "click to cut it and renormalise its row",
    restore: "click to take the cut back",
    notKept: "this page does not keep what its cut does",
    compute: "click to see how this weight is computed",
    notComputed: "this page does not keep how this weight is computed",
    idle: "Point at a ribbon or a band for its number; click a ribbon or an MLP to cut it.",
    pooled: "several blocks together: a click cannot cut them, but the table below can cut one block",
    idleSaved: "Point at a ribbon or a band for its number.",
    idlePooled:
      "A click cuts a ribbon or an MLP only in a column of one block; the table below cuts one block of each column.",
    idleRibbons: "Point at a ribbon for its number; click it to cut it.",
    idleWeights: "Point at a ribbon for its number.",
    idleExported:
      "This page has no kernel: one block’s attention or MLP can be cut, at the token that was followed when it was saved.",
    idleOpen:
      "In the open block each head has its own ribbons: point at one for its number, click it for its arithmetic.",
  },
  list: {
    title: "The ribbons as a list",
    ribbon: "ribbon",
    share: "share",
    cut: "cut",
    restore: "take back",
    open: "how it is computed",
    left: (/** @type {number} */ count) => `${grouped(count)} smaller ones are left out.`,
  },
  byLength: (/** @type {number} */ count) =>
    `In ${count === 1 ? "one sum" : `${grouped(count)} sums`}, no part comes closer to the sum than zeros do. ` +
    "There, a part’s share is its length divided by the lengths of all parts.",
  weightsBecause: "Attention weights are drawn in place of credit:",
  play: playCatalogue.en,
};

/** @typedef {typeof en} Words */

/** @type {Words} */
const zh = {
  tokens: "提示：指向一个词元就跟踪它，点击则选定它",
  picture: (token) => `${token} 的贡献来源：左边是嵌入，右边是最后一块。下面的表列出数值，清单列出各条带子。`,
  pictureWeights: (token) => `${token} 的注意力权重，从左到右逐块显示。下面的表列出数值，清单列出各条带子。`,
  stage: "图：上下方向键跟踪另一个词元",
  reaches: "最后一块之后，",
  reachesEnd: "处的残差流来自哪里。宽度是份额，不是原因：只有切断才看得出什么重要。",
  reachesWeights: "逐块看，",
  reachesWeightsEnd: "的注意力看向哪里。",
  legend: {
    stream: "残差流：直的",
    attention: "注意力：弯的",
    mlp: "MLP：带子的一段",
    cut: "切断",
    read:
      "宽度是贡献：所跟踪的词元在最后一块之后的内容有多少经过这里，按向量的长度计。它对每个下一词元都一样，是倒着算的，从右往左。" +
      "与总和方向相反的部分，份额为 0，但仍可能重要。表中的份额，是这一块的这一步之后所跟踪词元处内容的份额，所以各块的份额不能相加。注意力是复制：带子带走的内容，原处也还在。" +
      "短钩来自单独成条的第一个词元；虚线是许多细于一个像素的带子。",
    weights: "宽度是注意力权重，对一块的各个头取平均。它们说明词元看向哪里，不说明这改变了什么。",
  },
  pooled: (layers, columns) => `${layers} 块合并为 ${columns} 列：同一列各块的份额相乘，所以总和仍然精确。`,
  pooledWeights: (layers, columns) => `${layers} 块合并为 ${columns} 列：同一列各块的权重取平均。`,
  window: (drawn, earlier) =>
    `只画最后 ${grouped(drawn)} 个词元。到达更早 ${grouped(earlier)} 个词元的贡献在那里相加，不再往前追踪。`,
  earlier: (count) => `更早的 ${grouped(count)} 个词元`,
  block: (first, last) => (first === last ? `第 ${first} 块` : `第 ${first}–${last} 块`),
  open: (block) => `${block}：在此显示它的头和各头的带子，或收起（Escape）`,
  head: {
    open: "打开",
    close: "关闭",
    openName: (head) => `${head}：在图下打开它的图和算式`,
    closeName: (head) => `${head}：关闭（Escape）`,
    cut: "切断",
    restore: "撤销",
    panel: (head) => `从图中打开的 ${head}`,
    back: "回到图（Escape）",
    follows: "上面的图现在跟踪",
    again: "重新跟踪：",
    noNeurons: "本页没有保存 MLP 在这个词元处最强的神经元。",
    noHeads: "本页没有保存各个头和 MLP 在这个词元处做了什么。",
    through: (head, share) => `${head}：有 ${share} 的贡献经过它。`,
  },
  neurons: (list) => `MLP 中加入最多的神经元，以及所加向量的长度：${list}`,
  parts: "先注意力，后 MLP",
  ends: "嵌入处的贡献",
  sideBySide: "注意力和 MLP 并行",
  weightsAt: "各块中最大的权重",
  resting: "停放处",
  openLane: (token) => `给 ${token} 一整行`,
  closeLane: "收成细条",
  small: (count) => `另外 ${grouped(count)} 个`,
  unfoldHint: (most, names) => `点击后各占一行。它们在任何深度合计不超过 ${most}：${names}`,
  fold: "重新折叠",
  later: (count) => `后面 ${grouped(count)} 个 · 到最后`,
  laterHint: "后面的词元影响不到这一个。点击就跟踪最后一个词元。",
  table: {
    caption: "每一块给所跟踪的词元加了什么",
    attention: "注意力的份额：",
    weights: "最大权重：",
    cutAttention: "进入的注意力：",
    mlp: "MLP 的份额：",
    cutMlp: "MLP：",
    cutHere: "在此切断后的概率：",
    thin: "细于一个像素的带子",
    thinCount: (count, share) => `${grouped(count)} 条，合计 ${share}`,
    none: "没有",
    never: "未切断",
    neverWhy: "这一块没有这个部分，或不能切断它",
    notHeld: "未保存",
    notHeldWhy: "这个文件没有保存这一块的注意力",
    strongest: (layer) => `第 ${layer} 块：`,
    cut: (name) => `切断：${name}`,
    restore: (name) => `撤销切断：${name}`,
  },
  effect: (before, after) => `${before} → ${after}`,
  effectsNotKept: "本页没有保存在这个词元处切断的结果。",
  part: {
    attention: (layer, token) => `第 ${layer} 块，进入 ${token} 的注意力`,
    mlp: (layer, token) => `第 ${layer} 块，${token} 的 MLP`,
    mlpEverywhere: (layer) => `第 ${layer} 块，MLP`,
    head: (layer, head) => `L${layer} · H${head}`,
    heads: (block, count) => `${block}，其中 ${count} 个头`,
    key: (layer, source, target) => `第 ${layer} 块，${source} → ${target}`,
    headKey: (head, source, target) => `${head}，${source} → ${target}`,
  },
  lesson: {
    none: "这里注意力的份额和效果一致：份额较大的块，切断的效果不会较小（1 个百分点以内）。",
    still: "这里，切断哪一块的注意力都不会使概率改变 1 个百分点。",
    alone: (layer) => `只切第 ${layer} 块`,
    differ: (strong, wide, before) =>
      `份额和效果不一致：注意力的份额在${strong.name}是 ${strong.share}，在${wide.name}是 ${wide.share}；但切断后，概率从 ${before} 变为：${strong.cut} ${strong.after}，${wide.cut} ${wide.after}。份额说明有多少，不说明答案是否需要它。`,
  },
  lens: {
    title: "用最后一层的读法提前读出",
    probabilityOf: "概率：",
    tied: "深度 0 画阴影：这个模型取词元的向量和读下一个词元，用的是同一张表（权重共享）。所以在深度 0 读出的就是那个词元自己。",
    depth: (depth, share) => `深度 ${depth}：${share}`,
    notKept: "本页没有保存在这个词元处提前读出的结果。",
  },
  next: "下一个词元，在此之后：",
  nextHint: "点一个就跟踪它",
  nextNotKept: "在这个词元处，本页没有保存它们的更多结果",
  others: (count) => `其余 ${grouped(count)} 个`,
  nowLeads: "切断后才领先，不能跟踪",
  before: "后面：切断之前",
  cuts: {
    title: "切断",
    remove: (name) => `撤销：${name}`,
    removeAll: "全部撤销",
    dropped: "已移除，因为它们属于之前的提示或模型：",
    note: "条形是切断之后的结果。带子和提前读出的概率仍是没有切断时的。",
    scaled: "切断的带子权重为 0。同一行的其他权重重新归一化：按比例放大，直到总和又是 1。结果与遮住来源词元相同。",
    noteWithout: "这里的条形和带子都是没有切断时的。",
    notKept: "本页没有保存这些切断在这个词元处的结果。",
  },
  hover: {
    ribbon: (block, source, target) => `${block}，从 ${source} 到 ${target} 的注意力：`,
    bundle: (block, count, target) => `${block}，进入 ${target} 的 ${grouped(count)} 条细带子，合计：`,
    stream: (block, token) => `${block}，${token} 的残差流：`,
    bias: (block, token) => `${block}，${token} 处注意力的偏置：`,
    after: (block, token) => `${block}，注意力之后的 ${token}：`,
    mlp: (block, token) => `${block}，${token} 的 MLP：`,
    ofCredit: "的贡献",
    ofWeight: "注意力权重",
    click: "点击切断",
    clickRibbon: "点击切断并重新归一化这一行",
    restore: "点击撤销切断",
    notKept: "本页没有保存切断它的结果",
    compute: "点击查看这个权重怎么算出来",
    notComputed: "本页没有保存这个权重的算式",
    idle: "指向带子可看数值；点带子或 MLP 就切断它。",
    pooled: "几块合在一起：点击不能切断，但下面的表可切断其中一块",
    idleSaved: "指向带子可看数值。",
    idlePooled: "只有单独一块的列，点带子或 MLP 才能切断；下面的表可切断每列中的一块。",
    idleRibbons: "指向带子可看数值；点击就切断它。",
    idleWeights: "指向带子可看数值。",
    idleExported: "本页没有内核：只能在存页时所跟踪的词元处，切断一块的注意力或 MLP。",
    idleOpen: "打开的块里每个头有自己的带子：指向可看数值，点击可看算式。",
  },
  list: {
    title: "各条带子的清单",
    ribbon: "带子",
    share: "份额",
    cut: "切断",
    restore: "撤销",
    open: "怎么算出来",
    left: (count) => `更小的 ${grouped(count)} 条未列出。`,
  },
  byLength: (count) =>
    `有 ${grouped(count)} 个和，没有一个部分比零向量更接近它。那里每个部分的份额，是它的长度除以各部分长度之和。`,
  weightsBecause: "这里画的是注意力权重，不是贡献：",
  play: playCatalogue.zh,
};

addRefusals(logitRefusals);
addRefusals(attentionRefusals);
addRefusals(partRefusals);
addRefusals({
  en: {
    other_rotations: (/** @type {{count: number}} */ { count }) =>
      "Expected a text whose rows keep their numbers when a token is added. " +
      `Got ${grouped(count)} tokens, the longest text that this model reads with the same rotations. Take a shorter text.`,
  },
  zh: {
    other_rotations: (/** @type {{count: number}} */ { count }) =>
      `加一个词元后，前面各行的数应保持不变。这段文本有 ${grouped(count)} 个词元，已是这个模型以同样的旋转能读的最长文本。请用较短的文本。`,
  },
});

export const catalogue = { en, zh };
