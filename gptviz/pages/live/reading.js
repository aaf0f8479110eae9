// @ts-check
/** A model that runs in the page, and what it computes for one text: what `GPT` and `Trace` are in Python. */

import { fail } from "../engine/errors.js";
import { decodeBytes } from "../engine/tokenizer.js";

/** @typedef {import("../engine/gpt.js").GPT} GPT */
/** @typedef {import("../engine/tokenizer.js").Tokenizer} Tokenizer */
/** @typedef {import("../engine/tokenizer.js").Token} Token */
/** @typedef {import("../engine/edits.js").Edit} Edit */
/** A token of a text. position: -1 if it is in no text. @typedef {Token & {position: number}} TextToken */

export class LanguageModel {
  /** @param {GPT} gpt @param {Tokenizer} tokenizer @param {string} name */
  constructor(gpt, tokenizer, name) {
    this.gpt = gpt;
    this.tokenizer = tokenizer;
    this.name = name;
  }

  /**
   * Returns the ids of a text. Throws an EngineError for a text that the model cannot read.
   * @param {string} text
   */
  encode(text) {
    const ids = this.tokenizer.encode(text);
    const limit = this.gpt.contextLength;
    if (!ids.length)
      throw fail("a prompt of at least one token", "no token", "Type at least one character.", "prompt_empty");
    if (ids.length > limit)
      throw fail(
        `a prompt of at most ${limit} tokens, the context of ${this.name}`,
        `${ids.length} tokens`,
        "Shorten it.",
        "prompt_too_long",
        { limit, tokens: ids.length, model: this.name },
      );
    return ids;
  }

  /** Returns what the model computes for a text. @param {string} text @param {Edit[]} [edits] */
  read(text, edits = []) {
    return new Reading(this, this.encode(text), text, edits);
  }

  /** Returns a token of the vocabulary. @param {number} id @returns {TextToken} */
  token(id) {
    return { ...this.tokenizer.token(id), position: -1 };
  }

  /**
   * Returns the text that is read as these ids, where there is one: special tokens inside the text are written, and
   * those that the tokenizer adds to every text are left out.
   * @param {number[]} ids
   */
  textOf(ids) {
    const { template, special } = this.tokenizer;
    const { before, after } = template;
    const end = ids.length - after.length;
    const isWhole = before.every((id, i) => ids[i] === id) && after.every((id, i) => ids[end + i] === id);
    const inner = isWhole ? ids.slice(before.length, end) : ids;
    if (!inner.some((id) => special.has(id))) return this.tokenizer.decode(inner);
    return decodeBytes(inner.flatMap((id) => Array.from(this.tokenizer.bytes(id))));
  }
}

export class Reading {
  /** @param {LanguageModel} model @param {number[]} ids @param {string} text @param {Edit[]} [edits] */
  constructor(model, ids, text, edits = []) {
    this.model = model;
    this.ids = ids;
    this.text = text;
    this.pass = model.gpt.run(ids, { edits });
    /** @type {TextToken[]} */
    this.tokens = ids.map((id, position) => ({ ...model.tokenizer.token(id), position }));
  }

  get last() {
    return this.ids.length - 1;
  }
}
