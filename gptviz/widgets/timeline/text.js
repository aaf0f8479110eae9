// @ts-check
/**
 * The text of tokens. A token may end inside a character; its bytes are shown then, as on its chip, and never a "�".
 */
import { chip } from "../shared/chips.js";

/** @typedef {import("../shared/chips.js").PageToken} PageToken */
/**
 * A stretch of text, or of bytes that are no character; the other one is empty.
 * @typedef {{text: string, bytes: string}} Piece
 */

const STRICT = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const LENIENT = new TextDecoder("utf-8", { ignoreBOM: true });

/** Returns what tokens spell; bytes are in hexadecimal. @param {PageToken[]} tokens @returns {Piece[]} */
export function spelled(tokens) {
  const bytes = Uint8Array.from(tokens.flatMap((token) => (token.special ? [] : [...bytesOf(token)])));
  /** @type {Piece[]} */
  const pieces = [];
  let index = 0;
  while (index < bytes.length) {
    const length = characterLength(bytes[index]);
    const text = decodeCharacter(bytes.subarray(index, index + length));
    const hex = bytes[index].toString(16).padStart(2, "0");
    const last = pieces.at(-1);
    if (text && last?.text) last.text += text;
    else if (!text && last?.bytes) last.bytes += ` ${hex}`;
    else pieces.push({ text, bytes: text ? "" : hex });
    index += text ? length : 1;
  }
  return pieces;
}

/**
 * Returns the text of some tokens, and of those after them, as nodes. Where the tokens spell more than the text, a stop
 * string has cut it.
 * @param {PageToken[]} now
 * @param {PageToken[]} later
 * @param {string|null} text null while it is not known
 * @returns {[(Node|string)[], (Node|string)[]]}
 */
export function textNodes(now, later, text) {
  const pieces = [spelled(now), spelled(later)];
  let excess = text === null ? 0 : textLength(spelled([...now, ...later])) - text.length;
  for (const piece of pieces.flat().reverse()) {
    if (excess <= 0) break;
    const length = textLength([piece]);
    piece.text = piece.text.slice(0, Math.max(0, length - excess));
    piece.bytes = piece.bytes && excess >= length ? "" : piece.bytes;
    excess -= length;
  }
  const node = (/** @type {Piece} */ { text, bytes }) => (bytes ? chip({ id: -1, text: "", bytes }) : text);
  return [pieces[0].map(node), pieces[1].map(node)];
}

/** Returns the length of pieces in a text that has a "�" for bytes that are no character. @param {Piece[]} pieces */
function textLength(pieces) {
  return pieces.reduce((sum, { text, bytes }) => sum + (bytes ? LENIENT.decode(hexBytes(bytes)) : text).length, 0);
}

/** @param {PageToken} token */
function bytesOf(token) {
  return token.bytes ? hexBytes(token.bytes) : new TextEncoder().encode(token.text);
}

/** @param {string} hex */
function hexBytes(hex) {
  return Uint8Array.from(hex.split(" "), (byte) => Number.parseInt(byte, 16));
}

/** Returns how many bytes a character of UTF-8 has, by its first byte. @param {number} first */
function characterLength(first) {
  return first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/** Returns the character that bytes stand for, or an empty text. @param {Uint8Array} bytes */
function decodeCharacter(bytes) {
  try {
    return STRICT.decode(bytes);
  } catch {
    return "";
  }
}
