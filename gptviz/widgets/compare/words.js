// @ts-check
/** The words of the comparison view, in each language. */

import { logitRefusals } from "../shared/logit_refusals.js";
import { reads } from "../shared/reads_words.js";
import { addRefusals } from "../shared/words.js";

const en = {
  reads: reads.en,
  linked:
    "Both sides show the same layer and head. Each side starts at its own last token. " +
    "A cell chosen on one side is shown on both, at the same positions.",
  opened:
    "At first both sides show the head with the largest weight from the left text’s last token to another token; " +
    "the first token does not count.",
  apart: "The models differ in their layers and heads, so each side shows its own.",
  next: "The next token, by each side’s own probabilities",
  nextHint: "One row for each token among the ten likeliest on either side. Bold: the likeliest token of that side.",
  token: "next token",
  order: "order by this side",
  orderHint: "The likeliest token of this side comes first. Click again for the order by the larger of both.",
  others: "all other tokens",
  unknown: "not in the vocabulary",
  benches: "A sampling bench for each side",
  entropy: "entropy",
  choices: "effective choices",
  bits: (/** @type {string} */ bits) => `${bits} bits`,
};

/** @typedef {typeof en} Words */

/** @type {Words} */
const zh = {
  reads: reads.zh,
  linked: "两边显示同一层、同一个头。起初各看自己的最后一个词元。在一边选中一格，两边都显示同一位置的格。",
  opened: "起初两边都显示这样一个头：左边文字的最后一个词元给别的词元的权重，在这个头里最大；首词元不计。",
  apart: "两个模型的层数和头数不同，因此各显示各的。",
  next: "下一个词元，按每一边自己的概率",
  nextHint: "任何一边的前十名都有一行。粗体：那一边最可能的词元。",
  token: "下一个词元",
  order: "按这一边排序",
  orderHint: "这一边最可能的词元排在最前。再点一次，按两边中较大的概率排序。",
  others: "其余全部词元",
  unknown: "词表中没有",
  benches: "每一边一个采样台",
  entropy: "熵",
  choices: "有效选择数",
  bits: (bits) => `${bits} 比特`,
};

addRefusals(logitRefusals);

export const catalogue = { en, zh };
