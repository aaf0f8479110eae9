// @ts-check
/**
 * Every head and every MLP as a square, which shows its attention map, or how switching off this part alone changes the
 * probability of one token. A part that is switched off is hatched.
 */
import { cssColour, inkOn, signedColours } from "../shared/colours.js";
import { element, setText } from "../shared/dom.js";
import { uint8 } from "../shared/kernel.js";
import { arrowStep } from "../shared/keys.js";
import { clamp, significant } from "../shared/numbers.js";
import { drawThumbnail } from "../shared/thumbnail.js";

/**
 * A head, or a layer's MLP if `head` is null. stack: of an encoder-decoder, whose part it is if it is not the
 * decoder's.
 * @typedef {{layer: number, head: number|null, stack?: "encoder"|"cross"}} Part
 */
/** @typedef {{button: HTMLButtonElement, canvas: HTMLCanvasElement, label: HTMLElement, part: Part}} Cell */
/** @typedef {import("../shared/theme.js").Theme} Theme */

/** Returns a part's name. @param {Part} part @param {import("./words.js").Words} words */
export function partName({ layer, head, stack }, words) {
  const name = `L${layer} · ${head === null ? words.mlp : `H${head}`}`;
  return stack ? `${words.ofStack[stack]} ${name}` : name;
}

/** Writes a difference of probabilities in percentage points. @param {number} difference */
export function points(difference) {
  return `${difference > 0 ? "+" : ""}${difference === 0 ? "0" : significant(100 * difference)}`;
}

export class PartGrid {
  /**
   * @param {import("./words.js").Words} words
   * @param {string} noAttention what stands in place of the heads that a layer does not have
   * @param {(part: Part) => void} onClick
   */
  constructor(words, noAttention, onClick) {
    this.words = words;
    this.noAttention = noAttention;
    this.onClick = onClick;
    this.layers = 0;
    this.heads = 0; // of the layer with the most
    /** How many heads each layer has. @type {number[]} */
    this.headsIn = [];
    /** The layers that have no maps. @type {number[]} */
    this.absent = [];
    this.side = 0; // of a thumbnail, from top to bottom
    this.columns = 0; // from left to right
    this.causal = true;
    this.hasMlps = true; // cross attention has none
    /** The stack whose parts are shown, if it is not the decoder. @type {{stack?: "encoder"|"cross"}} */
    this.ofStack = {};
    /** The thumbnails of all heads. @type {Uint8Array} */
    this.maps = new Uint8Array();
    /** @type {Cell[]} */
    this.cells = [];
    /**
     * The effect of switching off each part, (L, H + 1), NaN if there is none; null shows maps.
     * @type {Float32Array|null}
     */
    this.effects = null;
    /** @type {Theme} */
    this.theme = "light";
    this.root = element("div", { class: "grid", role: "group", "aria-label": words.parts });
    this.readout = element("p", { class: "readout number small" });
    this.root.addEventListener("keydown", (event) => this.moveFocus(event));
    for (const kind of ["pointerover", "focusin"]) {
      this.root.addEventListener(kind, (event) => this.describe(/** @type {Element} */ (event.target)));
    }
  }

  /**
   * Takes the maps of a new trace, and builds the squares if the model has another shape.
   * @param {import("../shared/stacks.js").StackAbout} about
   * @param {DataView} thumbnails
   * @param {{stack?: "encoder"|"cross"}} ofStack the stack, if it is not the decoder
   */
  build({ layers, heads, heads_in: headsIn, absent, side, columns: across, causal, start }, thumbnails, ofStack = {}) {
    const hasNewShape = String(headsIn) !== String(this.headsIn) || ofStack.stack !== this.ofStack.stack;
    const maps = uint8(thumbnails).subarray(start);
    Object.assign(this, {
      layers,
      heads,
      headsIn,
      absent,
      side,
      columns: across,
      causal,
      ofStack,
      maps,
      effects: null,
    });
    this.hasMlps = ofStack.stack !== "cross";
    if (!hasNewShape) return;
    const width = heads + 1;
    this.root.style.setProperty("--columns", String(this.hasMlps ? width : heads));
    this.cells = Array.from({ length: layers * width }, (_, i) =>
      this.buildCell({ layer: Math.floor(i / width), head: i % width < heads ? i % width : null, ...ofStack }),
    );
    this.cells[this.exists(0, 0) ? 0 : heads].button.tabIndex = 0;
    const axis = (/** @type {string} */ name) =>
      element("span", { class: "axis muted small number", "aria-hidden": "true" }, name);
    const mlp = this.hasMlps ? [axis(this.words.mlp)] : [];
    const columns = [...Array.from({ length: heads }, (_, head) => axis(`H${head}`)), ...mlp];
    const rows = headsIn.flatMap((count, layer) => {
      const buttons = this.cells.slice(layer * width, (layer + 1) * width).map(({ button }) => button);
      const last = this.hasMlps ? [buttons[heads]] : [];
      return [axis(`L${layer}`), ...buttons.slice(0, count), ...this.gap(count), ...last];
    });
    this.root.replaceChildren(element("span"), ...columns, ...rows);
    setText(this.readout, "");
  }

