// @ts-check
/** One row of attention: as arcs over the sentence, from the query back to its keys, and as bars. */
import { shareBar } from "../shared/bars.js";
import { chip } from "../shared/chips.js";
import { element, setText } from "../shared/dom.js";
import { weight } from "../shared/numbers.js";
import { addScrollCues } from "../shared/scrolling.js";
import { svgElement } from "../shared/svg.js";

/** @typedef {import("../shared/chips.js").PageToken} PageToken */

const MOST_BARS = 9;
const SMALLEST_ARC = 0.01; // of a weight

/**
 * The sentence as chips with arcs above. Each chip is a button that makes its token the query; Tab reaches one of them.
 * In cross attention the source stands above, and lines lead to it.
 */
export class Sentence {
  /** @param {string} label @param {(query: number) => void} onChoose */
  constructor(label, onChoose) {
    this.svg = svgElement("svg", { "aria-hidden": "true" });
    this.line = element("div", { class: "line", role: "group", "aria-label": label });
    this.source = element("div", { class: "line" });
    this.root = element("div", { class: "sentence" }, this.source, this.svg, this.line);
    this.onChoose = onChoose;
    this.query = 0;
    /** @type {HTMLElement[]} */
    this.chips = [];
    /** The chips that are looked at: the same ones, but in cross attention. @type {HTMLElement[]} */
    this.keys = [];
    /** The share below each chip, as CSS. @type {string[]} */
    this.shares = [];
    this.line.addEventListener("click", (event) => {
      const button = /** @type {Element} */ (event.target).closest("button");
      if (button) onChoose(this.chips.indexOf(button));
    });
    this.line.addEventListener("keydown", (event) => this.moveFocus(event));
    addScrollCues(this.root);
  }

  /** @param {PageToken[]} tokens @param {PageToken[]|null} keys of the source; null if the tokens look at themselves */
  show(tokens, keys) {
    this.chips = tokens.map((token) =>
      element("button", { type: "button", tabindex: -1, "aria-pressed": "false" }, chip(token)),
    );
    this.keys = keys ? keys.map((token) => element("span", {}, chip(token))) : this.chips;
    this.shares = [];
    this.source.hidden = !keys;
    this.source.replaceChildren(...(keys ? this.keys : []));
    this.line.replaceChildren(...this.chips);
  }

  /** @param {KeyboardEvent} event */
  moveFocus(event) {
    const last = this.chips.length - 1;
    const { query } = this;
    const keys = { ArrowLeft: Math.max(0, query - 1), ArrowRight: Math.min(last, query + 1), Home: 0, End: last };
    const next = keys[/** @type {keyof typeof keys} */ (event.key)];
    if (next === undefined) return;
    event.preventDefault();
    this.onChoose(next);
    this.chips[next].focus({ preventScroll: true });
  }

  /**
   * Draws the arcs of a row, and the bars below the chips.
   * @param {ArrayLike<number>} row weights of the keys that the query sees; NaN where the mask hides one
   * @param {number} query
   */
  drawArcs(row, query) {
    const height = this.svg.clientHeight || 64;
    this.svg.setAttribute("width", String(Math.max(this.line.scrollWidth, this.source.scrollWidth)));
    const isOwn = this.keys === this.chips;
    const shape = isOwn ? this.arcs(row.length, query, height) : this.lines(query, height);
    const paths = [];
    for (let key = 0; key < row.length; key++) {
      if (!(row[key] >= SMALLEST_ARC) || (isOwn && key === query)) continue; // NaN is skipped as well
      const path = svgElement("path", { d: shape(key) });
      path.style.strokeWidth = `${(0.5 + 6 * row[key]).toFixed(2)}px`;
      paths.push(path);
    }
    this.svg.replaceChildren(...paths);
    this.mark(query);
    this.scrollTo(this.chips[query]);
    this.drawShares(row);
  }

  /**
   * Returns the function that gives the arc from the query to a key: a longer arc is higher.
   * @param {number} count of the keys that the query sees
   * @param {number} query
   * @param {number} height
   * @returns {(key: number) => string}
   */
  arcs(count, query, height) {
    const end = middle(this.chips[query]);
    // The longest is 0 while nothing is displayed.
    const longest = Math.max(end - middle(this.chips[0]), middle(this.chips[count - 1]) - end) || 1;
    const low = 12;
    const high = Math.min(height - 4, low + 0.22 * longest);
    return (key) => {
      const start = middle(this.chips[key]);
      const rise = low + (high - low) * Math.sqrt(Math.abs(end - start) / longest);
      const top = height - 1.3 * rise;
      return `M ${start} ${height} C ${start} ${top} ${end} ${top} ${end} ${height}`;
    };
  }

