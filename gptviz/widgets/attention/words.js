// @ts-check
/** The words of the attention view, in each language. */

import { attentionRefusals } from "../shared/attention_refusals.js";
import { logitRefusals } from "../shared/logit_refusals.js";
import { addRefusals } from "../shared/words.js";

const en = {
  heads: "All heads",
  counted: (/** @type {number} */ layer, /** @type {number} */ head) => `block ${layer}, head ${head}, counted from 0`,
  axes: "Each square is one head; click a square to open it. Rows are blocks, columns are heads",
  absent: "not in the file of this trace",
  hatched: (/** @type {string} */ reason) => `a fully hatched square: ${reason}`,
  pooled: (/** @type {number} */ tokens, /** @type {number} */ side) =>
    `pooled from ${tokens} to ${side} cells a side: each cell shows the largest weight of its group`,
  pooledScores: (/** @type {number} */ tokens, /** @type {number} */ side) =>
    `pooled from ${tokens} to ${side} cells a side: each cell shows the score of its group that is farthest from 0`,
  caption: "Each row is a token looking (query); each column is a token looked at (key).",
  captionCross:
    "Each row is a token of the target looking (query); each column is a token of the source looked at (key).",
  seesAll: "Nothing is hidden: every token sees the whole source.",
  onlyScores: "These are scores, not weights.",
  hatching: "Hatched: what a token cannot see, mainly later tokens.",
  unmasked: "These are scores, not weights. The mask comes later, so later tokens have scores too.",
  masked: "These are scores, not weights. Hatched: −∞, where a token cannot look; softmax turns −∞ into 0.",
  sums: "Every row sums to 1.",
  sumsSink: "Every row sums to less than 1: a learned sink takes the rest.",
  sentence: "The text. The token chosen here is the one looking (query). Arrow keys move along the text.",
  looks: "looks at",
  blind: "cannot see",
  weight: "weight",
  first: "weight 0",
  last: "1",
  map: (/** @type {string} */ name) => `Attention map of ${name}. Arrow keys move between cells.`,
  largest: (/** @type {number} */ shown, /** @type {number} */ allowed) =>
    shown < allowed
      ? `the ${shown} largest of its ${allowed} weights`
      : `its ${allowed} ${allowed === 1 ? "weight" : "weights"}`,
  others: (/** @type {number} */ others) => `${others} ${others === 1 ? "other" : "others"}`,
  sum: "the row sums to",
  sumSink: (/** @type {string} */ total, /** @type {string} */ rest) =>
    `the row sums to ${total}; the sink takes the rest, ${rest}`,
  alone: "This token can look only at itself.",
  order: "order",
  orders: {
    layer: "by block and head",
    previous: "previous token",
    induction: "induction",
    first: "first token",
    same: "same token",
  },
  ranked: (/** @type {number} */ heads) => `All ${heads} heads, the highest score first.`,
  scored: "The score: how much attention goes where the role’s name says, measured on a random sequence written twice",
  nearer: "zoom in",
  farther: "zoom out",
  relative: "colours relative to each row’s largest weight",
  rowLargest: "the row’s largest",
  show: "Show in the cells:",
  stages: {
    raw: "q·k",
    scaled: "÷ √d",
    softcapped: "soft-capped",
    biased: "+ position bias",
    masked: "masked",
    weights: "softmax",
  },
  stage: (/** @type {string} */ stage, /** @type {string} */ score) => `${stage}: ${score}`,
  explain: "Step by step: how this weight is computed, and what the head adds to the stream",
  cell: "From two vectors to one weight",
  products: "products",
  sumIs: "sum",
  forbidden: "e to the power −∞",
  exponential: (/** @type {string} */ score, /** @type {string} */ largest) =>
    `e^(${score} − ${largest}): the row’s largest score is subtracted`,
  rowSum: (/** @type {string} */ sum) => `÷ ${sum}, the row’s sum`,
  rowSumSink: (/** @type {string} */ sum) => `÷ ${sum}, the row’s sum with the sink`,
  mix: "From the row’s weights to what the head adds",
  mixed: "sum: the mixed value",
  output: "× output matrix: what the head adds",
  stream: (/** @type {number} */ layer) => `stream entering block ${layer}`,
  arrival: (/** @type {string} */ added, /** @type {string} */ before) =>
    `The residual stream at this token has length ${before}; this head adds a vector of length ${added}.`,
};

