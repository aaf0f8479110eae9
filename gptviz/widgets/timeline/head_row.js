// @ts-check
/** Where a head looked when the token of a step was chosen. The kernel is asked if this part is open. */
import { chip } from "../shared/chips.js";
import { element, setText } from "../shared/dom.js";
import { addWaitingMark } from "../shared/frame.js";
import { ask, isAnswered, Lane } from "../shared/kernel.js";
import { fillNumberMenu } from "../shared/number_menu.js";
import { weight } from "../shared/numbers.js";
import { offer, offerOptions } from "../shared/offer.js";
import { OpeningNote } from "../shared/opening.js";
import { sharedWords } from "../shared/words.js";

/** @typedef {import("../shared/kernel.js").Model} Model */
/** @typedef {import("../shared/chips.js").PageToken} PageToken */
/**
 * A step as it is shown: its index, the choice that it belongs to, and the tokens of prompt and text before it.
 * @typedef {{step: import("./news.js").Step, index: number, choice: number, read: PageToken[]}} ShownStep
 */

export class HeadRow {
  /** @param {Model} model @param {Model} selection @param {import("./words.js").Words} words */
  constructor(model, selection, words) {
    this.model = model;
    this.selection = selection;
    this.words = words;
    this.noAttention = sharedWords(model).common.noAttention;
    this.stack = element("select", { "aria-label": words.looksAt });
    this.stack.append(...Object.entries(words.stacks).map(([value, text]) => element("option", { value }, text)));
    this.stack.addEventListener("change", () => this.load());
    this.hint = element("span", {}, words.attentionHint);
    this.lane = new Lane();
    /** @type {ShownStep|null} */
    this.shown = null;
    this.layers = this.menu(words.layer, "layer");
    this.heads = this.menu(words.head, "head");
    this.row = element("ol", { class: "looked" });
    this.opening = new OpeningNote(model);
    this.opening.write(null, []);
    this.isOpened = false; // whether the first head was asked for
    this.summary = element("summary", {}, words.attention);
    this.root = element(
      "details",
      { class: "attention" },
      this.summary,
      element("p", { class: "muted small" }, this.hint, " ", this.layers, " ", this.heads),
      this.row,
      this.opening.root,
    );
    this.update = () => this.load();
    this.root.addEventListener("toggle", this.update);
    selection.on("change:layer change:head", this.update);
    this.setWaiting = addWaitingMark(this.root, model);
  }

  /** @param {string} label @param {"layer"|"head"} name */
  menu(label, name) {
    const menu = element("select", { "aria-label": label });
    menu.addEventListener("change", () => {
      this.selection.set(name, menu.selectedIndex);
      this.selection.save_changes();
    });
    return menu;
  }

  /** Makes the row of the step before dim. @param {ShownStep|null} shown */
  setStep(shown) {
    this.shown = shown;
    offer(this.summary, this.model, "attention");
    if (shown) this.setWaiting(this.root.open);
  }

  /** Whether the row shows where a head of cross attention looked in the source of an encoder-decoder. */
  get isCross() {
    return this.model.get("_source_tokens").length > 0 && this.stack.value === "cross";
  }

  /** Asks for the row, if it is open. */
  load() {
    const { shown, selection, isCross } = this;
    if (!this.root.open || !shown) return;
    if (this.model.get("_source_tokens").length === 0) this.stack.remove();
    else if (!this.stack.parentNode) this.layers.before(this.stack, " ");
    setText(this.hint, isCross ? this.words.crossHint : this.words.attentionHint);
    if (!this.isOpened) return this.openFirst(shown.choice);
    /** @type {number[]} */
    const counts = this.model.get("_heads");
    const layer = Math.min(selection.get("layer"), counts.length - 1);
    const head = Math.min(selection.get("head"), Math.max(1, counts[layer]) - 1);
    fillNumberMenu(this.layers, counts.length, layer, "L");
    fillNumberMenu(this.heads, counts[layer], head, "H");
    const question = (/** @type {number} */ layer, /** @type {number} */ head) => ({
      choice: shown.choice,
      step: shown.index,
      layer,
      head,
      ...(isCross ? { stack: "cross" } : {}),
    });
    /** @type {PageToken[]} */
    const read = isCross ? this.model.get("_source_tokens") : shown.read;
    const isKept = (/** @type {number} */ layer, /** @type {number} */ head) =>
      isAnswered(this.model, "attention", question(layer, head));
    offerOptions(this.heads, this.model, (i) => isKept(layer, i));
    offerOptions(this.layers, this.model, (i) => isKept(i, Math.min(head, Math.max(1, counts[i]) - 1)));
    [...this.layers.options].forEach((option, i) => {
      if (counts[i]) return;
      option.disabled = true;
      option.title = this.noAttention;
    });
    const show = (/** @type {HTMLElement[]} */ items) => {
      if (this.shown?.step !== shown.step) return; // another step is shown by now
      this.row.replaceChildren(...items);
      this.setWaiting(false);
    };
    this.setWaiting(true);
    this.opening.root.hidden = isCross || this.opening.opening === null; // it tells of a head of the decoder
    if (!isCross) this.opening.show(layer, head);
    this.lane.ask(
      () => ask(this.model, "attention", question(layer, head)),
      ({ data }) => show(read.map((token, i) => keyItem(token, data[i]))),
      (error) => show([element("li", { class: "muted" }, error.message)]),
    );
  }

  /** Selects the head at which views of attention open, unless one was chosen. @param {number} choice */
  async openFirst(choice) {
    this.isOpened = true;
    this.setWaiting(true);
    if (isAnswered(this.model, "opening", { choice })) {
      const best = await ask(this.model, "opening", { choice }).catch(() => null); // the row says why there is none
      if (best) {
        this.opening.write(best.opening, best.tokens);
        for (const name of ["layer", "head"]) this.selection.set(name, best[name]);
      }
    }
    this.load();
  }

  remove() {
    this.selection.off("change:layer change:head", this.update);
  }
}

/** @param {PageToken} token @param {number} share */
function keyItem(token, share) {
  const number = element("span", { class: "number small muted" }, weight(share));
  const item = element("li", { title: String(share) }, chip(token), number);
  item.style.setProperty("--share", `${(100 * share).toFixed(2)}%`);
  return item;
}
