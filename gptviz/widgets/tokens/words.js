// @ts-check
/** The words of the token view, in each language. */
import { grouped } from "../shared/numbers.js";

const en = {
  count: (/** @type {number} */ characters, /** @type {number} */ tokens, /** @type {number} */ marks) =>
    `${characters} ${characters === 1 ? "character becomes" : "characters become"} ${tokens} ${tokens === 1 ? "token" : "tokens"}` +
    `${marks ? `, and ${marks} ${marks === 1 ? "mark" : "marks"} of the tokenizer’s own` : ""}; the number under each is its id; click one to see how it was put together`,
  position: "position",
  id: "id",
  bytes: "bytes (hexadecimal)",
  special: "a mark of the tokenizer’s own: it stands for no text",
  broken: "no whole character: shown as its bytes",
  merges: (/** @type {number} */ position) =>
    `at position ${position}: how its word was put together, from single characters, always by the merge that stands first in the tokenizer’s table`,
  apart: "apart",
  merge: (/** @type {number} */ rank) => `merge ${grouped(rank)}`,
};

/** @typedef {typeof en} Words */

/** @type {Words} */
const zh = {
  count: (characters, tokens, marks) =>
    `${characters} 个字符变成 ${tokens} 个词元${marks ? `，另有分词器自己的标记 ${marks} 个` : ""}；下方的数字是各自的编号；点一个，看它如何拼成`,
  position: "位置",
  id: "编号",
  bytes: "字节（十六进制）",
  special: "分词器自己的标记：不代表任何文字",
  broken: "不是完整的字符：显示其字节",
  merges: (position) => `（位置 ${position}）所在的词如何拼成：从单个字符开始，每次做分词表中排在最前的合并`,
  apart: "拆开",
  merge: (rank) => `第 ${grouped(rank)} 条合并`,
};

export const catalogue = { en, zh };
