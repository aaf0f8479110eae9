// @ts-check
/** The words of the prompt box, in each language. */
const en = {
  run: "Run",
  status: (/** @type {string} */ model, /** @type {number} */ tokens) =>
    `${model} reads ${tokens} ${tokens === 1 ? "token" : "tokens"}`,
};

/** @typedef {typeof en} Words */

/** @type {Words} */
const zh = {
  run: "运行",
  status: (model, tokens) => `${model} 读入 ${tokens} 个词元`,
};

export const catalogue = { en, zh };
