// @ts-check
/**
 * The controls of the sampling bench: a slider and a number field for each setting, the seed, and the draw.
 *
 * Settings live in the page. Each slider has its own scale (top-k logarithmic over the vocabulary, min-p square, finer
 * where it matters) and the cuts have an end at which they are off; the number field takes any value that `gptviz/settings.py` takes, and says so when it does not.
 * Not here: what the settings do (sampling_math.js).
 */

import { element, setText } from "../shared/dom.js";
import { SEED_LIMIT } from "./math.js";

/** @typedef {import("./math.js").Settings} Settings */
/** @typedef {{key: keyof Settings, min: number, max: number, step: number, off: number|null,
 *   allowed: (value: number) => boolean}} Knob */

/** @type {Knob[]} */
const KNOBS = [
  { key: "temperature", min: 0, max: 2, step: 0.01, off: 1, allowed: (x) => x >= 0 },
  { key: "topK", min: 0, max: 1, step: 0.002, off: null, allowed: (x) => x >= 1 && Number.isInteger(x) },
  { key: "topP", min: 0.01, max: 1, step: 0.01, off: null, allowed: (x) => x > 0 && x <= 1 },
  { key: "minP", min: 0, max: 1, step: 0.005, off: null, allowed: (x) => x >= 0 && x <= 1 },
  { key: "repetitionPenalty", min: 0.5, max: 2, step: 0.01, off: 1, allowed: (x) => x > 0 },
];

/** JupyterLab leaves the keys to what is marked so: else "a" on a button would insert a cell. */

/** @type {Settings} */
const NEUTRAL = { temperature: 1, topK: null, topP: null, minP: null, repetitionPenalty: 1 };

const PYTHON_NAMES = {
  temperature: "temperature",
  topK: "top_k",
  topP: "top_p",
  minP: "min_p",
  repetitionPenalty: "repetition_penalty",
};

/** @type {Record<import("./math.js").Stage, keyof Settings>} */
const KEYS = {
  repetition_penalty: "repetitionPenalty",
  temperature: "temperature",
  top_k: "topK",
  top_p: "topP",
  min_p: "minP",
};

let controlGroups = 0;

/** The controls: `root` to show, `settings` and `seed` to read. */
export class SamplingControls {
  /** The listener hears of every input event, of a wish to draw, of another seed. @param {import("./words.js").Words} words
   * @param {{changed: () => void, draw: () => void, drawMany: () => void, keep: () => void, arranged: (all: boolean) => void, append: () => void, reseeded: () => void}} listener */
  constructor(words, listener) {
    this.words = words;
    this.listener = listener;
    this.group = ++controlGroups;
    this.vocabulary = 2;
    /** @type {Settings} */
    this.settings = { ...NEUTRAL };
    this.seed = 0;
    this.knobs = KNOBS.map((knob) => this.buildKnob(knob));
    this.seedField = element("input", {
      type: "number",
      id: this.id("seed"),
      min: 0,
      step: 1,
      class: "seed",
      title: this.words.repeatable,
    });
    this.seedField.addEventListener("input", () => this.readSeed());
    this.restore(this.seedField, () => String(this.seed));
    this.drawButton = element("button", { type: "button" }, this.words.draw);
    this.drawButton.addEventListener("click", () => listener.draw());
    this.appendButton = element("button", { type: "button", hidden: "" }, this.words.append);
    this.appendButton.addEventListener("click", () => listener.append());
    this.manyButton = element("button", { type: "button", "aria-pressed": "false" }, this.words.drawMany);
    this.manyButton.addEventListener("click", () => {
      this.manyButton.setAttribute("aria-pressed", String(this.manyButton.getAttribute("aria-pressed") !== "true"));
      listener.drawMany();
    });
    this.allButton = element("button", { type: "button", "aria-pressed": "false", title: words.allHint }, words.all);
    this.allButton.addEventListener("click", () =>
      this.showAll(this.allButton.getAttribute("aria-pressed") !== "true"),
    );
    this.keepButton = element("button", { type: "button" }, this.words.keep);
    this.keepButton.addEventListener("click", () => listener.keep());
    this.keptCode = element("code", { hidden: "" });
    this.outcome = element("output", { class: "outcome", for: this.id("seed") });
    this.resetButton = element("button", { type: "button", class: "quiet" }, this.words.reset);
    this.resetButton.addEventListener("click", () => {
      this.knobs.forEach(({ field }) => this.accept(field));
      Object.assign(this.settings, NEUTRAL);
      listener.changed();
    });
    this.note = element("p", { class: "note", role: "alert", hidden: "" });
    this.code = element("code", { "aria-label": this.words.code });
    this.root = element(
      "div",
      { class: "controls", role: "group", "aria-label": this.words.group },
      ...this.knobs.map(({ row }) => row),
      this.resetButton,
      element(
        "div",
        { class: "draw" },
        element("label", { for: this.id("seed") }, this.words.seed),
        this.seedField,
        this.drawButton,
      ),
      this.outcome,
      this.appendButton,
      element("div", { class: "more" }, this.allButton, this.manyButton, this.keepButton),
      this.note,
      element("div", {}, this.code, this.keptCode),
    );
  }

  /** @param {string} name */
  id(name) {
    return `gptviz-sampling-${this.group}-${name}`;
  }

