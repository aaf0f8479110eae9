// @ts-check
/**
 * The generated tokens as chips: coloured by how probable each was, with a bar and a number that say the same. One of
 * them is looked at; those after it are muted while the reader scrubs. Not here: what a step tells.
 */
import { chip } from "../shared/chips.js";
import { colours } from "../shared/colours.js";
import { element } from "../shared/dom.js";
import { isDark } from "../shared/theme.js";

/** @typedef {import("./timeline.js").Step} ListedStep */

export class StepList {
  /** @param {import("./words.js").Words} words @param {(index: number) => void} look */
  constructor(words, look) {
    this.words = words;
    this.look = look;
    /** @type {{item: HTMLElement, share: number}[]} */
    this.shown = [];
    this.chosen = -1;
    this.until = Infinity;
    this.map = colours(isDark() ? "dark" : "light");
    this.list = element("ol", { class: "steps numbers", "aria-label": words.tokens });
    this.list.addEventListener("click", (event) => {
      const item = /** @type {Element} */ (event.target).closest("li");
      if (item) look(this.shown.findIndex((one) => one.item === item));
    });
    this.list.addEventListener("keydown", (event) => this.key(event));
    this.scale = element("canvas", { width: 256, height: 1, class: "scale", "aria-hidden": "true" });
    this.root = element(
      "div",
      {},
      element(
        "p",
        { class: "muted small hint" },
        `${words.hint} `,
        element("span", { class: "nowrap" }, "0 % ", this.scale, " 100 %"),
      ),
      this.list,
    );
    this.paint();
  }

  get last() {
    return this.shown.length - 1;
  }

  clear() {
    this.shown = [];
    this.chosen = -1;
    this.until = Infinity;
    this.list.replaceChildren();
  }

  /** @param {ListedStep} step @param {boolean} forced */
  append({ token, probability: share }, forced) {
    const item = element(
      "li",
      { tabindex: -1, title: `${100 * share} %` },
      chip(token),
      element("span", { class: "number small muted" }, share < 0.01 ? "<1 %" : `${Math.round(100 * share)} %`),
    );
    item.style.setProperty("--share", `${(100 * share).toFixed(2)}%`);
    if (forced) {
      item.dataset.forced = "";
      item.append(element("span", { class: "small" }, this.words.forced));
    }
    item.toggleAttribute("data-later", this.shown.length > this.until);
    this.tint(item, share);
    this.shown.push({ item, share });
    this.list.append(item);
  }

  /** The colours of the theme, which may have changed. */
  paint() {
    this.map = colours(isDark() ? "dark" : "light");
    for (const { item, share } of this.shown) this.tint(item, share);
    const pen = /** @type {CanvasRenderingContext2D} */ (this.scale.getContext("2d"));
    this.map.forEach((colour, i) => {
      pen.fillStyle = `rgb(${colour})`;
      pen.fillRect(i, 0, 1, 1);
    });
  }

  /** @param {HTMLElement} item @param {number} share */
  tint(item, share) {
    const colour = this.map[Math.round(255 * share)];
    item.style.setProperty("--heat", `rgb(${colour})`);
    item.style.setProperty("--ink", inkOn(colour));
  }

  /** @param {number} index */
  choose(index) {
    const before = this.shown[this.chosen]?.item;
    const now = this.shown[index]?.item;
    before?.removeAttribute("data-chosen");
    before?.setAttribute("tabindex", "-1");
    now?.setAttribute("data-chosen", "");
    now?.setAttribute("tabindex", "0");
    this.chosen = index;
    requestAnimationFrame(() => this.keepSeen());
  }

  /** Mute what comes after a step: only those change between the old one and it. @param {number} until */
  mute(until) {
    const from = Math.min(until, this.until) + 1;
    const to = Math.min(Math.max(until, this.until), this.last);
    for (let i = from; i <= to; i++) this.shown[i].item.toggleAttribute("data-later", i > until);
    this.until = until;
  }

  /** A long list scrolls within itself, never the page. */
  keepSeen() {
    const item = this.shown[this.chosen]?.item;
    const { list } = this;
    if (!item || list.scrollHeight <= list.clientHeight) return;
    const above = item.offsetTop - list.offsetTop;
    const below = above + item.offsetHeight;
    list.scrollTop = Math.min(above, Math.max(list.scrollTop, below - list.clientHeight));
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const { last, chosen } = this;
    const to = { ArrowRight: Math.min(last, chosen + 1), ArrowLeft: Math.max(0, chosen - 1), Home: 0, End: last }[
      event.key
    ];
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    this.look(to);
    this.shown[to].item.focus();
  }
}

/** Black or white, whichever can be read better on a colour: one of them always has 4.5:1. @param {number[]} colour */
export function inkOn(colour) {
  const [r, g, b] = colour.map((x) => (x <= 10 ? x / 3294.6 : ((x / 255 + 0.055) / 1.055) ** 2.4));
  const light = 0.2126 * r + 0.7152 * g + 0.0722 * b;
  return (light + 0.05) ** 2 > 1.05 * 0.05 ? "#000000" : "#ffffff";
}
