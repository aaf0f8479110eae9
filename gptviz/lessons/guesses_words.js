// @ts-check
/** The words of the guessing game, in each language. */
const en = {
  count: (/** @type {number} */ at, /** @type {number} */ all) => `Guess the next word: opening ${at} of ${all}`,
  field: "a word that could come next",
  add: "add",
  said: "words that were said",
  remove: (/** @type {string} */ word) => `take ${word} away`,
  reveal: "what does the model say?",
  next: "next opening",
  yours: "Your words, as probable as the model holds them",
  likeliest: "The model’s own likeliest tokens",
};

/** @typedef {typeof en} Words */

/** @type {Words} */
const zh = {
  count: (at, all) => `猜下一个词：第 ${at} 个开头，共 ${all} 个`,
  field: "可能接在后面的词",
  add: "加入",
  said: "大家说的词",
  remove: (word) => `去掉 ${word}`,
  reveal: "模型怎么说？",
  next: "下一个开头",
  yours: "你们的词，模型认为的概率",
  likeliest: "模型自己认为最可能的词元",
};

export const catalogue = { en, zh };
