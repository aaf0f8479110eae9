// @ts-check
/**
 * Which token is followed, and which of its likeliest next tokens. The pointer shows another token for as long as it is
 * on it.
 */
import { float32 } from "../shared/kernel.js";
import { clamp } from "../shared/numbers.js";

/** @typedef {import("../shared/kernel.js").Model} Model */
/** @typedef {import("../shared/chips.js").PageToken & {position: number, earlier?: number}} FlowToken */

/** Tokens are counted among those that are drawn, unless their position is meant. */
export class Followed {
  /**
   * @param {Model} model
   * @param {Model} selection
   * @param {() => number|undefined} chosen the position to follow in place of the selected one
   */
  constructor(model, selection, chosen) {
    this.model = model;
    this.selection = selection;
    this.chosen = chosen;
    /** The token under the pointer. @type {number|null} */
    this.hovered = null;
    this.outcome = 0; // of the likeliest next tokens, the followed one
    this.outcomeOf = -1; // the token that it belongs to
    /** The likeliest next tokens' probabilities: (T, leaders). @type {Float32Array} */
    this.probabilities = new Float32Array();
  }

  /** Takes the numbers of a new trace. */
  load() {
    this.hovered = null;
    this.outcomeOf = -1;
    this.probabilities = float32(this.model.get("_probabilities"));
  }

  /** The tokens that are drawn. @returns {FlowToken[]} */
  get tokens() {
    return this.model.get("_about").tokens;
  }

  /** The number of drawn tokens that are no tokens of the sentence: the one that stands for the earlier ones. */
  get hidden() {
    return this.tokens[0].earlier ? 1 : 0;
  }

  /** The followed token. */
  get index() {
    return this.hovered ?? this.selected;
  }

  /** The followed token itself. */
  get token() {
    return this.tokens[this.index];
  }

  /** The selected token. */
  get selected() {
    const last = this.tokens.length - 1;
    const position = this.chosen() ?? this.selection.get("query");
    return position < 0 ? last : clamp(last + position - this.tokens[last].position, this.hidden, last);
  }

  /** Returns a token that the sentence shows. @param {number} shown among the sentence's */
  ofSentence(shown) {
    return shown + this.hidden;
  }

  /** Follows a token while the pointer is on it; returns whether it is another. @param {number|null} token */
  point(token) {
    if (token === this.hovered) return false;
    this.hovered = token;
    return true;
  }

  /** Selects a token in all views that share the selection. @param {number} token */
  select(token) {
    this.hovered = null;
    this.selection.set("query", this.tokens[Math.max(token, this.hidden)].position);
    this.selection.save_changes();
  }

  /** Follows the likeliest next token if another token is followed than before. */
  renewOutcome() {
    if (this.outcomeOf !== this.index) this.outcome = 0;
    this.outcomeOf = this.index;
  }

  /** The likeliest next tokens after the followed one. */
  get leaders() {
    return this.leadersAt(this.index);
  }

  /** Returns the likeliest next tokens after a token. @param {number} token @returns {import("./next.js").Outcome[]} */
  leadersAt(token) {
    const { leaders, vocabulary } = this.model.get("_about");
    /** @type {number[]} */
    const ids = leaders[token];
    return ids.map((id, i) => ({
      token: vocabulary[id],
      before: this.probabilities[token * ids.length + i],
      after: null,
    }));
  }
}
