// @ts-check
/** The names of the columns above the picture: a click opens a block, or unfolds a column of several blocks. */
import { button, element } from "../shared/dom.js";
import { isPooled } from "./columns.js";

/**
 * A column: its name, its first and its last block, the order of its parts, its relative width, and what is shown in it
 * while it is open; null while it is closed.
 * @typedef {{name: string, range: [number, number], order: string, track: number, opened: Node|null}} Column
 */

export class Headings {
  /**
   * @param {import("./words.js").Words} words
   * @param {{choose: (column: number) => void, offer: (name: HTMLButtonElement, column: number) => void}} actions
   *   `offer`: turns a name off or on
   */
  constructor(words, actions) {
    this.words = words;
    this.actions = actions;
    this.root = element("div", { class: "heads" });
  }

  get names() {
    return /** @type {HTMLButtonElement[]} */ ([...this.root.querySelectorAll("button.name")]);
  }

  /** @param {Column[]} columns */
  show(columns) {
    const focused = this.names.indexOf(/** @type {any} */ (document.activeElement));
    this.root.style.gridTemplateColumns = columns.map(({ track }) => `minmax(0, ${track}fr)`).join(" ");
    this.root.replaceChildren(...columns.map((column, i) => this.heading(column, i)));
    if (focused >= 0) this.names[focused]?.focus();
  }

  /** @param {Column} column @param {number} index */
  heading({ name, range, order, opened }, index) {
    const { words, actions } = this;
    const isSeveral = isPooled(range);
    const attributes = {
      class: "name",
      "aria-expanded": String(opened !== null),
      title: isSeveral ? words.unfoldBlocks(name) : words.open(name),
      "aria-label": name,
    };
    const title = button("", () => actions.choose(index), attributes);
    actions.offer(title, index);
    const short = isSeveral ? range.join("–") : String(range[0]);
    title.append(element("span", { class: "long" }, name), element("span", { class: "short" }, short));
    const head = element("div", { class: "head" }, title);
    if (order) {
      head.append(element("span", { class: "parts small muted" }, element("i", {}), element("span", {}, order)));
    }
    if (opened) head.append(opened);
    return head;
  }

  /** Leaves the numbers of the blocks where their names do not fit. */
  shorten() {
    this.root.removeAttribute("data-short");
    const isLong = this.names.some(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth);
    this.root.toggleAttribute("data-short", isLong);
  }

  /** Gives the focus to a name. @param {number} column */
  focusOn(column) {
    this.names[column]?.focus();
  }

  /** Returns where a name is, in pixels from the left of the window. @param {number} column */
  leftOf(column) {
    return this.names[column].getBoundingClientRect().left;
  }

  /**
   * Returns what keeps a name in place while its column closes, if it is pointed at: the share of the width that is
   * left of it.
   * @param {number} column
   * @returns {{column: number, left: number}|null}
   */
  held(column) {
    if (!this.root.matches(":hover")) return null;
    const [root, head] = [this.root, this.root.children[column]].map((node) => node.getBoundingClientRect());
    const indent = Number.parseFloat(getComputedStyle(this.names[column]).marginLeft);
    return { column, left: (head.left + indent - root.left) / root.width };
  }

  /**
   * Moves a name to where it was before its column became wider, so that it stays under the pointer.
   * @param {number} column
   * @param {number} left in pixels from the left of the window
   */
  keepAt(column, left) {
    const head = /** @type {HTMLElement} */ (this.root.children[column]);
    const share = Math.max(0, left - this.leftOf(column)) / head.clientWidth;
    head.style.setProperty("--indent", String(share));
  }
}
