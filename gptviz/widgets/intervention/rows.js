// @ts-check
/**
 * The next token before and after the edits: the followed token first, then those that changed most. All bars of
 * probabilities have one axis, from 0 to 100 %.
 */
import { percentAxis } from "../shared/bars.js";
import { chip } from "../shared/chips.js";
import { element, setText } from "../shared/dom.js";
import { percent } from "../shared/numbers.js";
import { points } from "./grid.js";

/** @typedef {import("../shared/chips.js").PageToken} PageToken */
/** @typedef {{token: PageToken, before: number, after: number}} MoverRow */

export class MoverTable {
  /** @param {import("./words.js").Words} words */
  constructor(words) {
    this.words = words;
    this.body = element("tbody", {});
    this.foot = element("tfoot", {});
    this.order = element("small", {});
    const head = element(
      "tr",
      {},
      element("th", { scope: "col", class: "token" }, words.columns.token, this.order),
      this.headCell("before", percentAxis()),
      this.headCell("after", percentAxis()),
      this.headCell("difference", element("small", { class: "bars" }, words.hints.bars)),
    );
    const caption = element("caption", { class: "visually-hidden" }, words.caption);
    this.root = element("table", {}, caption, element("thead", {}, head), this.body, this.foot);
  }

  /** @param {"before"|"after"|"difference"} name @param {Node} axis */
  headCell(name, axis) {
    const { columns, hints } = this.words;
    return element("th", { scope: "col", class: name }, columns[name], element("small", {}, hints[name]), axis);
  }

  /**
   * @param {MoverRow[]} rows
   * @param {number} vocabularySize
   * @param {number} followedId
   * @param {boolean} isCompared whether there are edits to compare with
   */
  show(rows, vocabularySize, followedId, isCompared) {
    setText(this.order, isCompared ? this.words.movers : this.words.likeliest);
    const left = (/** @type {"before"|"after"} */ when) =>
      Math.max(
        0,
        rows.reduce((share, row) => share - row[when], 1),
      );
    const others = { before: left("before"), after: left("after") };
    const largest = Math.max(...[...rows, others].map(({ before, after }) => Math.abs(after - before)));
    const body = rows.map((row) => {
      const isFollowed = row.token.id === followedId;
      const mark = isFollowed ? [element("small", { class: "muted" }, `${this.words.watched} `)] : [];
      const node = tableRow([...mark, chip(row.token)], row, largest, isCompared);
      node.toggleAttribute("data-watched", isFollowed);
      return node;
    });
    this.body.replaceChildren(...body);
    const count = vocabularySize - rows.length;
    const foot = count > 0 ? [tableRow([this.words.rest(count)], others, largest, isCompared)] : [];
    this.foot.replaceChildren(...foot);
  }
}

/**
 * @param {(Node|string)[]} name
 * @param {{before: number, after: number}} shares
 * @param {number} largest difference of all rows
 * @param {boolean} isCompared
 */
function tableRow(name, { before, after }, largest, isCompared) {
  const head = element("th", { scope: "row", class: "token" }, ...name);
  if (!isCompared) {
    const none = element("td", { class: "difference number", title: "" }, "–");
    return element("tr", {}, head, shareCell("before", before, null), element("td", { class: "after" }, "–"), none);
  }
  const difference = after - before;
  const change = element(
    "td",
    { class: "difference number", title: `${100 * difference}` },
    signedBar(difference, largest),
    points(difference),
  );
  const row = element("tr", {}, head, shareCell("before", before, null), shareCell("after", after, before), change);
  row.dataset.moves = difference < 0 ? "down" : difference > 0 ? "up" : "";
  return row;
}

/**
 * Creates a difference as a bar from the middle; the largest one reaches an end.
 * @param {number} difference
 * @param {number} largest
 */
function signedBar(difference, largest) {
  const bar = element("i", {});
  const share = largest ? (50 * difference) / largest : 0;
  bar.style.left = `${50 + Math.min(0, share)}%`;
  bar.style.width = `${Math.abs(share)}%`;
  return element("span", { class: "signed", "aria-hidden": "true" }, bar);
}

/**
 * Creates a cell with a share as a bar and a number; behind the bar stands the share before the edits, if there is one.
 * @param {string} name
 * @param {number} share
 * @param {number|null} before
 */
function shareCell(name, share, before) {
  const bar = element("span", { class: "bar" });
  bar.style.width = `${100 * share}%`;
  const track = element("span", { class: "track", "aria-hidden": "true" }, bar);
  if (before !== null) {
    const ghost = element("span", { class: "ghost" });
    ghost.style.width = `${100 * before}%`;
    track.prepend(ghost);
  }
  return element(
    "td",
    { class: name, title: `${100 * share} %` },
    track,
    element("span", { class: "number" }, percent(share)),
  );
}