  /** Returns what fills the columns of the heads that a layer does not have. @param {number} count of its heads */
  gap(count) {
    if (count === this.heads) return [];
    const gap = element("span", { class: "gap muted small" }, count ? "" : this.noAttention);
    gap.style.gridColumn = `span ${this.heads - count}`;
    return [gap];
  }

  /** Returns whether the model has a part. @param {number} layer @param {number} column */
  exists(layer, column) {
    return (column === this.heads && this.hasMlps) || column < this.headsIn[layer];
  }

  /** @param {Part} part @returns {Cell} */
  buildCell(part) {
    const canvas = element("canvas", { "aria-hidden": "true" });
    const label = element("span", { class: "label number small", "aria-hidden": "true" });
    const button = element("button", { type: "button", tabindex: -1 }, canvas, label);
    button.toggleAttribute("data-mlp", part.head === null);
    button.addEventListener("click", () => this.onClick(part));
    return { button, canvas, label, part };
  }

  /**
   * Draws all squares.
   * @param {(part: Part) => boolean} isOff
   * @param {Part} selected
   * @param {Theme} theme
   */
  draw(isOff, selected, theme) {
    this.theme = theme;
    const largest = this.largestEffect();
    this.cells.forEach((cell, i) => {
      const { button, label, part } = cell;
      const off = isOff(part);
      button.toggleAttribute("data-off", off);
      button.toggleAttribute("data-open", part.layer === selected.layer && part.head === selected.head);
      button.setAttribute("aria-pressed", String(off));
      button.title = this.describeCell(i);
      label.style.color = "";
      if (this.effects) this.drawEffect(cell, this.effects[i], largest, off);
      else this.drawMap(cell, off);
      const name = partName(part, this.words);
      const text = label.textContent;
      button.setAttribute("aria-label", text && text !== this.words.mlp ? `${name}: ${text}` : name);
    });
  }

  /** @param {Cell} cell @param {boolean} off */
  drawMap({ canvas, label, part }, off) {
    canvas.hidden = off || part.head === null || this.absent.includes(part.layer);
    if (part.head !== null) {
      const size = this.side * this.columns;
      const index = part.layer * this.heads + part.head;
      const bytes = this.maps.subarray(index * size, (index + 1) * size);
      drawThumbnail(canvas, bytes, this.side, this.theme, this.columns, this.causal);
    }
    setText(label, off ? this.words.off : part.head === null ? this.words.mlp : "");
  }

  /** @param {Cell} cell @param {number} effect @param {number} largest @param {boolean} off */
  drawEffect({ canvas, label }, effect, largest, off) {
    canvas.hidden = off || Number.isNaN(effect);
    let text = "–";
    if (!Number.isNaN(effect)) {
      const colour = signedColours(this.theme)[Math.round(127.5 + 127.5 * (largest ? effect / largest : 0))];
      fillCanvas(canvas, colour);
      if (!off) label.style.color = inkOn(colour);
      text = shortPoints(effect, largest);
    }
    setText(label, off ? this.words.off : text);
  }

  /** Returns the largest magnitude of the effects, which has the strongest colour. */
  largestEffect() {
    return this.effects ? this.effects.reduce((largest, x) => Math.max(largest, Math.abs(x) || 0), 0) : 0;
  }

  /** @param {number} index */
  describeCell(index) {
    const name = partName(this.cells[index].part, this.words);
    return this.effects ? `${name}: ${this.words.alone(points(this.effects[index]))}` : name;
  }

  /** Shows below the grid what a square stands for. @param {Element} target */
  describe(target) {
    const index = this.cells.findIndex(({ button }) => button === target.closest("button"));
    if (index >= 0) setText(this.readout, this.describeCell(index));
  }

  /** @param {KeyboardEvent} event */
  moveFocus(event) {
    const index = this.cells.findIndex(({ button }) => button === document.activeElement || button === event.target);
    const step = index < 0 ? undefined : arrowStep(event);
    if (!step) return;
    const width = this.heads + 1;
    let row = Math.floor(index / width);
    let column = index % width;
    do {
      row += step[0];
      column += step[1];
      if (row !== clamp(row, 0, this.layers - 1) || column !== clamp(column, 0, this.heads)) return;
    } while (!this.exists(row, column));
    for (const { button } of this.cells) button.tabIndex = -1;
    const next = this.cells[row * width + column].button;
    next.tabIndex = 0;
    next.focus();
  }
}

/** @param {HTMLCanvasElement} canvas @param {number[]} colour */
function fillCanvas(canvas, colour) {
  canvas.width = 1;
  canvas.height = 1;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.fillStyle = cssColour(colour);
  context.fillRect(0, 0, 1, 1);
}

/**
 * Writes percentage points with as many digits as fit on a square and distinguish the largest effect from the others.
 * @param {number} effect
 * @param {number} largest
 */
function shortPoints(effect, largest) {
  const digits = largest >= 0.1 ? 0 : largest >= 0.01 ? 1 : 2;
  const text = Math.abs(100 * effect)
    .toFixed(digits)
    .replace(/^0(?=\.)/, "");
  return Number(text) === 0 ? "0" : `${effect > 0 ? "+" : "−"}${text}`;
}
