// @ts-check
/** The words of the check, in each language. */
import { grouped } from "../widgets/shared/numbers.js";

const en = {
  right: (/** @type {string} */ name) => `${name}: the same as the model’s.`,
  largest: (/** @type {string} */ gap, /** @type {string} */ tolerance) =>
    `The largest difference is ${gap}; up to ${tolerance} comes from rounding.`,
  exact: "No difference at all.",
  nothing: (/** @type {string} */ name) => `${name}: nothing yet. Write your lines above and run the cell again.`,
  unread: (/** @type {string} */ name, /** @type {string} */ type) =>
    `${name}: what came is a ${type} that cannot be read as numbers of the kind asked for.`,
  shape: (/** @type {string} */ name, /** @type {string} */ mine, /** @type {string} */ wanted) =>
    `${name}: the shape is ${mine}, asked for is ${wanted}.`,
  scalar: "a single number",
  value: (/** @type {string} */ name, /** @type {number} */ differ, /** @type {number} */ size) =>
    size === 1
      ? `${name}: not the model’s.`
      : `${name}: ${grouped(differ)} of ${grouped(size)} numbers are not the model’s.`,
  first: (/** @type {string} */ place, /** @type {string} */ mine) =>
    place ? `The first is at ${place}, where you have ${mine}.` : `You have ${mine}.`,
  solution: "a way to write it",
};

/** @typedef {typeof en} Words */

/** @type {Words} */
const zh = {
  right: (name) => `${name}：与模型的相同。`,
  largest: (gap, tolerance) => `最大差值为 ${gap}；不超过 ${tolerance} 的差来自舍入。`,
  exact: "毫无差别。",
  nothing: (name) => `${name}：还没有。请在上面写几行，再运行该单元格。`,
  unread: (name, type) => `${name}：得到的是 ${type}，无法按要求读作数。`,
  shape: (name, mine, wanted) => `${name}：形状是 ${mine}，要求的是 ${wanted}。`,
  scalar: "单个数",
  value: (name, differ, size) =>
    size === 1 ? `${name}：与模型的不同。` : `${name}：${grouped(size)} 个数中有 ${grouped(differ)} 个与模型的不同。`,
  first: (place, mine) => (place ? `第一处在 ${place}，你那里是 ${mine}。` : `你的是 ${mine}。`),
  solution: "一种写法",
};

export const catalogue = { en, zh };
