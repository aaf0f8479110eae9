// @ts-check
/** A cell of the table: a bar on its track with a number, and behind it the bar of the column before. */
import { element, setText } from "../shared/dom.js";
import { percent } from "../shared/numbers.js";

export class BarCell {
  /** @param {string} name @param {boolean} hasGhost whether the bar of the column before is shown */
  constructor(name, hasGhost) {
    this.share = NaN;
    this.shareBefore = NaN;
    this.removedBy = ""; // the name of the stage that removed the token
    this.bar = element("div", { class: "bar" });
    this.ghost = element("div", { class: "ghost" });
    this.number = element("span", { class: "number" });
    const bars = hasGhost ? [this.ghost, this.bar] : [this.bar];
    const track = element("div", { class: "track", "aria-hidden": "true" }, ...bars);
    this.root = element("td", { class: name }, element("div", {}, track, this.number));
  }

  /** Moves the bars, if they change. @param {number} share @param {number} shareBefore */
  draw(share, shareBefore) {
    if (this.share !== share) this.bar.style.transform = `translateX(${100 * share}%)`;
    if (this.shareBefore !== shareBefore) this.ghost.style.transform = `translateX(${100 * shareBefore}%)`;
    this.share = share;
    this.shareBefore = shareBefore;
  }

  /** Marks the token as removed. @param {string} removedBy the name of the stage; empty if it is not removed */
  setRemoved(removedBy) {
    this.removedBy = removedBy;
    setMark(this.root, "removed", removedBy !== "");
  }

  /** Writes the share, or the stage that removed the token. */
  write() {
    setText(this.number, this.removedBy || percent(this.share));
  }
}

/**
 * Sets an attribute `data-…`, and leaves the node alone if it has it already.
 * @param {HTMLElement} node
 * @param {string} name
 * @param {boolean} on
 */
export function setMark(node, name, on) {
  if (node.hasAttribute(`data-${name}`) !== on) node.toggleAttribute(`data-${name}`, on);
}
