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
 * The visible part of the cells: its first query and key, and how many rows and columns it has.
 * @typedef {{query: number, key: number, rows: number, columns: number}} Part
 */

const MOST_LABELS = 48;
const LINE = 13; // pixels that a label needs across, at the scale of a screen
const LEAST_LEAN = 50; // degrees
const FEWEST_CELLS = 8; // a side, when the map is zoomed in

export class AttentionMap {
  /**
   * @param {(query: number, key: number, chosen: boolean) => void} onSelect a cell was hovered or chosen
   * @param {(cells: number, pixels: number) => void} onDraw how many cells the longer side has, and how many pixels
   *   draw them: fewer than cells if a cell is smaller than a pixel
   */
  constructor(onSelect, onDraw) {
    this.onDraw = onDraw;
    /** The tokens of rows and columns. @type {{rows: PageToken[], columns: PageToken[]}} */
    this.tokens = { rows: [], columns: [] };
    this.cell = { width: 1, height: 1 }; // in pixels
    this.scale = 1; // of the type
    this.room = 0; // pixels for the longer side of the map
    this.limit = 0; // the magnitude with the strongest colour; 0 for weights
    /** @type {Part} */
    this.visible = { query: 0, key: 0, rows: 1, columns: 1 };
    /** @type {Float32Array|null} */
    this.values = null;
    /** @type {Theme} */
    this.theme = "light";
    this.selected = { query: 0, key: 0 };
    /** Where a drag began, and what was visible then. @type {(Part & {x: number, y: number})|null} */
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

  /** Whether a part of the map is visible, and not all of it. */
  get isZoomed() {
    const { rows, columns } = this.visible;
    return rows < this.tokens.rows.length || columns < this.tokens.columns.length;
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
    const { query, key, rows, columns } = this.visible;
    const row = clamp(Math.floor((event.clientY - box.top) / this.cell.height), 0, rows - 1);
    return [query + row, key + clamp(Math.floor((event.clientX - box.left) / this.cell.width), 0, columns - 1)];
  }

  /** Moves a zoomed map with the pointer; returns whether it did. @param {PointerEvent} event */
  drag(event) {
    const { dragStart, cell } = this;
    if (!dragStart || !this.isZoomed) return false;
    const down = Math.round((event.clientY - dragStart.y) / cell.height);
    const right = Math.round((event.clientX - dragStart.x) / cell.width);
    if (down || right) this.wasDragged = true;
    this.show(dragStart.query - down, dragStart.key - right);
    return true;
  }

  /**
   * Makes more or fewer cells visible, around a cell.
   * @param {number} factor of the visible rows and columns
   * @param {number} [query]
   * @param {number} [key]
   */
  zoom(factor, query = this.selected.query, key = this.selected.key) {
    const count = (/** @type {number} */ cells, /** @type {number} */ all) =>
      clamp(Math.round(cells * factor), Math.min(FEWEST_CELLS, all), all);
    const rows = count(this.visible.rows, this.tokens.rows.length);
    const columns = count(this.visible.columns, this.tokens.columns.length);
    this.show(Math.round(query - rows / 2), Math.round(key - columns / 2), rows, columns);
  }

  /**
   * Makes a part visible, as far as the map goes.
   * @param {number} query
   * @param {number} key
   * @param {number} [rows]
   * @param {number} [columns]
   */
  show(query, key, rows = this.visible.rows, columns = this.visible.columns) {
    const first = clamp(query, 0, this.tokens.rows.length - rows);
    this.visible = { query: first, key: clamp(key, 0, this.tokens.columns.length - columns), rows, columns };
    this.resizeCells();
    if (this.values) this.draw(this.values, this.theme, this.limit);
    this.select(this.selected.query, this.selected.key);
  }

  /** Moves the visible part as little as needed to include a cell. @param {number} query @param {number} key */
  reveal(query, key) {
    const { visible } = this;
    const first = clamp(visible.query, query - visible.rows + 1, query);
    this.show(first, clamp(visible.key, key - visible.columns + 1, key));
  }

  /**
   * Sets the tokens and the sizes.
   * @param {PageToken[]} rows the tokens that look
   * @param {PageToken[]} columns those that are looked at
   * @param {number} room pixels for the longer side of the map
   * @param {number} scale of the type
   */
  layOut(rows, columns, room, scale) {
    const { tokens } = this;
    if (rows.length !== tokens.rows.length || columns.length !== tokens.columns.length) {
      this.visible = { query: 0, key: 0, rows: rows.length, columns: columns.length };
    }
    Object.assign(this, { tokens: { rows, columns }, room, scale });
    this.resizeCells();
  }

  /** Sets the size of a cell and the labels for the visible part. */
  resizeCells() {
    const { room, scale } = this;
    const { query, key, rows, columns } = this.visible;
    this.cell = cellSize(rows, columns, room, scale);
    const { width, height } = this.cell;
    this.root.style.setProperty("--side", `${width * columns}px`);
    this.root.style.setProperty("--down", `${height * rows}px`);
    const step = (/** @type {number} */ cells, /** @type {number} */ pixels) =>
      Math.max(1, Math.ceil(cells / MOST_LABELS), Math.ceil((LINE * scale) / pixels));
    const every = step(columns, width);
    this.queries.replaceChildren(...labels(this.tokens.rows.slice(query, query + rows), step(rows, height), height));
    this.keys.replaceChildren(...labels(this.tokens.columns.slice(key, key + columns), every, width));
    const lean = leanOfKeys(every * width, LINE * scale);
    this.root.style.setProperty("--lean", `${lean}deg`);
    this.root.style.setProperty("--shift", `${(50 * (lean - LEAST_LEAN)) / (90 - LEAST_LEAN)}%`);
    const tokens = [...this.tokens.rows, ...this.tokens.columns];
    const longest = tokens.reduce((most, token) => Math.max(most, (token.bytes ?? token.text).length), 3);
    this.root.style.setProperty("--label", `${Math.min(14, longest + 2)}ch`);
    this.stage.toggleAttribute("data-part", this.isZoomed);
  }

  /**
   * Draws the visible cells.
   * @param {Float32Array} values (rows, columns): weights or scores, not finite where the mask hides a key
   * @param {Theme} theme
   * @param {number} limit the magnitude of scores that has the strongest colour; 0 for weights
   */
  draw(values, theme, limit = 0) {
    Object.assign(this, { values, theme, limit });
    const { cell, canvas, visible } = this;
    const width = cell.width * visible.columns;
    const height = cell.height * visible.rows;
    const density = devicePixelRatio || 1;
    canvas.width = Math.max(1, Math.round(width * density));
    canvas.height = Math.max(1, Math.round(height * density));
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    context.scale(density, density);
    context.imageSmoothingEnabled = false;
    const down = Math.min(visible.rows, canvas.height);
    const across = Math.min(visible.columns, canvas.width);
    const cells = poolCells(values, this.tokens.columns.length, visible, down, across);
    const style = getComputedStyle(this.root);
    const paper = style.getPropertyValue("--gv-bg");
    drawHatching(context, width, height, style.getPropertyValue("--gv-hatch-ink"), paper);
    const image = limit
      ? cellImage(cells, across, signedColours(theme), (x) => 127.5 + (127.5 * x) / limit)
      : cellImage(cells, across, weightColours(theme), (x) => 255 * x);
    context.drawImage(image, 0, 0, width, height);
    if (visible.columns < visible.rows) this.onDraw(visible.rows, down);
    else this.onDraw(visible.columns, across);
    if (Math.min(cell.width, cell.height) >= 8) drawRules(context, visible, cell, paper);
  }

  /** Outlines a cell and its row. @param {number} query @param {number} key */
  select(query, key) {
    this.selected = { query, key };
    const down = query - this.visible.query;
    const right = key - this.visible.key;
    const { rows, columns } = this.visible;
    const rowVisible = down >= 0 && down < rows;
    this.placeOutline(this.rowOutline, down, 0, columns, rowVisible);
    this.placeOutline(this.outline, down, right, 1, rowVisible && right >= 0 && right < columns);
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
    node.style.transform = `translate(${column * cell.width}px, ${row * cell.height}px)`;
    node.style.width = `${width * cell.width}px`;
    node.style.height = `${Math.max(2, cell.height)}px`;
  }
}

/**
 * Returns the size of a cell in pixels: a square that lets the longer side fit; of a map with one much longer side,
 * such as a sound's, the shorter side of a cell is as high as a label.
 * @param {number} rows
 * @param {number} columns
 * @param {number} room pixels for the longer side
 * @param {number} scale of the type
 */
export function cellSize(rows, columns, room, scale) {
  const fitting = (/** @type {number} */ cells) =>
    room >= cells ? Math.min(Math.floor(room / cells), Math.round(36 * scale)) : room / cells;
  const height = fitting(rows);
  const width = fitting(columns);
  const side = Math.max(Math.min(width, height), Math.round(LINE * scale));
  return { width: Math.min(width, side), height: Math.min(height, side) };
}

/**
 * Returns the labels of cells.
 * @param {PageToken[]} tokens
 * @param {number} every so many cells
 * @param {number} pixels of a cell
 */
function labels(tokens, every, pixels) {
  return tokens.flatMap((token, i) => {
    if (i % every) return [];
    const node = element("span", {}, chip(token));
    node.style.setProperty("--at", `${(i + 0.5) * pixels}px`);
    return [node];
  });
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
 * Returns the visible part as (down, across). Where several cells share a pixel, it has the value with the largest
 * magnitude, so that no cell is skipped; NaN where the mask hides all of them.
 * @param {Float32Array} values (rows, keys)
 * @param {number} keys
 * @param {Part} part
 * @param {number} down
 * @param {number} across
 */
function poolCells(values, keys, { query, key, rows, columns }, down, across) {
  const pooled = new Float32Array(down * across).fill(NaN);
  const pooledColumns = Uint32Array.from({ length: columns }, (_, i) => Math.floor((i * across) / columns));
  for (let row = 0; row < rows; row++) {
    const start = (query + row) * keys + key;
    const pooledRow = Math.floor((row * down) / rows) * across;
    for (let column = 0; column < columns; column++) {
      const value = values[start + column];
      const index = pooledRow + pooledColumns[column];
      if (Number.isFinite(value) && !(Math.abs(pooled[index]) >= Math.abs(value))) pooled[index] = value;
    }
  }
  return pooled;
}

/**
 * Returns a canvas with one pixel a cell, clear where a cell is NaN.
 * @param {Float32Array} cells (height, width)
 * @param {number} width
 * @param {number[][]} colours 256 of them
 * @param {(x: number) => number} shade returns a value's position among the colours
 */
function cellImage(cells, width, colours, shade) {
  const height = cells.length / width;
  const image = new ImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  const palette = packColours(colours);
  for (let i = 0; i < cells.length; i++) {
    if (!Number.isNaN(cells[i])) pixels[i] = palette[Math.round(clamp(shade(cells[i]), 0, 255))];
  }
  const canvas = element("canvas", { width, height });
  /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d")).putImageData(image, 0, 0);
  return canvas;
}

/**
 * Hatches the whole map; the visible cells are drawn over it.
 * @param {CanvasRenderingContext2D} context
 * @param {number} width
 * @param {number} height
 * @param {string} ink
 * @param {string} paper
 */
function drawHatching(context, width, height, ink, paper) {
  context.fillStyle = paper;
  context.fillRect(0, 0, width, height);
  context.strokeStyle = ink;
  context.lineWidth = 1;
  context.beginPath();
  for (let x = -height; x < width; x += 6) {
    context.moveTo(x, height);
    context.lineTo(x + height, 0);
  }
  context.stroke();
}

/**
 * Draws the lines between cells.
 * @param {CanvasRenderingContext2D} context
 * @param {Part} part
 * @param {{width: number, height: number}} cell in pixels
 * @param {string} paper
 */
function drawRules(context, { rows, columns }, cell, paper) {
  context.strokeStyle = paper;
  context.lineWidth = 1;
  context.beginPath();
  for (let row = 1; row < rows; row++) {
    context.moveTo(0, row * cell.height);
    context.lineTo(columns * cell.width, row * cell.height);
  }
  for (let column = 1; column < columns; column++) {
    context.moveTo(column * cell.width, 0);
    context.lineTo(column * cell.width, rows * cell.height);
  }
  context.stroke();
}
