// @ts-check
/** The lens line: the followed next token's probability at every depth, read early with the last layer's reader. */
import { chip } from "../shared/chips.js";
import { element, setText } from "../shared/dom.js";
import { allDigits, percent } from "../shared/numbers.js";

/** @typedef {import("../shared/chips.js").PageToken} PageToken */

const SPACE = 4; // pixels between two numbers
const LINE = 1.6; // the height of a line, in em

export class LensLine {
  /** @param {import("./words.js").Words} words */
  constructor(words) {
    this.words = words;
    this.name = element("div", { class: "gutter small" });
    this.plot = element("ol", { class: "depths", start: 0 });
    this.note = element("p", { class: "muted small" });
    this.root = element("div", { class: "lens" }, element("div", { class: "beside" }, this.name, this.plot), this.note);
  }

  /**
   * @param {PageToken} outcome
   * @param {ArrayLike<number>|null} shares at each depth, NaN while they are not known; null if there are none
   * @param {[number, number][]} columns the first and the last block of each
   * @param {number[]} tracks their relative widths
   * @param {boolean} isTied whether depth 0 reads back its own token
   * @param {string} problem why there are none
   */
  show(outcome, shares, columns, tracks, isTied, problem) {
    const { words } = this;
    this.name.replaceChildren(`${words.lens.probabilityOf} `, chip(outcome), ` ${words.lens.title}`);
    const hasNumbers = shares !== null && !Number.isNaN(shares[0]);
    this.say(hasNumbers ? `${words.lens.means} ${isTied ? words.lens.tied : ""}` : problem);
    const ends = columns.map(([first]) => first);
    const before = (/** @type {number} */ column) => tracks.slice(0, column).reduce((sum, track) => sum + track, 0);
    const depths = hasNumbers ? Array.from({ length: shares.length }, (_, depth) => depth) : [];
    this.plot.replaceChildren(
      ...depths.map((depth) => {
        const share = /** @type {ArrayLike<number>} */ (shares)[depth];
        const column = Math.max(
          0,
          columns.findIndex(([, last]) => depth <= last),
        );
        const isEnd = depth === depths.length - 1;
        const [first, last] = columns[column];
        const start = isEnd
          ? before(columns.length)
          : before(column) + (tracks[column] * (depth - first)) / (last - first + 1);
        const bar = element("span", { class: "bar" });
        bar.style.height = `${100 * share}%`;
        const text = words.lens.depth(depth, percent(share));
        const number = element("span", { class: "number small", title: allDigits(share) }, percent(share));
        const item = element("li", { title: text }, element("span", { class: "track" }, bar), number);
        item.style.left = `${(100 * start) / before(columns.length)}%`;
        item.toggleAttribute("data-tied", isTied && depth === 0);
        item.toggleAttribute("data-between", !isEnd && !ends.includes(depth));
        if (depth === 0) item.dataset.end = "first";
        if (isEnd) item.dataset.end = "last";
        return item;
      }),
    );
  }

  /** Writes below the line. @param {string} text */
  say(text) {
    setText(this.note, text);
    this.note.hidden = text === "";
  }

  /** Moves a number that would touch the one before it to a line below, and one that would be cut off to the left. */
  spread() {
    const numbers = /** @type {HTMLElement[]} */ ([...this.plot.querySelectorAll("li:not([data-between]) .number")]);
    for (const number of numbers) number.style.left = "0";
    const end = this.plot.getBoundingClientRect().right;
    const boxes = numbers.map((number) => {
      const { left, right } = number.getBoundingClientRect();
      const excess = Math.max(0, right - end);
      return { left: left - excess, right: right - excess, excess };
    });
    /** The right end of each line. @type {number[]} */
    const lines = [];
    numbers.forEach((number, i) => {
      const free = lines.findIndex((end) => end + SPACE <= boxes[i].left);
      const line = free < 0 ? lines.length : free;
      lines[line] = boxes[i].right;
      number.style.top = `${LINE * line}em`;
      number.style.left = `${-boxes[i].excess}px`;
    });
    this.plot.style.marginBottom = `${LINE * Math.max(0, lines.length - 1)}em`;
  }
}
