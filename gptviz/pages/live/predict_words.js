// @ts-check
/** The words of the questions that come before the views, in each language. */

const en = {
  title: "Predict first",
  showAll: "show everything",
  answer: "answer",
  count: "Into how many tokens will the model cut the text above?",
  next: "Which word or sign does the model expect next?",
  off: (/** @type {string} */ head) =>
    `Head ${head} is switched off. What happens to the probability of the likeliest next token?`,
  choices: { rises: "it rises", falls: "it falls", stays: "it changes by at most 1 percentage point" },
  wholeNumber: "Type a whole number.",
  judging: "computing…",
  right: "Right.",
  wrong: "Not quite.",
  counted: (/** @type {number} */ count) =>
    `The text has ${count} ${count === 1 ? "token" : "tokens"}; start marks are not counted.`,
  ranked: (/** @type {number} */ rank, /** @type {string} */ share) =>
    rank === 1 ? `is the likeliest next token (${share}).` : `is in place ${rank} of the next tokens (${share}).`,
  leads: "The likeliest is",
  it: "The probability of ",
  turned: {
    rises: (/** @type {string} */ before, /** @type {string} */ after) => `rises from ${before} to ${after}.`,
    falls: (/** @type {string} */ before, /** @type {string} */ after) => `falls from ${before} to ${after}.`,
    stays: (/** @type {string} */ before, /** @type {string} */ after) =>
      `hardly changes: ${before} before, ${after} after.`,
  },
  /** What covers a view until its question is answered. @type {Record<string, string>} */
  covers: { count: "how many tokens", next: "which token comes next", off: "what a head does" },
};

/** @type {typeof en} */
const zh = {
  title: "先猜一猜",
  showAll: "全部显示",
  answer: "回答",
  count: "模型会把上面的文字切成多少个词元？",
  next: "模型认为下一个词或符号是什么？",
  off: (head) => `关掉头 ${head}。最可能的下一个词元的概率会怎样？`,
  choices: { rises: "上升", falls: "下降", stays: "变化不超过 1 个百分点" },
  wholeNumber: "请输入一个整数。",
  judging: "计算中…",
  right: "对。",
  wrong: "不太对。",
  counted: (count) => `这段文字有 ${count} 个词元（不计开头的标记）。`,
  ranked: (rank, share) =>
    rank === 1 ? `是最可能的下一个词元（${share}）。` : `在下一个词元中排第 ${rank}（${share}）。`,
  leads: "最可能的是",
  it: "词元 ",
  turned: {
    rises: (before, after) => `的概率从 ${before} 升到 ${after}。`,
    falls: (before, after) => `的概率从 ${before} 降到 ${after}。`,
    stays: (before, after) => `的概率几乎不变：关掉前 ${before}，关掉后 ${after}。`,
  },
  covers: { count: "有多少个词元", next: "下一个词元是什么", off: "一个头起什么作用" },
};

export const catalogue = { en, zh };
