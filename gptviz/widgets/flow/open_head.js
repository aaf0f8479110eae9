// @ts-check
/**
 * An open head, under the picture: the attention view's map, stages and step by step. The view is made when a head is
 * opened for the first time. It shares the selection, so that layer, head and followed token are the same in both.
 */
import { positionedChip } from "../shared/chips.js";
import { button, element, setText } from "../shared/dom.js";
import { addWaitingMark } from "../shared/frame.js";
import { answersAll, ask, isAnswered } from "../shared/kernel.js";

/** @typedef {import("../shared/kernel.js").Model} Model */
/** @typedef {import("./followed.js").FlowToken} FlowToken */
/** A weight in a head's map. @typedef {{layer: number, head: number, query: number, key: number}} Cell */
/** @typedef {() => void} FocusBack gives the focus back to what opened a head or a cell */

/**
 * Returns the model of the attention view in an exported page, which tells what the page has of it; null where a kernel
 * answers all questions, and in a page without such a view.
 * @param {Model} model
 * @param {import("../shared/kernel.js").Host} host
 * @returns {Promise<Model|null>}
 */
export async function findSavedView(model, host) {
  if (answersAll(model, "attention") || !isAnswered(model, "attention", {})) return null;
  return host.getModel(await ask(model, "attention", {}));
}

export class OpenHead {
  /**
   * @param {Model} model
   * @param {Model} selection
   * @param {import("../shared/kernel.js").Host} host
   * @param {Model|null} saved see `findSavedView`
   * @param {import("./words.js").Words} words
   * @param {{changed: () => void, followed: () => void}} actions `changed`: a head was opened or closed; `followed`: a
   *   token was chosen in the attention view
   */
  constructor(model, selection, host, saved, words, actions) {
    this.model = model;
    this.selection = selection;
    this.host = host;
    this.saved = saved;
    this.words = words;
    this.actions = actions;
    /** The attention view, drawn once. @type {Promise<Model>|null} */
    this.drawn = null;
    /** The same when it is there. @type {Model|null} */
    this.view = null;
    /** @type {FocusBack} */
    this.focusBack = () => {};
    /**
     * What was selected before a cell was opened, and what opened it.
     * @type {{query: number, key: number, focusBack: FocusBack}|null}
     */
    this.beforeCell = null;
    /**
     * The chosen cell, while a mouse is on the map and selects the cells that it points at.
     * @type {{query: number, key: number}|null}
     */
    this.chosen = null;
    this.problem = element("p", { class: "problem", role: "alert", hidden: "" });
    this.container = element("div", {});
    const back = button(words.head.back, () => this.close(), { class: "back small" });
    this.now = element("span", { class: "now small muted", role: "status" });
    /**
     * The token that the picture follows, and the one that it followed when the head was opened.
     * @type {FlowToken|null}
     */
    this.shown = null;
    /** @type {FlowToken|null} */
    this.before = null;
    const attributes = { class: "open-head", role: "group", tabindex: -1, hidden: "" };
    this.root = element("div", attributes, back, this.now, this.problem, this.container);
    this.setWaiting = addWaitingMark(this.root, model);
    this.listen();
  }

  /** Follows chosen tokens only: the picture above would move what is pointed at. */
  listen() {
    this.container.addEventListener("pointerenter", ({ pointerType }) => {
      if (pointerType === "mouse") this.chosen = this.selectedCell();
    });
    this.container.addEventListener("pointerleave", () => {
      const { chosen } = this;
      this.chosen = null;
      if (chosen) this.select(chosen);
    });
    for (const name of ["click", "keydown"]) {
      this.container.addEventListener(name, () => {
        if (!this.chosen) return;
        this.chosen = this.selectedCell();
        this.actions.followed();
      });
    }
  }

  get isOpen() {
    return !this.root.hidden;
  }

  /** Returns whether a head's map can be shown here. @param {{layer: number, head: number}} which */
  hasHead(which) {
    return answersAll(this.model, "attention") || (this.saved !== null && isAnswered(this.saved, "head", which));
  }

