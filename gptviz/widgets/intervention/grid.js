// @ts-check
/**
 * Every head and every MLP as a square: its attention map, or what switching off this one alone does to one token.
 * What is switched off is hatched and says so. Not here: what a click leads to (intervention.js).
 */
import { drawThumbnail } from "../attention/map.js";
import { diverging } from "../shared/colours.js";
import { element, setText } from "../shared/dom.js";
import { uint8 } from "../shared/kernel.js";
import { significant } from "../shared/numbers.js";

/** @typedef {{layer: number, head: number|null}} Part the head; null is the layer's MLP */

/** @param {Part} part @param {string} mlp */
export function partName({ layer, head }, mlp) {
  return `L${layer} · ${head === null ? mlp : `H${head}`}`;
}

/** A difference of probabilities, in percentage points. @param {number} difference */
export function points(difference) {
  return `${difference > 0 ? "+" : ""}${difference === 0 ? "0" : significant(100 * difference)}`;
}

export class PartGrid {
  /** @param {import("./words.js").Words} words @param {(part: Part) => void} clicked */
  constructor(words, clicked) {
    this.words = words;
    this.clicked = clicked;
    this.layers = this.heads = this.side = 0;
    /** @type {Uint8Array} */
    this.maps = new Uint8Array();
    /** @type {{button: HTMLButtonElement, canvas: HTMLCanvasElement, said: HTMLElement, part: Part}[]} */
    this.cells = [];
    /** What each part's absence does, (L, H + 1), NaN where it cannot be; null shows maps. @type {Float32Array|null} */
    this.effects = null;
    /** @type {"light"|"dark"} */
    this.theme = "light";
    this.root = element("div", { class: "grid", role: "group", "aria-label": words.parts });
    this.readout = element("p", { class: "readout number small" });
    this.root.addEventListener("keydown", (event) => this.walk(event));
    for (const kind of ["pointerover", "focusin"]) {
      this.root.addEventListener(kind, (event) => this.tell(/** @type {Element} */ (event.target)));
    }
  }

  /** Another model or prompt. @param {{layers: number, heads: number, side: number}} about @param {DataView} thumbnails */
  build({ layers, heads, side }, thumbnails) {
    const again = layers !== this.layers || heads !== this.heads;
    Object.assign(this, { layers, heads, side, maps: uint8(thumbnails), effects: null });
    if (!again) return;
    this.root.style.setProperty("--columns", String(heads + 1));
    this.cells = Array.from({ length: layers * (heads + 1) }, (_, i) => {
      const column = i % (heads + 1);
      return this.cell({ layer: Math.floor(i / (heads + 1)), head: column < heads ? column : null });
    });
    this.cells[0].button.tabIndex = 0;
    const axis = (/** @type {string} */ name) =>
      element("span", { class: "axis muted small number", "aria-hidden": "true" }, name);
    const columns = [...Array.from({ length: heads }, (_, head) => axis(`H${head}`)), axis(this.words.mlp)];
    this.root.replaceChildren(
      element("span"),
      ...columns,
      ...this.cells.flatMap(({ button }, i) => (i % (heads + 1) ? [button] : [axis(`L${i / (heads + 1)}`), button])),
    );
    setText(this.readout, "");
  }

  /** @param {Part} part */
  cell(part) {
    const canvas = element("canvas", { "aria-hidden": "true" });
    const said = element("span", { class: "said number small", "aria-hidden": "true" });
    const button = element("button", { type: "button", tabindex: -1 }, canvas, said);
    button.toggleAttribute("data-mlp", part.head === null);
    button.addEventListener("click", () => this.clicked(part));
    return { button, canvas, said, part };
  }

  /** @param {(part: Part) => boolean} isOff @param {Part} selected @param {"light"|"dark"} theme */
  draw(isOff, selected, theme) {
    this.theme = theme;
    const most = this.largest();
    this.cells.forEach(({ button, canvas, said, part }, i) => {
      const off = isOff(part);
      const effect = this.effects?.[i] ?? null;
      const name = partName(part, this.words.mlp);
      button.toggleAttribute("data-off", off);
      button.toggleAttribute("data-open", part.layer === selected.layer && part.head === selected.head);
      button.setAttribute("aria-pressed", String(off));
      button.title = this.about(i);
      canvas.hidden = off || (effect === null && part.head === null);
      said.style.color = "";
      if (effect === null) {
        if (part.head !== null) this.drawMap(canvas, part.layer * this.heads + part.head);
        setText(said, off ? this.words.off : part.head === null ? this.words.mlp : "");
      } else if (Number.isNaN(effect)) {
        canvas.hidden = true;
        setText(said, off ? this.words.off : "–");
      } else {
        const shade = Math.round(127.5 + 127.5 * (most ? effect / most : 0));
        fill(canvas, diverging(theme)[shade]);
        if (!off) said.style.color = readable(diverging(theme)[shade]);
        setText(said, off ? this.words.off : short(effect, most));
      }
      const told = said.textContent;
      button.setAttribute("aria-label", told && told !== this.words.mlp ? `${name}: ${told}` : name);
    });
  }

  /** @param {HTMLCanvasElement} canvas @param {number} index */
  drawMap(canvas, index) {
    const size = this.side * this.side;
    drawThumbnail(canvas, this.maps.subarray(index * size, (index + 1) * size), this.side, this.theme);
  }

  /** The largest effect, which has the strongest colour. */
  largest() {
    return this.effects ? this.effects.reduce((most, x) => Math.max(most, Math.abs(x) || 0), 0) : 0;
  }

  /** @param {number} index */
  about(index) {
    const name = partName(this.cells[index].part, this.words.mlp);
    return this.effects ? `${name}: ${this.words.alone(points(this.effects[index]))}` : name;
  }

  /** @param {Element} target */
  tell(target) {
    const index = this.cells.findIndex(({ button }) => button === target.closest("button"));
    if (index >= 0) setText(this.readout, this.about(index));
  }

  /** @param {KeyboardEvent} event */
  walk(event) {
    const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    const from = this.cells.findIndex(({ button }) => button === document.activeElement || button === event.target);
    if (!steps || from < 0) return;
    event.preventDefault();
    event.stopPropagation();
    const width = this.heads + 1;
    const clamp = (/** @type {number} */ x, /** @type {number} */ most) => Math.max(0, Math.min(most, x));
    const to =
      clamp(Math.floor(from / width) + steps[0], this.layers - 1) * width +
      clamp((from % width) + steps[1], this.heads);
    for (const { button } of this.cells) button.tabIndex = -1;
    this.cells[to].button.tabIndex = 0;
    this.cells[to].button.focus();
  }
}

/** @param {HTMLCanvasElement} canvas @param {number[]} colour */
function fill(canvas, [r, g, b]) {
  canvas.width = canvas.height = 1;
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  pen.fillStyle = `rgb(${r} ${g} ${b})`;
  pen.fillRect(0, 0, 1, 1);
}

/** Black or white, whichever is read better on the colour (its relative luminance, WCAG 2). @param {number[]} colour */
function readable(colour) {
  const [r, g, b] = colour.map((x) => (x / 255 <= 0.04045 ? x / 255 / 12.92 : ((x / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? "#000000" : "#ffffff";
}

/** Points in as many digits as fit on a square and tell the largest effect apart from the others.
 * @param {number} effect @param {number} most */
function short(effect, most) {
  const text = Math.abs(100 * effect)
    .toFixed(most >= 0.1 ? 0 : most >= 0.01 ? 1 : 2)
    .replace(/^0(?=\.)/, "");
  return Number(text) === 0 ? "0" : `${effect > 0 ? "+" : "−"}${text}`;
}
