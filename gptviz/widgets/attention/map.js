// @ts-check
/**
 * One attention map on a canvas: query rows, key columns; hatched is what the mask hides (numbers that are not finite):
 * the future, and in some families some of the past.
 * Not here: where the numbers come from, and the words around it (attention.js).
 */
import { chip } from "../shared/chips.js";
import { colours, diverging } from "../shared/colours.js";
import { element } from "../shared/dom.js";

/** @typedef {import("../shared/chips.js").PageToken} Label */

const MOST_LABELS = 48;

export class AttentionMap {
  /** @param {(query: number, key: number, chosen: boolean) => void} pointed a cell was hovered, or chosen
   * @param {(seen: number, drawn: number) => void} redrawn cells a side that are seen, and as how many they are drawn: fewer
   * where a cell is smaller than a pixel */
  constructor(pointed, redrawn) {
    this.redrawn = redrawn;
    /** @type {Label[]} */
    this.tokens = [];
    this.cell = this.scale = 1;
    this.room = this.limit = 0;
    /** The square of cells that is seen: its first query and key, and its side. */
    this.seen = { query: 0, key: 0, side: 1 };
    /** @type {Float32Array|null} */
    this.values = null;
    /** @type {"light"|"dark"} */
    this.theme = "light";
    this.selected = { query: 0, key: 0 };
    this.canvas = element("canvas", { class: "map", "aria-hidden": "true" });
    this.outline = element("div", { class: "outline" });
    this.rowOutline = element("div", { class: "outline row" });
    this.stage = element(
      "div",
      { class: "stage", tabindex: 0, role: "application" },
      this.canvas,
      this.rowOutline,
      this.outline,
    );
    this.queries = element("div", { class: "labels queries", "aria-hidden": "true" });
    this.keys = element("div", { class: "labels keys", "aria-hidden": "true" });
    this.root = element("div", { class: "matrix" }, this.keys, this.queries, this.stage);
    this.stage.addEventListener("pointermove", (event) => this.dragged(event) || pointed(...this.at(event), false));
    this.stage.addEventListener("pointerdown", (event) => {
      this.from = { x: event.clientX, y: event.clientY, ...this.seen };
      this.stage.setPointerCapture(event.pointerId);
    });
    this.stage.addEventListener("pointerup", (event) => {
      if (!this.moved) pointed(...this.at(event), true);
      this.from = null;
      this.moved = false;
    });
    this.stage.addEventListener(
      "wheel",
      (event) => {
        if (!event.ctrlKey) return; // a plain wheel scrolls the page
        event.preventDefault();
        this.zoom(event.deltaY > 0 ? 1.25 : 0.8, ...this.at(event));
      },
      { passive: false },
    );
    this.from = /** @type {{x: number, y: number, query: number, key: number}|null} */ (null);
    this.moved = false;
  }

  get size() {
    return this.tokens.length;
  }

  /** The cell under the pointer. @param {MouseEvent} event @returns {[number, number]} */
  at(event) {
    const box = this.canvas.getBoundingClientRect();
    const { query, key, side } = this.seen;
    const clamp = (/** @type {number} */ x) => Math.max(0, Math.min(side - 1, Math.floor(x / this.cell)));
    return [query + clamp(event.clientY - box.top), key + clamp(event.clientX - box.left)];
  }

  /** Move what is seen with the pointer, where not all is seen. @param {PointerEvent} event */
  dragged(event) {
    const { from, cell } = this;
    if (!from || this.seen.side === this.size) return false;
    const [down, right] = [event.clientY - from.y, event.clientX - from.x].map((pixels) => Math.round(pixels / cell));
    if (down || right) this.moved = true;
    this.look(from.query - down, from.key - right, this.seen.side);
    return true;
  }

  /** See more cells or fewer, around one that stays. @param {number} factor @param {number} [query] @param {number} [key] */
  zoom(factor, query = this.selected.query, key = this.selected.key) {
    const side = Math.max(Math.min(8, this.size), Math.min(this.size, Math.round(this.seen.side * factor)));
    this.look(Math.round(query - side / 2), Math.round(key - side / 2), side);
  }

  /** @param {number} query @param {number} key @param {number} side */
  look(query, key, side) {
    const clamp = (/** @type {number} */ x) => Math.max(0, Math.min(this.size - side, x));
    this.seen = { query: clamp(query), key: clamp(key), side };
    this.place();
    if (this.values) this.draw(this.values, this.theme, this.limit);
    this.select(this.selected.query, this.selected.key);
  }

  /** Move what is seen as little as brings a cell into it. @param {number} query @param {number} key */
  follow(query, key) {
    const { seen } = this;
    const near = (/** @type {number} */ first, /** @type {number} */ at) =>
      Math.max(at - seen.side + 1, Math.min(first, at));
    this.look(near(seen.query, query), near(seen.key, key), seen.side);
  }

  /** @param {Label[]} tokens @param {number} room pixels for the map's side @param {number} scale of the type */
  layOut(tokens, room, scale) {
    if (tokens.length !== this.size) this.seen = { query: 0, key: 0, side: tokens.length };
    Object.assign(this, { tokens, room, scale });
    this.place();
  }

  /** Sizes and labels for what is seen. */
  place() {
    const { tokens, room, scale } = this;
    const { query, key, side } = this.seen;
    const fitting = Math.floor(room / side);
    this.cell = fitting >= 1 ? Math.min(fitting, Math.round(36 * scale)) : room / side;
    this.root.style.setProperty("--side", `${this.cell * side}px`);
    const every = Math.max(1, Math.ceil(side / MOST_LABELS), Math.ceil((13 * scale) / this.cell));
    const labels = (/** @type {number} */ first) =>
      tokens.slice(first, first + side).flatMap((token, i) => {
        if (i % every) return [];
        const node = element("span", {}, chip(token));
        node.style.setProperty("--at", `${(i + 0.5) * this.cell}px`);
        return [node];
      });
    this.queries.replaceChildren(...labels(query));
    this.keys.replaceChildren(...labels(key));
    const longest = Math.max(...tokens.map((token) => (token.bytes ?? token.text).length), 3);
    this.root.style.setProperty("--label", `${Math.min(14, longest + 2)}ch`);
    this.stage.toggleAttribute("data-part", side < this.size);
  }

