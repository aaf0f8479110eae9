// @ts-check
/** The words of the question, in each language. */

import { attentionRefusals } from "../widgets/shared/attention_refusals.js";
import { logitRefusals } from "../widgets/shared/logit_refusals.js";
import { partRefusals } from "../widgets/shared/part_refusals.js";
import { promptRefusals } from "../widgets/shared/prompt_refusals.js";
import { addRefusals } from "../widgets/shared/words.js";

const en = {
  guess: "guess",
  thatOrder: "guess this order",
  thatHead: "answer with this head",
  reveal: "reveal",
  answer: "Your answer",
  earlier: "move up",
  later: "move down",
  opened: "Selected in the grid:",
  head: (/** @type {number} */ layer, /** @type {number} */ head) => `L${layer} · H${head}`,
  or: "or",
  wrong: "Not yet.",
  noted: "The answer comes here as soon as it is known.",
  yourGuess: "Your guess:",
  again: "Guess again, or reveal the answer.",
  higher: "The answer is higher.",
  lower: "The answer is lower.",
  right: "Right.",
  near: "Close enough.",
  revealed: "Answer, computed just now:",
  exported: "Answer, computed when this page was made:",
  published: (/** @type {string} */ where) => `Answer, from ${where}:`,
  close:
    "For this prompt two answers are almost tied, or the question does not fit it. " +
    "Guessing would be luck: try another prompt.",
  closeWithoutBox:
    "With this model two answers are almost tied, or the question does not fit it. Guessing would be luck: go on " +
    "reading.",
  other: (/** @type {string} */ prompt) => `try “${prompt}”`,
  failed: "This question could not be computed:",
  empty: "Type a number first.",
  tally: "In a class: hands raised",
  hands: (/** @type {string} */ choice) => `hands raised for ${choice}`,
  ofClass: (/** @type {number} */ hands, /** @type {number} */ all) => `${hands} of ${all}`,
  progress: (/** @type {number} */ answered, /** @type {number} */ all) => `${answered} of ${all} questions answered`,
  notHere: "This page cannot judge a guess of this kind; the notebook can. Here is the answer.",
};

/** @typedef {typeof en} Words */

/** @type {Words} */
const zh = {
  guess: "猜",
  thatOrder: "猜这个顺序",
  thatHead: "用这个头作答",
  reveal: "揭晓",
  answer: "你的答案",
  earlier: "上移",
  later: "下移",
  opened: "网格中选中的头：",
  head: (layer, head) => `L${layer} · H${head}`,
  or: "或",
  wrong: "还不对。",
  noted: "答案一旦得出就会显示在这里。",
  yourGuess: "你猜的是：",
  again: "再猜一次，或揭晓答案。",
  higher: "答案比这个大。",
  lower: "答案比这个小。",
  right: "对了。",
  near: "足够接近。",
  revealed: "答案（刚刚算出）：",
  exported: "答案（制作本页时算出）：",
  published: (where) => `答案（出自 ${where}）：`,
  close: "对这个提示，有两个答案几乎一样，或者这个问题不适用。猜对也只是运气：请换一个提示。",
  closeWithoutBox: "对这个模型，有两个答案几乎一样，或者这个问题不适用。猜对也只是运气：请继续往下读。",
  other: (prompt) => `试试“${prompt}”`,
  failed: "这个问题没能算出来：",
  empty: "请先输入一个数。",
  tally: "在课堂上：举手人数",
  hands: (choice) => `选“${choice}”的举手人数`,
  ofClass: (hands, all) => `${all} 人中 ${hands} 人`,
  progress: (answered, all) => `${all} 个问题中已回答 ${answered} 个`,
  notHere: "此页面无法判断这类猜测，要在笔记本中判断。答案如下。",
};

addRefusals(promptRefusals);
addRefusals(logitRefusals);
addRefusals(attentionRefusals);
addRefusals(partRefusals);

export const catalogue = { en, zh };
