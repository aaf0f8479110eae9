// @ts-check
/** The sentence that says how many tokens a text becomes, in each language. */
import { grouped } from "./numbers.js";

/** @param {number} characters @param {number} tokens @param {number} special @param {boolean} startMark */
function en(characters, tokens, special, startMark) {
  const text = `${grouped(characters)} ${characters === 1 ? "character becomes" : "characters become"}`;
  const sum = `${text} ${grouped(tokens)} ${tokens === 1 ? "token" : "tokens"}`;
  if (special === 0) return `${sum}.`;
  if (special === 1 && startMark) return `${sum}, after a start mark.`;
  return `${sum}, with ${special} special ${special === 1 ? "token" : "tokens"}.`;
}

/** @type {typeof en} */
function zh(characters, tokens, special, startMark) {
  const sum = `${grouped(characters)} 个字符变成 ${grouped(tokens)} 个词元`;
  if (special === 0) return `${sum}。`;
  return special === 1 && startMark ? `${sum}，前面有一个起始标记。` : `${sum}，另有 ${special} 个特殊词元。`;
}

export const becomes = { en, zh };
