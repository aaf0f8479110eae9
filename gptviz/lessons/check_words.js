// @ts-check
/** The words of the check, in each language. */
import { grouped } from "../widgets/shared/numbers.js";

const en = {
  right: (/** @type {string} */ name) => `${name}: the same as the model’s.`,
  rightAlone: (/** @type {string} */ name) => `${name}: right.`,
  largest: (/** @type {string} */ gap, /** @type {string} */ tolerance) =>
    `The largest difference is ${gap}; differences up to ${tolerance} count as rounding.`,
  exact: "There is no difference.",
  nothing: (/** @type {string} */ name) => `${name}: no value yet. Write your lines above and run the cell again.`,
  unread: (/** @type {string} */ name, /** @type {string} */ type) =>
    `${name}: this ${type} cannot be compared with the right value.`,
  shape: (/** @type {string} */ name, /** @type {string} */ mine, /** @type {string} */ wanted) =>
    `${name}: the expected shape is ${wanted}; yours is ${mine}.`,
  scalar: "a single number",
  value: (/** @type {string} */ name, /** @type {number} */ differ, /** @type {number} */ size) =>
    size === 1
      ? `${name}: different from the model’s.`
      : `${name}: ${grouped(differ)} of ${grouped(size)} numbers differ from the model’s.`,
  valueAlone: (/** @type {string} */ name, /** @type {number} */ differ, /** @type {number} */ size) =>
    size === 1
      ? `${name}: not right yet.`
      : `${name}: ${grouped(differ)} of ${grouped(size)} numbers are not right yet.`,
  first: (/** @type {string} */ index, /** @type {string} */ mine) =>
    index ? `The first difference is at ${index}, where you have ${mine}.` : `You have ${mine}.`,
  solution: "show a solution",
};

/** @typedef {typeof en} Words */

/** @type {Words} */
const zh = {
  right: (name) => `${name}：与模型的值相同。`,
  rightAlone: (name) => `${name}：正确。`,
  largest: (gap, tolerance) => `最大差值为 ${gap}；不超过 ${tolerance} 的差算作舍入。`,
  exact: "没有差别。",
  nothing: (name) => `${name}：还没有值。请在上面写几行，再运行该单元格。`,
  unread: (name, type) => `${name}：得到的是 ${type}，无法与正确的值比较。`,
  shape: (name, mine, wanted) => `${name}：形状应为 ${wanted}，你的是 ${mine}。`,
  scalar: "单个数",
  value: (name, differ, size) =>
    size === 1
      ? `${name}：与模型的值不同。`
      : `${name}：${grouped(size)} 个数中有 ${grouped(differ)} 个与模型的值不同。`,
  valueAlone: (name, differ, size) =>
    size === 1 ? `${name}：还不对。` : `${name}：${grouped(size)} 个数中有 ${grouped(differ)} 个还不对。`,
  first: (index, mine) => (index ? `第一处不同在 ${index}，你那里是 ${mine}。` : `你的是 ${mine}。`),
  solution: "查看一种写法",
};

export const catalogue = { en, zh };
