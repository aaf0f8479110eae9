// @ts-check
/**
 * The picture of a pass on its way forward: all rows of the text, and the row of the drawn token below them.
 *
 * Everything is drawn once. While it is played, each of the two layers is only uncovered from the left: a window over
 * it moves, and what is drawn moves back by as much. So the browser draws nothing again and keeps its pace.
 */
import { chip } from "../shared/chips.js";
import { element } from "../shared/dom.js";
import { setAttributes, svgElement } from "../shared/svg.js";
import { OUTLINED } from "./drawing.js";
import { BAND, ENTRY, LINE, PlayRows, piecesOf, reached } from "./play_geometry.js";

/** @typedef {import("../shared/chips.js").PageToken & {earlier?: number}} PageToken */
/** @typedef {import("./play_facts.js").TokenRow} TokenRow */
/** @typedef {import("./play_state.js").State} State */

const ENTER = 28; // pixels that a token's name comes from the left

/** A set of rows that move together: its names, its shapes, and the line at which it is computed now. */
class Layer {
  /** @param {string} name */
  constructor(name) {
    this.labels = element("div", { class: "play-labels" });
    this.drawn = svgElement("svg", {});
    this.root = element("div", { class: "play-layer", "data-layer": name }, this.drawn);
    this.front = element("div", { class: "play-front" });
    this.shown = ""; // where it is uncovered to, of which width
  }

  /** @param {number} progress see `State` @param {number[]} edges */
  show(progress, edges) {
    const enters = Math.min(1, progress);
    const x = reached(progress, edges);
    const whole = edges[edges.length - 1];
    if (this.shown !== `${x} ${whole}`) {
      this.shown = `${x} ${whole}`;
      uncover(this.root, this.drawn, x - whole);
      this.front.style.transform = moved(x);
      this.front.style.opacity = x > 0 && x < whole ? "1" : "0";
    }
    this.labels.style.opacity = String(enters);
    this.labels.style.transform = moved((enters - 1) * ENTER);
  }
}

/** @param {number} x pixels */
function moved(x) {
  return `translateX(${x.toFixed(2)}px)`;
}

/**
 * Moves a window and keeps what is seen through it in its place.
 * @param {HTMLElement} frame
 * @param {HTMLElement|SVGElement} drawn inside the window
 * @param {number} x pixels
 */
export function uncover(frame, drawn, x) {
  frame.style.transform = moved(x);
  drawn.style.transform = moved(-x);
}

export class Scene {
  /** @param {import("./words.js").Words} words */
  constructor(words) {
    this.words = words;
    this.text = new Layer("text");
    this.next = new Layer("next");
    /** @type {number[]} */
    this.edges = [0, 0];
    const layers = [this.text, this.next];
    const area = element("div", { class: "play-area" }, ...layers.flatMap(({ root, front }) => [root, front]));
    this.area = area;
    this.names = element("div", { class: "play-names" }, ...layers.map(({ labels }) => labels));
    this.root = element("div", { class: "play-scene beside", "aria-hidden": "true" }, this.names, area);
  }

  /**
   * Draws all rows.
   * @param {PageToken[]} tokens of the text
   * @param {TokenRow[]} texts their rows
   * @param {{token: PageToken, row: TokenRow}|null} next the drawn token, if it is known
   * @param {{edges: number[], scale: number, room: number, start: number|null, areWeights: boolean}} about
   * @returns {number} the height
   */
  draw(tokens, texts, next, about) {
    const { edges } = about;
    const rows = new PlayRows(tokens.length, about.scale, about.room);
    this.names.style.setProperty("--shrunk", String(rows.shrunk));
    this.edges = edges;
    const size = { width: edges[edges.length - 1], height: rows.height };
    const placed = tokens.map((token, i) => this.label(rows, i, token));
    if (rows.first) {
      const { earlier } = tokens[0];
      placed.splice(0, rows.first, this.counted(rows, rows.first - 1 + (earlier ?? 1)));
    }
    this.text.labels.replaceChildren(...placed);
    this.fill(this.text, texts.slice(rows.first), rows, about, size);
    if (rows.first) this.text.drawn.append(plainRow(rows, size.width));
    this.next.labels.replaceChildren(...(next ? [this.label(rows, tokens.length, next.token)] : []));
    this.fill(this.next, next ? [next.row] : [], rows, about, size);
    const band = BAND * rows.scale;
    setExtent(this.text.front, 0, rows.middle(tokens.length - 1) + band);
    setExtent(this.next.front, rows.middle(tokens.length) - band, 2 * band);
    return rows.height;
  }

