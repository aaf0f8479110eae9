// @ts-check
/** The next token before and after: one row a token, the followed one first, then the largest movers. All bars have one axis, 0 to 100 %. */
import { percentAxis } from "../shared/bars.js";
import { chip } from "../shared/chips.js";
import { element, setText } from "../shared/dom.js";
import { percent } from "../shared/numbers.js";
import { points } from "./grid.js";

/** @typedef {import("../shared/chips.js").PageToken} NextPageToken */
/** @typedef {{token: NextPageToken, before: number, after: number}} MoverRow */

export class MoverTable {
  /** @param {import("./words.js").Words} words */
  constructor(words) {
    this.words = words;
    this.body = element("tbody", {});
    this.foot = element("tfoot", {});
    this.order = element("small", {});
    const head = (/** @type {"before"|"after"|"difference"} */ name) =>
      element(
        "th",
        { scope: "col", class: name },
        words.columns[name],
        element("small", {}, words.hints[name]),
        name === "difference" ? element("small", { class: "bars" }, words.hints.bars) : percentAxis(),
      );
    this.root = element(
      "table",
      {},
      element("caption", { class: "visually-hidden" }, words.caption),
      element(
        "thead",
        {},
        element(
          "tr",
          {},
          element("th", { scope: "col", class: "token" }, words.columns.token, this.order),
          head("before"),
          head("after"),
          head("difference"),
        ),
      ),
      this.body,
      this.foot,
    );
  }

  /** @param {MoverRow[]} rows @param {number} vocab how many tokens there are @param {number} watched the id that is followed
   * @param {boolean} compared whether there is an after */
  show(rows, vocab, watched, compared) {
    setText(this.order, compared ? this.words.movers : this.words.likeliest);
    const rest = (/** @type {"before"|"after"} */ when) =>
      Math.max(
        0,
        rows.reduce((left, row) => left - row[when], 1),
      );
    const others = { before: rest("before"), after: rest("after") };
    const most = Math.max(...[...rows, others].map(({ before, after }) => Math.abs(after - before)));
    this.body.replaceChildren(
      ...rows.map((row) => {
        const watches = row.token.id === watched;
        const told = watches ? [element("small", { class: "muted" }, `${this.words.watched} `)] : [];
        const node = this.row([...told, chip(row.token)], row, most, compared);
        node.toggleAttribute("data-watched", watches);
        return node;
      }),
    );
    const left = vocab - rows.length;
    this.foot.replaceChildren(...(left > 0 ? [this.row([this.words.rest(left)], others, most, compared)] : []));
  }

  /** @param {(Node|string)[]} name @param {{before: number, after: number}} shares @param {number} most the largest difference
   * @param {boolean} compared */
  row(name, { before, after }, most, compared) {
    const difference = after - before;
    const change = element(
      "td",
      { class: "difference number", title: compared ? `${100 * difference}` : "" },
      ...(compared ? [signedBar(difference, most), points(difference)] : ["–"]),
    );
    const row = element(
      "tr",
      {},
      element("th", { scope: "row", class: "token" }, ...name),
      shareCell("before", before, null),
      compared ? shareCell("after", after, before) : element("td", { class: "after" }, "–"),
      change,
    );
    if (compared) row.dataset.moves = difference < 0 ? "down" : difference > 0 ? "up" : "";
    return row;
  }
}

/** A difference as a bar from the middle; the largest one reaches an end. @param {number} difference @param {number} most */
function signedBar(difference, most) {
  const bar = element("i", {});
  const share = most ? (50 * difference) / most : 0;
  bar.style.left = `${50 + Math.min(0, share)}%`;
  bar.style.width = `${Math.abs(share)}%`;
  return element("span", { class: "signed", "aria-hidden": "true" }, bar);
}

/** A share as a bar and a number; behind it, what it was before. @param {string} name @param {number} share @param {number|null} before */
function shareCell(name, share, before) {
  const bar = element("span", { class: "bar" });
  const ghost = element("span", { class: "ghost" });
  bar.style.width = `${100 * share}%`;
  ghost.style.width = `${100 * (before ?? 0)}%`;
  const track = element("span", { class: "track", "aria-hidden": "true" }, ...(before === null ? [] : [ghost]), bar);
  return element(
    "td",
    { class: name, title: `${100 * share} %` },
    track,
    element("span", { class: "number" }, percent(share)),
  );
}
