// @ts-check
/**
 * The text of a continuation while its tokens arrive: what of it is certain, and where a stop string ends it, as in
 * `gptviz/generation/stopping.py`.
 *
 * A stop string may begin in one token and end in another, so text that could still become one is held back, and so is
 * half a character. Special tokens have no text, but a stop string may contain one, so stop strings are looked for in
 * the text with special tokens written out as well.
 */

import { decodeBytes } from "./tokenizer.js";

/** @typedef {import("./tokenizer.js").Tokenizer} Tokenizer */

export class ContinuationText {
  /**
   * @param {Tokenizer} tokenizer
   * @param {number[]} prompt its ids
   * @param {string[]} stops
   */
  constructor(tokenizer, prompt, stops) {
    this.tokenizer = tokenizer;
    this.stops = stops;
    /**
     * The bytes of an incomplete character at the end of the prompt, then those of the continuation.
     * @type {number[]}
     */
    this.bytes = incompleteEnd(tokenizer, prompt);
    this.before = decodeBytes(this.bytes);
    /** Special tokens: how much text comes before each, and its own. @type {[number, string][]} */
    this.marks = [];
    this.released = "";
    this.stopped = false; // whether a stop string is complete
  }

  /**
   * Adds a token and returns the text that is certain now and was not before.
   * @param {number} id
   * @param {{ends: boolean, last: boolean}} how ends: it ends the text and is not part of it; last: nothing follows
   */
  add(id, { ends, last }) {
    const token = this.tokenizer.token(id);
    if (token.special) this.marks.push([this.text().length, token.text]);
    else if (!ends) this.bytes.push(...token.bytes);
    const text = this.text();
    const starts = this.writings(text).flatMap(({ written, offsets }) =>
      this.stops.map((stop) => written.indexOf(stop)).flatMap((start) => (start < 0 ? [] : offsets[start])),
    );
    this.stopped = starts.length > 0;
    const certain = Math.min(text.replace(/\ufffd+$/, "").length, this.certainLength(text));
    const length = this.stopped ? Math.min(...starts) : last ? text.length : certain;
    const released = text.startsWith(this.released) ? text.slice(this.released.length, length) : "";
    this.released += released;
    return released;
  }

  /** Returns what all tokens so far have added to the prompt's text. */
  text() {
    const whole = decodeBytes(this.bytes);
    return whole.startsWith(this.before) ? whole.slice(this.before.length) : whole;
  }

  /** Returns the length of a text without the longest end of it that begins a stop string. @param {string} text */
  certainLength(text) {
    let length = text.length;
    for (const { written, offsets } of this.writings(text))
      for (const stop of this.stops)
        for (let n = Math.min(stop.length - 1, written.length); n > 0; n--)
          if (stop.startsWith(written.slice(-n))) {
            length = Math.min(length, offsets[written.length - n]);
            break;
          }
    return length;
  }

  /**
   * Returns the text without and with its special tokens, each with the offset in the text of every character.
   * @param {string} text
   */
  writings(text) {
    const offsets = [...Array(text.length + 1).keys()];
    if (!this.marks.length) return [{ written: text, offsets }];
    const marked = { written: "", offsets: /** @type {number[]} */ ([]) };
    let start = 0;
    for (const [offset, mark] of [...this.marks, /** @type {[number, string]} */ ([text.length, ""])]) {
      const end = Math.max(start, Math.min(offset, text.length));
      marked.written += text.slice(start, end) + mark;
      marked.offsets.push(...offsets.slice(start, end), ...Array(mark.length).fill(end));
      start = end;
    }
    return [{ written: text, offsets }, marked];
  }
}

/** Returns the bytes of the character that a text of ids begins at its end and does not complete.
 * @param {Tokenizer} tokenizer
 * @param {number[]} ids
 */
function incompleteEnd(tokenizer, ids) {
  const end = ids.filter((id) => !tokenizer.special.has(id)).slice(-4); // a character has four bytes at most
  const bytes = end.flatMap((id) => Array.from(tokenizer.bytes(id)));
  const lead = bytes.findLastIndex((byte) => byte >= 0xc0);
  const needed = lead < 0 ? 0 : bytes[lead] < 0xe0 ? 2 : bytes[lead] < 0xf0 ? 3 : 4;
  return bytes.length - lead < needed ? bytes.slice(lead) : [];
}
