// @ts-check
/**
 * The flow view: where what stands in a token after the last block comes from, block by block, and what cuts do.
 *
 * The shares of all tokens are sent with the view, so that another token is followed without asking the kernel. What
 * needs a pass of the model is asked for: the effect of cutting each block, and the outcome of the present cuts.
 */
import { element, setText } from "../shared/dom.js";
import { addFrame, listen, makeNotices, whenFilled } from "../shared/frame.js";
import { answersAll, ask, float32, isAnswered } from "../shared/kernel.js";
import { arrowStep } from "../shared/keys.js";
import { clamp } from "../shared/numbers.js";
import { setOffered } from "../shared/offer.js";
import { makeSentence } from "../shared/sentence.js";
import { wordsOf } from "../shared/words.js";
import { Unfolding } from "./columns.js";
import { Shares } from "./credit.js";
import { Cutting } from "./cutting.js";
import { Early } from "./early.js";
import { Effects } from "./effects.js";
import { Followed } from "./followed.js";
import { makeLegend, makeNotes } from "./legend.js";
import { lessonText, replacedText } from "./lesson.js";
import { NextBars } from "./next.js";
import { findSavedView, OpenHead } from "./open_head.js";
import { Picture } from "./picture.js";
import { Player } from "./play.js";
import { followByPointing } from "./pointing.js";
import { roomForRows } from "./room.js";
import { BlockTable } from "./table.js";
import { catalogue } from "./words.js";

/** @typedef {import("../shared/kernel.js").Model} Model */
/** @typedef {import("./followed.js").FlowToken} FlowToken */

const LONGEST = "m".repeat(13); // as wide as the widest token in the caption

