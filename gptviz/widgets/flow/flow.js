// @ts-check
/**
 * The flow view: where what stands in a token after the last block comes from, block by block, and what cuts do.
 *
 * The shares of all tokens are sent with the view, so that another token is followed without asking the kernel. What
 * needs a pass of the model is asked for: the effect of cutting each block, and the outcome of the present cuts.
 */
import { element, setText } from "../shared/dom.js";
import { addFrame, makeNotices, whenFilled } from "../shared/frame.js";
import { isSameEdit } from "../shared/edits.js";
import { ask, float32, Lane, refusalText } from "../shared/kernel.js";
import { arrowStep } from "../shared/keys.js";
import { clamp, percent } from "../shared/numbers.js";
import { makeSentence } from "../shared/sentence.js";
import { sharedWords, wordsOf } from "../shared/words.js";
import { Shares } from "./credit.js";
import { CutChips } from "./cuts.js";
import { Effects } from "./effects.js";
import { makeLegend } from "./legend.js";
import { LensLine } from "./lens.js";
import { NextBars } from "./next.js";
import { Picture } from "./picture.js";
import { disagreement } from "./lesson.js";
import { BlockTable } from "./table.js";
import { catalogue } from "./words.js";

/** @typedef {import("../shared/kernel.js").Model} Model */
/** @typedef {import("../shared/chips.js").PageToken & {position: number, earlier?: number}} FlowToken */
/** @typedef {import("../shared/edits.js").Edit} Edit */
/** The next token with the cuts. @typedef {{leaders: number[], leader: import("./next.js").Outcome}} CutOutcome */

class Flow {
  /** @param {Model} model @param {Model} selection @param {HTMLElement} el */
  constructor(model, selection, el) {
    const words = wordsOf(model, catalogue);
    this.model = model;
    this.selection = selection;
    this.words = words;
    this.lane = new Lane();
    this.lensLane = new Lane();
    /** The token under the pointer, in place of the selected one. @type {number|null} */
    this.hovered = null;
    this.outcome = 0; // of the likeliest next tokens, the followed one
    this.outcomeOf = -1; // the token that it belongs to
    /** The last list of cuts that Python accepted. @type {Edit[]} */
    this.accepted = [];
    this.refusal = ""; // why Python refused the list after it
    this.shares = new Shares(0, 0, new Float32Array(), new Float32Array());
    /** The likeliest next tokens' probabilities: (T, leaders). */
    this.probabilities = new Float32Array();
    /** The same at every depth: (T, leaders, L + 1); NaN where they were not sent. */
    this.lensShares = new Float32Array();
    /** The next token with the present cuts. @type {{position: number, of: CutOutcome}|null} */
    this.cutOutcome = null;
    this.notices = makeNotices(model);
    this.sentence = makeSentence(words.tokens, (shown) => this.follow(shown + this.hidden));
    this.caption = element("p", { class: "caption" });
    this.chips = new CutChips(words, (edits) => this.setEdits(edits));
    this.picture = new Picture(words, {
      follow: (token) => this.follow(token),
      cut: (edits) => this.toggleAll(edits),
      isCut: (edit) => this.isCut(edit),
    });
    this.table = new BlockTable(words, (edit) => this.toggleAll([edit]));
    this.lens = new LensLine(words);
    this.bars = new NextBars(words, (index) => this.followOutcome(index));
    this.effects = new Effects(model, words, () => this.showNumbers());
    this.lesson = element("p", { class: "lesson", role: "status" });
    this.notes = element("div", { class: "notes muted small" });
    this.legend = element("div", { class: "legend" });
    this.root = this.build();
    this.stopFrame = addFrame(model, this.root, undefined, selection);
    el.append(this.root);
    this.resizer = new ResizeObserver(() => this.picture.resize());
    this.load();
    this.resizer.observe(this.picture.stage);
  }

