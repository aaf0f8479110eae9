// @ts-check
/**
 * The grid of all heads: one thumbnail a head, by layer and head or ordered by how well a head fits a role.
 */
import { element, setText } from "../shared/dom.js";
import { addWaitingMark } from "../shared/frame.js";
import { ask, Lane, uint8 } from "../shared/kernel.js";
import { arrowStep } from "../shared/keys.js";
import { weight } from "../shared/numbers.js";
import { offer } from "../shared/offer.js";
import { addScrollCues } from "../shared/scrolling.js";
import { aboutOf, headAddress } from "../shared/stacks.js";
import { drawThumbnail } from "../shared/thumbnail.js";
import { sharedWords } from "../shared/words.js";

/** Returns a head's name. @param {number} layer @param {number} head */
export function headName(layer, head) {
  return `L${layer} · H${head}`;
}

export class HeadGrid {
  /**
   * @param {import("../shared/kernel.js").Model} model
   * @param {import("./words.js").Words} words
   * @param {{choose: (layer: number, head: number) => void, setProblem: (text: string) => void}} actions
   */
  constructor(model, words, actions) {
    this.model = model;
    this.words = words;
    this.noAttention = sharedWords(model).common.noAttention;
    this.actions = actions;
    this.lane = new Lane();
    /**
     * Each head's score by role, null for no head; null before it was asked for.
     * @type {Record<string, Scores>|null}
     */
    this.roles = null;
    /** A button for each head, layer after layer. @type {HTMLButtonElement[]} */
    this.buttons = [];
    this.open = 0; // the index of the open head's button
    this.order = element("select", { "aria-label": words.order });
    this.order.append(...Object.entries(words.orders).map(([value, name]) => element("option", { value }, name)));
    this.order.addEventListener("change", () => this.arrange());
    this.grid = element("div", { class: "grid", role: "group", "aria-label": words.heads });
    this.grid.addEventListener("keydown", (event) => this.moveFocus(event));
    addScrollCues(this.grid, true);
    this.note = element("p", { class: "muted small" });
    const title = element("h4", {}, words.heads, " ", this.order);
    this.root = element("div", { class: "heads" }, title, this.grid, this.note);
    this.setWaiting = addWaitingMark(this.root, model);
  }

  get about() {
    return aboutOf(this.model);
  }

  /** Builds the buttons for a new trace. Roles are asked for again, since another model may have read it. */
  build() {
    const { layers, heads } = this.about;
    this.roles = null;
    offer(this.order, this.model, "roles", {});
    this.order.hidden = Boolean(this.model.get("_about").stacks); // roles are scored of decoder-only models
    if (this.order.hidden) this.order.value = "layer";
    this.grid.style.setProperty("--heads", String(heads));
    this.buttons = Array.from({ length: layers * heads }, (_, i) => {
      const layer = Math.floor(i / heads);
      const head = i % heads;
      const reason = this.reasonWithout(layer);
      const name = headName(layer, head) + (reason && `: ${reason}`);
      const attributes = { type: "button", "aria-label": name, tabindex: -1, title: name };
      const button = element("button", attributes, element("canvas", {}));
      button.toggleAttribute("data-none", head > this.lastHead(layer));
      button.addEventListener("click", () => this.actions.choose(layer, head));
      if (!reason && head <= this.lastHead(layer))
        offer(button, this.model, "head", headAddress(this.model, layer, head));
      return button;
    });
    this.arrange();
  }

  /**
   * Returns the last head of a layer; a layer without attention has a hatched square in each column.
   * @param {number} layer
   */
  lastHead(layer) {
    const { heads, heads_in } = this.about;
    return (heads_in[layer] || heads) - 1;
  }

  /** Returns why a layer has no maps, or "" if it has them. @param {number} layer */
  reasonWithout(layer) {
    const { heads_in, absent } = this.about;
    if (heads_in[layer] === 0) return this.noAttention;
    return absent.includes(layer) ? this.words.absent : "";
  }

  /**
   * Draws the thumbnails. Layers that the trace does not have keep their hatching.
   * @param {import("../shared/theme.js").Theme} theme
   */
  draw(theme) {
    const { side, columns, heads, absent, start, causal } = this.about;
    const bytes = uint8(this.model.get("_thumbnails")).subarray(start);
    const count = side * columns;
    this.buttons.forEach((button, i) => {
      if (absent.includes(Math.floor(i / heads))) return;
      const canvas = /** @type {HTMLCanvasElement} */ (button.firstChild);
      drawThumbnail(canvas, bytes.subarray(i * count, (i + 1) * count), side, theme, columns, causal);
    });
  }

