// @ts-check
/** The ledger: what each part of the model adds to the logit of one token, and the sum. */
import { button, element } from "../shared/dom.js";
import { significant } from "../shared/numbers.js";

/** What one part adds. @typedef {{part: string, value: number, layer: number|null, head: number|null}} Share */
/**
 * The shares of a token's logit, and what each step of the open block adds to it. rounding: by how much the sum of the
 * shares and the logit may differ because both are rounded.
 * @typedef {{logit: number, probability: number, rounding: number, shares: Share[], steps: (number|null)[]}} Shares
 */
/**
 * A row of the ledger: a block has the sums of its attention, of its cross attention and of its MLP, any other part one
 * value.
 * @typedef {{part: string, layer: number|null, attention: number|null, cross: number|null, mlp: number|null,
 *   alone: number|null}} LedgerRow
 */

const BEFORE_BLOCKS = ["token", "position", "embedding"];

export class Ledger {
  /** @param {import("./words.js").Words} words @param {(layer: number) => void} onChoose */
  constructor(words, onChoose) {
    this.words = words;
    this.onChoose = onChoose;
    this.body = element("tbody", {});
    this.head = element("tr", {});
    this.root = element("table", {}, element("thead", {}, this.head), this.body);
  }

  /**
   * @param {Shares} shares
   * @param {number} layers
   * @param {number} openLayer
   * @param {number} largest the magnitude that fills a bar
   * @param {boolean} hasCross whether the blocks have cross attention
   */
  show({ shares, logit, rounding }, layers, openLayer, largest, hasCross) {
    let sum = 0;
    const [first, attention, ...others] = this.words.columns;
    const names = [first, attention, ...(hasCross ? [this.words.cross.column] : []), ...others];
    this.head.replaceChildren(...names.map((name) => element("th", { scope: "col" }, name)));
    this.root.toggleAttribute("data-cross", hasCross);
    const rows = ledgerRows(shares, layers);
    const nodes = rows.map((row, i) => {
      sum += (row.attention ?? 0) + (row.cross ?? 0) + (row.mlp ?? 0) + (row.alone ?? 0);
      const isLast = i === rows.length - 1;
      if (isLast && Math.abs(sum - logit) <= rounding) sum = logit; // they are shown as one number
      return this.buildRow(row, sum, openLayer, largest, hasCross);
    });
    const total = element(
      "td",
      { class: "number total", colspan: hasCross ? 4 : 3, title: String(logit) },
      significant(logit),
    );
    const last = element("tr", { class: "sum" }, element("th", { scope: "row" }, this.words.sum), total);
    this.body.replaceChildren(...nodes, last);
  }

  /**
   * @param {LedgerRow} row
   * @param {number} sum so far
   * @param {number} openLayer
   * @param {number} largest
   * @param {boolean} hasCross
   */
  buildRow({ part, layer, attention, cross, mlp, alone }, sum, openLayer, largest, hasCross) {
    const { words } = this;
    const name = layer === null ? words.row[/** @type {"token"} */ (part)] : words.block(layer);
    const head = layer === null ? name : button(name, () => this.onChoose(layer));
    const cell = (/** @type {number|null} */ value, /** @type {number} */ columns) =>
      value === null
        ? element("td", { colspan: columns })
        : element("td", { colspan: columns, title: String(value) }, ...signedShare(value, largest));
    const parts = hasCross ? [attention, cross, mlp] : [attention, mlp];
    const node = element(
      "tr",
      {},
      element("th", { scope: "row" }, head),
      ...(layer === null ? [cell(alone, hasCross ? 3 : 2)] : parts.map((value) => cell(value, 1))),
      element("td", { class: "number" }, significant(sum)),
    );
    node.toggleAttribute("data-open", layer === openLayer);
    return node;
  }
}

/**
 * Gathers shares into the rows of the ledger: those of the embedding, one a block, and those after the last block.
 * @param {Share[]} shares
 * @param {number} layers
 * @returns {LedgerRow[]}
 */
function ledgerRows(shares, layers) {
  const alone = (/** @type {Share} */ { part, value }) => ({
    part,
    layer: null,
    attention: null,
    cross: null,
    mlp: null,
    alone: value,
  });
  const total = (/** @type {Share[]} */ some) => some.reduce((sum, { value }) => sum + value, 0);
  const before = shares.filter(({ part }) => BEFORE_BLOCKS.includes(part));
  const after = shares.filter((share) => share.layer === null && !before.includes(share));
  const blocks = Array.from({ length: layers }, (_, layer) => {
    const own = shares.filter((share) => share.layer === layer);
    const isCross = (/** @type {Share} */ { part }) => part.startsWith("cross_");
    const attention = total(own.filter((share) => share.part !== "mlp" && !isCross(share)));
    const cross = total(own.filter(isCross));
    const mlp = total(own.filter(({ part }) => part === "mlp"));
    return { part: "block", layer, attention, cross, mlp, alone: null };
  });
  return [...before.map(alone), ...blocks, ...after.map(alone)];
}

/** Returns the largest magnitude in the ledger. @param {Shares} shares @param {number} layers */
export function largestInLedger({ shares }, layers) {
  const values = ledgerRows(shares, layers).flatMap(({ attention, cross, mlp, alone }) => [
    attention,
    cross,
    mlp,
    alone,
  ]);
  return Math.max(...values.map((x) => Math.abs(x ?? 0)));
}

/**
 * Creates what a part adds as a bar and a number; the bar goes to the right for what raises the logit, else to the
 * left.
 * @param {number} value
 * @param {number} largest the magnitude that fills a bar
 */
export function signedShare(value, largest) {
  const fill = element("span", { class: "fill" });
  fill.toggleAttribute("data-negative", value < 0);
  fill.style.width = `${(50 * Math.min(1, Math.abs(value) / largest)).toFixed(2)}%`;
  const text = `${value > 0 ? "+" : ""}${significant(value)}`;
  return [
    element("span", { class: "signed", "aria-hidden": "true" }, fill),
    element("span", { class: "number small", title: String(value) }, text),
  ];
}
