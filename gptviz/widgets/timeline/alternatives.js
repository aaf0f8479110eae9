// @ts-check
/** The rows of a step's table: tokens that were drawn or could have been. A row is built once and shows each step. */
import { chip } from "../shared/chips.js";
import { button, element, setText } from "../shared/dom.js";
import { exactText, shareText } from "../shared/shares.js";
import { isSame } from "./revealed.js";

/** @typedef {import("../shared/chips.js").PageToken} PageToken */

export class AlternativeRow {
  /** @param {import("./words.js").Words} words @param {(token: PageToken) => void} onForce */
  constructor(words, onForce) {
    /** @type {PageToken|null} */
    this.token = null;
    this.name = element("th", { scope: "row", class: "token" });
    this.probability = new ShareCell(words);
    this.sampling = new ShareCell(words);
    this.force = button(words.force, () => this.token && onForce(this.token));
    this.taken = element("span", { class: "small muted" }, words.taken);
    const action = element("td", { class: "action" }, this.force, this.taken);
    this.root = element("tr", {}, this.name, this.probability.root, this.sampling.root, action);
  }

  /**
   * @param {import("./news.js").Alternative} alternative
   * @param {boolean} isTaken whether this token was drawn
   * @param {boolean} canForce
   */
  show({ token, probability, sampling }, isTaken, canForce) {
    if (!this.token || !isSame(this.token, token)) this.name.replaceChildren(chip(token));
    this.token = token;
    this.probability.show(probability);
    this.sampling.show(sampling);
    this.force.hidden = !canForce;
    this.taken.hidden = !isTaken;
    this.root.toggleAttribute("data-taken", isTaken);
    this.root.toggleAttribute("data-removed", sampling === 0);
  }
}

/** A cell with a probability as a bar and a number. */
export class ShareCell {
  /** @param {import("./words.js").Words} words */
  constructor(words) {
    this.words = words;
    this.fill = element("span", { class: "fill" });
    this.number = element("span", { class: "number" });
    this.root = element("td", {}, element("span", { class: "track" }, this.fill), this.number);
  }

  /** @param {number|null} p null if it is not revealed */
  show(p) {
    this.fill.style.transform = `scaleX(${p ?? 0})`;
    setText(this.number, shareText(p));
    this.root.title = exactText(p, this.words.unrevealed);
  }
}
