// @ts-check
/**
 * Presents the path on a projector: one view, or a part of it, at a time and as large as the screen allows. The space
 * bar shows the next step.
 */
import { button, element, setText } from "../shared/dom.js";

/** @typedef {import("./stations.js").Station} Station */
/**
 * A step of the presentation: a part of a view of a station.
 * @typedef {{station: Station, view: string, part: string}} Step
 */

const NEXT_KEYS = [" ", "ArrowRight", "PageDown"];
const BACK_KEYS = ["ArrowLeft", "PageUp"];
const TYPED_FIELDS = "textarea, select, input:not([type=range], [type=checkbox])";
/** The parts of the views that need more than one screen. @type {Record<string, string[]>} */
const PARTS = {
  embedding: ["embedding", "table"],
  attention: ["attention", "arithmetic", "mix"],
  block: ["block", "ledger"],
};
const FOLDED_PARTS = ["arithmetic", "mix"]; // these are folded if nobody presents

export class Presenter {
  /**
   * @param {import("./words.js").Words} words
   * @param {Station[]} stations
   * @param {(station: Station|null) => Promise<unknown>} open shows the views of one station
   * @param {() => string} scale while nobody presents
   */
  constructor(words, stations, open, scale) {
    this.words = words;
    this.stations = stations;
    this.open = open;
    this.scale = scale;
    this.steps = stations.flatMap(stepsOf);
    this.on = false;
    this.step = 0;
    this.count = element("span", { class: "count number" });
    this.freeze = button(words.freeze, () => this.setFrozen(!this.root.hasAttribute("data-frozen")));
    this.present = button(words.present, () => this.setOn(!this.on));
    this.tools = element("span", { class: "presenter" }, this.count, this.freeze, this.present);
    /** @type {HTMLElement} */
    this.root = this.tools;
    this.onTurn = (/** @type {boolean} */ _on) => {};
    this.fit = () => {
      if (this.on) this.setHeight();
    };
  }

  /**
   * Takes the keys of a view.
   * @param {HTMLElement} root
   * @param {(on: boolean) => void} onTurn runs when presenting begins and ends
   */
  attach(root, onTurn) {
    this.root = root;
    this.onTurn = onTurn;
    root.addEventListener("keydown", (event) => this.onKey(event));
    root.addEventListener("click", (event) => {
      if (event.detail) this.takeFocus(event.target); // a click by the keyboard has no detail
    });
    root.addEventListener("submit", () => this.takeFocus(root));
    window.addEventListener("resize", this.fit);
  }

  /** Takes the keys back after a click, unless the click was on a field to type in. @param {EventTarget|null} target */
  takeFocus(target) {
    const field = /** @type {Element} */ (target).closest(TYPED_FIELDS);
    if (this.on && !field) this.root.focus({ preventScroll: true });
  }

  /** Begins or ends presenting. @param {boolean} on */
  setOn(on) {
    this.on = on;
    this.root.toggleAttribute("data-presenting", on);
    this.root.dataset.scale = on ? "projector" : this.scale();
    this.onTurn(on);
    setText(this.present, on ? this.words.leave : this.words.present);
    if (on) this.goTo(this.step);
    else this.showAll();
    this.root.focus({ preventScroll: true });
  }

  /** Shows all stations and views again. */
  showAll() {
    this.setFrozen(false);
    this.root.style.removeProperty("--gv-room");
    for (const { station, view } of this.steps) {
      station.root.hidden = false;
      const container = station.containers.get(view);
      if (container) container.hidden = false;
    }
  }

  /** Shows the first step of a station, unless one of its steps is shown. @param {Station} station */
  goToStation(station) {
    if (this.steps[this.step].station === station) return;
    this.goTo(this.steps.findIndex((step) => step.station === station));
  }

  /** @param {number} index */
  goTo(index) {
    this.step = Math.max(0, Math.min(this.steps.length - 1, index));
    const { station: shown, view: shownView, part } = this.steps[this.step];
    for (const station of this.stations) station.root.hidden = station !== shown;
    for (const [view, container] of shown.containers) container.hidden = view !== shownView;
    this.root.dataset.step = part;
    setText(this.count, `${this.step + 1} / ${this.steps.length}`);
    this.open(shown).then(() => this.unfold());
    this.root.scrollIntoView({ block: "start" });
    this.setHeight();
  }

  unfold() {
    const { station, view, part } = this.steps[this.step];
    const folded = station.containers.get(view)?.querySelector("details");
    if (folded) folded.open = FOLDED_PARTS.includes(part);
  }

  /** Tells the views how high the step may be. */
  setHeight() {
    const { body } = this.steps[this.step].station;
    const top = body.getBoundingClientRect().top - this.root.getBoundingClientRect().top;
    this.root.style.setProperty("--gv-room", `${Math.round(scrollerOf(this.root).clientHeight - top)}px`);
  }

  /** Keeps everything as it is while somebody points at it and talks. @param {boolean} frozen */
  setFrozen(frozen) {
    this.root.toggleAttribute("data-frozen", frozen);
    this.freeze.setAttribute("aria-pressed", String(frozen));
    for (const part of this.root.querySelectorAll(":scope > .box, .stack, .stations")) {
      part.toggleAttribute("inert", frozen);
    }
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    if (!this.on || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const target = /** @type {Element} */ (event.target);
    const step = NEXT_KEYS.includes(event.key) ? 1 : BACK_KEYS.includes(event.key) ? -1 : 0;
    const presses = event.key === " " && target.closest("button, summary");
    if (event.key === "Escape") this.setOn(false);
    else if (step && !presses && !target.closest("input, textarea, select")) this.goTo(this.step + step);
    else return;
    event.preventDefault();
  }

  remove() {
    window.removeEventListener("resize", this.fit);
  }
}

/** Returns the steps of a station; a station without views is one step. @param {Station} station @returns {Step[]} */
function stepsOf(station) {
  const views = station.containers.size ? [...station.containers.keys()] : [station.kind.name];
  return views.flatMap((view) => (PARTS[view] ?? [view]).map((part) => ({ station, view, part })));
}

/**
 * Returns what scrolls a node: the notebook's panel in JupyterLab, else the page.
 * @param {HTMLElement} node
 * @returns {Element}
 */
export function scrollerOf(node) {
  for (let parent = node.parentElement; parent && parent !== document.body; parent = parent.parentElement) {
    const scrolls = ["auto", "scroll"].includes(getComputedStyle(parent).overflowY);
    if (scrolls && parent.scrollHeight > parent.clientHeight) return parent;
  }
  return document.scrollingElement ?? document.documentElement;
}
