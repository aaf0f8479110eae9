// @ts-check
/** Tokens as chips: white space and invisible characters are drawn as marks. */
import { element } from "./dom.js";

/** @typedef {{id: number, text: string, bytes?: string|null, position?: number, special?: boolean}} PageToken */

const MARKS = { " ": "␣", "\n": "⏎", "\t": "⇥" };

// Characters that would be invisible, or would reorder their neighbours, are named instead of drawn.
const UNSEEN = /[\p{Cc}\u00a0\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/u;

/** A token's text in pieces: what is drawn as it is, and marks for what cannot be seen. @param {string} text
 * @returns {{text: string, mark: boolean}[]} */
export function visible(text) {
  /** @type {{text: string, mark: boolean}[]} */
  const pieces = [];
  for (const character of text) {
    const code = /** @type {number} */ (character.codePointAt(0)).toString(16).toUpperCase().padStart(4, "0");
    const mark = MARKS[/** @type {" "} */ (character)] ?? (UNSEEN.test(character) ? `U+${code}` : null);
    const last = pieces.at(-1);
    if (mark === null && last && !last.mark) last.text += character;
    else pieces.push({ text: mark ?? character, mark: mark !== null });
  }
  return pieces;
}

/** The text of a chip as plain text. @param {PageToken} token */
export function chipText(token) {
  return (
    token.bytes ??
    visible(token.text)
      .map(({ text }) => text)
      .join("")
  );
}

/** A token: hairline border, white space visible, bytes where it is no whole character. @param {PageToken} token */
export function chip(token) {
  const node = element("span", { class: "chip" });
  if (token.special) node.dataset.special = "";
  if (token.bytes) {
    node.dataset.broken = "";
    node.append(token.bytes);
  } else {
    node.append(...visible(token.text).map(({ text, mark }) => (mark ? element("i", {}, text) : text)));
  }
  return node;
}
