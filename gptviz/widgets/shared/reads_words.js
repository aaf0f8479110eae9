// @ts-check
/** The sentence that says how many tokens a model reads, in each language. */
export const reads = {
  en: (/** @type {string} */ model, /** @type {number} */ tokens) =>
    `${model} reads ${tokens} ${tokens === 1 ? "token" : "tokens"}`,
  zh: (/** @type {string} */ model, /** @type {number} */ tokens) => `${model} 读入 ${tokens} 个词元`,
};
