// @ts-check
/** What tokens spell. A token may end within a character: its bytes are shown then, as on its chip, never a "�". */
import { chip } from "./common.js";

/** @typedef {import("./common.js").PageToken} SpelledToken */

/** Text, and runs of bytes that are no character, in hexadecimal. @param {SpelledToken[]} tokens
 * @returns {{text: string, bytes: string}[]} one of the two is empty */
export function spelled(tokens) {
  const bytes = Uint8Array.from(tokens.flatMap((token) => (token.special ? [] : bytesOf(token))));
  /** @type {{text: string, bytes: string}[]} */
  const pieces = [];
  for (let at = 0; at < bytes.length;) {
    const length = bytes[at] < 0x80 ? 1 : bytes[at] < 0xe0 ? 2 : bytes[at] < 0xf0 ? 3 : 4, text = characterIn(bytes.subarray(at, at + length));
    const hex = bytes[at].toString(16).padStart(2, "0"), last = pieces.at(-1);
    if (text && last?.text) last.text += text;
    else if (!text && last?.bytes) last.bytes += ` ${hex}`;
    else pieces.push({ text, bytes: text ? "" : hex });
    at += text ? length : 1;
  }
  return pieces;
}

/** The same as nodes. @param {SpelledToken[]} tokens @returns {(Node|string)[]} */
export function spelledNodes(tokens) {
  return spelled(tokens).map(({ text, bytes }) => (bytes ? chip({ id: -1, text: "", bytes }) : text));
}

/** @param {SpelledToken} token */
function bytesOf(token) {
  return token.bytes ? token.bytes.split(" ").map((byte) => Number.parseInt(byte, 16)) : [...new TextEncoder().encode(token.text)];
}

/** The one character that these bytes are, or nothing. @param {Uint8Array} bytes */
function characterIn(bytes) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return "";
  }
}
