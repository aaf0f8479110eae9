// @ts-check
/** The next token before and after: one row a token, the followed one first, then the largest movers. All bars have one axis, 0 to 100 %. */
import { chip, element, percent, setText } from "./common.js";
import { points } from "./intervention_grid.js";

/** @typedef {import("./common.js").PageToken} NextPageToken */
/** @typedef {{token: NextPageToken, before: number, after: number}} MoverRow */

export class MoverTable {
  /** @param {import("./words.js").Words["intervention"]} words */
  constructor(words) {
    this.words = words;
    this.body = element("tbody", {});
    this.order = element("small", {});
    const head = (/** @type {"before"|"after"|"difference"} */ name) => element("th", { scope: "col", class: name }, words.columns[name],
      element("small", {}, words.hints[name]), ...(name === "difference" ? [] : [moverAxis()]));
    this.root = element("table", {}, element("caption", { class: "visually-hidden" }, words.caption),
      element("thead", {}, element("tr", {}, element("th", { scope: "col", class: "token" }, words.columns.token, this.order),
        head("before"), head("after"), head("difference"))), this.body);
  }

  /** @param {MoverRow[]} rows @param {number} watched the id that is followed @param {boolean} compared whether there is an after */
  show(rows, watched, compared) {
    setText(this.order, compared ? this.words.movers : this.words.likeliest);
    this.body.replaceChildren(...rows.map((row) => this.row(row, row.token.id === watched, compared)));
  }

  /** @param {MoverRow} row @param {boolean} watched @param {boolean} compared */
  row({ token, before, after }, watched, compared) {
    const name = element("th", { scope: "row", class: "token" }, ...(watched ? [element("small", { class: "muted" }, `${this.words.watched} `)] : []), chip(token));
    const difference = after - before;
    const change = element("td", { class: "difference number", title: compared ? `${100 * difference}` : "" }, compared ? points(difference) : "–");
    const row = element("tr", {}, name, shareCell("before", before, null), compared ? shareCell("after", after, before) : element("td", { class: "after" }, "–"), change);
    row.toggleAttribute("data-watched", watched);
    if (compared) row.dataset.moves = difference < 0 ? "down" : difference > 0 ? "up" : "";
    return row;
  }
}

function moverAxis() {
  return element("span", { class: "axis", "aria-hidden": "true" }, ...["0", "50", "100 %"].map((tick) => element("i", {}, tick)));
}

/** A share as a bar and a number; behind it, what it was before. @param {string} name @param {number} share @param {number|null} before */
function shareCell(name, share, before) {
  const bar = element("span", { class: "bar" }), ghost = element("span", { class: "ghost" });
  bar.style.width = `${100 * share}%`;
  ghost.style.width = `${100 * (before ?? 0)}%`;
  const track = element("span", { class: "track", "aria-hidden": "true" }, ...(before === null ? [] : [ghost]), bar);
  return element("td", { class: name, title: `${100 * share} %` }, track, element("span", { class: "number" }, percent(share)));
}
