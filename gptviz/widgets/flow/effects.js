// @ts-check
/** What real cuts do, block by block: asked for once for each followed token, and kept. */
import { chipText } from "../shared/chips.js";
import { element, setText } from "../shared/dom.js";
import { ask, isAnswered, Lane } from "../shared/kernel.js";
import { cutAttention, cutMlp } from "./cuts.js";

/** @typedef {import("./followed.js").FlowToken} FlowToken */
/** @typedef {import("./table.js").Effect} Effect */
/**
 * The probability of a next token after each cut; null where there is nothing to cut.
 * @typedef {{attention: (number|null)[], mlp: (number|null)[]}} Cuts
 */

export class Effects {
  /**
   * @param {import("../shared/kernel.js").Model} model
   * @param {import("./words.js").Words} words
   * @param {() => void} onAnswer
   */
  constructor(model, words, onAnswer) {
    this.model = model;
    this.words = words;
    this.onAnswer = onAnswer;
    this.lane = new Lane();
    /** By position: of each of the likeliest next tokens. @type {Map<number, Cuts[]>} */
    this.known = new Map();
    /** By position: why they are not known. @type {Map<number, string>} */
    this.problems = new Map();
    this.asked = -1; // the position that was asked about last
    this.note = element("p", { class: "muted small effects-note", role: "status" });
  }

  /** Whether effects are shown before a cut is made; a lesson that asks about them leaves them out. */
  get areShown() {
    return this.model.get("effects") !== false;
  }

  /** Forgets the effects of the previous trace. */
  load() {
    this.known = new Map();
    this.problems = new Map();
    this.asked = -1;
    setText(this.note, "");
  }

  /** Returns whether the effects at a token are known here, or can be computed. @param {FlowToken} token */
  areKept({ position }) {
    return isAnswered(this.model, "cuts", { position });
  }

  /**
   * Returns whether another next token can be followed after a token, with all its numbers.
   * @param {FlowToken} token
   */
  offers(token) {
    return !this.areShown || this.areKept(token);
  }

  /** Asks for the effects at a token, unless they are known. @param {FlowToken} token */
  ask(token) {
    const { known } = this;
    const { position } = token;
    if (!this.areShown || known.has(position) || this.asked === position || !this.areKept(token)) return;
    this.asked = position;
    this.note.dataset.asking = "";
    this.lane.ask(
      () => ask(this.model, "cuts", { position }),
      (answer) => this.keep(known, () => known.set(position, answer)),
      (error) => this.keep(known, () => this.refuse(position, error.message)),
    );
  }

  /** @param {number} position @param {string} problem */
  refuse(position, problem) {
    this.problems.set(position, problem);
    if (this.asked === position) this.asked = -1; // what was refused can be asked again
  }

  /** @param {Map<number, Cuts[]>} known @param {() => void} add adds an answer to what is known */
  keep(known, add) {
    if (known !== this.known) return; // the answer is about a previous trace
    add();
    delete this.note.dataset.asking;
    this.onAnswer();
  }

  /**
   * Returns the effects in each column, and writes why they are not known.
   * @param {FlowToken} token
   * @param {number} outcome one of its likeliest next tokens
   * @param {number} before its probability without a cut
   * @param {[number, number][]} columns the first and the last block of each
   */
  show(token, outcome, before, columns) {
    const { position } = token;
    const problem = this.areKept(token) ? (this.problems.get(position) ?? "") : this.words.effectsNotKept;
    setText(this.note, !this.areShown || this.known.has(position) ? "" : problem);
    return columns.map((layers) => this.inColumn(layers, token, outcome, before));
  }

  /**
   * Returns the probability of one of the likeliest next tokens after the cut of all attention of a block; null where
   * there is nothing to cut, undefined where it is not known or not shown.
   * @param {number} layer
   * @param {FlowToken} token
   * @param {number} outcome
   */
  afterAttention(layer, { position }, outcome) {
    return this.areShown ? this.known.get(position)?.[outcome].attention[layer] : undefined;
  }

  /**
   * Returns the effects in a column: in the block of the column where each is largest. Where effects are not shown, the
   * probabilities are NaN.
   * @param {[number, number]} layers the first and the last block of it
   * @param {FlowToken} token
   * @param {number} outcome
   * @param {number} before
   * @returns {{cutAttention: Effect|null|undefined, cutMlp: Effect|null|undefined}}
   */
  inColumn([first, last], token, outcome, before) {
    const { position } = token;
    const name = `${chipText(token)} (${position})`;
    if (!this.areShown) {
      if (first !== last) return { cutAttention: undefined, cutMlp: undefined };
      const unknown = { layer: first, before: Number.NaN, after: Number.NaN };
      const { attention, mlp } = this.words.part;
      return {
        cutAttention: { ...unknown, edit: cutAttention(first, position), name: attention(first, name) },
        cutMlp: { ...unknown, edit: cutMlp(first, position), name: mlp(first, name) },
      };
    }
    const cuts = this.known.get(position)?.[outcome];
    if (!cuts) return { cutAttention: undefined, cutMlp: undefined };
    const layers = Array.from({ length: last - first + 1 }, (_, i) => first + i);
    const strongest = (/** @type {(number|null)[]} */ after) =>
      layers
        .filter((layer) => after[layer] !== null)
        .sort((a, b) => Math.abs(Number(after[b]) - before) - Math.abs(Number(after[a]) - before))[0];
    /**
     * @param {"attention"|"mlp"} part
     * @param {(layer: number, position: number) => import("../shared/edits.js").Edit} cut
     */
    const effect = (part, cut) => {
      const layer = strongest(cuts[part]);
      if (layer === undefined) return null;
      const after = Number(cuts[part][layer]);
      return {
        layer,
        before,
        after,
        edit: cut(layer, position),
        name: this.words.part[part](layer, name),
      };
    };
    return { cutAttention: effect("attention", cutAttention), cutMlp: effect("mlp", cutMlp) };
  }
}