  /**
   * Returns the function that gives the line from the query up to a token of the source.
   * @param {number} query
   * @param {number} height
   * @returns {(key: number) => string}
   */
  lines(query, height) {
    const end = middle(this.chips[query]);
    return (key) => {
      const start = middle(this.keys[key]);
      return `M ${start} 0 C ${start} ${height / 2} ${end} ${height / 2} ${end} ${height}`;
    };
  }

  /** @param {ArrayLike<number>} row */
  drawShares(row) {
    this.keys.forEach((node, i) => {
      const share = i < row.length ? `${Math.round(100 * (row[i] || 0))}%` : "0%"; // 1 % of a chip is less than a pixel
      if (this.shares[i] !== share) node.style.setProperty("--share", share); // in a long text most stay as they are
      this.shares[i] = share;
    });
  }

  /** Marks the query's chip, and makes it the one that Tab reaches. @param {number} query */
  mark(query) {
    this.setMarked(this.chips[this.query], false);
    this.setMarked(this.chips[query], true);
    this.query = query;
  }

  /** @param {HTMLElement|undefined} node @param {boolean} marked */
  setMarked(node, marked) {
    if (!node) return;
    node.toggleAttribute("data-query", marked);
    node.setAttribute("aria-pressed", String(marked));
    node.tabIndex = marked ? 0 : -1;
  }

  /** Scrolls a long sentence until a chip is visible. @param {HTMLElement} node */
  scrollTo(node) {
    const left = this.root.scrollLeft;
    const width = this.root.clientWidth;
    const end = node.offsetLeft + node.offsetWidth + 8;
    if (node.offsetLeft < left) this.root.scrollLeft = node.offsetLeft - 8;
    else if (end > left + width) this.root.scrollLeft = end - width;
  }
}

/** The largest weights of a row as bars, and one bar for all others. */
export class RowBars {
  /** @param {import("./words.js").Words} words */
  constructor(words) {
    this.words = words;
    this.title = element("p", { class: "muted small" });
    this.list = element("ol", { class: "bars" });
    this.sum = element("p", { class: "muted small number" });
    this.root = element("div", { class: "rowbars" }, this.title, this.list, this.sum);
  }

  /**
   * @param {ArrayLike<number>} row
   * @param {PageToken[]} tokens that are looked at
   * @param {number} key the selected one, or -1
   * @param {boolean} hasSink whether a sink takes a share of the row
   * @param {boolean} isCausal whether the row ends with the query itself
   * @param {number} [most] bars, without the one for all others
   */
  show(row, tokens, key, hasSink, isCausal, most = MOST_BARS) {
    const { words } = this;
    const order = Array.from({ length: row.length }, (_, i) => i).filter((i) => !Number.isNaN(row[i]));
    order.sort((a, b) => row[b] - row[a] || a - b);
    const shown = order.slice(0, order.length <= most + 1 ? order.length : most);
    const rest = order.slice(shown.length);
    const sumOf = (/** @type {number[]} */ keys) => keys.reduce((sum, i) => sum + row[i], 0);
    setText(this.title, words.largest(shown.length, order.length));
    const bars = shown.map((i) => weightBar(chip(tokens[i]), `${i}`, row[i], i === key));
    if (rest.length) {
      bars.push(weightBar(element("span", { class: "muted" }, words.others(rest.length)), "", sumOf(rest), false));
    }
    this.list.replaceChildren(...bars);
    setText(this.sum, this.sumText(sumOf(order), isCausal && order.length === 1, hasSink));
  }

  /** @param {number} sum @param {boolean} isAlone whether the token sees only itself @param {boolean} hasSink */
  sumText(sum, isAlone, hasSink) {
    const { words } = this;
    if (isAlone && !hasSink) return words.alone;
    const text = hasSink ? words.sumSink(weight(sum), weight(Math.max(0, 1 - sum))) : `${words.sum} ${weight(sum)}`;
    return isAlone ? `${words.alone} ${text}` : text;
  }

  /**
   * Returns how many bars remain when they have to be lower by some pixels, without the bar for all others.
   * @param {number} pixels
   */
  countWithout(pixels) {
    const { children, lastElementChild } = this.list;
    const height = lastElementChild?.getBoundingClientRect().height || Infinity;
    return Math.max(1, children.length - 1 - Math.ceil(pixels / height));
  }
}

/** Returns where the middle of a chip is, from the left. @param {HTMLElement} node */
function middle(node) {
  return node.offsetLeft + node.offsetWidth / 2;
}

/** @param {Node} name @param {string} position @param {number} share @param {boolean} selected */
function weightBar(name, position, share, selected) {
  const item = element(
    "li",
    { title: String(share) },
    element("span", { class: "name" }, name, element("sub", {}, position)),
    shareBar(Math.min(1, share)),
    element("span", { class: "number" }, weight(share)),
  );
  if (selected) item.dataset.selected = "";
  return item;
}