  /** @param {Knob} knob */
  buildKnob(knob) {
    const { label: name, hint, expected } = this.words.knobs[knob.key];
    const common = { title: hint };
    const slider = element("input", {
      ...common,
      type: "range",
      min: knob.min,
      max: knob.max,
      step: knob.step,
      value: 1,
      "aria-label": this.words.slider(name),
    });
    const field = element("input", {
      ...common,
      type: "number",
      id: this.id(knob.key),
      step: "any",
      min: 0,
      placeholder: this.words.off,
    });
    slider.addEventListener("input", () => {
      this.settings[knob.key] = /** @type {never} */ (this.fromSlider(knob, slider.valueAsNumber));
      this.accept(field);
      this.listener.changed();
    });
    field.addEventListener("input", () => {
      const value = this.typed(knob, field);
      if (value !== null && !knob.allowed(value)) return this.refuse(field, expected);
      this.settings[knob.key] = /** @type {never} */ (value);
      this.accept(field);
      this.listener.changed();
    });
    this.restore(field, () => this.shown(knob));
    const label = element("label", { for: this.id(knob.key), title: hint }, name);
    return {
      knob,
      slider,
      field,
      row: element("div", { class: "knob" }, label, field, slider, element("p", { class: "hint small muted" }, hint)),
    };
  }

  /** Show the settings: in sliders and fields that say something else, to a screen reader, and as Python. */
  write() {
    for (const { knob, slider, field } of this.knobs) {
      const value = this.settings[knob.key];
      const shown = this.shown(knob);
      if (this.fromSlider(knob, slider.valueAsNumber) !== value) slider.valueAsNumber = this.toSlider(knob);
      if (!field.hasAttribute("aria-invalid") && this.typed(knob, field) !== value) field.value = shown;
      slider.toggleAttribute("data-off", knob.off === null && value === null);
      slider.setAttribute("aria-valuetext", shown || this.words.off);
    }
    if (!this.seedField.hasAttribute("aria-invalid") && this.seedField.valueAsNumber !== this.seed) {
      this.seedField.value = String(this.seed);
    }
    setText(this.code, this.asPython(this.settings));
  }

  /** The settings kept as A, or null. @param {Settings|null} settings */
  showKept(settings) {
    setText(this.keepButton, settings ? this.words.forget : this.words.keep);
    this.keptCode.hidden = settings === null;
    if (settings) setText(this.keptCode, `${this.words.kept}: ${this.asPython(settings)}`);
  }

  /** A column for each stage, or the cuts in one. @param {boolean} all */
  showAll(all) {
    this.allButton.setAttribute("aria-pressed", String(all));
    this.listener.arranged(all);
  }

  /** How a stage is set, in words. @param {keyof typeof KEYS} stage */
  setting(stage) {
    const key = KEYS[stage];
    const value = this.settings[key];
    const knob = KNOBS.find((one) => one.key === key);
    return value === null || value === knob?.off
      ? this.words.stageOff
      : this.words.stageSettings[stage](written(value));
  }

  /** The call that does the same in Python. @param {Settings} settings */
  asPython(settings) {
    const named = KNOBS.filter(({ key, off }) => key === "temperature" || settings[key] !== off).map(
      ({ key }) => `${PYTHON_NAMES[key]}=${written(settings[key])}`,
    );
    return `gpt.complete(prompt, ${[...named, `seed=${this.seed}`].join(", ")})`;
  }

  /** @param {Knob} knob @param {number} position @returns {number|null} */
  fromSlider(knob, position) {
    if (knob.key === "topK") return position >= 1 ? null : Math.round(this.vocabulary ** position);
    if (knob.key === "topP" && position >= 1) return null;
    if (knob.key === "minP") return position > 0 ? Number((position ** 2).toPrecision(2)) : null;
    return position;
  }

  /** @param {Knob} knob */
  toSlider(knob) {
    const value = this.settings[knob.key];
    if (knob.key === "minP") return Math.sqrt(value ?? 0);
    if (value === null) return 1;
    return knob.key === "topK" ? Math.min(1, Math.log(value) / Math.log(Math.max(2, this.vocabulary))) : value;
  }

  /** What a field says: null for an empty one where a cut can be off, NaN for what is no number.
   * @param {Knob} knob @param {HTMLInputElement} field */
  typed(knob, field) {
    return knob.off === null && field.value === "" && !field.validity.badInput ? null : field.valueAsNumber;
  }

  /** A field that is left shows the setting again, also after what was refused.
   * @param {HTMLInputElement} field @param {() => string} shown */
  restore(field, shown) {
    field.addEventListener("change", () => {
      field.value = shown();
      this.accept(field);
    });
  }

  /** @param {Knob} knob */
  shown(knob) {
    return written(this.settings[knob.key]);
  }

  readSeed() {
    const seed = this.seedField.valueAsNumber;
    if (!Number.isInteger(seed) || seed < 0 || seed >= SEED_LIMIT) {
      return this.refuse(this.seedField, this.words.seedExpected);
    }
    this.seed = seed;
    this.accept(this.seedField);
    this.listener.reseeded();
  }

  /** @param {HTMLInputElement} field @param {string} reason */
  refuse(field, reason) {
    field.setAttribute("aria-invalid", "true");
    this.say(reason);
  }

  /** @param {string} problem */
  say(problem) {
    this.note.textContent = problem;
    this.note.hidden = false;
  }

  /** @param {HTMLInputElement} field */
  accept(field) {
    if (field.hasAttribute("aria-invalid")) field.removeAttribute("aria-invalid");
    if (!this.note.hidden) this.note.hidden = true;
  }
}

/** @param {number|null} value */
function written(value) {
  return value === null ? "" : String(Number(value.toPrecision(12)));
}
