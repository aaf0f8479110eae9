// @ts-check
/**
 * The flow view: where what stands in a token after the last block comes from, block by block, and what cuts do.
 *
 * The shares of all tokens are sent with the view, so that another token is followed without asking the kernel. What
 * needs a pass of the model is asked for: the effect of cutting each block, and the outcome of the present cuts.
 */
import { element, setText } from "../shared/dom.js";
import { addFrame, makeNotices, whenFilled } from "../shared/frame.js";
import { ask, float32, Lane, refusalText } from "../shared/kernel.js";
import { arrowStep } from "../shared/keys.js";
import { clamp, percent } from "../shared/numbers.js";
import { makeSentence } from "../shared/sentence.js";
import { sharedWords, wordsOf } from "../shared/words.js";
import { Shares } from "./credit.js";
import { Cutting } from "./cutting.js";
import { Effects } from "./effects.js";
import { makeLegend, makeNotes } from "./legend.js";
import { LensLine } from "./lens.js";
import { disagreement } from "./lesson.js";
import { NextBars } from "./next.js";
import { OpenHead } from "./open_head.js";
import { Picture } from "./picture.js";
import { Player } from "./play.js";
import { followByPointing } from "./pointing.js";
import { roomForRows } from "./room.js";
import { BlockTable } from "./table.js";
import { catalogue } from "./words.js";

/** @typedef {import("../shared/kernel.js").Model} Model */
/** @typedef {import("../shared/chips.js").PageToken & {position: number, earlier?: number}} FlowToken */

class Flow {
  /** @param {Model} model @param {Model} selection @param {import("../shared/kernel.js").Host} host @param {HTMLElement} el */
  constructor(model, selection, host, el) {
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
    this.shares = new Shares(0, 0, new Float32Array(), new Float32Array());
    /** The likeliest next tokens' probabilities: (T, leaders). @type {Float32Array} */
    this.probabilities = new Float32Array();
    /** The same at every depth: (T, leaders, L + 1); NaN where they were not sent. @type {Float32Array} */
    this.lensShares = new Float32Array();
    this.notices = makeNotices(model);
    this.sentence = makeSentence(words.tokens, (shown) => this.follow(shown + this.hidden));
    this.caption = element("p", { class: "caption" });
    /** @type {Picture} */
    this.picture = new Picture(words, {
      follow: (token) => this.follow(token),
      cut: (edits) => this.cutting.toggle(edits),
      isCut: (edit) => this.cutting.has(edit),
      opened: () => this.showOpenBlock(),
      openHead: (layer, head, focusBack) => this.openHead.toggle(layer, head, focusBack),
      openCell: (cell, focusBack) => this.openHead.openCell(cell, focusBack),
      room: () => roomForRows(this.root, this.picture, this.legend),
      ask: (name, args) => ask(model, name, args),
    });
    this.openHead = new OpenHead(model, selection, host, words, {
      changed: () => this.showOpenHead(),
      followed: () => this.show(),
    });
    this.table = new BlockTable(words, (edit) => this.cutting.toggle([edit]));
    this.lens = new LensLine(words);
    this.bars = new NextBars(words, (index) => this.followOutcome(index));
    this.effects = new Effects(model, words, () => this.showNumbers());
    this.cutting = new Cutting(model, words, {
      busy: (isBusy) => this.notices.setWaiting(this.root, isBusy),
      setProblem: this.notices.setProblem,
      answered: () => this.showNumbers(),
    });
    this.player = new Player(model, words, () => ({
      root: this.root,
      picture: this.picture,
      sentence: this.sentence.root,
      bars: this.bars,
      chosen: () => this.selected,
      hasCuts: () => this.cutting.edits.length > 0,
      outcomesAt: (token) => this.leadersAt(token),
      ended: () => this.showNumbers(),
    }));
    this.lesson = element("p", { class: "lesson", role: "status" });
    this.notes = element("div", { class: "notes muted small" });
    this.legend = element("div", { class: "legend" });
    /** What stood in the element before: it is put below the picture. */
    this.guests = element("div", { class: "guests" }, ...el.childNodes);
    this.root = this.build();
    this.stopFrame = addFrame(model, this.root, undefined, selection);
    el.append(this.root);
    this.resizer = new ResizeObserver(() => this.resize());
    this.load();
    this.resizer.observe(this.picture.stage);
    this.resizer.observe(this.root); // a presented view is as high as its room
  }

