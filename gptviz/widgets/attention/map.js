// @ts-check
/**
 * One attention map on a canvas, with query rows and key columns, that can be zoomed and dragged. Hatching shows what
 * the mask hides, whose numbers are not finite: the future, and in some model families a part of the past.
 */
import { chip } from "../shared/chips.js";
import { packColours, signedColours, weightColours } from "../shared/colours.js";
import { element } from "../shared/dom.js";
import { clamp } from "../shared/numbers.js";

/** @typedef {import("../shared/chips.js").PageToken} PageToken */
/** @typedef {import("../shared/theme.js").Theme} Theme */
/**
 * The visible square of cells: its first query and key, and its side.
 * @typedef {{query: number, key: number, side: number}} Square
 */

const MOST_LABELS = 48;
const LINE = 13; // pixels that a label needs across, at the scale of a screen
const LEAST_LEAN = 50; // degrees
const FEWEST_CELLS = 8; // a side, when the map is zoomed in

export class AttentionMap {
  /**
   * @param {(query: number, key: number, chosen: boolean) => void} onSelect a cell was hovered or chosen
   * @param {(cells: number, pixels: number) => void} onDraw how many cells a side are visible, and how many pixels draw
   *   them: fewer than cells if a cell is smaller than a pixel
   */
  constructor(onSelect, onDraw) {
    this.onDraw = onDraw;
    /** @type {PageToken[]} */
    this.tokens = [];
    this.cell = 1; // pixels a side
    this.scale = 1; // of the type
    this.room = 0; // pixels for the side of the map
    this.limit = 0; // the magnitude with the strongest colour; 0 for weights
    /** @type {Square} */
    this.visible = { query: 0, key: 0, side: 1 };
    /** @type {Float32Array|null} */
    this.values = null;
    /** @type {Theme} */
    this.theme = "light";
    this.selected = { query: 0, key: 0 };
    /** Where a drag began, and what was visible then. @type {(Square & {x: number, y: number})|null} */
    this.dragStart = null;
    this.wasDragged = false;
    this.canvas = element("canvas", { class: "map", "aria-hidden": "true" });
    this.outline = element("div", { class: "outline" });
    this.rowOutline = element("div", { class: "outline row" });
    const attributes = { class: "stage", tabindex: 0, role: "application" };
    this.stage = element("div", attributes, this.canvas, this.rowOutline, this.outline);
    this.queries = element("div", { class: "labels queries", "aria-hidden": "true" });
    this.keys = element("div", { class: "labels keys", "aria-hidden": "true" });
    this.root = element("div", { class: "matrix" }, this.keys, this.queries, this.stage);
    this.listen(onSelect);
  }

  get size() {
    return this.tokens.length;
  }

  /** @param {(query: number, key: number, chosen: boolean) => void} onSelect */
  listen(onSelect) {
    this.stage.addEventListener("pointermove", (event) => {
      if (!this.drag(event)) onSelect(...this.cellAt(event), false);
    });
    this.stage.addEventListener("pointerdown", (event) => {
      this.dragStart = { x: event.clientX, y: event.clientY, ...this.visible };
      this.stage.setPointerCapture(event.pointerId);
    });
    this.stage.addEventListener("pointerup", (event) => {
      if (!this.wasDragged) onSelect(...this.cellAt(event), true);
      this.dragStart = null;
      this.wasDragged = false;
    });
    const zoom = (/** @type {WheelEvent} */ event) => {
      if (!event.ctrlKey) return; // without Ctrl the wheel scrolls the page
      event.preventDefault();
      this.zoom(event.deltaY > 0 ? 1.25 : 0.8, ...this.cellAt(event));
    };
    this.stage.addEventListener("wheel", zoom, { passive: false });
  }

  /** Returns the query and the key under the pointer. @param {MouseEvent} event @returns {[number, number]} */
  cellAt(event) {
    const box = this.canvas.getBoundingClientRect();
    const { query, key, side } = this.visible;
    const index = (/** @type {number} */ pixels) => clamp(Math.floor(pixels / this.cell), 0, side - 1);
    return [query + index(event.clientY - box.top), key + index(event.clientX - box.left)];
  }

  /** Moves a zoomed map with the pointer; returns whether it did. @param {PointerEvent} event */
  drag(event) {
    const { dragStart, cell } = this;
    if (!dragStart || this.visible.side === this.size) return false;
    const down = Math.round((event.clientY - dragStart.y) / cell);
    const right = Math.round((event.clientX - dragStart.x) / cell);
    if (down || right) this.wasDragged = true;
    this.show(dragStart.query - down, dragStart.key - right, this.visible.side);
    return true;
  }

