// @ts-check
/** The words of the drawing view, in each language. */
const en = {
  table: "the numbers as a table",
  alt: "The table below has the numbers.",
  failed: "The picture could not be drawn.",
};

/** @typedef {typeof en} Words */

/** @type {Words} */
const zh = {
  table: "数字的表格",
  alt: "数字见下面的表格。",
  failed: "这幅图画不出来。",
};

export const catalogue = { en, zh };
