// @ts-check
/**
 * The two edits that need more than a click: an activation patched in from another prompt, and a rewritten row of
 * attention. Layer, head and position are those of the shared selection.
 */
import { chip, chipText } from "../shared/chips.js";
import { button, element, form, setText, textField } from "../shared/dom.js";
import { ask, Lane } from "../shared/kernel.js";
import { fillNumberMenu, numberMenu } from "../shared/number_menu.js";
import { weight } from "../shared/numbers.js";
import { offer } from "../shared/offer.js";
import { addScrollCues } from "../shared/scrolling.js";
import { aboutOf, stackArgument, stackOf } from "../shared/stacks.js";
import { sharedWords } from "../shared/words.js";
import { partName } from "./grid.js";

/** @typedef {import("../shared/chips.js").PageToken} PageToken */
/** Another prompt that the kernel has read. @typedef {{held: number, tokens: PageToken[]}} Source */
/** @typedef {{layer: number, head: number, query: number}} Selected */
/**
 * What a form needs from its view.
 * @typedef {{model: import("../shared/kernel.js").Model, words: import("./words.js").Words, selected: () => Selected,
 *   select: (changes: Record<string, number>) => void, add: (edit: import("../shared/edits.js").Edit) => void}}
 *   FormContext
 */

const OF_CROSS = ["head_output", "attn_out"]; // sites of cross attention, whose stream and MLPs are the decoder's
const SITES = /** @type {const} */ (["residual", "head_output", "attn_out", "mlp_out"]);

/** The line in which a form says what is wrong, or that it waits. */
class FormNote {
  constructor() {
    this.root = element("p", { class: "note", role: "alert", hidden: "" });
  }

  /** @param {string} text */
  show(text) {
    setText(this.root, text);
    this.root.hidden = text === "";
  }
}

/** Reads another prompt, and patches what it has at a site into this one. */
export class PatchForm {
  /** @param {FormContext} context */
  constructor(context) {
    const { words, select } = context;
    this.context = context;
    this.lane = new Lane();
    /** @type {Source|null} */
    this.source = null;
    this.field = textField({ "aria-label": words.otherPrompt });
    this.note = new FormNote();
    this.columns = element("ol", { class: "pairs", "aria-label": words.differs });
    this.columns.addEventListener("click", (event) => {
      const item = /** @type {Element} */ (event.target).closest("li");
      if (item) select({ query: [...this.columns.children].indexOf(item) });
    });
    this.site = element("select", {}, ...SITES.map((site) => element("option", { value: site }, words.sites[site])));
    this.site.addEventListener("change", () => this.mark());
    this.layer = numberMenu((layer) => select({ layer }));
    this.head = numberMenu((head) => select({ head }));
    this.headLabel = element("label", {}, `${words.head} `, this.head);
    this.controls = element(
      "div",
      { class: "controls", hidden: "" },
      element("label", {}, `${words.site} `, this.site),
      element("label", {}, `${words.layer} `, this.layer),
      this.headLabel,
      button(words.doPatch, () => this.patch()),
    );
    this.hint = element("p", { class: "muted small", hidden: "" }, words.differs);
    this.root = element(
      "details",
      {},
      offer(element("summary", {}, words.patch), context.model, "source"),
      form({}, () => this.read(), this.field, element("button", {}, words.read)),
      this.note.root,
      this.columns,
      this.hint,
      this.controls,
    );
  }

  /** Resets the form for a new prompt; the other prompt has to be read again. */
  renew() {
    const { tokens } = aboutOf(this.context.model);
    const texts = tokens.filter(({ special }) => !special).map(({ text }) => text);
    this.field.value = texts.join("");
    this.source = null;
    this.columns.replaceChildren();
    this.hint.hidden = true;
    this.controls.hidden = true;
    this.note.show("");
  }

  /** Lets the kernel read the other prompt. */
  read() {
    const { model } = this.context;
    const prompt = this.field.value;
    this.note.show(sharedWords(model).common.computing);
    this.lane.ask(
      () => ask(model, "source", { prompt, ...stackArgument(model) }),
      (source) => this.showSource(source),
      (error) => this.note.show(error.message),
    );
  }

  /** Shows both prompts token by token, unless the answer belongs to a previous prompt. @param {Source} source */
  showSource(source) {
    const { tokens } = aboutOf(this.context.model);
    if (source.tokens.length !== tokens.length) return;
    this.source = source;
    this.note.show("");
    const pairs = source.tokens.map((other, i) => {
      const sign = element("span", { class: "muted" }, other.id === tokens[i].id ? "=" : "≠");
      return element("li", {}, element("button", { type: "button" }, chip(tokens[i]), sign, chip(other)));
    });
    this.columns.replaceChildren(...pairs);
    this.hint.hidden = false;
    this.controls.hidden = false;
    const first = source.tokens.findIndex((other, i) => other.id !== tokens[i].id);
    if (first >= 0) this.context.select({ query: first });
    this.mark();
  }

