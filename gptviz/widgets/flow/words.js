// @ts-check
/** The words of the flow view, in each language. */

import { attentionRefusals } from "../shared/attention_refusals.js";
import { logitRefusals } from "../shared/logit_refusals.js";
import { grouped } from "../shared/numbers.js";
import { partRefusals } from "../shared/part_refusals.js";
import { addRefusals } from "../shared/words.js";
import { cutCatalogue } from "./cut_words.js";
import { playCatalogue } from "./play_words.js";

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
    lane: "thin lane: the start mark, where a head looks if it finds nothing to take",
    cut: "hatched: not counted. A part that is cut, a later token in a head’s map, or what is read before block 0",
    read:
      "Widths are credit: how much of what the followed token holds after the last block comes through here, by the " +
      "lengths of the vectors. It is the same for every next token, and is computed backward, from right to left. A " +
      "part that works against the others has a share of 0, and may still matter. Each share in the table is a part " +
      "of what the followed token holds right after that step of the block. So shares of different blocks cannot be " +
      "added. Attention copies: what a ribbon takes along also stays where it was. A short hook comes from the first " +
      "token, which has a lane of its own. A dotted hook is many ribbons that are too thin to draw one by one.",
    weights:
      "Widths are attention weights, averaged over the heads of a block. They say where a token looks, not what that " +
      "changes.",
  },
  pooled: (/** @type {number} */ layers, /** @type {number} */ columns) =>
    `${layers} blocks in ${columns} columns: the shares of the blocks in a column are multiplied, so that sums stay ` +
    "exact. Click the name of a column to see its blocks one by one.",
  pooledWeights: (/** @type {number} */ layers, /** @type {number} */ columns) =>
    `${layers} blocks in ${columns} columns: the weights of the blocks in a column are averaged. ` +
    "Click the name of a column to see its blocks one by one.",
  window: (/** @type {number} */ drawn, /** @type {number} */ earlier) =>
    `The last ${grouped(drawn)} tokens are drawn. Credit that reaches one of the ${grouped(earlier)} earlier tokens ` +
    "is summed there and not followed further back.",
  earlier: (/** @type {number} */ count) => `${grouped(count)} earlier tokens`,
  block: (/** @type {number} */ first, /** @type {number} */ last) =>
    first === last ? `block ${first}` : `blocks ${first}–${last}`,
  unfoldBlocks: (/** @type {string} */ blocks) => `${blocks}: show them one by one here`,
  foldBlocks: (/** @type {string} */ blocks) => `put ${blocks} together again (Escape)`,
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
    hatched: "Hatched in a map: later tokens, which a token cannot see.",
    through: (/** @type {string} */ head, /** @type {string} */ share) =>
      `${head}: ${share} of the credit comes through it.`,
  },
  neurons: (/** @type {string} */ list) =>
    `The MLP’s neurons that add most, with the length of what they add: ${list}.`,
  parts: "attention, then MLP",
  across: "blocks →",
  ends: "share that comes from each token",
  sideBySide: "attention and MLP side by side",
  weightsAt: "largest weight of all blocks",
  resting: "resting place",
  restingHint: (/** @type {string} */ token) =>
    `The resting place is the row of ${token}, the mark at the start of the text. A head that finds nothing to take ` +
    "looks at this mark, so much attention rests there. A short hook is attention to it. Click to give it a whole row.",
  openLane: (/** @type {string} */ token) => `Give ${token} a whole row`,
  closeLane: (/** @type {string} */ token) => `Put ${token} back into its thin lane`,
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
    thin: "ribbons too thin to draw one by one",
    thinCount: (/** @type {number} */ count, /** @type {string} */ share) => `${grouped(count)} with ${share} in all`,
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
    position: (/** @type {number} */ position) => `position ${position}`,
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
  lesson: cutCatalogue.en.lesson,
  lens: {
    title: "read early with the last layer’s reader",
    probabilityOf: "probability of",
    means: "A bar is the prediction if the model ended there.",
    tied:
      "Hatched: this model takes the vectors of tokens from one table, and reads the next token with the same table " +
      "(tied weights). So before block 0 it reads the token itself.",
    depth: (/** @type {number} */ depth, /** @type {string} */ share) => `depth ${depth}: ${share}`,
    notKept: "This page does not keep what is read early at this token.",
  },
  next: "next token after",
  nextHint: "click one, and the numbers below are its probability",
  nextNotKept: "this page keeps nothing more about them at this token",
  others: (/** @type {number} */ count) => `${grouped(count)} others`,
  cuts: cutCatalogue.en.cuts,
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
    clickRibbon: "click to cut it; the other weights of its row are scaled up to sum to 1",
    restore: "click to take the cut back",
    notKept: "this page does not keep what its cut does",
    compute: "click to see how this weight is computed",
    notComputed: "this page does not keep how this weight is computed",
    idle: "Point at a ribbon or a band for its number; click a ribbon or an MLP to cut it.",
    pooled: "several blocks together: a click cannot cut them; click their name above to see them one by one",
    idleSaved: "Point at a ribbon or a band for its number.",
    idlePooled:
      "A click cuts a ribbon or an MLP only in a column of one block. Click the name of a column of several blocks " +
      "to see them one by one.",
    idleRibbons: "Point at a ribbon for its number; click it to cut it.",
    idleWeights: "Point at a ribbon for its number.",
    idleExported:
      "This page has no kernel: one block’s attention or MLP can be cut, at the token that was followed when it was " +
      "saved.",
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
    `In ${count === 1 ? "one sum" : `${grouped(count)} sums`}, a vector of zeros is as close to the sum as any part, ` +
    "or closer. There, a part’s share is its length divided by the sum of the lengths of all parts.",
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
    lane: "细条：开头标记，找不到要取的内容的头就看向它",
    cut: "斜线：不算数（切断的部分；头的图中后面的词元；第 0 块之前读出的概率）",
    read:
      "宽度是贡献：所跟踪的词元在最后一块之后的内容有多少经过这里，按向量的长度计。它对每个下一词元都一样，是倒着算的，从右往左。" +
      "与其他部分作用相反的部分，份额为 0，但仍可能重要。表中的每个份额，都是所跟踪的词元在这一块的这一步之后的内容的一部分。所以不同块的份额不能相加。注意力是复制：带子带走的内容，原处也还在。" +
      "短钩来自单独成条的第一个词元；虚线是许多太细、无法逐条画出的带子。",
    weights: "宽度是注意力权重，对一块的各个头取平均。它们说明词元看向哪里，不说明这改变了什么。",
  },
  pooled: (layers, columns) =>
    `${layers} 块合并为 ${columns} 列：同一列各块的份额相乘，所以总和仍然精确。点击列名可逐块查看。`,
  pooledWeights: (layers, columns) => `${layers} 块合并为 ${columns} 列：同一列各块的权重取平均。点击列名可逐块查看。`,
  window: (drawn, earlier) =>
    `只画最后 ${grouped(drawn)} 个词元。到达更早 ${grouped(earlier)} 个词元的贡献在那里相加，不再往前追踪。`,
  earlier: (count) => `更早的 ${grouped(count)} 个词元`,
  block: (first, last) => (first === last ? `第 ${first} 块` : `第 ${first}–${last} 块`),
  unfoldBlocks: (blocks) => `${blocks}：在此逐块显示`,
  foldBlocks: (blocks) => `把${blocks}合回一列（Escape）`,
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
    hatched: "图中的斜线：后面的词元，词元看不到它们。",
    through: (head, share) => `${head}：有 ${share} 的贡献经过它。`,
  },
  neurons: (list) => `MLP 中加入最多的神经元，以及所加向量的长度：${list}。`,
  parts: "先注意力，后 MLP",
  across: "各块 →",
  ends: "来自各词元的份额",
  sideBySide: "注意力和 MLP 并行",
  weightsAt: "各块中最大的权重",
  resting: "停放处",
  restingHint: (token) =>
    `停放处是文本开头标记 ${token} 的那一行。头找不到要取的内容时，就看向这个标记，所以很多注意力停在那里。短钩表示对它的注意力。点击给它一整行。`,
  openLane: (token) => `给 ${token} 一整行`,
  closeLane: (token) => `把 ${token} 收成细条`,
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
    thin: "太细、无法逐条画出的带子",
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
    position: (position) => `位置 ${position}`,
    attention: (layer, token) => `第 ${layer} 块，进入 ${token} 的注意力`,
    mlp: (layer, token) => `第 ${layer} 块，${token} 的 MLP`,
    mlpEverywhere: (layer) => `第 ${layer} 块，MLP`,
    head: (layer, head) => `L${layer} · H${head}`,
    heads: (block, count) => `${block}，其中 ${count} 个头`,
    key: (layer, source, target) => `第 ${layer} 块，${source} → ${target}`,
    headKey: (head, source, target) => `${head}，${source} → ${target}`,
  },
  lesson: cutCatalogue.zh.lesson,
  lens: {
    title: "用最后一层的读法提前读出",
    probabilityOf: "概率：",
    means: "条形是假如模型到此结束时的预测。",
    tied: "斜线：这个模型取词元的向量和读下一个词元，用的是同一张表（权重共享）。所以在第 0 块之前读出的就是那个词元自己。",
    depth: (depth, share) => `深度 ${depth}：${share}`,
    notKept: "本页没有保存在这个词元处提前读出的结果。",
  },
  next: "下一个词元，在此之后：",
  nextHint: "点一个，下面的数就是它的概率",
  nextNotKept: "在这个词元处，本页没有保存它们的更多结果",
  others: (count) => `其余 ${grouped(count)} 个`,
  cuts: cutCatalogue.zh.cuts,
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
    clickRibbon: "点击切断；这一行的其他权重按比例放大，总和仍为 1",
    restore: "点击撤销切断",
    notKept: "本页没有保存切断它的结果",
    compute: "点击查看这个权重怎么算出来",
    notComputed: "本页没有保存这个权重的算式",
    idle: "指向带子可看数值；点带子或 MLP 就切断它。",
    pooled: "几块合在一起：点击不能切断；点击上面的列名可逐块查看",
    idleSaved: "指向带子可看数值。",
    idlePooled: "只有单独一块的列，点带子或 MLP 才能切断。点击几块合成的列名，可逐块查看。",
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
      `Got ${grouped(count)} tokens, the longest text that this model reads with the same rotations. Take a shorter ` +
      "text.",
  },
  zh: {
    other_rotations: (/** @type {{count: number}} */ { count }) =>
      `加一个词元后，前面各行的数应保持不变。这段文本有 ${grouped(count)} 个词元，已是这个模型以同样的旋转能读的最长文本。请用较短的文本。`,
  },
});

export const catalogue = { en, zh };
