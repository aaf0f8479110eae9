// @ts-check
/** What tokens spell. A token may end within a character: its bytes are shown then, as on its chip, never a "�". */
import { chip } from "../shared/chips.js";

/** @typedef {import("../shared/chips.js").PageToken} SpelledToken */

const STRICT = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const LENIENT = new TextDecoder("utf-8", { ignoreBOM: true });

/** Text, and runs of bytes that are no character, in hexadecimal. @param {SpelledToken[]} tokens
 * @returns {{text: string, bytes: string}[]} one of the two is empty */
export function spelled(tokens) {
  const bytes = Uint8Array.from(tokens.flatMap((token) => (token.special ? [] : [...bytesOf(token)])));
  /** @type {{text: string, bytes: string}[]} */
  const pieces = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes[at] < 0x80 ? 1 : bytes[at] < 0xe0 ? 2 : bytes[at] < 0xf0 ? 3 : 4;
    const text = characterIn(bytes.subarray(at, at + length));
    const hex = bytes[at].toString(16).padStart(2, "0");
    const last = pieces.at(-1);
    if (text && last?.text) last.text += text;
    else if (!text && last?.bytes) last.bytes += ` ${hex}`;
    else pieces.push({ text, bytes: text ? "" : hex });
    at += text ? length : 1;
  }
  return pieces;
}

/** The text of some tokens and of those after them, as nodes. Where all that they spell is longer than the text, a stop
 * string has cut it. @param {SpelledToken[]} now @param {SpelledToken[]} later @param {string|null} text null: not known yet
 * @returns {[(Node|string)[], (Node|string)[]]} */
export function writtenNodes(now, later, text) {
  const pieces = [spelled(now), spelled(later)];
  let cut = text === null ? 0 : textLength(spelled([...now, ...later])) - text.length;
  for (const piece of pieces.flat().reverse()) {
    if (cut <= 0) break;
    const length = textLength([piece]);
    piece.text = piece.text.slice(0, Math.max(0, length - cut));
    piece.bytes = piece.bytes && cut >= length ? "" : piece.bytes;
    cut -= length;
  }
  const [before, after] = pieces.map((some) =>
    some.map(({ text, bytes }) => (bytes ? chip({ id: -1, text: "", bytes }) : text)),
  );
  return [before, after];
}

/** How long it is in a text that has a "�" for what is no character. @param {{text: string, bytes: string}[]} pieces */
function textLength(pieces) {
  return pieces.reduce((sum, { text, bytes }) => sum + (bytes ? LENIENT.decode(hexBytes(bytes)) : text).length, 0);
}

/** @param {SpelledToken} token */
function bytesOf(token) {
  return token.bytes ? hexBytes(token.bytes) : new TextEncoder().encode(token.text);
}

/** @param {string} hex */
function hexBytes(hex) {
  return Uint8Array.from(hex.split(" "), (byte) => Number.parseInt(byte, 16));
}

/** The one character that these bytes are, or nothing. @param {Uint8Array} bytes */
function characterIn(bytes) {
  try {
    return STRICT.decode(bytes);
  } catch {
    return "";
  }
}