/** @typedef {typeof en} Words */

/** @type {Words} */
const zh = {
  heads: "全部注意力头",
  counted: (layer, head) => `第 ${layer} 块第 ${head} 个头，从 0 数起`,
  axes: "每个方格是一个头，点一下就打开。行是块，列是头",
  absent: "不在这份轨迹的文件里",
  hatched: (reason) => `全是斜线的方格：${reason}`,
  pooled: (tokens, side) => `由 ${tokens} 格合并为每边 ${side} 格：每格显示所在组的最大权重`,
  pooledScores: (tokens, side) => `由 ${tokens} 格合并为每边 ${side} 格：每格显示所在组中离 0 最远的分数`,
  caption: "每行是一个在看的词元（查询），每列是一个被看的词元（键）。",
  captionCross: "每行是目标中一个在看的词元（查询），每列是源文中一个被看的词元（键）。",
  seesAll: "没有隐藏的部分：每个词元都看得到整个源文。",
  onlyScores: "这些是分数，不是权重。",
  hatching: "阴影线：词元看不到的部分，主要是它后面的词元。",
  unmasked: "这些是分数，不是权重。掩码在后面才起作用，所以后面的词元也有分数。",
  masked: "这些是分数，不是权重。阴影线：−∞，词元看不到的地方；softmax 把 −∞ 变成 0。",
  sums: "每行之和为 1。",
  sumsSink: "每行之和小于 1：其余由学到的汇点取走。",
  sentence: "文字。在这里选中的词元就是在看的那个（查询）。方向键沿文字移动。",
  looks: "看向",
  blind: "看不到",
  weight: "权重",
  first: "权重 0",
  last: "1",
  map: (name) => `${name} 的注意力图。方向键在格子间移动。`,
  largest: (shown, allowed) =>
    shown < allowed ? `它的 ${allowed} 个权重中最大的 ${shown} 个` : `它的 ${allowed} 个权重`,
  others: (others) => `其余 ${others} 个词元`,
  sum: "本行之和为",
  sumSink: (total, rest) => `本行之和为 ${total}；其余 ${rest} 由汇点取走`,
  alone: "这个词元只能看自己。",
  order: "排列",
  orders: { layer: "按块和头", previous: "前一个词元", induction: "归纳头", first: "第一个词元", same: "相同词元" },
  ranked: (heads) => `全部 ${heads} 个头，分数高的在前。`,
  scored: "分数：在同一段随机词元连写两遍的文字上，注意力落在该角色所指词元上的比例",
  nearer: "放大",
  farther: "缩小",
  relative: "颜色相对于每行的最大权重",
  rowLargest: "本行最大值",
  show: "格中显示：",
  stages: {
    raw: "q·k",
    scaled: "÷ √d",
    softcapped: "软截断",
    biased: "+ 位置偏置",
    masked: "掩码后",
    weights: "softmax",
  },
  stage: (stage, score) => `${stage}：${score}`,
  explain: "逐步来看：这个权重如何算出，这个头给残差流加上什么",
  cell: "从两个向量到一个权重",
  products: "逐项乘积",
  sumIs: "总和",
  forbidden: "e 的 −∞ 次方",
  exponential: (score, largest) => `e^(${score} − ${largest})：减去本行最大值`,
  rowSum: (sum) => `÷ ${sum}，本行之和`,
  rowSumSink: (sum) => `÷ ${sum}，本行与汇点之和`,
  mix: "从本行的权重到这个头所加的量",
  mixed: "总和：混合后的值",
  output: "× 输出矩阵：这个头所加的",
  stream: (layer) => `进入第 ${layer} 块的残差流`,
  arrival: (added, before) => `此词元处的残差流长度为 ${before}；这个头加上一个长度为 ${added} 的向量。`,
};

addRefusals(logitRefusals);
addRefusals(attentionRefusals);

export const catalogue = { en, zh };