  /** Marks the open head. @param {number} layer @param {number} head */
  mark(layer, head) {
    this.open = layer * this.about.heads + head;
    this.buttons.forEach((button, i) => {
      const isOpen = i === this.open;
      button.toggleAttribute("data-open", isOpen);
      button.setAttribute("aria-pressed", String(isOpen));
      button.tabIndex = isOpen ? 0 : -1;
    });
  }

  /** Puts the buttons in the chosen order, and asks for the scores of roles if the order needs them. */
  arrange() {
    const role = this.order.value;
    const scores = role === "layer" ? null : (this.roles?.[role] ?? null);
    const order = scores && orderByScore(scores);
    if (role !== "layer" && !this.roles) this.askRoles();
    this.grid.toggleAttribute("data-sorted", order !== null);
    if (order) this.arrangeByScore(order);
    else this.arrangeByLayer();
    this.describe(order);
  }

  askRoles() {
    this.setWaiting(true);
    this.lane.ask(
      () => ask(this.model, "roles", {}),
      (roles) => {
        this.roles = roles;
        this.setWaiting(false);
        this.arrange();
      },
      (error) => {
        this.setWaiting(false);
        this.actions.setProblem(error.message);
      },
    );
  }

  arrangeByLayer() {
    const { heads } = this.about;
    const axis = (/** @type {number} */ i) => element("span", { class: "axis muted small number" }, String(i));
    const cells = this.buttons.flatMap((button, i) => (i % heads ? [button] : [axis(i / heads), button]));
    this.grid.replaceChildren(element("span"), ...Array.from({ length: heads }, (_, head) => axis(head)), ...cells);
  }

  /** @param {Ranked[]} order */
  arrangeByScore(order) {
    const { heads } = this.about;
    const cells = order.map(({ i, score: share }) => {
      const name = element("span", { class: "number" }, headName(Math.floor(i / heads), i % heads));
      const score = element("span", { class: "number muted" }, weight(share));
      return element("span", { class: "scored small" }, this.buttons[i], name, score);
    });
    this.grid.replaceChildren(...cells);
  }

  /** Says below the grid what it shows. @param {Ranked[]|null} order of the heads; null by layer and head */
  describe(order) {
    const { layers, side, columns, tokens, keys } = this.about;
    const most = Math.max(tokens.length, keys?.length ?? 0);
    const cells = Math.max(side, columns);
    const description = order ? `${this.words.ranked(order.length)} ${this.words.scored}` : this.words.axes;
    const pooled = cells < most ? `; ${this.words.pooled(most, cells)}` : "";
    const reasons = new Set(Array.from({ length: layers }, (_, layer) => this.reasonWithout(layer)));
    const hatched = [...reasons].filter(Boolean).map((reason) => `; ${this.words.hatched(reason)}`);
    setText(this.note, `${description}${pooled}${hatched.join("")}`);
  }

  /**
   * Opens the next head in the direction of an arrow key: within the layer, or in the order of a role.
   * @param {KeyboardEvent} event
   */
  moveFocus(event) {
    const step = arrowStep(event);
    if (!step) return;
    const [rows, columns] = step;
    const { heads } = this.about;
    const sorted = this.grid.hasAttribute("data-sorted");
    const width = sorted ? getComputedStyle(this.grid).gridTemplateColumns.split(" ").length : heads;
    const focused = this.buttons.indexOf(/** @type {HTMLButtonElement} */ (event.target));
    if (!sorted && Math.floor((focused + columns) / heads) !== Math.floor(focused / heads)) return;
    const shown = [...this.grid.querySelectorAll("button")];
    const next = shown[shown.indexOf(this.buttons[focused]) + width * rows + columns];
    if (!next) return;
    const index = this.buttons.indexOf(next);
    const layer = Math.floor(index / heads);
    const button = this.buttons[layer * heads + Math.min(index % heads, this.lastHead(layer))];
    button.focus();
    button.click();
  }
}

/** The score of each head, layer after layer; null for a head that does not exist. @typedef {(number|null)[]} Scores */
/** A head's index among the buttons, and its score. @typedef {{i: number, score: number}} Ranked */

/** Returns the heads that have a score, the highest first. @param {Scores} scores @returns {Ranked[]} */
function orderByScore(scores) {
  const ranked = scores.flatMap((score, i) => (score === null ? [] : [{ i, score }]));
  return ranked.sort((a, b) => b.score - a.score || a.i - b.i);
}
