// @ts-check
/** The words of the printed view, in each language. */
const en = {
  failed: "This could not be computed:",
  of: (/** @type {string} */ prompt) => `These numbers are of another prompt: “${prompt}”.`,
  again: "compute them for the new prompt",
};

/** @typedef {typeof en} Words */

/** @type {Words} */
const zh = {
  failed: "这里没能算出来：",
  of: (prompt) => `这些数字属于另一个提示：“${prompt}”。`,
  again: "为新提示重新计算",
};

export const catalogue = { en, zh };
