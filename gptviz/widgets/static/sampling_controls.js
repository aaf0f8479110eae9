// @ts-check
/**
 * The controls of the sampling bench: a slider and a number field for each setting, the seed, and the draw.
 *
 * Settings live in the page. Each slider has its own scale (top-k logarithmic over the vocabulary, min-p square, finer
 * where it matters) and the cuts have an end at which they are off; the number field takes any value that `gptviz/settings.py` takes, and says so when it does not.
 * Not here: what the settings do (sampling_math.js).
 */
import { SEED_LIMIT } from "./sampling_math.js";
import { element, setText } from "./common.js";

/** @typedef {import("./sampling_math.js").Settings} Settings */
/** @typedef {{key: keyof Settings, label: string, hint: string, min: number, max: number, step: number,
 *   off: number|null, allowed: (value: number) => boolean, expected: string}} Knob */

const CONTROL_WORDS = {
  group: "Settings",
  slider: "slider",
  number: "number",
  off: "off",
  reset: "reset",
  seed: "seed",
  seedHint: "the same seed draws the same token everywhere",
  seedExpected: "Expected a whole number from 0 to 2⁵³ − 1, such as 7.",
  draw: "draw once",
  code: "in Python",
};

/** @type {Knob[]} */
const KNOBS = [
  { key: "temperature", label: "temperature", hint: "divides the logits; 0 always takes the leader",
    min: 0, max: 2, step: 0.01, off: 1, allowed: (x) => x >= 0, expected: "Expected a temperature of 0 or more; 1 is the model’s own." },
  { key: "topK", label: "top-k", hint: "keeps the k likeliest",
    min: 0, max: 1, step: 0.002, off: null, allowed: (x) => x >= 1 && Number.isInteger(x),
    expected: "Expected a whole number of tokens from 1; empty is off." },
  { key: "topP", label: "top-p", hint: "keeps the fewest tokens whose mass reaches p",
    min: 0.01, max: 1, step: 0.01, off: null, allowed: (x) => x > 0 && x <= 1,
    expected: "Expected a share above 0 and at most 1; empty is off." },
  { key: "minP", label: "min-p", hint: "keeps tokens with at least this share of the leader’s probability",
    min: 0, max: 1, step: 0.005, off: null, allowed: (x) => x >= 0 && x <= 1,
    expected: "Expected a share from 0 to 1; empty is off." },
  { key: "repetitionPenalty", label: "repetition penalty", hint: "weakens tokens that came before; below 1 it favours them",
    min: 0.5, max: 2, step: 0.01, off: 1, allowed: (x) => x > 0, expected: "Expected a penalty above 0; 1 is off." },
];

/** JupyterLab leaves the keys to what is marked so: else "a" on a button would insert a cell. */
const OWN_KEYS = { "data-lm-suppress-shortcuts": "true" };

/** @type {Settings} */
const NEUTRAL = { temperature: 1, topK: null, topP: null, minP: null, repetitionPenalty: 1 };

const PYTHON_NAMES = { temperature: "temperature", topK: "top_k", topP: "top_p", minP: "min_p",
  repetitionPenalty: "repetition_penalty" };

let controlGroups = 0;

/** The controls: `root` to show, `settings` and `seed` to read. */
export class SamplingControls {
  /** The listener hears of every input event, of a wish to draw, of another seed. @param {{changed: () => void, draw: () => void, reseeded: () => void}} listener */
  constructor(listener) {
    this.listener = listener;
    this.group = ++controlGroups;
    this.vocabulary = 2;
    /** @type {Settings} */
    this.settings = { ...NEUTRAL };
    this.seed = 0;
    this.knobs = KNOBS.map((knob) => this.buildKnob(knob));
    this.seedField = element("input", { type: "number", id: this.id("seed"), min: 0, step: 1, class: "seed",
      ...OWN_KEYS, title: CONTROL_WORDS.seedHint });
    this.seedField.addEventListener("input", () => this.readSeed());
    this.restore(this.seedField, () => String(this.seed));
    this.drawButton = element("button", { type: "button", ...OWN_KEYS }, CONTROL_WORDS.draw);
    this.drawButton.addEventListener("click", () => listener.draw());
    this.outcome = element("output", { class: "outcome", for: this.id("seed") });
    this.resetButton = element("button", { type: "button", class: "quiet", ...OWN_KEYS }, CONTROL_WORDS.reset);
    this.resetButton.addEventListener("click", () => {
      this.knobs.forEach(({ field }) => this.accept(field));
      Object.assign(this.settings, NEUTRAL);
      listener.changed();
    });
    this.note = element("p", { class: "note", role: "alert", hidden: "" });
    this.code = element("code", { "aria-label": CONTROL_WORDS.code });
    this.root = element("div", { class: "controls", role: "group", "aria-label": CONTROL_WORDS.group },
      ...this.knobs.map(({ row }) => row),
      this.resetButton,
      element("div", { class: "draw" }, element("label", { for: this.id("seed") }, CONTROL_WORDS.seed),
        this.seedField, this.drawButton),
      this.outcome, this.note, element("div", {}, this.code));
  }

