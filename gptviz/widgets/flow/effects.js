// @ts-check
/** What real cuts do, block by block: asked for once for each followed token and next token, and kept. */
import { chipText } from "../shared/chips.js";
import { element, setText } from "../shared/dom.js";
import { ask, Lane } from "../shared/kernel.js";
import { cutAttention, cutMlp } from "./cuts.js";

/** @typedef {import("../shared/chips.js").PageToken} PageToken */
/** @typedef {import("./table.js").Effect} Effect */
/**
 * The probability of a next token after each cut; null where there is nothing to cut.
 * @typedef {{before: number, attention: (number|null)[], mlp: (number|null)[]}} Cuts
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
    /** @type {Map<string, Cuts>} */
    this.known = new Map();
    /** Why the answer to a question is not known. @type {Map<string, string>} */
    this.problems = new Map();
    this.asked = ""; // the question that was asked last
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
    this.asked = "";
    setText(this.note, "");
  }

  /** Asks for the effects on a next token, unless they are known. @param {PageToken} token @param {number} id */
  ask(token, id) {
    const { known } = this;
    const position = /** @type {number} */ (token.position);
    const key = keyOf(token, id);
    if (!this.areShown || known.has(key) || this.asked === key) return;
    this.asked = key;
    this.note.dataset.asking = "";
    this.lane.ask(
      () => ask(this.model, "cuts", { position, id }),
      (answer) => this.keep(known, () => known.set(key, answer)),
      (error) => this.keep(known, () => this.refuse(key, error.message)),
    );
  }

  /** @param {string} key @param {string} problem */
  refuse(key, problem) {
    this.problems.set(key, problem);
    if (this.asked === key) this.asked = ""; // what was refused can be asked again
  }

  /** @param {Map<string, Cuts>} known @param {() => void} add adds an answer to what is known */
  keep(known, add) {
    if (known !== this.known) return; // the answer is about a previous trace
    add();
    delete this.note.dataset.asking;
    this.onAnswer();
  }

  /**
   * Returns the effects in each column, and writes why they are not known.
   * @param {PageToken} token
   * @param {{token: PageToken}} outcome
   */
  show(token, outcome) {
    const key = keyOf(token, outcome.token.id);
    setText(this.note, this.known.has(key) ? "" : (this.problems.get(key) ?? ""));
    /** @type {[number, number][]} */
    const columns = this.model.get("_about").columns;
    return columns.map((_, column) => this.inColumn(column, token, outcome));
  }

  /**
   * Returns the effects in a column: in the block of the column where each is largest. Where effects are not shown, the
   * probabilities are NaN.
   * @param {number} column
   * @param {PageToken} token
   * @param {{token: PageToken}} outcome
   * @returns {{cutAttention: Effect|null|undefined, cutMlp: Effect|null|undefined}}
   */
  inColumn(column, token, outcome) {
    const [first, last] = this.model.get("_about").columns[column];
    const position = /** @type {number} */ (token.position);
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
    const cuts = this.known.get(keyOf(token, outcome.token.id));
    if (!cuts) return { cutAttention: undefined, cutMlp: undefined };
    const layers = Array.from({ length: last - first + 1 }, (_, i) => first + i);
    const strongest = (/** @type {(number|null)[]} */ after) =>
      layers
        .filter((layer) => after[layer] !== null)
        .sort((a, b) => Math.abs(Number(after[b]) - cuts.before) - Math.abs(Number(after[a]) - cuts.before))[0];
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
        before: cuts.before,
        after,
        edit: cut(layer, position),
        name: this.words.part[part](layer, name),
      };
    };
    return { cutAttention: effect("attention", cutAttention), cutMlp: effect("mlp", cutMlp) };
  }
}

/** Returns the name of a question. @param {PageToken} token @param {number} id of a next token */
function keyOf({ position }, id) {
  return `${position} ${id}`;
}