  /** @returns {HTMLElement} */
  build() {
    const { model, picture, table, lens, bars } = this;
    const title = model.get("_title");
    const flow = element("div", { class: "flow numbers" }, picture.root);
    const below = element("div", { class: "below numbers" }, table.root, this.effects.note, this.lesson, lens.root);
    followByPointing(
      this.sentence.root,
      (shown) => this.hover(shown),
      (shown) => this.follow(shown + this.hidden),
    );
    picture.stage.addEventListener("keydown", (event) => {
      const step = event.target === picture.stage ? arrowStep(event) : undefined;
      if (step) this.follow(clamp(this.position + step[0] + step[1], 0, this.tokens.length - 1));
    });
    const root = element(
      "section",
      { class: "gptviz gptviz-flow", "aria-label": title },
      own(
        element("header", {}, element("h3", {}, title), this.player.controls.root, this.notices.computing),
        this.notices.problem,
        this.sentence.root,
        this.caption,
        this.player.says,
        this.cutting.chips.root,
      ),
      element("div", { class: "panes" }, own(flow, bars.root), this.openHead.root, this.guests, own(below)),
      own(picture.list.root, this.legend, this.notes),
    );
    root.addEventListener("keydown", (event) => {
      this.player.controls.onKey(event);
      if (event.key === "Escape" && this.goOut()) event.stopPropagation();
    });
    return root;
  }

  /** The tokens that are drawn. @returns {FlowToken[]} */
  get tokens() {
    return this.model.get("_about").tokens;
  }

  /** The followed token, counted among those that are drawn. */
  get position() {
    return this.hovered ?? this.selected;
  }

  /** The selected token, counted among those that are drawn. */
  get selected() {
    const last = this.tokens.length - 1;
    const query = this.openHead.chosen?.query ?? this.selection.get("query");
    return query < 0 ? last : clamp(last + query - this.tokens[last].position, this.hidden, last);
  }

  /** The likeliest next tokens after the followed one. */
  get leaders() {
    return this.leadersAt(this.position);
  }

  /** Returns the likeliest next tokens after a drawn token. @param {number} token @returns {import("./next.js").Outcome[]} */
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

  /** Fits all parts to the width and the scale of the view. */
  resize() {
    this.root.dataset.scale = this.model.get("scale");
    this.picture.resize();
    this.table.place(this.picture.widths);
    this.lens.spread();
    this.player.resize();
  }