class Flow {
  /**
   * @param {Model} model
   * @param {Model} selection
   * @param {import("../shared/kernel.js").Host} host
   * @param {Model|null} saved the attention view of an exported page
   * @param {HTMLElement} el
   */
  constructor(model, selection, host, saved, el) {
    const words = wordsOf(model, catalogue);
    this.model = model;
    this.selection = selection;
    this.words = words;
    this.followed = new Followed(model, selection, () => this.openHead.chosen?.query);
    this.notices = makeNotices(model);
    this.sentence = makeSentence(words.tokens, (shown) => this.follow(this.followed.ofSentence(shown)));
    this.caption = element("p", { class: "caption" });
    /** @type {Picture} */
    this.picture = new Picture(words, {
      follow: (token) => this.follow(token),
      cuts: () => this.cutting,
      opened: () => this.showOpenBlock(),
      openHead: (layer, head, focusBack) => this.openHead.toggle(layer, head, focusBack),
      openCell: (cell, focusBack) => this.openHead.openCell(cell, focusBack),
      unfold: (column) => this.unfolding.unfold(column),
      fold: () => this.fold(),
      hasBlocks: (column) => this.unfolding.isKept(column),
      hasHead: (which) => this.openHead.hasHead(which),
      hasCell: (cell) => this.openHead.hasCell(cell),
      offer: (control, isOn) => setOffered(control, model, isOn),
      room: () => roomForRows(this.root, this.picture, this.legend),
      ask: (name, args) => ask(model, name, args),
      isAnswered: (name, args) => isAnswered(model, name, args),
      cutsAll: answersAll(model, "outcome"),
    });
    this.unfolding = new Unfolding(model, {
      changed: () => this.showColumns(),
      refused: (message) => this.cutting.chips.sayProblem(message),
    });
    this.openHead = new OpenHead(model, selection, host, saved, words, {
      changed: () => this.showOpenHead(),
      followed: () => this.show(),
    });
    this.table = new BlockTable(words, () => this.cutting);
    this.early = new Early(model, words, () => this.showNumbers());
    /** @type {NextBars} */
    this.bars = new NextBars(words, {
      follow: (index) => this.followOutcome(index),
      offer: (bar) => setOffered(bar, model, this.player.isOn || this.effects.offers(this.followed.token)),
    });
    this.effects = new Effects(model, words, () => this.showNumbers());
    this.cutting = new Cutting(model, words, {
      position: () => this.followed.tokens[this.followed.selected].position,
      busy: (isBusy) => this.notices.setWaiting(this.root, isBusy),
      answered: () => this.showNumbers(),
    });
    this.player = new Player(model, words, () => ({
      root: this.root,
      picture: this.picture,
      sentence: this.sentence.root,
      bars: this.bars,
      chosen: () => this.followed.selected,
      hasCuts: () => this.cutting.edits.length > 0,
      outcomesAt: (token) => this.followed.leadersAt(token),
      holdKeys: () => this.holdKeys(),
      fold: () => this.unfolding.fold(),
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
    this.resizer.observe(this.early.line.plot); // it may have been hidden, and had no width
  }

  /** @returns {HTMLElement} */
  build() {
    const { model, picture, table, early, bars, followed } = this;
    const title = model.get("_title");
    const flow = element("div", { class: "flow numbers" }, picture.root);
    const aside = element("div", { class: "aside" }, bars.root, this.cutting.chips.root);
    const below = element(
      "div",
      { class: "below numbers" },
      table.root,
      this.effects.note,
      this.lesson,
      early.line.root,
    );
    followByPointing(
      this.sentence.root,
      (shown) => this.hover(shown === null ? null : followed.ofSentence(shown)),
      (shown) => this.follow(followed.ofSentence(shown)),
    );
    picture.stage.addEventListener("keydown", (event) => {
      const step = event.target === picture.stage ? arrowStep(event) : undefined;
      if (step) this.follow(clamp(followed.index + step[0] + step[1], 0, followed.tokens.length - 1));
    });
    const root = element(
      "section",
      { class: "gptviz gptviz-flow", "aria-label": title },
      own(
        element("header", {}, element("h3", {}, title), this.notices.computing),
        this.sentence.root,
        element("div", { class: "captioned" }, this.player.controls.root, this.caption),
        this.player.says,
      ),
      element("div", { class: "panes" }, own(flow, aside), this.openHead.root, this.guests, own(below)),
      own(picture.list.root, this.legend, this.notes),
    );
    root.addEventListener("startover", () => this.startOver());
    root.addEventListener("keydown", (event) => {
      this.player.controls.onKey(event);
      if (event.key === "Escape" && this.goOut()) event.stopPropagation();
    });
    return root;
  }

  /** Fits all parts to the width and the scale of the view. */
  resize() {
    this.root.dataset.scale = this.model.get("scale");
    this.picture.resize();
    this.table.setWidths(this.picture.widths);
    this.early.line.spread();
    this.player.resize();
  }

  /** Shows a new trace. */
  load() {
    const { model, words } = this;
    const about = model.get("_about");
    this.root.dataset.scale = model.get("scale");
    this.player.forget();
    this.followed.load();
    this.early.load();
    this.cutting.load();
    const shares = new Shares(
      about.columns.length,
      about.tokens.length,
      float32(model.get("_carried")),
      float32(model.get("_kept")),
      about.refusal !== null,
    );
    this.openHead.hide();
    this.sentence.show(about.tokens.filter((/** @type {FlowToken} */ token) => !token.earlier));
    this.unfolding.load(shares, about);
    this.picture.load(this.unfolding.shown, about);
    this.effects.load();
    this.legend.replaceChildren(...makeLegend(words, shares.areWeights, about.start !== null));
    this.notes.replaceChildren(...makeNotes(model, words, about).map((text) => element("p", {}, text)));
    this.show();
  }

  /** Follows a drawn token for as long as the pointer is on it. @param {number|null} token */
  hover(token) {
    if (this.followed.point(token)) this.show();
  }

  /** Selects a drawn token in all views that share the selection. @param {number} token */
  follow(token) {
    this.followed.select(token);
    this.show();
  }

  /** @param {number} index */
  followOutcome(index) {
    if (index >= this.followed.leaders.length) return;
    this.followed.outcome = index;
    this.showNumbers();
  }

  /** Shows the followed token: the picture and all numbers. */
  show() {
    const { words, followed } = this;
    const { index, hidden, hovered } = followed;
    this.player.close();
    followed.renewOutcome();
    this.sentence.mark(index - hidden);
    const [start, end] = this.picture.areWeights
      ? [words.reachesWeights, words.reachesWeightsEnd]
      : [words.reaches, words.reachesEnd];
    this.caption.replaceChildren(element("span", {}, `${start} `, ...this.picture.pieces.placed(index), ` ${end}`));
    this.caption.dataset.longest = `${start} ${LONGEST} ${end}`;
    this.picture.show(index, hovered !== null);
    this.showNumbers();
    this.askEffects();
    if (hovered !== null) return;
    this.cutting.follow();
    this.openHead.sayFollowed(followed.token);
  }

  /** Shows the numbers beside and below the picture. */
  showNumbers() {
    const { picture } = this;
    const { token, leaders, outcome } = this.followed;
    const next = leaders[outcome];
    const known = this.cutting.outcomeAt(token.position);
    const isNew = known !== null && !leaders.some((leader) => leader.token.id === known.leader.token.id);
    known?.leaders.forEach((after, i) => {
      leaders[i].after = after;
    });
    if (isNew) leaders.push({ ...known.leader, leadsNow: true });
    const afterAll = (/** @type {number} */ layer) => this.effects.afterAttention(layer, token, outcome);
    const replaced = replacedText(this.cutting.edits, token.position, next, afterAll, this.words.cuts);
    this.cutting.say(token.position, isNew, replaced);
    if (!this.player.isOn) this.bars.show(token, leaders, outcome, this.model.get("_about").vocab);
    const effects = this.effects.show(token, outcome, next.before, picture.columns);
    const cells = picture.cells().map((cell, column) => ({ ...cell, ...effects[column] }));
    const { areWeights, isPooled } = picture;
    this.table.show(picture.names, cells, token, next.token, { areWeights, isPooled });
    this.early.show(this.followed, next.token, picture.columns, picture.tracks);
    setText(this.lesson, areWeights ? "" : lessonText(cells, picture, this.words.lesson));
    this.table.setWidths(picture.widths); // all is written before anything is measured
    this.early.line.spread();
  }

  askEffects() {
    const { hovered, token } = this.followed;
    if (hovered === null) this.effects.ask(token);
  }

  // What is open: the blocks of a pooled column, a block, under it a head, and in that a cell; or the player

  /** Goes one level out; returns whether anything was open. */
  goOut() {
    const { picture, openHead, player } = this;
    const { opened } = picture;
    if (player.isOn) {
      player.end();
      return true;
    }
    if (openHead.back()) return true;
    if (opened === null) return this.fold();
    picture.open(null);
    picture.headings.focusOn(opened);
    return true;
  }

  /** Puts the blocks of an unfolded column together again; returns whether there was one. */
  fold() {
    const column = this.unfolding.fold();
    if (column !== null) this.picture.headings.focusOn(column);
    return column !== null;
  }

  /** Shows the columns after one was unfolded or folded. */
  showColumns() {
    const { picture, unfolding, openHead, words } = this;
    const { column, sent, shown } = unfolding;
    openHead.hide();
    picture.setColumns(shown, column === null ? "" : words.block(...sent.ranges[column]));
    this.holdKeys();
    this.show();
  }

  /**
   * Has the keys of a presentation while something is played or open, and a click keeps them: Escape goes out of it
   * first.
   */
  holdKeys() {
    const { root, player, picture, openHead } = this;
    const holds = player.isOn || openHead.isOpen || picture.opened !== null || this.unfolding.column !== null;
    root.toggleAttribute("data-holds-keys", holds);
    if (holds) root.tabIndex = -1;
    else root.removeAttribute("tabindex");
  }

  /** Shows the whole picture for the last token, with nothing open. */
  startOver() {
    const { picture, followed } = this;
    this.player.end();
    this.openHead.hide();
    picture.isOpen = false;
    picture.isUnfolded = false;
    if (picture.opened !== null) picture.open(null);
    this.unfolding.fold();
    this.follow(followed.tokens.length - 1);
  }

  /** Shows the numbers for the open block. A head of another block closes. */
  showOpenBlock() {
    const { columns, opened } = this.picture;
    if (opened === null || columns[opened][0] !== this.selection.get("layer")) this.openHead.hide();
    this.holdKeys();
    this.showNumbers();
  }

  /** Marks the open head in the picture, and opens its block; other views may have chosen it. */
  showOpenHead() {
    const { picture, openHead, selection } = this;
    const [layer, head] = [selection.get("layer"), selection.get("head")];
    if (openHead.isOpen) picture.openLayer(layer);
    openHead.show(this.words.part.head(layer, head));
    picture.showOpenHead(openHead.isOpen ? head : null);
    this.holdKeys();
  }

  /** Shows other cuts, and asks for their outcome. */
  update() {
    this.player.end();
    this.picture.mark();
    this.cutting.update();
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
  const view = new Flow(model, selection, host, await findSavedView(model, host), el);
  const show = () => {
    if (!view.openHead.chosen) view.show();
  };
  return listen(
    view,
    [model, "change:_source", () => view.load()],
    [model, "change:scale", () => view.resize()],
    [model, "change:_edits", () => view.update()],
    [selection, "change:query", show],
    [selection, "change:layer change:head", () => view.showOpenHead()],
  );
}

export default { render: whenFilled(render) };
