// @ts-check
/**
 * Presents the path on a projector: one view, or a part of it, at a time and as large as the screen allows. The space
 * bar and a button show the next step.
 *
 * It fills the screen where the browser allows that. Elsewhere, as in a frame or in part of a window, the type is made
 * smaller together with the room, so that each step still fits.
 */
import { button, element, setText } from "../shared/dom.js";
import { clamp } from "../shared/numbers.js";
import { scrollerOf } from "../shared/scrolling.js";
import { enterFullScreen, isFullScreen, leaveFullScreen } from "./full_screen.js";

/**
 * What is presented: the picture, or a station; and the element for each of its views, if it has several.
 * @typedef {{kind: import("./stations.js").StationKind, root: HTMLElement, body: HTMLElement,
 *   containers: Map<string, HTMLElement>}} Stop
 */
/**
 * A step of the presentation: a part of a view.
 * @typedef {{stop: Stop, view: string, part: string}} Step
 */

const NEXT_KEYS = [" ", "ArrowRight", "PageDown"];
const BACK_KEYS = ["ArrowLeft", "PageUp"];
/** The room for which type 1.5 times as large is laid out: a projector's 1280 × 720 pixels, without margins. */
const LAID_OUT = { width: 1248, height: 720, scale: 1.5 };
const SCALES = { smallest: 0.9, ofPage: 1.5, largest: 3 };
const TYPED_FIELDS = "textarea, select, input:not([type=range], [type=checkbox])";
/** The parts of the views that need more than one screen. @type {Record<string, string[]>} */
const PARTS = {
  flow: ["flow", "effects", "early"],
  embedding: ["embedding", "table"],
  attention: ["attention", "arithmetic", "mix"],
  block: ["block", "ledger"],
};
const FOLDED_PARTS = ["arithmetic", "mix"]; // these are folded if nobody presents

export class Presenter {
  /**
   * @param {import("./words.js").Words} words
   * @param {Stop[]} stops
   * @param {(stop: Stop) => Promise<unknown>} open shows the views of one stop
   * @param {() => string} scale while nobody presents
   */
  constructor(words, stops, open, scale) {
    this.words = words;
    this.stops = stops;
    this.open = open;
    this.scale = scale;
    this.steps = stops.flatMap(stepsOf);
    this.on = false;
    this.fillsScreen = false;
    this.step = 0;
    this.count = element("span", { class: "count number" });
    this.back = button("◀", () => this.goTo(this.step - 1), { "aria-label": words.back, title: words.back });
    this.forward = button("▶", () => this.goTo(this.step + 1), { "aria-label": words.forward, title: words.forward });
    this.steer = element("span", { class: "steer", hidden: "" }, this.back, this.count, this.forward);
    const toggle = () => this.setFrozen(!this.root.hasAttribute("data-frozen"));
    this.freeze = button(words.freeze, toggle, { title: words.freezeHint });
    this.present = button(words.present, () => this.setOn(!this.on));
    this.tools = element("span", { class: "presenter" }, this.steer, this.freeze, this.present);
    /** @type {HTMLElement} */
    this.root = this.tools;
    this.onTurn = (/** @type {boolean} */ _on) => {};
    this.fit = () => {
      if (this.on) this.setSize();
    };
    this.onFullScreen = () => {
      // The browser's own key was pressed.
      if (this.on && this.fillsScreen && !isFullScreen(this.root)) this.setOn(false);
      this.fillsScreen = isFullScreen(this.root);
      this.fit();
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
    document.addEventListener("fullscreenchange", this.onFullScreen);
  }

  /**
   * Takes the keys back after a click, unless the click was on a field to type in. A view that is played, or in which
   * something is open, has them before the presentation.
   * @param {EventTarget|null} target
   */
  takeFocus(target) {
    const field = /** @type {Element} */ (target).closest(TYPED_FIELDS);
    if (!this.on || field) return;
    /** @type {HTMLElement|null} */
    const holder = this.root.querySelector("[data-holds-keys]");
    const isFree = holder === null || holder.closest("[inert]") !== null;
    (isFree ? this.root : holder).focus({ preventScroll: true });
  }

  /** Begins or ends presenting. @param {boolean} on */
  setOn(on) {
    this.on = on;
    this.root.toggleAttribute("data-presenting", on);
    this.root.dataset.scale = on ? "projector" : this.scale();
    this.onTurn(on);
    this.steer.hidden = !on;
    setText(this.present, on ? this.words.leave : this.words.present);
    if (on) this.goTo(this.step);
    else this.showAll();
    if (on) enterFullScreen(this.root);
    else leaveFullScreen(this.root);
    this.root.focus({ preventScroll: true });
  }

  /** Shows the picture and the open station again. */
  showAll() {
    this.setFrozen(false);
    for (const size of ["--gv-room", "--gv-screen", "--gv-present", "--gv-title"]) this.root.style.removeProperty(size);
    for (const { root, containers } of this.stops) {
      root.hidden = false;
      for (const container of containers.values()) container.hidden = false;
    }
  }

  /** Shows the first step of a stop, unless one of its steps is shown. @param {Stop} stop */
  goToStop(stop) {
    if (this.steps[this.step].stop === stop) return;
    this.goTo(this.steps.findIndex((step) => step.stop === stop));
  }

  /** @param {number} index */
  goTo(index) {
    this.step = Math.max(0, Math.min(this.steps.length - 1, index));
    const { stop: shown, view: shownView, part } = this.steps[this.step];
    for (const stop of this.stops) stop.root.hidden = stop !== shown;
    for (const [view, container] of shown.containers) container.hidden = view !== shownView;
    this.root.dataset.step = part;
    setText(this.count, `${this.step + 1} / ${this.steps.length}`);
    this.back.setAttribute("aria-disabled", String(this.step === 0));
    this.forward.setAttribute("aria-disabled", String(this.step === this.steps.length - 1));
    this.open(shown).then(() => this.unfold());
    this.setSize();
    this.root.scrollIntoView({ block: "start" });
    this.root.scrollTop = 0;
  }

  unfold() {
    const { stop, view, part } = this.steps[this.step];
    const folded = stop.containers.get(view)?.querySelector("details");
    if (folded) folded.open = FOLDED_PARTS.includes(part);
  }

  /** Tells the views how large the type is, and how high the step may be. */
  setSize() {
    const { root, fillsScreen } = this;
    const height = (fillsScreen ? root : scrollerOf(root)).clientHeight;
    const room = Math.min(root.clientWidth / LAID_OUT.width, height / LAID_OUT.height);
    const largest = fillsScreen ? SCALES.largest : SCALES.ofPage;
    root.style.setProperty("--gv-present", String(clamp(LAID_OUT.scale * room, SCALES.smallest, largest)));
    root.style.setProperty("--gv-screen", `${height}px`);
    const { body, root: shown } = this.steps[this.step].stop;
    const title = shown.querySelector(":scope > .head h4");
    root.style.setProperty("--gv-title", `${title?.getBoundingClientRect().width ?? 0}px`);
    const top = body.getBoundingClientRect().top - root.getBoundingClientRect().top;
    root.style.setProperty("--gv-room", `${Math.round(height - top)}px`);
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
    document.removeEventListener("fullscreenchange", this.onFullScreen);
  }
}

/** Returns the steps of a stop; a station without views is one step. @param {Stop} stop @returns {Step[]} */
function stepsOf(stop) {
  const views = stop.kind.views.length ? stop.kind.views : [stop.kind.name];
  return views.flatMap((view) => (PARTS[view] ?? [view]).map((part) => ({ stop, view, part })));
}
