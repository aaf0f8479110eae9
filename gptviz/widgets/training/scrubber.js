// @ts-check
/** The slider over the kept steps of a run, and the film: one kept step after the other. */
import { button, element, setText } from "../shared/dom.js";
import { clamp, grouped } from "../shared/numbers.js";

const FRAME_MS = 450; // that a step of the film stays

export class Scrubber {
  /**
   * @param {import("./words.js").Words} words
   * @param {{show: (step: number) => Promise<boolean>, follow: () => void}} actions show: shows a step; resolved with
   * whether it is shown
   */
  constructor(words, actions) {
    this.words = words;
    this.actions = actions;
    /** @type {number[]} */
    this.steps = [];
    this.index = 0;
    this.isPlaying = false;
    this.timer = 0;
    this.play = button(words.play, () => this.setPlaying(!this.isPlaying), { class: "play" });
    this.back = button("◀", () => this.move(-1), { "aria-label": words.back, title: words.back });
    this.forward = button("▶", () => this.move(1), { "aria-label": words.forward, title: words.forward });
    this.slider = element("input", { type: "range", min: 0, max: 0, step: 1, "aria-label": words.scrub });
    this.slider.addEventListener("input", () => this.choose(Number(this.slider.value)));
    this.label = element("output", { class: "step number" });
    this.newest = button(words.newest, actions.follow, { class: "newest", title: words.newestHint });
    this.controls = element("div", { class: "controls" }, this.play, this.back, this.slider, this.forward);
    this.note = element("p", { class: "muted", hidden: "" });
    const head = element("p", { class: "shown" }, this.label, this.newest);
    this.root = element("div", { class: "scrubber", "data-no-picture": "" }, head, this.controls, this.note);
  }

  /**
   * @param {number[]} steps that can be shown
   * @param {import("./panels.js").Shown} shown
   * @param {string} note
   */
  show(steps, shown, note) {
    this.steps = steps;
    this.index = Math.max(0, steps.indexOf(shown.step));
    const last = steps.length - 1;
    this.slider.max = String(Math.max(0, last));
    this.slider.value = String(this.index);
    const text = this.words.shownStep(grouped(shown.step));
    this.slider.setAttribute("aria-valuetext", text);
    setText(this.label, text);
    this.controls.hidden = steps.length < 2;
    this.back.setAttribute("aria-disabled", String(this.index <= 0));
    this.forward.setAttribute("aria-disabled", String(this.index >= last));
    this.newest.setAttribute("aria-pressed", String(shown.follows));
    setText(this.note, steps.length < 2 ? this.words.oneStep : note);
    this.note.hidden = this.note.textContent === "";
  }

  /** @param {number} index */
  choose(index) {
    this.setPlaying(false);
    return this.actions.show(this.steps[index]);
  }

  /** @param {number} distance */
  move(distance) {
    const index = clamp(this.index + distance, 0, this.steps.length - 1);
    if (index !== this.index) this.choose(index);
  }

  /** Starts the film, from the first step if it is at the last one, or stops it. @param {boolean} isPlaying */
  setPlaying(isPlaying) {
    clearTimeout(this.timer);
    if (isPlaying !== this.isPlaying) setText(this.play, isPlaying ? this.words.pauseFilm : this.words.play);
    this.isPlaying = isPlaying;
    if (isPlaying) this.frame(this.index >= this.steps.length - 1 ? 0 : this.index + 1);
  }

  /** Shows a step of the film, and then the next one. @param {number} index */
  async frame(index) {
    const isShown = await this.actions.show(this.steps[index]);
    if (!this.isPlaying) return;
    if (!isShown || index >= this.steps.length - 1) return this.setPlaying(false);
    this.timer = window.setTimeout(() => this.frame(index + 1), FRAME_MS);
  }
}
