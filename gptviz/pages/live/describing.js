// @ts-check
/** Describes tokens and texts for the views, as `chips.py`, `tokens.py` and `prompt.py` do in Python. */

import { decodeBytes } from "../engine/tokenizer.js";

/** @typedef {import("./reading.js").TextToken} TextToken */

/** Returns bytes in hexadecimal, such as "f0 9f". @param {Uint8Array|number[]} bytes */
export function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}

/**
 * Returns what a chip shows of a token. bytes: in hexadecimal if they are no whole characters, else null.
 * @param {TextToken} token
 * @returns {import("../../widgets/shared/chips.js").PageToken}
 */
export function describe({ id, text, bytes, position, special }) {
  const isWhole = stretches(bytes).every(({ isText }) => isText);
  return { id, text: isWhole ? text : "", bytes: isWhole ? null : hex(bytes), position, special };
}

/** Returns how many characters a text has. @param {string} text */
export function characters(text) {
  return [...text].length;
}

/**
 * Returns how many characters of a text are not those of marks, such as "<|endoftext|>", that it spells out.
 * @param {string} text
 * @param {TextToken[]} tokens
 */
export function writtenCharacters(text, tokens) {
  let count = characters(text);
  let at = 0;
  for (const token of tokens) {
    const start = token.special && token.text ? text.indexOf(token.text, at) : -1;
    if (start < 0) continue;
    count -= characters(token.text);
    at = start + token.text.length;
  }
  return count;
}

/**
 * Returns the text of a reading, with the bytes of incomplete characters written as in its tokens: ⟨f0 9f⟩.
 * @param {{text: string, tokens: TextToken[]}} reading
 */
export function spelled({ text, tokens }) {
  const first = Math.max(
    0,
    tokens.findIndex(({ special }) => !special),
  );
  for (const some of [tokens.filter(({ special }) => !special), tokens.slice(first), tokens]) {
    const bytes = some.flatMap((token) => Array.from(token.bytes));
    if (decodeBytes(bytes) === text) return spelledBytes(bytes);
  }
  return text;
}

/** Returns bytes as text, those that are no character as ⟨f0 9f⟩. @param {number[]} bytes */
export function spelledBytes(bytes) {
  return stretches(bytes)
    .map(({ isText, bytes: some }) => (isText ? decodeBytes(some) : `⟨${hex(some)}⟩`))
    .join("");
}

/**
 * Cuts bytes into characters, and the longest beginnings of characters that are not completed.
 * @param {ArrayLike<number>} bytes
 */
function stretches(bytes) {
  const all = Array.from(bytes);
  const parts = [];
  for (let at = 0; at < all.length; ) {
    const lead = all[at];
    const needed = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
    let length = 1;
    while (length < needed && continues(lead, length, all[at + length])) length++;
    parts.push({ isText: length === needed, bytes: all.slice(at, at + length) });
    at += length;
  }
  return parts;
}

/** Returns whether a byte may stand at a place in a character. Source: table 3-7 of the Unicode Standard.
 * @param {number} lead @param {number} place @param {number|undefined} byte */
function continues(lead, place, byte) {
  if (byte === undefined) return false;
  const least = place > 1 ? 0x80 : lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const most = place > 1 ? 0xbf : lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  return byte >= least && byte <= most;
}
