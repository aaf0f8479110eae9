// @ts-check
/** The words of the comparison view, in each language. */
const en = {
  reads: (/** @type {string} */ model, /** @type {number} */ tokens) =>
    `${model} reads ${tokens} ${tokens === 1 ? "token" : "tokens"}`,
  linked:
    "Both show the same layer and head, at first each from its own last token. A cell that is chosen in one is shown in both, by its positions.",
  apart: "The models have different layers and heads: each shows its own.",
  next: "The next token, by each side’s own probabilities",
  nextHint:
    "A row for every token that is among the ten likeliest on one side or the other; the likeliest of a side is bold.",
  token: "next token",
  others: "all others",
  unknown: "not in its vocabulary",
  benches: "Each next token on a bench of its own",
  entropy: "entropy",
  choices: "effective choices",
  bits: (/** @type {string} */ bits) => `${bits} bits`,
};

/** @typedef {typeof en} Words */

/** @type {Words} */
const zh = {
  reads: (model, tokens) => `${model} 读入 ${tokens} 个词元`,
  linked: "两边显示同一层、同一个头，起初各看自己的最后一个词元。在一边选中一格，两边都按其位置显示。",
  apart: "两个模型的层数和头数不同：各看各的。",
  next: "下一个词元，按每一边自己的概率",
  nextHint: "任何一边的前十名都有一行；每一边最可能的词元为粗体。",
  token: "下一个词元",
  others: "其余全部",
  unknown: "词表中没有",
  benches: "下一个词元各自在自己的采样台上",
  entropy: "熵",
  choices: "有效选择数",
  bits: (bits) => `${bits} 比特`,
};

export const catalogue = { en, zh };
