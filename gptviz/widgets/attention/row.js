// @ts-check
/** One row of attention: arcs from the looking token back to what it looks at, over the sentence, and the same as bars. */
import { chip } from "../shared/chips.js";
import { element, setText } from "../shared/dom.js";
import { weight } from "../shared/numbers.js";
import { scrollCue } from "../shared/scrolling.js";

/** @typedef {import("../shared/chips.js").PageToken} Word */

const SVG = "http://www.w3.org/2000/svg";
const MOST_BARS = 9;

/** The sentence as chips, each a button that makes its token the query, with arcs above. One of them is in the tab order. */
export class Sentence {
  /** @param {string} label @param {(query: number) => void} chosen */
  constructor(label, chosen) {
    this.svg = /** @type {SVGSVGElement} */ (document.createElementNS(SVG, "svg"));
    this.svg.setAttribute("aria-hidden", "true");
    this.line = element("div", { class: "line", role: "group", "aria-label": label });
    this.root = element("div", { class: "sentence" }, this.svg, this.line);
    this.chosen = chosen;
    this.query = 0;
    /** @type {HTMLElement[]} */
    this.chips = [];
    /** @type {string[]} */
    this.shares = [];
    this.line.addEventListener("click", (event) => {
      const button = /** @type {Element} */ (event.target).closest("button");
      if (button) chosen(this.chips.indexOf(button));
    });
    this.line.addEventListener("keydown", (event) => this.walk(event));
    scrollCue(this.root);
  }

  /** @param {Word[]} tokens */
  show(tokens) {
    this.chips = tokens.map((token) =>
      element("button", { type: "button", tabindex: -1, "aria-pressed": "false" }, chip(token)),
    );
    this.shares = [];
    this.line.replaceChildren(...this.chips);
  }

  /** @param {KeyboardEvent} event */
  walk(event) {
    const last = this.chips.length - 1;
    const { query } = this;
    const to = { ArrowLeft: Math.max(0, query - 1), ArrowRight: Math.min(last, query + 1), Home: 0, End: last }[
      event.key
    ];
    if (to === undefined) return;
    event.preventDefault();
    this.chosen(to);
    this.chips[to].focus({ preventScroll: true });
  }

  /** @param {ArrayLike<number>} row weights up to the query, NaN where hidden @param {number} query */
  arcs(row, query) {
    const middle = (/** @type {HTMLElement} */ node) => node.offsetLeft + node.offsetWidth / 2;
    const height = this.svg.clientHeight || 64;
    this.svg.setAttribute("width", String(this.line.scrollWidth));
    const to = middle(this.chips[query]);
    const longest = to - middle(this.chips[0]) || 1; // no chip has a place while hidden
    const low = 12;
    const high = Math.min(height - 4, low + 0.22 * longest);
    const paths = [];
    for (let key = 0; key < query; key++) {
      if (!(row[key] >= 0.01)) continue; // small, or hidden by the mask
      const from = middle(this.chips[key]);
      const rise = low + (high - low) * Math.sqrt((to - from) / longest); // longer is higher, however long
      const path = document.createElementNS(SVG, "path");
      path.setAttribute(
        "d",
        `M ${from} ${height} C ${from} ${height - 1.3 * rise} ${to} ${height - 1.3 * rise} ${to} ${height}`,
      );
      path.style.strokeWidth = `${(0.5 + 6 * row[key]).toFixed(2)}px`;
      paths.push(path);
    }
    this.svg.replaceChildren(...paths);
    this.mark(query);
    this.keepInSight(this.chips[query]);
    this.chips.forEach((node, i) => {
      const share = i <= query ? `${Math.round(100 * (row[i] || 0))}%` : "0%"; // a hundredth of a chip is less than a pixel
      if (this.shares[i] !== share) node.style.setProperty("--share", share); // of a long text, most stay as they are
      this.shares[i] = share;
    });
  }

  /** The chip that is looking, and the one that the Tab key reaches. @param {number} query */
  mark(query) {
    for (const [at, on] of /** @type {[number, boolean][]} */ ([
      [this.query, false],
      [query, true],
    ])) {
      const node = this.chips[at];
      node?.toggleAttribute("data-query", on);
      node?.setAttribute("aria-pressed", String(on));
      if (node) node.tabIndex = on ? 0 : -1;
    }
    this.query = query;
  }

  /** Scroll a long sentence so far that this token is seen. @param {HTMLElement} node */
  keepInSight(node) {
    const left = this.root.scrollLeft;
    const width = this.root.clientWidth;
    const end = node.offsetLeft + node.offsetWidth + 8;
    if (node.offsetLeft < left) this.root.scrollLeft = node.offsetLeft - 8;
    else if (end > left + width) this.root.scrollLeft = end - width;
  }
}

/** The row's largest weights as bars, the rest in one. */
export class RowBars {
  /** @param {import("./words.js").Words} words */
  constructor(words) {
    this.words = words;
    this.title = element("p", { class: "muted small" });
    this.list = element("ol", { class: "bars" });
    this.sum = element("p", { class: "muted small number" });
    this.root = element("div", { class: "rowbars" }, this.title, this.list, this.sum);
  }

  /** @param {ArrayLike<number>} row @param {number} query @param {Word[]} tokens @param {number} key the selected one, or -1
   * @param {boolean} sink whether a sink takes a share of the row too @param {number} [most] bars, besides that of the others */
  show(row, query, tokens, key, sink, most = MOST_BARS) {
    const order = Array.from({ length: query + 1 }, (_, i) => i).filter((i) => !Number.isNaN(row[i]));
    const allowed = order.length;
    order.sort((a, b) => row[b] - row[a] || a - b);
    const shown = order.slice(0, allowed <= most + 1 ? allowed : most);
    const rest = order.slice(shown.length);
    setText(this.title, this.words.largest(shown.length, allowed));
    const items = shown.map((i) => bar(chip(tokens[i]), `${i}`, row[i], i === key));
    if (rest.length) {
      const mass = rest.reduce((total, i) => total + row[i], 0);
      items.push(bar(element("span", { class: "muted" }, this.words.others(rest.length)), "", mass, false));
    }
    this.list.replaceChildren(...items);
    const total = order.reduce((sum, i) => sum + row[i], 0);
    const sum = sink
      ? this.words.sumSink(weight(total), weight(Math.max(0, 1 - total)))
      : `${this.words.sum} ${weight(total)}`;
    setText(this.sum, allowed > 1 ? sum : sink ? `${this.words.alone} ${sum}` : this.words.alone);
  }

  /** How many bars, besides that of the others, are this much lower. @param {number} pixels */
  fewer(pixels) {
    const { children, lastElementChild: low } = this.list;
    return Math.max(1, children.length - 1 - Math.ceil(pixels / (low?.getBoundingClientRect().height || Infinity)));
  }
}

/** @param {Node} name @param {string} position @param {number} share @param {boolean} selected */
function bar(name, position, share, selected) {
  const fill = element("span", { class: "fill" });
  fill.style.width = `${100 * Math.min(1, share)}%`;
  const item = element(
    "li",
    { title: String(share) },
    element("span", { class: "name" }, name, element("sub", {}, position)),
    element("span", { class: "track" }, fill),
    element("span", { class: "number" }, weight(share)),
  );
  if (selected) item.dataset.selected = "";
  return item;
}
