// @ts-check
/** The words of the block view, in each language. */

import { attentionRefusals } from "../shared/attention_refusals.js";
import { logitRefusals } from "../shared/logit_refusals.js";
import { grouped } from "../shared/numbers.js";
import { partRefusals } from "../shared/part_refusals.js";
import { addRefusals } from "../shared/words.js";

const en = {
  heading: (/** @type {number} */ layer) => `Block ${layer}`,
  blocks: "Choose a block",
  tokens: "Choose the token to follow through the block",
  path: "One token’s path through the block",
  length: "length",
  share: "to the logit",
  stream: { in: "stream in", middle: "stream + attention", out: "stream out" },
  norm: { attention: "normalised, for attention", mlp: "normalised, for the MLP" },
  cross: {
    head: (/** @type {number} */ layer, /** @type {number} */ head) => `+ cross L${layer} · H${head}`,
    attention: "= cross attention output",
    middle: "stream + both",
    column: "cross attention",
    note:
      "These are the blocks of the decoder. Each has a second attention, to the source. The encoder’s stream and " +
      'parts can be read in Python: trace.residual(layer, stack="encoder").',
  },
  head: (/** @type {number} */ layer, /** @type {number} */ head) => `+ L${layer} · H${head}`,
  bias: "+ bias",
  attention: "= attention output",
  neuron: (/** @type {number} */ neuron, /** @type {string} */ activation) =>
    `+ neuron ${grouped(neuron)}, activation ${activation}`,
  others: (/** @type {number} */ neurons) => `+ ${grouped(neurons)} other neurons, bias`,
  mlp: "= MLP output",
  parallel: "In this model family the MLP reads the same stream as attention, not the stream after attention.",
  ledger: "The parts that add up to the logit",
  next: "explain the logit of",
  columns: ["", "attention", "MLP", "so far"],
  row: {
    token: "row of the token table",
    position: "row of the position table",
    embedding: "embedding",
    edit: "added by edits",
    norm_bias: "the final norm’s bias",
    unembedding_bias: "the unembedding’s bias",
    softcap: "change by the soft cap",
  },
  block: (/** @type {number} */ layer) => `block ${layer}`,
  sum: "sum: the logit",
  caption: (/** @type {string} */ share) =>
    "Direct contributions, with the final norm’s scale held fixed. " +
    "A logit is a score; only the differences between scores matter. " +
    `This token’s probability is ${share}.`,
  stripCaption:
    "A strip is a vector, a cell is a number: blue is negative, orange is positive. Each group has one scale. " +
    "Point at a cell to see its number.",
};

/** @typedef {typeof en} Words */

/** @type {Words} */
const zh = {
  heading: (layer) => `第 ${layer} 块`,
  blocks: "选一块",
  tokens: "选一个词元，看它穿过这一块",
  path: "一个词元穿过这一块的路径",
  length: "长度",
  share: "加到对数几率",
  stream: { in: "进入的残差流", middle: "残差流 + 注意力", out: "离开的残差流" },
  norm: { attention: "归一化后进入注意力", mlp: "归一化后进入 MLP" },
  cross: {
    head: (layer, head) => `+ 交叉 L${layer} · H${head}`,
    attention: "= 交叉注意力的输出",
    middle: "残差流 + 两种注意力",
    column: "交叉注意力",
    note: '这些是解码器的块，每块还有看向源文的第二个注意力。编码器的残差流和各部分可在 Python 中读取：trace.residual(layer, stack="encoder")。',
  },
  head: (layer, head) => `+ L${layer} · H${head}`,
  bias: "+ 偏置",
  attention: "= 注意力的输出",
  neuron: (neuron, activation) => `+ 神经元 ${grouped(neuron)}，激活值 ${activation}`,
  others: (neurons) => `+ 其余 ${grouped(neurons)} 个神经元及偏置`,
  mlp: "= MLP 的输出",
  parallel: "这类模型的 MLP 与注意力读取同一个残差流，而不是注意力之后的残差流。",
  ledger: "相加得到对数几率的各部分",
  next: "解释谁的对数几率",
  columns: ["", "注意力", "MLP", "累计"],
  row: {
    token: "词元表的一行",
    position: "位置表的一行",
    embedding: "嵌入",
    edit: "改动所加",
    norm_bias: "最后归一化的偏置",
    unembedding_bias: "解嵌入的偏置",
    softcap: "软截断带来的变化",
  },
  block: (layer) => `第 ${layer} 块`,
  sum: "总和：对数几率",
  caption: (share) =>
    `直接贡献，最后归一化的尺度保持不变。对数几率是一个分数：只有差值有意义。这个词元的概率为 ${share}。`,
  stripCaption: "一条是一个向量，一格是一个数：负为蓝，正为橙。每组用同一尺度。指向一格可见其数。",
};

addRefusals(logitRefusals);
addRefusals(attentionRefusals);
addRefusals(partRefusals);

export const catalogue = { en, zh };
