// @ts-check
/** The words of the block view, in each language. */
import { grouped } from "../shared/numbers.js";

const en = {
  heading: (/** @type {number} */ layer) => `Block ${layer}`,
  blocks: "Which block",
  tokens: "Whose way: click a token",
  way: "One token’s way through it",
  length: "length",
  share: "to the logit",
  stream: { in: "stream in", middle: "stream + attention", out: "stream out" },
  norm: { attention: "normalised, for attention", mlp: "normalised, for the MLP" },
  head: (/** @type {number} */ layer, /** @type {number} */ head) => `+ L${layer} · H${head}`,
  bias: "+ bias",
  attention: "= attention adds",
  neuron: (/** @type {number} */ neuron, /** @type {string} */ activation) =>
    `+ neuron ${grouped(neuron)}, at ${activation}`,
  others: (/** @type {number} */ neurons) => `+ ${grouped(neurons)} other neurons, bias`,
  mlp: "= the MLP adds",
  parallel: "In this family the MLP reads the stream beside attention, not after it.",
  ledger: "What adds up to the logit",
  next: "explain the score of",
  columns: ["", "attention", "MLP", "so far"],
  row: {
    token: "row of the token table",
    position: "row of the position table",
    embedding: "embedding",
    edit: "what edits added",
    norm_bias: "the final norm’s bias",
    unembedding_bias: "the unembedding’s bias",
    softcap: "the soft cap takes",
  },
  block: (/** @type {number} */ layer) => `block ${layer}`,
  sum: "sum: the logit",
  caption: (/** @type {string} */ share) =>
    `Direct contributions, the final norm’s scale kept as it is here: a score, of which only differences matter. Its probability is ${share}.`,
  stripCaption:
    "A strip is a vector, a cell a number: blue below nothing, orange above it; each group has one scale. Point at a cell for its number.",
};

/** @typedef {typeof en} Words */

/** @type {Words} */
const zh = {
  heading: (layer) => `第 ${layer} 块`,
  blocks: "哪一块",
  tokens: "看哪个词元：点一个",
  way: "一个词元如何穿过它",
  length: "长度",
  share: "对分数",
  stream: { in: "进入的残差流", middle: "残差流 + 注意力", out: "离开的残差流" },
  norm: { attention: "归一化后进入注意力", mlp: "归一化后进入 MLP" },
  head: (layer, head) => `+ L${layer} · H${head}`,
  bias: "+ 偏置",
  attention: "= 注意力所加",
  neuron: (neuron, activation) => `+ 神经元 ${grouped(neuron)}，值 ${activation}`,
  others: (neurons) => `+ 其余 ${grouped(neurons)} 个神经元及偏置`,
  mlp: "= MLP 所加",
  parallel: "这类模型的 MLP 与注意力并行读取残差流，而不是在其后。",
  ledger: "分数由什么相加而成",
  next: "解释谁的分数",
  columns: ["", "注意力", "MLP", "累计"],
  row: {
    token: "词元表的一行",
    position: "位置表的一行",
    embedding: "嵌入",
    edit: "干预所加",
    norm_bias: "最后归一化的偏置",
    unembedding_bias: "输出矩阵的偏置",
    softcap: "软截断减去",
  },
  block: (layer) => `第 ${layer} 块`,
  sum: "总和：对数几率",
  caption: (share) => `直接贡献，最后归一化的尺度固定为此处的值：一个分数，只有差值有意义。其概率为 ${share}。`,
  stripCaption: "一条是一个向量，一格是一个数：负为蓝，正为橙；每组同一尺度。指向一格可见其数。",
};

export const catalogue = { en, zh };