  /** Returns whether the arithmetic of a weight can be shown here. @param {Cell} cell */
  hasCell(cell) {
    return answersAll(this.model, "attention") || (this.saved !== null && isAnswered(this.saved, "cell", { ...cell }));
  }

  selectedCell() {
    return { query: this.selection.get("query"), key: this.selection.get("key") };
  }

  /** @param {Partial<Cell>} part of the selection */
  select(part) {
    for (const [name, value] of Object.entries(part)) this.selection.set(name, value);
    this.selection.save_changes();
  }

  /**
   * Opens a head, or closes it if it is the open one.
   * @param {number} layer
   * @param {number} head
   * @param {FocusBack} focusBack
   */
  async toggle(layer, head, focusBack) {
    const isShown = this.isOpen && this.selection.get("layer") === layer && this.selection.get("head") === head;
    if (isShown) return this.close();
    await this.open({ layer, head }, focusBack);
  }

  /** Opens a head at the arithmetic of one of its weights. @param {Cell} cell @param {FocusBack} focusBack */
  async openCell(cell, focusBack) {
    this.beforeCell = { ...this.selectedCell(), focusBack };
    await this.open(cell, this.isOpen ? this.focusBack : focusBack);
    this.explain(true);
  }

  /** @param {Partial<Cell>} selected @param {FocusBack} focusBack */
  async open(selected, focusBack) {
    this.focusBack = focusBack;
    if (!this.isOpen) this.before = this.shown;
    this.select(selected);
    this.root.hidden = false;
    this.actions.changed();
    await this.draw();
    this.root.focus({ preventScroll: true });
    this.root.scrollIntoView({ block: "nearest" });
  }

  /** Draws the attention view, once; says why if there is none. */
  async draw() {
    this.drawn ??= this.drawView();
    let problem = "";
    this.setWaiting(true);
    try {
      this.view = await this.drawn;
    } catch (error) {
      this.drawn = null;
      problem = /** @type {Error} */ (error).message;
    }
    this.setWaiting(false);
    setText(this.problem, problem);
    this.problem.hidden = problem === "";
  }

  /** @returns {Promise<Model>} */
  async drawView() {
    /** @type {string} */
    const reference = await ask(this.model, "attention", {});
    const widget = await this.host.getWidget(reference);
    await widget.render({ el: this.container });
    return this.host.getModel(reference);
  }

  /** Opens or closes the attention view's step by step. @param {boolean} isExplained */
  explain(isExplained) {
    this.view?.set("_explained", isExplained);
    this.view?.save_changes();
  }

  /** Goes one level out: from the arithmetic to the map, from the map to the block. Returns whether a head was open. */
  back() {
    if (!this.isOpen) return false;
    if (!this.view?.get("_explained")) {
      this.close();
      return true;
    }
    this.explain(false);
    const before = this.beforeCell;
    this.beforeCell = null;
    if (before) {
      this.select({ query: before.query, key: before.key });
      before.focusBack();
    } else this.root.focus({ preventScroll: true });
    return true;
  }

  /** Closes the head, and gives the focus back to what opened it. */
  close() {
    this.hide();
    this.focusBack();
  }

  hide() {
    if (!this.isOpen) return;
    this.root.hidden = true;
    this.now.replaceChildren();
    this.chosen = null;
    this.beforeCell = null;
    this.explain(false);
    this.actions.changed();
  }

  /**
   * Says which token the picture follows, if it is another than when the head was opened.
   * @param {FlowToken} token
   */
  sayFollowed(token) {
    this.shown = token;
    const { before, now } = this;
    if (!this.isOpen || before === null || before.position === token.position) return now.replaceChildren();
    const { follows, again } = this.words.head;
    const back = button("", () => this.select({ query: before.position }), { class: "quiet small" });
    back.append(again, " ", positionedChip(before, before.position));
    now.replaceChildren(follows, " ", positionedChip(token, token.position), " ", back);
  }

  /** Names the open head. @param {string} name */
  show(name) {
    this.root.setAttribute("aria-label", this.words.head.panel(name));
  }
}