  /** Shows a new trace. */
  load() {
    const { model, words } = this;
    const about = model.get("_about");
    this.root.dataset.scale = model.get("scale");
    this.player.forget();
    this.hovered = null;
    this.outcomeOf = -1;
    this.cutting.load();
    this.shares = new Shares(
      about.columns.length,
      about.tokens.length,
      float32(model.get("_carried")),
      float32(model.get("_kept")),
      about.refusal !== null,
    );
    this.probabilities = float32(model.get("_probabilities"));
    this.lensShares = float32(model.get("_lens"));
    this.openHead.hide();
    this.sentence.show(about.tokens.filter((/** @type {FlowToken} */ token) => !token.earlier));
    this.picture.load(this.shares, about);
    this.effects.load();
    this.legend.replaceChildren(...makeLegend(words, this.shares.areWeights));
    this.notes.replaceChildren(...makeNotes(model, words, about).map((text) => element("p", {}, text)));
    this.show();
    this.update();
  }

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
    this.player.close();
    if (this.outcomeOf !== position) this.outcome = 0;
    this.outcomeOf = position;
    this.sentence.mark(position - this.hidden);
    const { areWeights } = this.shares;
    const [start, end] = areWeights
      ? [words.reachesWeights, words.reachesWeightsEnd]
      : [words.reaches, words.reachesEnd];
    this.caption.replaceChildren(`${start} `, ...this.picture.pieces.placed(position), ` ${end}`);
    this.picture.show(position, this.hovered !== null);
    this.showNumbers();
    this.askEffects();
    if (this.hovered === null) this.cutting.follow(this.tokens[position].position);
  }

  /** Shows the numbers beside and below the picture. */
  showNumbers() {
    const { position, leaders, picture } = this;
    const token = this.tokens[position];
    const followed = leaders[this.outcome];
    const known = this.cutting.outcomeAt(token.position);
    this.cutting.chips.sayWhichPass(known !== null);
    if (known) {
      leaders.forEach((leader, i) => {
        leader.after = known.leaders[i];
      });
      const isListed = leaders.some((leader) => leader.token.id === known.leader.token.id);
      if (!isListed) leaders.push({ ...known.leader, leadsNow: true });
    }
    if (!this.player.isOn) this.bars.show(token, leaders, this.outcome, this.model.get("_about").vocab);
    const effects = this.effects.show(token, followed);
    const cells = picture.cells().map((cell, column) => ({ ...cell, ...effects[column] }));
    const { areWeights, isPooled } = picture;
    const isCut = (/** @type {import("../shared/edits.js").Edit} */ edit) => this.cutting.has(edit);
    this.table.show(picture.names, cells, token, followed.token, { areWeights, isPooled, isCut });
    this.table.place(picture.widths);
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
    this.lens.show(outcome, shares, columns, this.picture.tracks, tied, problem);
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
    if (typeof found === "string") return setText(this.lesson, lesson[found]);
    const { names, columns } = this.picture;
    const named = found.map(({ attention, effect: { layer, after }, column }) => ({
      place: names[column],
      cut: columns[column][0] === columns[column][1] ? names[column] : lesson.alone(layer),
      share: percent(attention),
      after: percent(after),
    }));
    setText(this.lesson, lesson.differ(named[0], named[1], percent(found[0].effect.before)));
  }

  askEffects() {
    if (this.hovered === null) this.effects.ask(this.tokens[this.position], this.leaders[this.outcome].token.id);
  }

  // What is open: a block, under it a head, and in that a cell; or the player

  /** Goes one level out; returns whether anything was open. */
  goOut() {
    const { picture, openHead, player } = this;
    const { opened } = picture;
    if (player.isOn) {
      player.end();
      return true;
    }
    if (openHead.back()) return true;
    if (opened === null) return false;
    picture.open(null);
    picture.focusOn(opened);
    return true;
  }

  /** Shows the numbers for the open block. A head of another block closes. */
  showOpenBlock() {
    const { columns, opened } = this.picture;
    if (opened === null || columns[opened][0] !== this.selection.get("layer")) this.openHead.hide();
    this.showNumbers();
  }

  /** Marks the open head in the picture, and opens its block; other views may have chosen it. */
  showOpenHead() {
    const { picture, openHead, selection } = this;
    const [layer, head] = [selection.get("layer"), selection.get("head")];
    if (openHead.isOpen) picture.openLayer(layer);
    openHead.show(this.words.part.head(layer, head));
    picture.showOpenHead(openHead.isOpen ? head : null);
  }

  /** Shows the present cuts, and asks for their outcome. */
  update() {
    this.player.end();
    this.picture.mark();
    this.cutting.update(this.tokens[this.selected].position);
  }

  remove() {
    this.player.stop();
    this.stopFrame();
    this.resizer.disconnect();
    this.root.remove();
  }
}

/** Wraps parts of this view, so that its style sheet leaves the view that it holds alone. @param {...Node} parts */
function own(...parts) {
  return element("div", { class: "flow-own" }, ...parts);
}

/** @param {import("../shared/kernel.js").RenderProps} context */
async function render({ model, el, host }) {
  const selection = await host.getModel(model.get("_selection"));
  const view = new Flow(model, selection, host, el);
  const show = () => {
    if (!view.openHead.chosen) view.show();
  };
  const listeners = /** @type {[Model, string, () => void][]} */ ([
    [model, "change:_source", () => view.load()],
    [model, "change:scale", () => view.resize()],
    [model, "change:_edits", () => view.update()],
    [selection, "change:query", show],
    [selection, "change:layer change:head", () => view.showOpenHead()],
  ]);
  for (const [from, events, listener] of listeners) from.on(events, listener);
  return () => {
    for (const [from, events, listener] of listeners) from.off(events, listener);
    view.remove();
  };
}

export default { render: whenFilled(render) };
