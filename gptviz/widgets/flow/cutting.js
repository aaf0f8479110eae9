// @ts-check
/** The list of cuts, and the next token with them. The list is the trait `_edits`, which other views may change too. */
import { isSameEdit } from "../shared/edits.js";
import { ask, isAnswered, Lane } from "../shared/kernel.js";
import { setOffered } from "../shared/offer.js";
import { CutChips } from "./cuts.js";

/** @typedef {import("../shared/edits.js").Edit} Edit */
/**
 * The next token with the cuts: the probabilities of the likeliest before, and the one that leads now.
 * @typedef {{leaders: number[], leader: import("./next.js").Outcome}} Outcome
 */

export class Cutting {
  /**
   * @param {import("../shared/kernel.js").Model} model
   * @param {import("./words.js").Words} words
   * @param {{position: () => number, busy: (isBusy: boolean) => void, answered: () => void}} actions position: of the
   *   token whose next token is shown
   */
  constructor(model, words, actions) {
    this.model = model;
    this.actions = actions;
    this.lane = new Lane();
    this.chips = new CutChips(words, {
      set: (edits) => this.set(edits),
      offer: (control, edits) => setOffered(control, model, this.hasOutcome(edits)),
    });
    /** The cuts before those that were added here and whose outcome is not known yet. @type {Edit[]|null} */
    this.before = null;
    this.refusal = ""; // why the added cuts were refused
    /** @type {{position: number, of: Outcome}|null} */
    this.outcome = null;
    /** The token for which the cuts are shown. @type {number|null} */
    this.position = null;
  }

  /** @returns {Edit[]} */
  get edits() {
    return this.model.get("_edits");
  }

  /** Forgets the outcome of the previous trace. */
  load() {
    this.outcome = null;
    this.before = null;
    this.position = null;
  }

  /** @param {Edit} edit */
  has(edit) {
    return this.edits.some((other) => isSameEdit(other, edit));
  }

  /** Returns the list with these cuts, or without them if it has all of them. @param {Edit[]} edits */
  toggled(edits) {
    const others = this.edits.filter((edit) => !edits.some((other) => isSameEdit(edit, other)));
    return this.edits.length - others.length === edits.length ? others : [...others, ...edits];
  }

  /**
   * Returns whether the outcome of a list after a token is known here, or can be computed.
   * @param {Edit[]} edits
   * @param {number} [position] of the token; that of the selected one if it is left out
   */
  hasOutcome(edits, position = this.actions.position()) {
    return !edits.length || isAnswered(this.model, "outcome", { edits, position });
  }

  /** Returns whether these cuts can be made, or taken back, with an outcome. @param {Edit[]} edits */
  offers(edits) {
    return this.model.get("_about").runs && this.hasOutcome(this.toggled(edits));
  }

  /**
   * Offers a control that makes these cuts or takes them back.
   * @param {HTMLButtonElement} control
   * @param {Edit[]} edits
   */
  offer(control, edits) {
    return setOffered(control, this.model, this.offers(edits));
  }

  /** Makes these cuts, or takes them back if all of them are made. @param {Edit[]} edits */
  toggle(edits) {
    if (!this.offers(edits)) return;
    const list = this.toggled(edits);
    if (list.length > this.edits.length) this.before ??= this.edits;
    this.set(list);
  }

  /** @param {Edit[]} edits */
  set(edits) {
    this.model.set("_edits", edits);
    this.model.save_changes();
  }

  /** Returns the next token with the present cuts, null while it is not known. @param {number} position */
  outcomeAt(position) {
    return this.outcome?.position === position ? this.outcome.of : null;
  }

  /**
   * Says beside the cuts which pass is shown after a token, and what scaled weights do.
   * @param {number} position
   * @param {boolean} isNew whether a token leads that was not among the likeliest
   * @param {string} replaced see `replacedText`
   */
  say(position, isNew, replaced) {
    this.chips.sayWhichPass(this.outcomeAt(position) !== null, this.hasOutcome(this.edits, position), isNew);
    this.chips.sayWhatScales(replaced);
  }

  /** Shows the cuts of a new trace, and asks for their outcome after another token. */
  follow() {
    const isOther = this.edits.length > 0 && this.position !== this.actions.position();
    if (this.position === null || isOther) this.update();
  }

  /** Shows the present cuts; the numbers before are dim until the outcome comes. */
  update() {
    const { model, edits, refusal, actions } = this;
    const position = actions.position();
    this.position = position;
    /** @type {import("../shared/chips.js").PageToken[]} */
    const tokens = model.get("_about").tokens;
    const tokenAt = (/** @type {number} */ at) => tokens.find((one) => one.position === at);
    this.chips.show(edits, model.get("_dropped"), model.get("_about").runs, tokenAt);
    actions.busy(edits.length > 0);
    /** @returns {Promise<Outcome|null>} */
    const question = async () =>
      edits.length && this.hasOutcome(edits) ? ask(model, "outcome", { edits, position }) : null;
    this.lane.ask(
      question,
      (of) => {
        const isSame = of === null && this.outcome === null;
        this.before = null;
        this.outcome = of && { position, of };
        actions.busy(false);
        this.chips.sayProblem(refusal);
        if (!isSame) actions.answered();
      },
      (error) => {
        this.position = null; // its outcome can be asked for again
        actions.busy(false);
        this.chips.sayProblem(error.message);
        this.outcome = null;
        actions.answered();
        const { before } = this;
        this.before = null;
        if (!before) return; // the cuts stay: only their outcome here is not known
        this.refusal = error.message; // stays in sight while the cuts before are shown again
        this.set(before);
        this.refusal = "";
      },
    );
  }
}