  build() {
    const { model, picture, table, lens, bars } = this;
    const title = model.get("_title");
    const tableNote = this.effects.note;
    const left = element("div", { class: "flow" }, picture.root, table.root, tableNote, this.lesson, lens.root);
    left.classList.add("numbers");
    this.listenToSentence();
    picture.stage.addEventListener("keydown", (event) => {
      const step = event.target === picture.stage ? arrowStep(event) : undefined;
      if (step) this.follow(clamp(this.position + step[0] + step[1], 0, this.tokens.length - 1));
    });
    return element(
      "section",
      { class: "gptviz gptviz-flow", "aria-label": title },
      element("header", {}, element("h3", {}, title), this.notices.computing),
      this.notices.problem,
      this.sentence.root,
      this.caption,
      this.chips.root,
      element("div", { class: "panes" }, left, bars.root),
      picture.list.root,
      this.legend,
      this.notes,
    );
  }

  /** Follows the token under the pointer until the pointer leaves the sentence. */
  listenToSentence() {
    const { root } = this.sentence;
    const buttonAt = (/** @type {Event} */ event) => /** @type {Element} */ (event.target).closest("button");
    root.addEventListener("pointerover", (event) => {
      const found = buttonAt(event);
      if (found) this.hover([...root.querySelectorAll("button")].indexOf(found));
    });
    root.addEventListener("pointerleave", () => this.hover(null));
    root.addEventListener("keydown", (event) => {
      const buttons = [...root.querySelectorAll("button")];
      const focused = buttons.indexOf(/** @type {HTMLButtonElement} */ (event.target));
      const step = focused < 0 ? undefined : arrowStep(event);
      if (!step) return;
      const next = clamp(focused + step[0] + step[1], 0, buttons.length - 1);
      buttons[next].focus();
      this.follow(next + this.hidden);
    });
  }

  /** The tokens that are drawn. @returns {FlowToken[]} */
  get tokens() {
    return this.model.get("_about").tokens;
  }

  /** @returns {Edit[]} */
  get edits() {
    return this.model.get("_edits");
  }

  /** The followed token, counted among those that are drawn. */
  get position() {
    return this.hovered ?? this.selected;
  }

  /** The selected token, counted among those that are drawn. */
  get selected() {
    const last = this.tokens.length - 1;
    const query = this.selection.get("query");
    return query < 0 ? last : clamp(last + query - this.tokens[last].position, this.hidden, last);
  }

  /** The likeliest next tokens after the followed one. @returns {import("./next.js").Outcome[]} */
  get leaders() {
    const { leaders, vocabulary } = this.model.get("_about");
    /** @type {number[]} */
    const ids = leaders[this.position];
    return ids.map((id, i) => ({
      token: vocabulary[id],
      before: this.probabilities[this.position * ids.length + i],
      after: null,
    }));
  }

  /** Shows a new trace. */
  load() {
    const { model, words } = this;
    const about = model.get("_about");
    this.root.dataset.scale = model.get("scale");
    this.hovered = null;
    this.outcomeOf = -1;
    this.cutOutcome = null;
    this.accepted = this.edits;
    this.shares = new Shares(
      about.columns.length,
      about.tokens.length,
      float32(model.get("_carried")),
      float32(model.get("_kept")),
      about.refusal !== null,
    );
    this.probabilities = float32(model.get("_probabilities"));
    this.lensShares = float32(model.get("_lens"));
    this.sentence.show(about.tokens.filter((/** @type {FlowToken} */ token) => !token.earlier));
    this.picture.load(this.shares, about, Number(getComputedStyle(this.root).getPropertyValue("--gv-scale")) || 1);
    this.effects.load();
    this.legend.replaceChildren(...makeLegend(words, this.shares.areWeights));
    this.showNotes(about);
    this.show();
    this.update();
  }

