// @ts-check
/** Why a view opened at a head that nobody had chosen, in each language. */
const en = {
  opened: "Opened at this head:",
  gives: "gives",
  openedWhy: (/** @type {number|null} */ layer) =>
    `, the largest weight in any head${layer === null ? "" : ` of block ${layer}`} ` +
    "from the last token to a token other than itself and the first.",
};

/** @type {typeof en} */
const zh = {
  opened: "打开的是这个头：",
  gives: "给",
  openedWhy: (layer) =>
    `，是${layer === null ? "所有" : `第 ${layer} 块`}头里最后一个词元给自身和首词元以外词元的最大权重。`,
};

export const opening = { en, zh };
