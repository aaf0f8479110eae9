// @ts-check
/**
 * The two edits that need more than a click: a place patched from another prompt, and a row of attention rewritten.
 *
 * Layer, head and position are those of the shared selection. Not here: what becomes of an edit (intervention.js).
 */
import { chip, chipText } from "../shared/chips.js";
import { element, setText } from "../shared/dom.js";
import { ask, Lane } from "../shared/kernel.js";
import { weight } from "../shared/numbers.js";
import { scrollCue } from "../shared/scrolling.js";
import { sharedWords } from "../shared/words.js";
import { partName } from "./grid.js";

/** @typedef {import("../shared/chips.js").PageToken} FormToken */
/** @typedef {{layer: number, head: number, query: number}} Place */
/** @typedef {{model: any, words: import("./words.js").Words, place: () => Place,
 *   choose: (what: Record<string, number>) => void, add: (edit: import("./edits.js").Edit) => void}} FormContext */

const SITES = /** @type {const} */ (["residual", "head_output", "attn_out", "mlp_out"]);

/** @param {string} text */
function formButton(text) {
  return element("button", { type: "button" }, text);
}

/** @param {string} label */
function formField(label) {
  const field = element("input", { type: "text", spellcheck: "false", autocomplete: "off", "aria-label": label });
  field.addEventListener("keydown", (event) => event.stopPropagation());
  return field;
}

/** A menu of numbered layers or heads. @param {(chosen: number) => void} chosen */
function placeMenu(chosen) {
  const menu = element("select", {});
  menu.addEventListener("change", () => chosen(menu.selectedIndex));
  return menu;
}

/** @param {HTMLSelectElement} menu @param {number} count @param {number} at @param {string} letter */
function fillMenu(menu, count, at, letter) {
  if (menu.length !== count)
    menu.replaceChildren(...Array.from({ length: count }, (_, i) => element("option", { value: i }, `${letter}${i}`)));
  menu.selectedIndex = at;
}

/** A line in which a form says what is wrong, or that it waits. */
function formNote() {
  const note = element("p", { class: "note", role: "alert", hidden: "" });
  return {
    note,
    /** @param {string} text */
    say(text) {
      setText(note, text);
      note.hidden = text === "";
    },
  };
}

export class PatchForm {
  /** @param {FormContext} context */
  constructor(context) {
    const { words } = context;
    this.context = context;
    this.lane = new Lane();
    /** @type {{held: number, tokens: FormToken[]}|null} */
    this.source = null;
    this.field = formField(words.otherPrompt);
    this.told = formNote();
    this.columns = element("ol", { class: "pairs", "aria-label": words.differs });
    this.columns.addEventListener("click", (event) => {
      const item = /** @type {Element} */ (event.target).closest("li");
      if (item) context.choose({ query: [...this.columns.children].indexOf(item) });
    });
    this.site = element("select", {}, ...SITES.map((site) => element("option", { value: site }, words.sites[site])));
    this.site.addEventListener("change", () => this.mark());
    this.layer = placeMenu((layer) => context.choose({ layer }));
    this.head = placeMenu((head) => context.choose({ head }));
    this.headLabel = element("label", {}, `${words.head} `, this.head);
    this.button = formButton(words.doPatch);
    this.button.addEventListener("click", () => this.patch());
    this.chosen = element(
      "div",
      { class: "controls", hidden: "" },
      element("label", {}, `${words.site} `, this.site),
      element("label", {}, `${words.layer} `, this.layer),
      this.headLabel,
      this.button,
    );
    this.hint = element("p", { class: "muted small", hidden: "" }, words.differs);
    const form = element("form", {}, this.field, element("button", {}, words.read));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.read();
    });
    this.root = element(
      "details",
      {},
      element("summary", {}, words.patch),
      form,
      this.told.note,
      this.columns,
      this.hint,
      this.chosen,
    );
  }

  /** Another prompt here: the other one has to be read anew. */
  renew() {
    const { tokens } = this.context.model.get("_about");
    this.field.value = tokens
      .filter((/** @type {FormToken} */ { special }) => !special)
      .map((/** @type {FormToken} */ { text }) => text)
      .join("");
    this.source = null;
    this.columns.replaceChildren();
    this.hint.hidden = this.chosen.hidden = true;
    this.told.say("");
  }

  read() {
    this.told.say(sharedWords(this.context.model).common.computing);
    const prompt = this.field.value;
    this.lane.ask(
      () => ask(this.context.model, "source", { prompt }),
      (source) => this.take(source),
      (error) => this.told.say(error.message),
    );
  }

  /** @param {{held: number, tokens: FormToken[]}} source */
  take(source) {
    const { tokens } = this.context.model.get("_about");
    if (source.tokens.length !== tokens.length) return; // of the prompt before
    this.source = source;
    this.told.say("");
    this.columns.replaceChildren(
      ...source.tokens.map((other, i) => {
        const differs = other.id !== tokens[i].id;
        return element(
          "li",
          {},
          element(
            "button",
            { type: "button" },
            chip(tokens[i]),
            element("span", { class: "muted" }, differs ? "≠" : "="),
            chip(other),
          ),
        );
      }),
    );
    this.hint.hidden = this.chosen.hidden = false;
    const first = source.tokens.findIndex((other, i) => other.id !== tokens[i].id);
    if (first >= 0) this.context.choose({ query: first });
    this.mark();
  }

  /** Show what is selected. */
  mark() {
    const { layer, head, query } = this.context.place();
    const { layers, heads } = this.context.model.get("_about");
    fillMenu(this.layer, layers, layer, "L");
    fillMenu(this.head, heads, head, "H");
    this.headLabel.hidden = this.site.value !== "head_output";
    [...this.columns.children].forEach((item, i) =>
      item.firstElementChild?.setAttribute("aria-pressed", String(i === query)),
    );
  }

  patch() {
    if (!this.source) return;
    const { layer, head, query } = this.context.place();
    const site = this.site.value;
    this.context.add({
      kind: "patch",
      layer,
      position: query,
      source: { held: this.source.held },
      ...(site === "head_output" ? { head } : {}),
      ...(site === "residual" ? {} : { site }),
    });
  }
}