  /** Shows the selection. */
  mark() {
    const { layer, head, query } = this.context.selected();
    const { layers, heads, heads_in } = aboutOf(this.context.model);
    const isCross = stackOf(this.context.model) === "cross";
    for (const option of this.site.options) option.hidden = isCross && !OF_CROSS.includes(option.value);
    if (isCross && !OF_CROSS.includes(this.site.value)) this.site.value = OF_CROSS[0];
    fillNumberMenu(this.layer, layers, layer, "L");
    fillNumberMenu(this.head, heads_in[layer] || heads, head, "H");
    this.headLabel.hidden = this.site.value !== "head_output";
    [...this.columns.children].forEach((item, i) =>
      item.firstElementChild?.setAttribute("aria-pressed", String(i === query)),
    );
  }

  patch() {
    if (!this.source) return;
    const { layer, head, query } = this.context.selected();
    const site = this.site.value;
    this.context.add({
      kind: "patch",
      layer,
      position: query,
      source: { held: this.source.held },
      ...stackArgument(this.context.model),
      ...(site === "head_output" ? { head } : {}),
      ...(site === "residual" ? {} : { site }),
    });
  }
}

/** Sets where one head looks from the selected position. */
export class RowForm {
  /** @param {FormContext} context */
  constructor(context) {
    const { words } = context;
    this.context = context;
    this.lane = new Lane();
    this.hint = element("p", { class: "muted small" });
    this.keys = element("ol", { class: "sentence-row", "aria-label": words.row });
    addScrollCues(this.keys, true);
    this.keys.addEventListener("click", (event) => {
      const item = /** @type {Element} */ (event.target).closest("li");
      if (item) this.field.value = [...this.keys.children].map((key) => (key === item ? 1 : 0)).join(" ");
    });
    this.field = textField({ "aria-label": words.weights });
    this.note = new FormNote();
    const { model } = context;
    const summary = offer(element("summary", {}, words.row), model, "row");
    this.root = element(
      "details",
      {},
      summary,
      this.hint,
      this.keys,
      form({}, () => this.set(), this.field, element("button", {}, words.doRow)),
      this.note.root,
    );
    this.root.addEventListener("toggle", () => this.mark());
  }

  /** Shows where the selected head looks from the selected position, if the form is open. */
  mark() {
    if (!this.root.open) return;
    const { model, words } = this.context;
    const selected = this.context.selected();
    this.hint.replaceChildren(words.rowHint(partName({ ...selected, ...stackArgument(model) }, words)));
    const items = this.keysOf(selected.query).map(keyItem);
    this.keys.replaceChildren(...items);
    this.lane.ask(
      () => ask(model, "row", { ...selected, ...stackArgument(model) }),
      (/** @type {{data: Float32Array}} */ { data }) => {
        items.forEach((item, i) => showWeight(item, data[i]));
        this.field.value = [...data].map((share) => String(Number(share.toPrecision(3)))).join(" ");
        this.note.show("");
      },
      (error) => this.note.show(error.message),
    );
  }

  /** Returns the tokens that a head can look at from a position. @param {number} query */
  keysOf(query) {
    const { tokens, keys, causal } = aboutOf(this.context.model);
    return causal ? tokens.slice(0, query + 1) : (keys ?? tokens);
  }

  /** Adds the edit, unless the weights cannot be used. */
  set() {
    const { words, selected, add, model } = this.context;
    const { layer, head, query } = selected();
    const weights = this.field.value
      .trim()
      .split(/[\s,;]+/)
      .map(Number);
    const usable = weights.filter((x) => Number.isFinite(x)).length;
    const count = this.keysOf(query).length;
    if (usable !== count || weights.length !== count) {
      this.note.show(words.weightsExpected(count, usable));
      return;
    }
    const sum = weights.reduce((total, x) => total + x, 0);
    if (Math.min(...weights) < 0 || !(sum > 0 && sum < Infinity)) {
      this.note.show(words.weightsPositive);
      return;
    }
    this.note.show("");
    add({ kind: "set_attention", layer, head, query, weights, ...stackArgument(model) });
  }
}

/** Creates a key that can be chosen, with room for its weight. @param {PageToken} token */
function keyItem(token) {
  const choice = element("button", { type: "button", "aria-label": chipText(token) }, chip(token));
  return element("li", {}, choice, element("span", { class: "number small" }));
}

/** @param {HTMLElement} item @param {number} share */
function showWeight(item, share) {
  item.title = String(share);
  item.style.setProperty("--share", `${100 * share}%`);
  setText(/** @type {HTMLElement} */ (item.lastElementChild), weight(share));
}