  /** @param {any} about */
  showNotes({ columns, layers, tokens, refusal, byLength }) {
    const { words } = this;
    const { areWeights } = this.shares;
    const earlier = tokens[0].earlier;
    const pooled = areWeights ? words.pooledWeights : words.pooled;
    const texts = [
      refusal && `${words.weightsBecause} ${refusalText(sharedWords(this.model), refusal)}`,
      layers > columns.length && pooled(layers, columns.length),
      earlier && words.window(tokens.length - 1, earlier),
      byLength > 0 && words.byLength(byLength),
    ].filter(Boolean);
    this.notes.replaceChildren(...texts.map((text) => element("p", {}, text)));
  }

  // Following a token and an outcome

  /** Follows a token for as long as the pointer is on it. @param {number|null} shown among the sentence's */
  hover(shown) {
    const token = shown === null ? null : shown + this.hidden;
    if (token === this.hovered) return;
    this.hovered = token;
    this.show();
  }

  /** The number of drawn tokens that are no tokens of the sentence: the one that stands for the earlier ones. */
  get hidden() {
    return this.tokens[0].earlier ? 1 : 0;
  }

  /** Selects a token in all views that share the selection. @param {number} token among the drawn ones */
  follow(token) {
    this.hovered = null;
    this.selection.set("query", this.tokens[Math.max(token, this.hidden)].position);
    this.selection.save_changes();
    this.show();
  }

  /** @param {number} index */
  followOutcome(index) {
    if (index >= this.leaders.length) return;
    this.outcome = index;
    this.showNumbers();
    this.askEffects();
  }

  /** Shows the followed token: the picture and all numbers. */
  show() {
    const { words, position } = this;
    if (this.outcomeOf !== position) this.outcome = 0;
    this.outcomeOf = position;
    this.sentence.mark(position - this.hidden);
    const { areWeights } = this.shares;
    const [start, end] = areWeights
      ? [words.reachesWeights, words.reachesWeightsEnd]
      : [words.reaches, words.reachesEnd];
    this.caption.replaceChildren(`${start} `, ...this.picture.placed(position), ` ${end}`);
    this.picture.show(position);
    this.showNumbers();
    this.askEffects();
    if (this.edits.length && this.hovered === null && this.cutOutcome?.position !== position) this.update();
  }

  /** Shows the numbers beside and below the picture. */
  showNumbers() {
    const { position, leaders, picture } = this;
    const token = this.tokens[position];
    const followed = leaders[this.outcome];
    const known = this.cutOutcome?.position === position ? this.cutOutcome.of : null;
    if (known) {
      leaders.forEach((leader, i) => {
        leader.after = known.leaders[i];
      });
      if (!leaders.some((leader) => leader.token.id === known.leader.token.id)) leaders.push(known.leader);
    }
    this.bars.show(token, leaders, this.outcome, this.model.get("_about").vocab);
    const cells = picture.cells().map((cell, column) => ({
      ...cell,
      ...this.effects.inColumn(column, this.tokens[position], followed),
    }));
    const { areWeights, isPooled } = picture;
    const isCut = (/** @type {Edit} */ edit) => this.isCut(edit);
    this.table.show(picture.names, cells, token, followed.token, { areWeights, isPooled, isCut });
    this.showLens(followed.token);
    this.showLesson(cells);
  }

  /** @param {import("../shared/chips.js").PageToken} outcome */
  showLens(outcome) {
    const { layers, columns, tied, leaders, lensRefusal } = this.model.get("_about");
    const size = layers + 1;
    const first = (this.position * leaders[0].length + this.outcome) * size;
    const shares = lensRefusal === null ? this.lensShares.subarray(first, first + size) : null;
    const problem = lensRefusal && refusalText(sharedWords(this.model), lensRefusal);
    this.lens.show(outcome, shares, columns, tied, problem);
    if (shares && Number.isNaN(shares[0]) && this.hovered === null) this.askLens(this.position);
  }

