// @ts-check
/** Shows tokens as chips, in which white space and invisible characters can be seen. */
import { element } from "./dom.js";

/**
 * A token as `describe` in `chips.py` sends it; `bytes` is set if the token is not made of whole characters, and
 * `role` if it belongs to a message of a chat.
 * @typedef {{id: number, text: string, bytes?: string|null, position?: number, special?: boolean, role?: string}}
 *   PageToken
 */

const MARKS = { " ": "␣", "\n": "⏎", "\t": "⇥" };

// Characters that are invisible or change the order of their neighbours are shown by their numbers.
const INVISIBLE = /[\p{Cc}\u00a0\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/u;

/**
 * Splits a token's text into stretches that are shown as they are, and marks for what cannot be seen.
 * @param {string} text
 * @returns {{text: string, mark: boolean}[]}
 */
export function visible(text) {
  /** @type {{text: string, mark: boolean}[]} */
  const pieces = [];
  const characters = [...text];
  for (const [i, character] of characters.entries()) {
    const code = /** @type {number} */ (character.codePointAt(0)).toString(16).toUpperCase().padStart(4, "0");
    const unseen = INVISIBLE.test(character) && !joinsEmoji(characters, i);
    const mark = MARKS[/** @type {" "} */ (character)] ?? (unseen ? `U+${code}` : null);
    const last = pieces.at(-1);
    // A combining mark at the beginning stands on a dotted circle, or it would stand on what is drawn before the chip.
    const shown = i === 0 && /\p{M}/u.test(character) ? `◌${character}` : character;
    if (mark === null && last && !last.mark) last.text += character;
    else pieces.push({ text: mark ?? shown, mark: mark !== null });
  }
  return pieces;
}

/**
 * Returns whether a character is the joiner between two emoji, which are drawn as one. The first may have a colour or a
 * style.
 * @param {string[]} characters
 * @param {number} i
 */
function joinsEmoji(characters, i) {
  let before = i - 1;
  while (/[\u{fe0f}\u{1f3fb}-\u{1f3ff}]/u.test(characters[before] ?? "")) before -= 1;
  const isEmoji = (/** @type {string|undefined} */ character) => /\p{So}/u.test(character ?? "");
  return characters[i] === "\u200d" && isEmoji(characters[before]) && isEmoji(characters[i + 1]);
}

/** Returns what a token's chip shows, as plain text. @param {PageToken} token */
export function chipText(token) {
  const pieces = visible(token.text).map(({ text }) => text);
  return token.bytes ?? pieces.join("");
}

/**
 * Creates a token's chip; it shows bytes if the token is not made of whole characters, and in a chat its role on hover.
 * @param {PageToken} token
 */
export function chip(token) {
  const node = element("span", { class: "chip" });
  if (token.role) node.title = token.role;
  if (token.special) node.dataset.special = "";
  if (token.bytes) {
    node.dataset.broken = "";
    node.append(token.bytes);
  } else {
    node.append(...visible(token.text).map(({ text, mark }) => (mark ? element("i", {}, text) : text)));
  }
  return node;
}

/**
 * Creates a token's chip with its position as an index.
 * @param {PageToken} token
 * @param {number} position
 * @param {string} [kind] "query" or "key", which has a colour
 */
export function positionedChip(token, position, kind = "") {
  return element("span", { class: `${kind} nowrap`.trim() }, chip(token), element("sub", {}, String(position)));
}
