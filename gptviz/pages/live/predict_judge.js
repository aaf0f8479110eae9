// @ts-check
/**
 * Judges the questions that a page which runs the model asks before it shows anything: where a head looks, which token
 * comes next, and what switching the head off does. Every answer is computed from the text that is shown, whatever it
 * is.
 */

import { ablateHead } from "../engine/edits.js";
import { fail } from "../engine/errors.js";
import { describe } from "./describing.js";
import { likeliest } from "./likeliest.js";
import { openingHead } from "./opening.js";
import { LiveView } from "./view.js";

const SMALL = 0.01; // a change of a probability up to here counts as none

export class PredictJudge extends LiveView {
  static answers = { looks: "answerLooks", next: "answerNext", off: "answerOff" };

  start() {
    this.set(this.fill());
  }

  /** Returns what the questions name; nothing that answers them. */
  fill() {
    const { pass, tokens } = this.reading;
    const { layer, head } = openingHead(pass);
    return { _head: { layer, head }, _choices: tokens.slice(1, -1).map((token) => describe(token)) };
  }

  /** Judges the token at which the last one looks most in the head. @param {{guess: number}} args its position */
  answerLooks({ guess }) {
    const { pass, tokens } = this.reading;
    const { key, weight } = openingHead(pass);
    if (key === null) throw fail("a text of some words", "a shorter one", "Type a longer text.");
    return { right: guess === key, token: describe(tokens[key]), weight };
  }

  /**
   * Judges a next token, typed as text: how many tokens are likelier. A text that is several tokens is judged by its
   * first.
   * @param {{guess: string}} args
   */
  answerNext({ guess }) {
    const { pass, text } = this.reading;
    const spaced = /^\s/.test(guess) || !text || /\s$/.test(text) ? guess : ` ${guess}`;
    const [id] = this.model.tokenizer.encode(spaced, false);
    if (id === undefined) throw fail("a word or a sign", "no text", "Type what you expect next.");
    const probabilities = pass.probabilities();
    const [leader] = likeliest(probabilities, 1);
    const likelier = probabilities.reduce((count, share) => count + Number(share > probabilities[id]), 0);
    const withProbability = (/** @type {number} */ one) => {
      return { token: describe(this.model.token(one)), probability: probabilities[one] };
    };
    return { right: likelier === 0, rank: likelier + 1, guessed: withProbability(id), leader: withProbability(leader) };
  }

  /**
   * Judges what switching a head off does to the probability of the likeliest next token.
   * @param {{guess: "rises"|"falls"|"stays"}} args
   */
  answerOff({ guess }) {
    const { pass } = this.reading;
    const before = pass.probabilities();
    const [leader] = likeliest(before, 1);
    const { layer, head } = this.state._head;
    const after = this.model.gpt.rerun(pass, layer, [ablateHead(layer, head)]).probabilities();
    const change = after[leader] - before[leader];
    const truth = Math.abs(change) <= SMALL ? "stays" : change > 0 ? "rises" : "falls";
    const token = describe(this.model.token(leader));
    return { right: guess === truth, truth, token, before: before[leader], after: after[leader] };
  }
}
