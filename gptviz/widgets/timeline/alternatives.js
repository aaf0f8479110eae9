// @ts-check
/** One row of a step's table: a token that was drawn or could have been. It is built once, and takes each step's values. */
import { chip } from "../shared/chips.js";
import { element, setText } from "../shared/dom.js";
import { percent } from "../shared/numbers.js";

/** @typedef {import("./timeline.js").Alternative} Alternative */

export class AlternativeRow {
  /** @param {import("./words.js").Words} words @param {(id: number) => void} force */
  constructor(words, force) {
    this.token = -1;
    this.head = element("th", { scope: "row", class: "token" });
    this.cells = [new ShareCell(), new ShareCell()];
    this.force = element("button", { type: "button" }, words.force);
    this.force.addEventListener("click", () => force(this.token));
    this.taken = element("span", { class: "small muted" }, words.taken);
    this.root = element(
      "tr",
      {},
      this.head,
      ...this.cells.map(({ root }) => root),
      element("td", { class: "action" }, this.force, this.taken),
    );
  }

  /** @param {Alternative} one @param {boolean} taken @param {boolean} offered */
  show({ token, probability, sampling }, taken, offered) {
    if (this.token !== token.id) this.head.replaceChildren(chip(token));
    this.token = token.id;
    this.cells[0].show(probability);
    this.cells[1].show(sampling);
    this.force.hidden = !offered;
    this.taken.hidden = !taken;
    this.root.toggleAttribute("data-taken", taken);
    this.root.toggleAttribute("data-removed", sampling === 0);
  }
}

/** A probability on an axis from 0 to 1. */
export class ShareCell {
  constructor() {
    this.fill = element("span", { class: "fill" });
    this.number = element("span", { class: "number" });
    this.root = element("td", {}, element("span", { class: "track" }, this.fill), this.number);
  }

  /** @param {number} p */
  show(p) {
    this.fill.style.transform = `scaleX(${p})`;
    setText(this.number, percent(p));
    this.root.title = `${100 * p} %`;
  }
}
