// @ts-check
/** The ribbons as a list, largest first: the picture in words, and a way to cut a ribbon by keys. */
import { chip } from "../shared/chips.js";
import { button, element } from "../shared/dom.js";
import { allDigits, percent } from "../shared/numbers.js";

const MOST = 24; // ribbons that are listed

/** @typedef {import("./geometry.js").Curve} Curve */
/** @typedef {import("./open_head.js").Cell} Cell */

export class RibbonList {
  /**
   * @param {import("./words.js").Words} words
   * @param {{cut: (curve: Curve) => void, compute: (curve: Curve, focusBack: () => void) => void,
   *   unfolded: () => void, offerCell: (control: HTMLButtonElement, cell: Cell) => HTMLButtonElement}} actions
   */
  constructor(words, actions) {
    this.words = words;
    this.actions = actions;
    const { list } = words;
    this.body = element("tbody", {});
    this.left = element("p", { class: "muted small" });
    this.scaled = element("p", { class: "muted scaled" }, words.cuts.scaled);
    const head = element(
      "tr",
      {},
      ...[list.ribbon, list.share].map((text) => element("th", { scope: "col" }, text)),
      element("td", { colspan: 2 }),
    );
    const table = element("table", {}, element("thead", {}, head), this.body);
    this.root = element("details", {}, element("summary", {}, list.title), table, this.left, this.scaled);
    this.root.addEventListener("toggle", () => actions.unfolded());
  }

  /**
   * @param {Curve[]} curves
   * @param {{rowName: (row: number) => (Node|string)[], carrierOf: (curve: Curve) => string,
   *   editsOf: (piece: {curve: Curve}) => object[], isCut: (piece: {curve: Curve}) => boolean,
   *   cellOf: (piece: {curve: Curve}) => Cell|null}} pieces
   */
  show(curves, pieces) {
    if (!this.root.open) return;
    const { list } = this.words;
    const single = curves.filter(({ kind }) => kind !== "bundle").sort((a, b) => b.share - a.share);
    const rows = single.slice(0, MOST).map((curve, i) => {
      const ends = [...pieces.rowName(curve.source), " → ", ...pieces.rowName(curve.target)];
      const share = element("td", { class: "number", title: allDigits(curve.share) }, percent(curve.share));
      const canCut = pieces.editsOf({ curve }).length > 0;
      const cell = pieces.cellOf({ curve });
      return element(
        "tr",
        {},
        element("th", { scope: "row" }, `${pieces.carrierOf(curve)}: `, ...ends),
        share,
        element("td", {}, canCut ? this.cutButton(curve, pieces.isCut({ curve })) : ""),
        element("td", {}, cell ? this.openButton(curve, cell, i) : ""),
      );
    });
    const focused = [...this.body.querySelectorAll("button")].indexOf(/** @type {any} */ (document.activeElement));
    this.body.replaceChildren(...rows);
    if (focused >= 0) this.body.querySelectorAll("button")[focused]?.focus();
    this.scaled.hidden = !single.some((curve) => pieces.editsOf({ curve }).length > 0);
    const left = single.length - rows.length;
    this.left.textContent = left > 0 ? list.left(left) : "";
  }

  /** @param {Curve} curve @param {Cell} cell @param {number} row */
  openButton(curve, cell, row) {
    const compute = () => this.actions.compute(curve, () => this.focusOn(row));
    return this.actions.offerCell(button(this.words.list.open, compute, { class: "compute" }), cell);
  }

  /** @param {Curve} curve @param {boolean} isCut */
  cutButton(curve, isCut) {
    const { list } = this.words;
    const attributes = { "aria-pressed": String(isCut) };
    return button(isCut ? list.restore : list.cut, () => this.actions.cut(curve), attributes);
  }

  /** Gives the focus back to the button of a row that opened an arithmetic. @param {number} row */
  focusOn(row) {
    /** @type {HTMLElement|null|undefined} */ (this.body.children[row]?.querySelector("button.compute"))?.focus();
  }
}

/** Creates a token's chip with its position. @param {import("../shared/chips.js").PageToken} token @returns {Node[]} */
export function placedChip(token) {
  return [chip(token), element("sub", {}, String(token.position))];
}
