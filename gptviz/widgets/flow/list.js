// @ts-check
/** The ribbons as a list, largest first: the picture in words, and a way to cut a ribbon by keys. */
import { chip } from "../shared/chips.js";
import { button, element } from "../shared/dom.js";
import { percent } from "../shared/numbers.js";

const MOST = 24; // ribbons that are listed

/** @typedef {import("./geometry.js").Curve} Curve */

export class RibbonList {
  /** @param {import("./words.js").Words} words @param {(curve: Curve) => void} onCut @param {() => void} onOpen */
  constructor(words, onCut, onOpen) {
    this.words = words;
    this.onCut = onCut;
    const { list } = words;
    this.body = element("tbody", {});
    this.left = element("p", { class: "muted small" });
    const head = element(
      "tr",
      {},
      ...[list.ribbon, list.share].map((text) => element("th", { scope: "col" }, text)),
      element("td", {}),
    );
    const table = element("table", {}, element("thead", {}, head), this.body);
    this.root = element("details", {}, element("summary", {}, list.title), table, this.left);
    this.root.addEventListener("toggle", onOpen);
  }

  /**
   * @param {Curve[]} curves
   * @param {(row: number) => (Node|string)[]} nameOf a row
   * @param {(column: number) => string} blockOf a column
   * @param {(curve: Curve) => boolean|null} isCut null for a ribbon that cannot be cut
   */
  show(curves, nameOf, blockOf, isCut) {
    if (!this.root.open) return;
    const { list } = this.words;
    const single = curves.filter(({ kind }) => kind !== "bundle").sort((a, b) => b.share - a.share);
    const rows = single.slice(0, MOST).map((curve) => {
      const name = [`${blockOf(curve.column)}: `, ...nameOf(curve.source), " → ", ...nameOf(curve.target)];
      const share = element("td", { class: "number", title: `${100 * curve.share} %` }, percent(curve.share));
      const cut = isCut(curve);
      const pressed = { "aria-pressed": String(cut) };
      const action = cut === null ? "" : button(cut ? list.restore : list.cut, () => this.onCut(curve), pressed);
      return element("tr", {}, element("th", { scope: "row" }, ...name), share, element("td", {}, action));
    });
    const focused = [...this.body.querySelectorAll("button")].indexOf(/** @type {any} */ (document.activeElement));
    this.body.replaceChildren(...rows);
    if (focused >= 0) this.body.querySelectorAll("button")[focused]?.focus();
    const left = single.length - rows.length;
    this.left.textContent = left > 0 ? list.left(left) : "";
  }
}

/** Creates a token's chip with its position. @param {import("../shared/chips.js").PageToken} token @returns {Node[]} */
export function placedChip(token) {
  return [chip(token), element("sub", {}, String(token.position))];
}