  /** Asks for the probabilities at each depth of a token whose were not sent. @param {number} position */
  askLens(position) {
    const { lensShares } = this;
    this.lensLane.ask(
      () => ask(this.model, "lens", { position: this.tokens[position].position }),
      ({ data }) => {
        lensShares.set(data, position * data.length);
        this.showNumbers();
      },
      (error) => setText(this.lens.note, error.message),
    );
  }

  /** Says where a share and the effect of a cut disagree. @param {import("./table.js").Cells[]} cells */
  showLesson(cells) {
    const { lesson } = this.words;
    const found = this.picture.areWeights ? null : disagreement(cells);
    if (found === null) return setText(this.lesson, "");
    if (found === "none") return setText(this.lesson, lesson.agree);
    const named = found.map(({ attention, effect, column }) => ({
      block: this.picture.isPooled ? this.words.block(effect.layer, effect.layer) : this.picture.names[column],
      share: percent(attention),
      after: percent(effect.after),
    }));
    setText(this.lesson, lesson.differ(named[0], named[1], percent(found[0].effect.before)));
  }

  askEffects() {
    if (this.hovered === null) this.effects.ask(this.tokens[this.position], this.leaders[this.outcome].token.id);
  }

  // Cuts

  /** @param {Edit} edit */
  isCut(edit) {
    return this.edits.some((other) => isSameEdit(other, edit));
  }

  /** Makes these cuts, or takes them back if all of them are made. @param {Edit[]} edits */
  toggleAll(edits) {
    if (!this.model.get("_about").runs) return;
    const others = this.edits.filter((other) => !edits.some((edit) => isSameEdit(edit, other)));
    const isMade = this.edits.length - others.length === edits.length;
    this.setEdits(isMade ? others : [...others, ...edits]);
  }

  /** @param {Edit[]} edits */
  setEdits(edits) {
    this.model.set("_edits", edits);
    this.model.save_changes();
  }

  /** Shows the present cuts; their outcome is asked for, and the numbers before are dim until it comes. */
  update() {
    const { edits, refusal } = this;
    const position = this.selected;
    this.picture.mark();
    this.chips.show(edits, this.model.get("_dropped"), (place) => this.tokens.find((one) => one.position === place));
    this.notices.setWaiting(this.root, edits.length > 0);
    /** @returns {Promise<CutOutcome|null>} */
    const question = async () =>
      edits.length ? ask(this.model, "outcome", { edits, position: this.tokens[position].position }) : null;
    this.lane.ask(
      question,
      (of) => {
        this.accepted = edits;
        this.cutOutcome = of && { position, of };
        this.notices.setWaiting(this.root, false);
        this.notices.setProblem(refusal);
        this.showNumbers();
      },
      (error) => {
        this.notices.setWaiting(this.root, false);
        this.notices.setProblem(error.message);
        this.refusal = error.message; // stays in sight while the accepted list is shown again
        this.setEdits(isSameList(this.accepted, edits) ? [] : this.accepted);
        this.refusal = "";
      },
    );
  }

  remove() {
    this.stopFrame();
    this.resizer.disconnect();
    this.root.remove();
  }
}

/** @param {Edit[]} first @param {Edit[]} second */
function isSameList(first, second) {
  return first.length === second.length && first.every((edit, i) => isSameEdit(edit, second[i]));
}

/** @param {import("../shared/kernel.js").RenderProps} context */
async function render({ model, el, host }) {
  const selection = await host.getModel(model.get("_selection"));
  const view = new Flow(model, selection, el);
  const load = () => view.load();
  const update = () => view.update();
  const show = () => view.show();
  model.on("change:_source change:scale", load);
  model.on("change:_edits", update);
  selection.on("change:query", show);
  return () => {
    model.off("change:_source change:scale", load);
    model.off("change:_edits", update);
    selection.off("change:query", show);
    view.remove();
  };
}

export default { render: whenFilled(render) };