  /** @param {string} name */
  id(name) {
    return `gptviz-sampling-${this.group}-${name}`;
  }

  /** @param {Knob} knob */
  buildKnob(knob) {
    const common = { ...OWN_KEYS, title: knob.hint };
    const slider = element("input", { ...common, type: "range", min: knob.min, max: knob.max, step: knob.step,
      value: 1, "aria-label": `${knob.label}, ${CONTROL_WORDS.slider}` });
    const field = element("input", { ...common, type: "number", id: this.id(knob.key), step: "any", min: 0,
      placeholder: CONTROL_WORDS.off });
    slider.addEventListener("input", () => {
      this.settings[knob.key] = /** @type {never} */ (this.fromSlider(knob, slider.valueAsNumber));
      this.accept(field);
      this.listener.changed();
    });
    field.addEventListener("input", () => {
      const value = this.typed(knob, field);
      if (value !== null && !knob.allowed(value)) return this.refuse(field, knob.expected);
      this.settings[knob.key] = /** @type {never} */ (value);
      this.accept(field);
      this.listener.changed();
    });
    this.restore(field, () => this.shown(knob));
    const label = element("label", { for: this.id(knob.key), title: knob.hint }, knob.label);
    return { knob, slider, field, row: element("div", { class: "knob" }, label, field, slider) };
  }

  /** Show the settings: in sliders and fields that say something else, to a screen reader, and as Python. */
  write() {
    for (const { knob, slider, field } of this.knobs) {
      const value = this.settings[knob.key], shown = this.shown(knob);
      if (this.fromSlider(knob, slider.valueAsNumber) !== value) slider.valueAsNumber = this.toSlider(knob);
      if (!field.hasAttribute("aria-invalid") && this.typed(knob, field) !== value) field.value = shown;
      slider.setAttribute("aria-valuetext", shown || CONTROL_WORDS.off);
    }
    if (!this.seedField.hasAttribute("aria-invalid") && this.seedField.valueAsNumber !== this.seed) {
      this.seedField.value = String(this.seed);
    }
    const named = KNOBS.filter(({ key, off }) => key === "temperature" || this.settings[key] !== off)
      .map((knob) => `${PYTHON_NAMES[knob.key]}=${this.shown(knob)}`);
    setText(this.code, `gpt.complete(prompt, ${[...named, `seed=${this.seed}`].join(", ")})`);
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
    const value = this.settings[knob.key];
    return value === null ? "" : String(Number(value.toPrecision(12)));
  }

  readSeed() {
    const seed = this.seedField.valueAsNumber;
    if (!Number.isInteger(seed) || seed < 0 || seed >= SEED_LIMIT) {
      return this.refuse(this.seedField, CONTROL_WORDS.seedExpected);
    }
    this.seed = seed;
    this.accept(this.seedField);
    this.listener.reseeded();
  }

  /** @param {HTMLInputElement} field @param {string} reason */
  refuse(field, reason) {
    field.setAttribute("aria-invalid", "true");
    this.note.textContent = reason;
    this.note.hidden = false;
  }

  /** @param {HTMLInputElement} field */
  accept(field) {
    if (field.hasAttribute("aria-invalid")) field.removeAttribute("aria-invalid");
    if (!this.note.hidden) this.note.hidden = true;
  }
}