  /**
   * Makes more or fewer cells visible, around a cell.
   * @param {number} factor of the visible side
   * @param {number} [query]
   * @param {number} [key]
   */
  zoom(factor, query = this.selected.query, key = this.selected.key) {
    const side = clamp(Math.round(this.visible.side * factor), Math.min(FEWEST_CELLS, this.size), this.size);
    this.show(Math.round(query - side / 2), Math.round(key - side / 2), side);
  }

  /** Makes a square visible, as far as the map goes. @param {number} query @param {number} key @param {number} side */
  show(query, key, side) {
    const last = this.size - side;
    this.visible = { query: clamp(query, 0, last), key: clamp(key, 0, last), side };
    this.resizeCells();
    if (this.values) this.draw(this.values, this.theme, this.limit);
    this.select(this.selected.query, this.selected.key);
  }

  /** Moves the visible square as little as needed to include a cell. @param {number} query @param {number} key */
  reveal(query, key) {
    const { side } = this.visible;
    const start = (/** @type {number} */ first, /** @type {number} */ index) => clamp(first, index - side + 1, index);
    this.show(start(this.visible.query, query), start(this.visible.key, key), side);
  }

  /**
   * Sets the tokens and the sizes.
   * @param {PageToken[]} tokens
   * @param {number} room pixels for the side of the map
   * @param {number} scale of the type
   */
  layOut(tokens, room, scale) {
    if (tokens.length !== this.size) this.visible = { query: 0, key: 0, side: tokens.length };
    Object.assign(this, { tokens, room, scale });
    this.resizeCells();
  }

  /** Sets the size of a cell and the labels for the visible square. */
  resizeCells() {
    const { tokens, room, scale } = this;
    const { query, key, side } = this.visible;
    const pixels = Math.floor(room / side);
    this.cell = pixels >= 1 ? Math.min(pixels, Math.round(36 * scale)) : room / side;
    this.root.style.setProperty("--side", `${this.cell * side}px`);
    const every = Math.max(1, Math.ceil(side / MOST_LABELS), Math.ceil((LINE * scale) / this.cell));
    this.queries.replaceChildren(...this.labels(query, every));
    this.keys.replaceChildren(...this.labels(key, every));
    const lean = leanOfKeys(every * this.cell, LINE * scale);
    this.root.style.setProperty("--lean", `${lean}deg`);
    this.root.style.setProperty("--shift", `${(50 * (lean - LEAST_LEAN)) / (90 - LEAST_LEAN)}%`);
    const longest = Math.max(...tokens.map((token) => (token.bytes ?? token.text).length), 3);
    this.root.style.setProperty("--label", `${Math.min(14, longest + 2)}ch`);
    this.stage.toggleAttribute("data-part", side < this.size);
  }

  /** Returns the labels of a side of the visible square. @param {number} first @param {number} every so many cells */
  labels(first, every) {
    return this.tokens.slice(first, first + this.visible.side).flatMap((token, i) => {
      if (i % every) return [];
      const node = element("span", {}, chip(token));
      node.style.setProperty("--at", `${(i + 0.5) * this.cell}px`);
      return [node];
    });
  }

  /**
   * Draws the visible cells.
   * @param {Float32Array} values (T, T): weights or scores, not finite where the mask hides a key
   * @param {Theme} theme
   * @param {number} limit the magnitude of scores that has the strongest colour; 0 for weights
   */
  draw(values, theme, limit = 0) {
    Object.assign(this, { values, theme, limit });
    const { cell, canvas, visible } = this;
    const side = cell * visible.side;
    const density = devicePixelRatio || 1;
    canvas.width = Math.max(1, Math.round(side * density));
    canvas.height = canvas.width;
    canvas.style.width = `${side}px`;
    canvas.style.height = `${side}px`;
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    context.scale(density, density);
    context.imageSmoothingEnabled = false;
    const pixels = Math.min(visible.side, canvas.width);
    const cells = poolCells(values, this.size, visible, pixels);
    const style = getComputedStyle(this.root);
    const paper = style.getPropertyValue("--gv-bg");
    drawHatching(context, side, style.getPropertyValue("--gv-hatch-ink"), paper);
    const image = limit
      ? cellImage(cells, pixels, signedColours(theme), (x) => 127.5 + (127.5 * x) / limit)
      : cellImage(cells, pixels, weightColours(theme), (x) => 255 * x);
    context.drawImage(image, 0, 0, side, side);
    this.onDraw(visible.side, pixels);
    if (cell >= 8) drawRules(context, visible.side, cell, paper);
  }

