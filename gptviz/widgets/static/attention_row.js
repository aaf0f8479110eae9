// @ts-check
/** One row of attention: arcs from the looking token back to what it looks at, over the sentence, and the same as bars. */
import { chip, element, setText, weight } from "./common.js";

/** @typedef {import("./common.js").PageToken} Word */

const SVG = "http://www.w3.org/2000/svg";
const MOST_BARS = 9;

/** The sentence as chips, with arcs above. */
export class Sentence {
  /** @param {(query: number) => void} chosen */
  constructor(chosen) {
    this.svg = /** @type {SVGSVGElement} */ (document.createElementNS(SVG, "svg"));
    this.svg.setAttribute("aria-hidden", "true");
    this.line = element("div", { class: "line" });
    this.root = element("div", { class: "sentence", role: "group", tabindex: -1 }, this.svg, this.line);
    this.chosen = chosen;
    /** @type {HTMLElement[]} */
    this.chips = [];
  }

  /** @param {Word[]} tokens */
  show(tokens) {
    this.chips = tokens.map((token, i) => {
      const node = chip(token);
      node.addEventListener("click", () => this.chosen(i));
      return node;
    });
    this.line.replaceChildren(...this.chips);
  }

  /** @param {ArrayLike<number>} row weights up to the query, NaN where hidden @param {number} query */
  arcs(row, query) {
    const middle = (/** @type {HTMLElement} */ node) => node.offsetLeft + node.offsetWidth / 2;
    const height = this.svg.clientHeight || 64;
    this.svg.setAttribute("width", String(this.line.scrollWidth));
    const to = middle(this.chips[query]);
    const paths = [];
    for (let key = 0; key < query; key++) {
      if (!(row[key] >= 0.01)) continue; // small, or hidden by the mask
      const from = middle(this.chips[key]), rise = Math.min(height - 4, 14 + Math.abs(to - from) * 0.22);
      const path = document.createElementNS(SVG, "path");
      path.setAttribute("d", `M ${from} ${height} C ${from} ${height - 1.3 * rise} ${to} ${height - 1.3 * rise} ${to} ${height}`);
      path.style.strokeWidth = `${(0.5 + 6 * row[key]).toFixed(2)}px`;
      path.style.opacity = String(0.35 + 0.6 * row[key]);
      paths.push(path);
    }
    this.svg.replaceChildren(...paths);
    this.keepInSight(this.chips[query]);
    this.chips.forEach((node, i) => {
      node.toggleAttribute("data-query", i === query);
      node.style.setProperty("--share", i <= query ? `${(100 * (row[i] || 0)).toFixed(1)}%` : "0%");
    });
  }

  /** Scroll a long sentence so far that this token is seen. @param {HTMLElement} node */
  keepInSight(node) {
    this.root.tabIndex = this.root.scrollWidth > this.root.clientWidth ? 0 : -1; // the arrow keys scroll what is focused
    const left = this.root.scrollLeft, width = this.root.clientWidth, end = node.offsetLeft + node.offsetWidth + 8;
    if (node.offsetLeft < left) this.root.scrollLeft = node.offsetLeft - 8;
    else if (end > left + width) this.root.scrollLeft = end - width;
  }
}

/** The row's largest weights as bars, the rest in one. */
export class RowBars {
  /** @param {import("./words.js").Words["attention"]} words */
  constructor(words) {
    this.words = words;
    this.title = element("p", { class: "muted small" });
    this.list = element("ol", { class: "bars" });
    this.sum = element("p", { class: "muted small number" });
    this.root = element("div", { class: "rowbars" }, this.title, this.list, this.sum);
  }

  /** @param {ArrayLike<number>} row @param {number} query @param {Word[]} tokens @param {number} key the selected one, or -1 */
  show(row, query, tokens, key) {
    const order = Array.from({ length: query + 1 }, (_, i) => i).filter((i) => !Number.isNaN(row[i]));
    const allowed = order.length;
    order.sort((a, b) => row[b] - row[a] || a - b);
    const shown = order.slice(0, allowed <= MOST_BARS + 1 ? allowed : MOST_BARS);
    const rest = order.slice(shown.length);
    setText(this.title, this.words.largest(shown.length, allowed));
    const items = shown.map((i) => bar(chip(tokens[i]), `${i}`, row[i], i === key));
    if (rest.length) {
      const mass = rest.reduce((total, i) => total + row[i], 0);
      items.push(bar(element("span", { class: "muted" }, this.words.others(rest.length)), "", mass, false));
    }
    this.list.replaceChildren(...items);
    const total = order.reduce((sum, i) => sum + row[i], 0);
    setText(this.sum, allowed === 1 ? this.words.alone : `${this.words.sum} ${weight(total)}`);
  }
}

/** @param {Node} name @param {string} position @param {number} share @param {boolean} selected */
function bar(name, position, share, selected) {
  const fill = element("span", { class: "fill" });
  fill.style.width = `${100 * Math.min(1, share)}%`;
  const item = element("li", { title: String(share) }, element("span", { class: "name" }, name, element("sub", {}, position)),
    element("span", { class: "track" }, fill), element("span", { class: "number" }, weight(share)));
  if (selected) item.dataset.selected = "";
  return item;
}
