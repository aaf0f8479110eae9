// @ts-check
/**
 * The path on a projector: one view a step, or a part of one, the space bar for the next, and as large as the screen allows.
 *
 * Not here: what a step shows.
 */
import { element, setText } from "../shared/dom.js";
import { explorerButton } from "./stations.js";

const NEXT_KEYS = [" ", "ArrowRight", "PageDown"];
const BACK_KEYS = ["ArrowLeft", "PageUp"];
const FIELDS = "textarea, select, input:not([type=range], [type=checkbox])"; // what is typed in
/** What takes more than one screen, a part a step. @type {Record<string, string[]>} */
const PARTS = {
  embedding: ["embedding", "table"],
  attention: ["attention", "arithmetic", "mix"],
  block: ["block", "ledger"],
};
const FOLDED = ["arithmetic", "mix"]; // the parts that lie folded where nobody presents

/** @typedef {import("./stations.js").Station} PresentedStation */

export class Presenter {
  /** @param {import("./words.js").Words} words @param {PresentedStation[]} stations
   * @param {(station: PresentedStation|null) => Promise<unknown>} open shows one station's views @param {() => string} scale while nobody presents */
  constructor(words, stations, open, scale) {
    this.words = words;
    this.stations = stations;
    this.open = open;
    this.scale = scale;
    this.steps = stations.flatMap((station) =>
      [...station.places.keys(), ...(station.places.size ? [] : [station.kind.name])].flatMap((view) =>
        (PARTS[view] ?? [view]).map((part) => ({ station, view, part })),
      ),
    );
    this.on = false;
    this.step = 0;
    this.count = element("span", { class: "count number" });
    this.freeze = explorerButton(words.freeze, () => this.setFrozen(!this.root.hasAttribute("data-frozen")));
    this.present = explorerButton(words.present, () => this.setOn(!this.on));
    this.tools = element("span", { class: "presenter" }, this.count, this.freeze, this.present);
    /** @type {HTMLElement} */
    this.root = this.tools;
    this.fit = () => this.on && this.measure();
    this.turned = (/** @type {boolean} */ _on) => {};
  }

  /** Take the keys of a page. @param {HTMLElement} root @param {(on: boolean) => void} turned is told when presenting begins and ends */
  stand(root, turned) {
    this.root = root;
    this.turned = turned;
    root.addEventListener("keydown", (event) => this.key(event));
    root.addEventListener("click", (event) => event.detail && this.takeBack(event.target)); // the keyboard's own click has no detail
    root.addEventListener("submit", () => this.takeBack(root));
    window.addEventListener("resize", this.fit);
  }

  /** After a click the keys are the presenter's again, unless somebody is about to type. @param {EventTarget|null} clicked */
  takeBack(clicked) {
    if (this.on && !(/** @type {Element} */ (clicked).closest(FIELDS))) this.root.focus({ preventScroll: true });
  }

  /** @param {boolean} on */
  setOn(on) {
    this.on = on;
    this.root.toggleAttribute("data-presenting", on);
    this.root.dataset.scale = on ? "projector" : this.scale();
    this.turned(on);
    setText(this.present, on ? this.words.leave : this.words.present);
    if (on) this.go(this.step);
    else this.leave();
    this.root.focus({ preventScroll: true });
  }

  leave() {
    this.setFrozen(false);
    this.root.style.removeProperty("--gv-room");
    for (const { station, view } of this.steps) {
      station.root.hidden = false;
      const place = station.places.get(view);
      if (place) place.hidden = false;
    }
  }

  /** @param {PresentedStation} station */
  at(station) {
    if (this.steps[this.step].station !== station) this.go(this.steps.findIndex((step) => step.station === station));
  }

  /** @param {number} index */
  go(index) {
    this.step = Math.max(0, Math.min(this.steps.length - 1, index));
    const now = this.steps[this.step];
    for (const station of this.stations) station.root.hidden = station !== now.station;
    for (const [view, place] of now.station.places) place.hidden = view !== now.view;
    this.root.dataset.step = now.part;
    setText(this.count, `${this.step + 1} / ${this.steps.length}`);
    this.open(now.station).then(() => this.unfold());
    this.root.scrollIntoView({ block: "start" });
    this.measure();
  }

  unfold() {
    const { station, view, part } = this.steps[this.step];
    const folded = station.places.get(view)?.querySelector("details");
    if (folded) folded.open = FOLDED.includes(part);
  }

  /** How high the step's view may be, for those that can choose. */
  measure() {
    const { body } = this.steps[this.step].station;
    const above = body.getBoundingClientRect().top - this.root.getBoundingClientRect().top;
    this.root.style.setProperty("--gv-room", `${Math.round(scrollerOf(this.root).clientHeight - above)}px`);
  }

  /** Nothing moves while somebody points and talks. @param {boolean} on */
  setFrozen(on) {
    this.root.toggleAttribute("data-frozen", on);
    this.freeze.setAttribute("aria-pressed", String(on));
    for (const part of this.root.querySelectorAll(":scope > .box, .stack, .stations"))
      part.toggleAttribute("inert", on);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (!this.on || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const target = /** @type {Element} */ (event.target);
    const step = NEXT_KEYS.includes(event.key) ? 1 : BACK_KEYS.includes(event.key) ? -1 : 0;
    const typed = target.closest("input, textarea, select") || (event.key === " " && target.closest("button, summary"));
    if (event.key === "Escape") this.setOn(false);
    else if (step && !typed) this.go(this.step + step);
    else return;
    event.preventDefault();
  }

  remove() {
    window.removeEventListener("resize", this.fit);
  }
}

/** What scrolls a node: in JupyterLab the notebook's panel, else the page. @param {HTMLElement} node @returns {Element} */
export function scrollerOf(node) {
  for (let one = node.parentElement; one && one !== document.body; one = one.parentElement) {
    if (["auto", "scroll"].includes(getComputedStyle(one).overflowY) && one.scrollHeight > one.clientHeight) return one;
  }
  return document.scrollingElement ?? document.documentElement;
}
