// @ts-check
/** The words of the guessing game, in each language. */

import { logitRefusals } from "../widgets/shared/logit_refusals.js";
import { promptRefusals } from "../widgets/shared/prompt_refusals.js";
import { addRefusals } from "../widgets/shared/words.js";

const en = {
  count: (/** @type {number} */ at, /** @type {number} */ all) => `Guess the next word: opening ${at} of ${all}`,
  field: "a word that could come next",
  add: "add",
  guessed: "guessed words",
  remove: (/** @type {string} */ word) => `remove ${word}`,
  reveal: "ask the model",
  next: "go to the next opening",
  yours: "Your words, with the model’s probability of each",
  likeliest: "The model’s likeliest tokens",
  becomes: "→ The word that a piece most likely becomes, if the likeliest token follows each time.",
};

/** @typedef {typeof en} Words */

/** @type {Words} */
const zh = {
  count: (at, all) => `猜下一个词：第 ${at} 个开头，共 ${all} 个`,
  field: "可能接在后面的词",
  add: "加入",
  guessed: "猜过的词",
  remove: (word) => `去掉 ${word}`,
  reveal: "问模型",
  next: "到下一个开头",
  yours: "你们的词，以及模型给每个词的概率",
  likeliest: "模型认为最可能的词元",
  becomes: "→ 若每次都接最可能的词元，这一片最可能成为的词。",
};

addRefusals(promptRefusals);
addRefusals(logitRefusals);

export const catalogue = { en, zh };