  /** @param {Float32Array} values (T, T): weights, or scores; not finite where the mask hides a key @param {"light"|"dark"} theme @param {number} limit of signed
   * scores, which get the strongest colour there; 0 for weights */
  draw(values, theme, limit = 0) {
    Object.assign(this, { values, theme, limit });
    const { cell, canvas, seen } = this;
    const side = cell * seen.side;
    const dense = devicePixelRatio || 1;
    canvas.width = canvas.height = Math.max(1, Math.round(side * dense));
    canvas.style.width = canvas.style.height = `${side}px`;
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    context.scale(dense, dense);
    context.imageSmoothingEnabled = false;
    const shade = limit
      ? (/** @type {number} */ x) => 127.5 + (127.5 * x) / limit
      : (/** @type {number} */ x) => 255 * x;
    const drawn = Math.min(seen.side, canvas.width);
    const shown = cellsSeen(values, this.size, seen, drawn);
    const style = getComputedStyle(this.root);
    hatchUnder(context, side, style.getPropertyValue("--gv-hatch-ink"), style.getPropertyValue("--gv-bg"));
    context.drawImage(mapImage(shown, drawn, limit ? diverging(theme) : colours(theme), shade), 0, 0, side, side);
    this.redrawn(seen.side, drawn);
    if (cell >= 8) rules(context, seen.side, cell, style.getPropertyValue("--gv-bg"));
  }

  /** @param {number} query @param {number} key */
  select(query, key) {
    this.selected = { query, key };
    const { seen, cell } = this;
    const down = query - seen.query;
    const right = key - seen.key;
    const place = (
      /** @type {HTMLElement} */ node,
      /** @type {number} */ x,
      /** @type {number} */ width,
      /** @type {boolean} */ inside,
    ) => {
      node.hidden = !inside;
      node.style.transform = `translate(${x * cell}px, ${down * cell}px)`;
      node.style.width = `${width * cell}px`;
      node.style.height = `${Math.max(2, cell)}px`;
    };
    const rowSeen = down >= 0 && down < seen.side;
    place(this.rowOutline, 0, seen.side, rowSeen);
    place(this.outline, right, 1, rowSeen && right >= 0 && right < seen.side);
  }
}

/** Colours as whole pixels, written at once: a long text's map has a million. @param {number[][]} table */
function words32(table) {
  return new Uint32Array(new Uint8Array(table.flatMap(([r, g, b]) => [r, g, b, 255])).buffer);
}

/** The square of cells that is seen, as (count, count): where there are fewer than cells, each has the value farthest from
 * nothing in its block, so that no cell is skipped. NaN where no query of the block can look.
 * @param {Float32Array} values @param {number} size @param {{query: number, key: number, side: number}} seen @param {number} count */
function cellsSeen(values, size, { query, key, side }, count) {
  const cells = new Float32Array(count * count).fill(NaN);
  const into = (/** @type {number} */ i) => Math.floor((i * count) / side);
  const columns = Uint32Array.from({ length: side }, (_, k) => into(k));
  for (let q = 0; q < side; q++) {
    const from = (query + q) * size + key;
    const row = into(q) * count;
    for (let k = 0; k < side; k++) {
      const value = values[from + k];
      const at = row + columns[k];
      if (Number.isFinite(value) && !(Math.abs(cells[at]) >= Math.abs(value))) cells[at] = value;
    }
  }
  return cells;
}

/** One pixel a cell, clear where nobody looks. @param {Float32Array} cells (side, side) @param {number} side @param {number[][]} table 256 colours
 * @param {(x: number) => number} shade which of them */
function mapImage(cells, side, table, shade) {
  const image = new ImageData(side, side);
  const pixels = new Uint32Array(image.data.buffer);
  const palette = words32(table);
  for (let i = 0; i < cells.length; i++) {
    if (!Number.isNaN(cells[i])) pixels[i] = palette[Math.round(Math.min(255, Math.max(0, shade(cells[i]))))];
  }
  const small = document.createElement("canvas");
  small.width = small.height = side;
  /** @type {CanvasRenderingContext2D} */ (small.getContext("2d")).putImageData(image, 0, 0);
  return small;
}

/** Hatched all over; the cells that are seen cover it. @param {CanvasRenderingContext2D} context @param {number} side
 * @param {string} ink @param {string} paper */
function hatchUnder(context, side, ink, paper) {
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

/** @param {CanvasRenderingContext2D} context @param {number} size @param {number} cell @param {string} paper */
function rules(context, size, cell, paper) {
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

/** A thumbnail: `side` × `side` bytes. @param {HTMLCanvasElement} canvas @param {Uint8Array} bytes @param {number} side
 * @param {"light"|"dark"} theme */
export function drawThumbnail(canvas, bytes, side, theme) {
  canvas.width = canvas.height = side;
  const image = new ImageData(side, side);
  const pixels = new Uint32Array(image.data.buffer);
  const palette = words32(colours(theme));
  for (let q = 0; q < side; q++) {
    for (let k = 0; k <= q; k++) pixels[q * side + k] = palette[bytes[q * side + k]]; // the future stays clear, and hatched
  }
  /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d")).putImageData(image, 0, 0);
}
