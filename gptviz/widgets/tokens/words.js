// @ts-check
/** The words of the token view, in each language. */
import { becomes } from "../shared/becomes_words.js";
import { grouped } from "../shared/numbers.js";
import { addRefusals } from "../shared/words.js";

const en = {
  becomes: becomes.en,
  space: " ",
  hint: "The number under a token is its id. Click a token to see how it was built.",
  source: "Source:",
  target: "Target:",
  frames: (/** @type {number} */ frames) =>
    `a sound becomes ${grouped(frames)} frames. A frame has no id and no bytes; it is named by the second at which ` +
    "it begins.",
  frame: "a frame of the sound, which begins at this second",
  position: "position",
  id: "id",
  bytes: "bytes (hexadecimal)",
  special: "a special token: it stands for no text",
  role: (/** @type {string} */ name) => `in a message of the role ${name}`,
  noRole: "not part of one message",
  /** @type {Record<string, string>} */
  roles: { system: "system", user: "user", assistant: "assistant" },
  broken: "not a whole character: shown as its bytes",
  merges: (/** @type {number} */ position) =>
    `at position ${position}: how its word was built. ` +
    "The word starts as single characters; each step applies the merge that comes first in the tokenizer’s table.",
  apart: "start",
  merge: (/** @type {number} */ rank) => `merge ${grouped(rank)}`,
};

/** @typedef {typeof en} Words */

/** @type {Words} */
const zh = {
  becomes: becomes.zh,
  space: "",
  hint: "词元下方的数字是它的编号。点一个词元，看它如何拼成。",
  source: "源文：",
  target: "目标：",
  frames: (frames) => `声音变成 ${grouped(frames)} 帧。帧没有编号和字节，以它开始的秒数命名。`,
  frame: "声音的一帧，从这一秒开始",
  position: "位置",
  id: "编号",
  bytes: "字节（十六进制）",
  special: "特殊词元：不代表任何文字",
  role: (name) => `属于角色 ${name} 的消息`,
  noRole: "不属于某一条消息",
  roles: { system: "系统 system", user: "用户 user", assistant: "助手 assistant" },
  broken: "不是完整的字符：显示其字节",
  merges: (position) => `（位置 ${position}）所在的词如何拼成：从单个字符开始，每一步做合并表中排在最前的合并。`,
  apart: "开始",
  merge: (rank) => `第 ${grouped(rank)} 条合并`,
};

const mergesEn = {
  merges_kind: (/** @type {{kind: string}} */ { kind }) =>
    `Expected a tokenizer with byte-pair encoding, whose merges can be shown. Got ${kind}. ` +
    "The tokens shown are right; only their merges are not available.",
  merges_mark: () =>
    "Expected a token of the text. Got a special token, which is not built by merges. Choose a token of the text.",
  merges_other: () =>
    "Expected a word whose merges can be followed. Got a word whose merges cannot be followed. " +
    "The tokens shown are right; only their merges are not available.",
};

/** @type {typeof mergesEn} */
const mergesZh = {
  merges_kind: ({ kind }) => `只能显示字节对编码的合并。这个分词器是 ${kind}。显示的词元没有错，只是看不到合并过程。`,
  merges_mark: () => "请选文字中的词元。这是特殊词元，不是由合并得到的。请另选一个。",
  merges_other: () => "这里只能显示可以追踪的合并。这个词的合并无法追踪。显示的词元没有错，只是看不到合并过程。",
};

addRefusals({ en: mergesEn, zh: mergesZh });

export const catalogue = { en, zh };
