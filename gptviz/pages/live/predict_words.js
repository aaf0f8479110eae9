// @ts-check
/** The words of the questions that come before the views, in each language. */

const en = {
  title: "Predict first",
  showAll: "show everything",
  answer: "answer",
  looks: (/** @type {string} */ head) => `In head ${head}, at which of these tokens does the last token look most?`,
  next: "Which word or sign does the model expect next?",
  off: (/** @type {string} */ head) =>
    `Head ${head} is switched off. What happens to the probability of the likeliest next token?`,
  choices: { rises: "it rises", falls: "it falls", stays: "it changes by at most 1 percentage point" },
  judging: "computing…",
  right: "Right.",
  wrong: "Not quite.",
  looksAt: "The largest weight is on",
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
  covers: { looks: "where a head looks", next: "which token comes next", off: "what a head does" },
};

/** @type {typeof en} */
const zh = {
  title: "先猜一猜",
  showAll: "全部显示",
  answer: "回答",
  looks: (head) => `在头 ${head} 中，最后一个词元最看哪一个词元？`,
  next: "模型认为下一个词或符号是什么？",
  off: (head) => `关掉头 ${head}。最可能的下一个词元的概率会怎样？`,
  choices: { rises: "上升", falls: "下降", stays: "变化不超过 1 个百分点" },
  judging: "计算中…",
  right: "对。",
  wrong: "不太对。",
  looksAt: "权重最大的是",
  ranked: (rank, share) =>
    rank === 1 ? `是最可能的下一个词元（${share}）。` : `在下一个词元中排第 ${rank}（${share}）。`,
  leads: "最可能的是",
  it: "词元 ",
  turned: {
    rises: (before, after) => `的概率从 ${before} 升到 ${after}。`,
    falls: (before, after) => `的概率从 ${before} 降到 ${after}。`,
    stays: (before, after) => `的概率几乎不变：关掉前 ${before}，关掉后 ${after}。`,
  },
  covers: { looks: "一个头看向哪里", next: "下一个词元是什么", off: "一个头起什么作用" },
};

export const catalogue = { en, zh };