/** A token to look at, and below it the place of its weight. @param {FormToken} token */
function lookedAt(token) {
  return element(
    "li",
    {},
    element("button", { type: "button", "aria-label": chipText(token) }, chip(token)),
    element("span", { class: "number small" }),
  );
}

/** @param {HTMLElement} item @param {number} share */
function tellWeight(item, share) {
  item.title = String(share);
  item.style.setProperty("--share", `${100 * share}%`);
  setText(/** @type {HTMLElement} */ (item.lastElementChild), weight(share));
}

export class RowForm {
  /** @param {FormContext} context */
  constructor(context) {
    const { words } = context;
    this.context = context;
    this.lane = new Lane();
    this.hint = element("p", { class: "muted small" });
    this.keys = element("ol", { class: "sentence-row", "aria-label": words.row });
    scrollCue(this.keys, true);
    this.keys.addEventListener("click", (event) => {
      const item = /** @type {Element} */ (event.target).closest("li");
      if (item) this.field.value = [...this.keys.children].map((one) => (one === item ? 1 : 0)).join(" ");
    });
    this.field = formField(words.weights);
    this.told = formNote();
    const form = element("form", {}, this.field, element("button", {}, words.doRow));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.set();
    });
    this.root = element("details", {}, element("summary", {}, words.row), this.hint, this.keys, form, this.told.note);
    this.root.addEventListener("toggle", () => this.mark());
  }

  /** Show where the selected head looks from the selected position. */
  mark() {
    if (!this.root.open) return;
    const place = this.context.place();
    const { tokens } = this.context.model.get("_about");
    const { words } = this.context;
    this.hint.replaceChildren(words.rowHint(partName(place, words.mlp)));
    const items = tokens.slice(0, place.query + 1).map(lookedAt);
    this.keys.replaceChildren(...items);
    this.lane.ask(
      () => ask(this.context.model, "row", place),
      ({ data }) => {
        items.forEach((/** @type {HTMLElement} */ item, /** @type {number} */ i) => tellWeight(item, data[i]));
        this.field.value = [...data].map((share) => String(Number(share.toPrecision(3)))).join(" ");
        this.told.say("");
      },
      (error) => this.told.say(error.message),
    );
  }

  set() {
    const { layer, head, query } = this.context.place();
    const weights = this.field.value
      .trim()
      .split(/[\s,;]+/)
      .map(Number);
    const usable = weights.filter((x) => Number.isFinite(x)).length;
    if (usable !== query + 1 || weights.length !== query + 1) {
      this.told.say(this.context.words.weightsExpected(query + 1, usable));
      return;
    }
    const sum = weights.reduce((all, x) => all + x, 0);
    if (Math.min(...weights) < 0 || !(sum > 0 && sum < Infinity)) {
      this.told.say(this.context.words.weightsPositive);
      return;
    }
    this.told.say("");
    this.context.add({ kind: "set_attention", layer, head, query, weights });
  }
}
