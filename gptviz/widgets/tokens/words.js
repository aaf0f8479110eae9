// @ts-check
/** The words of the token view, in each language. */
import { grouped } from "../shared/numbers.js";

const en = {
  count: (
    /** @type {number} */ characters,
    /** @type {number} */ tokens,
    /** @type {number} */ special,
    /** @type {boolean} */ startMark,
  ) =>
    `${grouped(characters)} ${characters === 1 ? "character becomes" : "characters become"} ${grouped(tokens)} ${tokens === 1 ? "token" : "tokens"}` +
    `${special === 0 ? "" : special === 1 && startMark ? ", after a start mark" : `, with ${special} special ${special === 1 ? "token" : "tokens"}`}. ` +
    "The number under a token is its id. Click a token to see how it was built.",
  position: "position",
  id: "id",
  bytes: "bytes (hexadecimal)",
  special: "a special token: it stands for no text",
  broken: "not a whole character: shown as its bytes",
  merges: (/** @type {number} */ position) =>
    `at position ${position}: how its word was built. The word starts as single characters; each step applies the merge that comes first in the tokenizer’s table.`,
  apart: "start",
  merge: (/** @type {number} */ rank) => `merge ${grouped(rank)}`,
};

/** @typedef {typeof en} Words */

/** @type {Words} */
const zh = {
  count: (characters, tokens, special, startMark) =>
    `${grouped(characters)} 个字符变成 ${grouped(tokens)} 个词元` +
    `${special === 0 ? "" : special === 1 && startMark ? "，前面有一个起始标记" : `，另有 ${special} 个特殊词元`}。` +
    "词元下方的数字是它的编号。点一个词元，看它如何拼成。",
  position: "位置",
  id: "编号",
  bytes: "字节（十六进制）",
  special: "特殊词元：不代表任何文字",
  broken: "不是完整的字符：显示其字节",
  merges: (position) => `（位置 ${position}）所在的词如何拼成：从单个字符开始，每一步做合并表中排在最前的合并。`,
  apart: "开始",
  merge: (rank) => `第 ${grouped(rank)} 条合并`,
};

export const catalogue = { en, zh };
