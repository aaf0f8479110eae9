// @ts-check
/**
 * The generated tokens as chips: a bar and a number show how probable each was, and the colour how surprising. One of
 * them is chosen; while the reader scrubs, those after it are muted.
 */
import { chip } from "../shared/chips.js";
import { cssColour, drawColourBar, inkOn, weightColours } from "../shared/colours.js";
import { element } from "../shared/dom.js";
import { addScrollCues } from "../shared/scrolling.js";
import { exactText, shareText, surprise } from "../shared/shares.js";
import { pageTheme } from "../shared/theme.js";

/** @typedef {import("./news.js").Step} Step */

export class StepList {
  /** @param {import("./words.js").Words} words @param {(index: number) => void} onChoose */
  constructor(words, onChoose) {
    this.words = words;
    this.onChoose = onChoose;
    /** @type {{item: HTMLElement, share: number|null}[]} */
    this.items = [];
    this.chosen = -1;
    this.mutedAfter = Infinity; // the index after which items are muted
    this.list = element("ol", { class: "steps numbers", "aria-label": words.tokens });
    this.list.addEventListener("click", (event) => {
      const clicked = /** @type {Element} */ (event.target).closest("li");
      if (clicked) onChoose(this.items.findIndex(({ item }) => item === clicked));
    });
    this.list.addEventListener("keydown", (event) => this.onKey(event));
    addScrollCues(this.list, true);
    this.scale = element("canvas", { width: 256, height: 1, class: "scale", "aria-hidden": "true" });
    const scale = element("span", { class: "nowrap" }, "100 % ", this.scale, ` ${words.rarest}`);
    this.root = element("div", {}, element("p", { class: "muted small hint" }, `${words.hint} `, scale), this.list);
    this.paint();
  }

  get last() {
    return this.items.length - 1;
  }

  clear() {
    this.items = [];
    this.chosen = -1;
    this.mutedAfter = Infinity;
    this.list.replaceChildren();
  }

  /** @param {Step} step @param {boolean} isForced */
  append({ token, probability: share }, isForced) {
    const number = element("span", { class: "number small muted" }, shareText(share));
    const title = exactText(share, this.words.unrevealed);
    const item = element("li", { tabindex: -1, title }, chip(token), number);
    item.style.setProperty("--share", `${(100 * (share ?? 0)).toFixed(2)}%`);
    if (isForced) {
      item.dataset.forced = "";
      item.append(element("span", { class: "small" }, this.words.forced));
    }
    item.toggleAttribute("data-later", this.items.length > this.mutedAfter);
    this.tint(item, share);
    this.items.push({ item, share });
    this.list.append(item);
  }

  /** Paints everything in the colours of the theme, which may have changed. */
  paint() {
    for (const { item, share } of this.items) this.tint(item, share);
    drawColourBar(this.scale, weightColours(pageTheme()));
  }

  /** @param {HTMLElement} item @param {number|null} share */
  tint(item, share) {
    if (share === null) return; // nothing tells how surprising it was
    const colour = weightColours(pageTheme())[Math.round(255 * surprise(share))];
    item.style.setProperty("--heat", cssColour(colour));
    item.style.setProperty("--ink", inkOn(colour));
  }

  /** Marks an item as chosen. @param {number} index -1 for none */
  choose(index) {
    const before = this.items[this.chosen]?.item;
    const now = this.items[index]?.item;
    before?.removeAttribute("data-chosen");
    before?.setAttribute("tabindex", "-1");
    now?.setAttribute("data-chosen", "");
    now?.setAttribute("tabindex", "0");
    this.chosen = index;
    requestAnimationFrame(() => this.scrollToChosen());
  }

  /** Mutes the items after a step; only those between the step before and this one change. @param {number} index */
  muteAfter(index) {
    const first = Math.min(index, this.mutedAfter) + 1;
    const last = Math.min(Math.max(index, this.mutedAfter), this.last);
    for (let i = first; i <= last; i++) this.items[i].item.toggleAttribute("data-later", i > index);
    this.mutedAfter = index;
  }

  /** Scrolls a long list until the chosen item is visible; the page does not scroll. */
  scrollToChosen() {
    const item = this.items[this.chosen]?.item;
    const { list } = this;
    if (!item || list.scrollHeight <= list.clientHeight) return;
    const top = item.offsetTop - list.offsetTop;
    const bottom = top + item.offsetHeight;
    list.scrollTop = Math.min(top, Math.max(list.scrollTop, bottom - list.clientHeight));
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    const { last, chosen } = this;
    const keys = { ArrowRight: Math.min(last, chosen + 1), ArrowLeft: Math.max(0, chosen - 1), Home: 0, End: last };
    const next = keys[/** @type {keyof typeof keys} */ (event.key)];
    if (next === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    this.onChoose(next);
    this.items[next].item.focus();
  }
}
