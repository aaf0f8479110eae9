// @ts-check
/** The words of the question, in each language. */
const en = {
  guess: "guess",
  thatOrder: "that order",
  thatHead: "that one",
  reveal: "reveal",
  answer: "Your answer",
  earlier: "move earlier",
  later: "move later",
  opened: "Open in the view beside it:",
  head: (/** @type {number} */ layer, /** @type {number} */ head) => `L${layer} · H${head}`,
  or: "or",
  wrong: "Not yet.",
  said: "You said",
  again: "Guess again, or reveal.",
  right: "Right.",
  revealed: "The model says",
  close: "With this prompt the answer hangs by too little to be worth a guess: it could as well be the other.",
  other: (/** @type {string} */ prompt) => `try “${prompt}”`,
  failed: "The question could not be worked out:",
  empty: "Write a number first.",
  tally: "Hands raised",
  hands: (/** @type {string} */ choice) => `hands raised for ${choice}`,
  ofClass: (/** @type {number} */ hands, /** @type {number} */ all) => `${hands} of ${all}`,
  notHere: "Guesses of this kind are judged in the notebook; here is the answer.",
};

/** @typedef {typeof en} Words */

/** @type {Words} */
const zh = {
  guess: "猜",
  thatOrder: "就按这个顺序",
  thatHead: "就是这个",
  reveal: "揭晓",
  answer: "你的答案",
  earlier: "前移",
  later: "后移",
  opened: "旁边视图中打开的是：",
  head: (layer, head) => `L${layer} · H${head}`,
  or: "或",
  wrong: "还不对。",
  said: "你说的是",
  again: "再猜一次，或揭晓。",
  right: "对了。",
  revealed: "模型说",
  close: "用这个提示，答案相差太小，不值得猜：换成另一个也差不多。",
  other: (prompt) => `试试“${prompt}”`,
  failed: "这个问题没能算出来：",
  empty: "请先写一个数。",
  tally: "举手",
  hands: (choice) => `选“${choice}”的举手人数`,
  ofClass: (hands, all) => `${all} 人中 ${hands} 人`,
  notHere: "这类猜测要在笔记本中判断；答案在此。",
};

export const catalogue = { en, zh };
