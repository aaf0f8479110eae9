// @ts-check
/**
 * One attention map on a canvas: query rows, key columns, what lies in the future hatched.
 * Not here: where the numbers come from, and the words around it (attention.js).
 */
import { chip, colours, diverging, element } from "./common.js";

/** @typedef {import("./common.js").PageToken} Label */

const MOST_LABELS = 48;

export class AttentionMap {
  /** @param {(query: number, key: number, chosen: boolean) => void} pointed a cell was hovered, or chosen */
  constructor(pointed) {
    this.size = 0;
    this.cell = 1;
    this.canvas = element("canvas", { class: "map", "aria-hidden": "true" });
    this.outline = element("div", { class: "outline" });
    this.rowOutline = element("div", { class: "outline row" });
    this.stage = element("div", { class: "stage", tabindex: 0, role: "application", "data-lm-suppress-shortcuts": "true" },
      this.canvas, this.rowOutline, this.outline);
    this.queries = element("div", { class: "labels queries", "aria-hidden": "true" });
    this.keys = element("div", { class: "labels keys", "aria-hidden": "true" });
    this.root = element("div", { class: "matrix" }, this.keys, this.queries, this.stage);
    const at = (/** @type {PointerEvent} */ event) => {
      const box = this.canvas.getBoundingClientRect();
      const clamp = (/** @type {number} */ x) => Math.max(0, Math.min(this.size - 1, Math.floor(x / this.cell)));
      return /** @type {[number, number]} */ ([clamp(event.clientY - box.top), clamp(event.clientX - box.left)]);
    };
    this.stage.addEventListener("pointermove", (event) => pointed(...at(event), false));
    this.stage.addEventListener("pointerdown", (event) => pointed(...at(event), true));
  }

  /** @param {Label[]} tokens @param {number} room pixels for the map's side @param {number} scale of the type */
  layOut(tokens, room, scale) {
    this.size = tokens.length;
    const fitting = Math.floor(room / this.size);
    this.cell = fitting >= 1 ? Math.min(fitting, Math.round(36 * scale)) : room / this.size;
    const side = this.cell * this.size;
    this.root.style.setProperty("--side", `${side}px`);
    const every = Math.max(1, Math.ceil(this.size / MOST_LABELS), Math.ceil((13 * scale) / this.cell));
    const label = (/** @type {Label} */ token, /** @type {number} */ i) => {
      const node = element("span", {}, chip(token));
      node.style.setProperty("--at", `${(i + 0.5) * this.cell}px`);
      return node;
    };
    const shown = tokens.filter((_, i) => i % every === 0);
    this.queries.replaceChildren(...shown.map((token, i) => label(token, i * every)));
    this.keys.replaceChildren(...shown.map((token, i) => label(token, i * every)));
    const longest = Math.max(...shown.map((token) => (token.bytes ?? token.text).length), 3);
    this.root.style.setProperty("--label", `${Math.min(14, longest + 2)}ch`);
  }

  /** @param {Float32Array} values (T, T): weights, or scores @param {"light"|"dark"} theme @param {number} limit of signed
   * scores, which get the strongest colour there; 0 for weights */
  draw(values, theme, limit = 0) {
    const { size, cell, canvas } = this, side = cell * size, dense = devicePixelRatio || 1;
    canvas.width = canvas.height = Math.max(1, Math.round(side * dense));
    canvas.style.width = canvas.style.height = `${side}px`;
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    context.scale(dense, dense);
    context.imageSmoothingEnabled = false;
    const shade = limit ? (/** @type {number} */ x) => 127.5 + (127.5 * x) / limit : (/** @type {number} */ x) => 255 * x;
    context.drawImage(mapImage(values, size, limit ? diverging(theme) : colours(theme), shade), 0, 0, side, side);
    const style = getComputedStyle(this.root);
    hatchFuture(context, size, cell, style.getPropertyValue("--gv-hatch-ink"), style.getPropertyValue("--gv-bg"));
    if (cell >= 8) rules(context, size, cell, style.getPropertyValue("--gv-bg"));
  }

  /** @param {number} query @param {number} key */
  select(query, key) {
    const place = (/** @type {HTMLElement} */ node, /** @type {number} */ x, /** @type {number} */ width) => {
      node.style.transform = `translate(${x * this.cell}px, ${query * this.cell}px)`;
      node.style.width = `${width * this.cell}px`;
      node.style.height = `${Math.max(2, this.cell)}px`;
    };
    place(this.rowOutline, 0, this.size);
    place(this.outline, key, 1);
    this.outline.hidden = key < 0;
  }
}

/** One pixel a cell. @param {Float32Array} values @param {number} size @param {number[][]} table 256 colours
 * @param {(x: number) => number} shade which of them */
function mapImage(values, size, table, shade) {
  const image = new ImageData(size, size);
  for (let i = 0; i < size * size; i++) {
    const [r, g, b] = table[Math.round(Math.min(255, Math.max(0, shade(values[i]))))];
    image.data.set([r, g, b, 255], 4 * i);
  }
  const small = document.createElement("canvas");
  small.width = small.height = size;
  /** @type {CanvasRenderingContext2D} */ (small.getContext("2d")).putImageData(image, 0, 0);
  return small;
}

/** @param {CanvasRenderingContext2D} context @param {number} size @param {number} cell @param {string} ink @param {string} paper */
function hatchFuture(context, size, cell, ink, paper) {
  const side = size * cell;
  context.save();
  context.beginPath();
  context.moveTo(cell, 0);
  for (let q = 0; q < size; q++) {
    context.lineTo((q + 1) * cell, q * cell);
    context.lineTo((q + 1) * cell, (q + 1) * cell);
  }
  context.lineTo(side, 0);
  context.closePath();
  context.clip();
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
  context.restore();
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
  const table = colours(theme), image = new ImageData(side, side);
  for (let i = 0; i < side * side; i++) {
    const future = i % side > Math.floor(i / side);
    const [r, g, b] = table[bytes[i]];
    image.data.set(future ? [0, 0, 0, 0] : [r, g, b, 255], 4 * i);
  }
  /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d")).putImageData(image, 0, 0);
}