  /** Outlines a cell and its row. @param {number} query @param {number} key */
  select(query, key) {
    this.selected = { query, key };
    const down = query - this.visible.query;
    const right = key - this.visible.key;
    const { side } = this.visible;
    const rowVisible = down >= 0 && down < side;
    this.placeOutline(this.rowOutline, down, 0, side, rowVisible);
    this.placeOutline(this.outline, down, right, 1, rowVisible && right >= 0 && right < side);
  }

  /**
   * @param {HTMLElement} node
   * @param {number} row
   * @param {number} column
   * @param {number} width in cells
   * @param {boolean} isVisible
   */
  placeOutline(node, row, column, width, isVisible) {
    const { cell } = this;
    node.hidden = !isVisible;
    node.style.transform = `translate(${column * cell}px, ${row * cell}px)`;
    node.style.width = `${width * cell}px`;
    node.style.height = `${Math.max(2, cell)}px`;
  }
}

/**
 * Returns the angle of the labels above the columns, in degrees: upright enough that none covers its neighbour.
 * @param {number} spacing pixels from one label to the next
 * @param {number} line pixels that a label needs across
 */
export function leanOfKeys(spacing, line) {
  return Math.max(LEAST_LEAN, (180 / Math.PI) * Math.asin(Math.min(1, line / spacing)));
}

/**
 * Returns the visible square as (count, count). Where several cells share a pixel, it has the value with the largest
 * magnitude, so that no cell is skipped; NaN where the mask hides all of them.
 * @param {Float32Array} values (size, size)
 * @param {number} size
 * @param {Square} square
 * @param {number} count
 */
function poolCells(values, size, { query, key, side }, count) {
  const pooled = new Float32Array(count * count).fill(NaN);
  const pooledIndex = (/** @type {number} */ i) => Math.floor((i * count) / side);
  const columns = Uint32Array.from({ length: side }, (_, column) => pooledIndex(column));
  for (let row = 0; row < side; row++) {
    const start = (query + row) * size + key;
    const pooledRow = pooledIndex(row) * count;
    for (let column = 0; column < side; column++) {
      const value = values[start + column];
      const index = pooledRow + columns[column];
      if (Number.isFinite(value) && !(Math.abs(pooled[index]) >= Math.abs(value))) pooled[index] = value;
    }
  }
  return pooled;
}

/**
 * Returns a canvas with one pixel a cell, clear where a cell is NaN.
 * @param {Float32Array} cells (side, side)
 * @param {number} side
 * @param {number[][]} colours 256 of them
 * @param {(x: number) => number} shade returns a value's position among the colours
 */
function cellImage(cells, side, colours, shade) {
  const image = new ImageData(side, side);
  const pixels = new Uint32Array(image.data.buffer);
  const palette = packColours(colours);
  for (let i = 0; i < cells.length; i++) {
    if (!Number.isNaN(cells[i])) pixels[i] = palette[Math.round(clamp(shade(cells[i]), 0, 255))];
  }
  const canvas = element("canvas", { width: side, height: side });
  /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d")).putImageData(image, 0, 0);
  return canvas;
}

/**
 * Hatches the whole map; the visible cells are drawn over it.
 * @param {CanvasRenderingContext2D} context
 * @param {number} side
 * @param {string} ink
 * @param {string} paper
 */
function drawHatching(context, side, ink, paper) {
  context.fillStyle = paper;
  context.fillRect(0, 0, side, side);
  context.strokeStyle = ink;
  context.lineWidth = 1;
  context.beginPath();
  for (let x = -side; x < side; x += 6) {
    context.moveTo(x, side);
    context.lineTo(x + side, 0);
  }
  context.stroke();
}

/**
 * Draws the lines between cells.
 * @param {CanvasRenderingContext2D} context
 * @param {number} size cells a side
 * @param {number} cell pixels a side
 * @param {string} paper
 */
function drawRules(context, size, cell, paper) {
  context.strokeStyle = paper;
  context.lineWidth = 1;
  context.beginPath();
  for (let i = 1; i < size; i++) {
    context.moveTo(0, i * cell);
    context.lineTo(size * cell, i * cell);
    context.moveTo(i * cell, 0);
    context.lineTo(i * cell, size * cell);
  }
  context.stroke();
}
