// @ts-check
/** A cell of the table: a bar on its track with a number, and behind it the bar of the column before. */
import { element, setText } from "../shared/dom.js";
import { percent } from "../shared/numbers.js";

export class BarCell {
  /** @param {string} name @param {boolean} hasGhost whether the bar of the column before is shown */
  constructor(name, hasGhost) {
    this.share = NaN;
    this.shareBefore = NaN;
    this.end = NaN; // the share at the end of the track
    this.removedBy = ""; // the name of the stage that removed the token
    this.bar = element("div", { class: "bar" });
    this.ghost = element("div", { class: "ghost" });
    this.counted = element("div", { class: "counted", hidden: "" });
    this.number = element("span", { class: "number" });
    const bars = hasGhost ? [this.ghost, this.bar, this.counted] : [this.bar];
    const track = element("div", { class: "track", "aria-hidden": "true" }, ...bars);
    this.root = element("td", { class: name }, element("div", {}, track, this.number));
  }

  /**
   * Moves the bars, if they change. A bar that does not fit ends with the track, and is marked.
   * @param {number} share
   * @param {number} shareBefore
   * @param {number} end the share at the end of the track
   */
  draw(share, shareBefore, end) {
    const isScaled = this.end !== end;
    if (isScaled || this.share !== share) moveTo(this.bar, share / end);
    if (isScaled || this.shareBefore !== shareBefore) moveTo(this.ghost, shareBefore / end);
    setMark(this.root, "beyond", share > end * (1 + 1e-9));
    this.share = share;
    this.shareBefore = shareBefore;
    this.end = end;
  }

  /** Draws the line of the share that was drawn. @param {number|null} share null for none */
  drawCounted(share) {
    this.counted.hidden = share === null;
    if (share !== null) moveTo(this.counted, share / this.end);
  }

  /** Marks the token as removed. @param {string} removedBy the name of the stage; empty if it is not removed */
  setRemoved(removedBy) {
    this.removedBy = removedBy;
    setMark(this.root, "removed", removedBy !== "");
  }

  /** Writes the share, or the stage that removed the token; "–" for a share that is not known. */
  write() {
    setText(this.number, this.removedBy || (Number.isNaN(this.share) ? "–" : percent(this.share)));
  }
}

/** Moves a bar in from the left. @param {HTMLElement} bar @param {number} part of the track; NaN for none */
function moveTo(bar, part) {
  bar.style.transform = `translateX(${100 * Math.min(1, part || 0)}%)`;
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