  /** @param {PlayRows} rows @param {number} token @param {PageToken} shown */
  label(rows, token, shown) {
    const label = element("div", { class: "play-label" }, chip(shown), element("sub", {}, String(shown.position)));
    label.style.top = `${rows.middle(token)}px`;
    return label;
  }

  /** @param {PlayRows} rows @param {number} count */
  counted(rows, count) {
    const label = element("div", { class: "play-label small muted" }, this.words.play.earlier(count));
    label.style.top = `${rows.middle(0)}px`;
    return label;
  }

  /**
   * @param {Layer} layer
   * @param {TokenRow[]} tokens
   * @param {PlayRows} rows
   * @param {{edges: number[], start: number|null, areWeights: boolean}} about
   * @param {{width: number, height: number}} size
   */
  fill({ root, drawn }, tokens, rows, about, { width, height }) {
    setAttributes(drawn, { width: width + ENTRY, height, viewBox: `${-ENTRY} 0 ${width + ENTRY} ${height}` });
    root.style.left = `${-ENTRY}px`;
    /** @type {Element[]} */
    const curves = [];
    /** @type {Element[]} */
    const rectangles = [];
    for (let column = 0; column + 1 < about.edges.length; column += 1) {
      const edges = /** @type {[number, number]} */ (about.edges.slice(column, column + 2));
      for (const token of tokens) {
        const pieces = piecesOf(token, column, edges, rows, about);
        const dataset = { "data-column": column, "data-to": token.token };
        for (const { kind, source, share, path, width } of pieces.ribbons) {
          if (width < 0.5) continue;
          curves.push(svgElement("path", { class: "halo", d: path, "stroke-width": width + 1.5 }));
          const ends = { ...dataset, "data-from": source, "data-share": String(share) };
          curves.push(svgElement("path", { class: `curve ${kind}`, ...ends, d: path, "stroke-width": width }));
        }
        for (const { kind, share, ...box } of pieces.rectangles) {
          const node = svgElement("rect", { class: `band ${kind}`, ...dataset, ...box });
          if (share !== null) node.setAttribute("data-share", String(share));
          node.toggleAttribute("data-thin", box.height < OUTLINED);
          rectangles.push(node);
        }
      }
    }
    const entries = tokens.map((token) => entry(rows, rows.middle(token.token), about.areWeights));
    // A ribbon can be followed across the rows between its ends
    drawn.replaceChildren(...rectangles, ...curves, ...entries);
  }

  /** Shows a state. @param {State} state */
  show({ forward, text, next }) {
    this.area.style.opacity = String(forward);
    this.names.style.opacity = String(Math.max(0, 2 * forward - 1));
    this.text.show(text, this.edges);
    this.next.show(next, this.edges);
  }
}

/**
 * Creates a row's embedding.
 * @param {PlayRows} rows
 * @param {number} middle
 * @param {boolean} isThin whether the row has no shares
 */
function entry({ scale }, middle, isThin) {
  const height = isThin ? LINE * scale : BAND * scale;
  const y = middle + (BAND * scale) / 2 - height;
  return svgElement("rect", { class: "band plain", x: -ENTRY, y, width: ENTRY, height });
}

/** Creates the line that stands for all earlier tokens. @param {PlayRows} rows @param {number} width */
function plainRow(rows, width) {
  const height = BAND * rows.scale;
  const box = { x: -ENTRY, y: rows.middle(0) - height / 2, width: width + ENTRY, height };
  return svgElement("rect", { class: "band plain", ...box });
}

/** @param {HTMLElement} node @param {number} top @param {number} height */
function setExtent(node, top, height) {
  node.style.top = `${top}px`;
  node.style.height = `${height}px`;
}
