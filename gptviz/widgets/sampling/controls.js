// @ts-check
/**
 * The controls of the sampling bench: a slider and a number field for each setting, the seed, and the draw. Where they
 * stand above the table, only the main ones are shown until the others are unfolded, so that the bars stay on the
 * screen.
 *
 * The settings are kept in the page. Each slider has a scale of its own: top-k is logarithmic over the vocabulary,
 * min-p is quadratic, finer where it matters. At one end of their sliders the cuts are off. A number field takes every
 * value that `gptviz/sampling/settings.py` takes, and says so when a value is refused.
 */
import { button, element, setText } from "../shared/dom.js";
import { SEED_LIMIT } from "./philox.js";

/** @typedef {import("./math.js").Settings} Settings */
/** @typedef {import("./math.js").Stage} Stage */
/**
 * `off`: the value that changes nothing; null for an empty field.
 * @typedef {{key: keyof Settings, min: number, max: number, step: number, off: number|null,
 *   allowed: (value: number) => boolean}} Knob
 */
/** @typedef {{knob: Knob, slider: HTMLInputElement, field: HTMLInputElement, root: HTMLElement}} KnobRow */
/**
 * `changed`: a setting; `reseeded`: the seed; `arranged`: whether every stage has a column.
 * @typedef {{changed: () => void, draw: () => void, drawMany: () => void, keep: () => void,
 *   arranged: (all: boolean) => void, append: () => void, reseeded: () => void}} Listener
 */

/** @type {Knob[]} */
const KNOBS = [
  { key: "temperature", min: 0, max: 2, step: 0.01, off: 1, allowed: (x) => x >= 0 },
  { key: "topK", min: 0, max: 1, step: 0.002, off: null, allowed: (x) => x >= 1 && Number.isInteger(x) },
  { key: "topP", min: 0.01, max: 1, step: 0.01, off: null, allowed: (x) => x > 0 && x <= 1 },
  { key: "minP", min: 0, max: 1, step: 0.005, off: null, allowed: (x) => x >= 0 && x <= 1 },
  { key: "repetitionPenalty", min: 0.5, max: 2, step: 0.01, off: 1, allowed: (x) => x > 0 },
];

/** @type {Settings} */
const NEUTRAL = { temperature: 1, topK: null, topP: null, minP: null, repetitionPenalty: 1 };

/** The settings that are never folded. */
const MAIN = ["temperature", "topK"];

/** The names of the settings in Python. @type {Record<keyof Settings, Stage>} */
const PYTHON_NAMES = {
  temperature: "temperature",
  topK: "top_k",
  topP: "top_p",
  minP: "min_p",
  repetitionPenalty: "repetition_penalty",
};

let groupCount = 0;

/** The controls; `settings` and `seed` are read by the bench. */
export class SamplingControls {
  /** @param {import("./words.js").Words} words @param {Listener} listener */
  constructor(words, listener) {
    this.words = words;
    this.listener = listener;
    this.group = ++groupCount;
    this.vocabularySize = 2;
    /** @type {Settings} */
    this.settings = { ...NEUTRAL };
    this.seed = 0;
    this.rows = KNOBS.map((knob) => this.buildRow(knob));
    this.seedField = element("input", {
      type: "number",
      id: this.id("seed"),
      min: 0,
      step: 1,
      class: "seed",
      title: words.repeatable,
    });
    this.seedField.addEventListener("input", () => this.readSeed());
    this.restoreOnLeave(this.seedField, () => String(this.seed));
    this.drawButton = button(words.draw, listener.draw);
    this.appendButton = button(words.append, listener.append, { hidden: "" });
    this.manyButton = button(words.drawMany, () => this.toggleMany(), { "aria-pressed": "false" });
    this.foldButton = button(words.more(0), () => this.setFolded(isUnfolded(this.foldButton)), {
      class: "fold",
      "aria-expanded": "false",
      "aria-controls": `${this.id("more")} ${this.id("tools")}`,
    });
    this.allButton = button(words.all, () => this.showAll(!isPressed(this.allButton)), {
      "aria-pressed": "false",
      title: words.allHint,
    });
    this.keepButton = button(words.keep, listener.keep);
    this.keptCode = element("code", { hidden: "" });
    this.outcome = element("output", { class: "outcome", for: this.id("seed") });
    this.note = element("p", { class: "note", role: "alert", hidden: "" });
    this.code = element("code", { "aria-label": words.code });
    this.root = this.build();
  }

  build() {
    const { words } = this;
    const seedLabel = element("label", { for: this.id("seed") }, words.seed);
    const draw = element("div", { class: "draw" }, seedLabel, this.seedField, this.drawButton, this.manyButton);
    const knobs = (/** @type {boolean} */ main) =>
      this.rows.filter(({ knob }) => MAIN.includes(knob.key) === main).map(({ root }) => root);
    const reset = button(words.reset, () => this.reset(), { class: "quiet" });
    const tools = element("div", { class: "more" }, this.allButton, this.keepButton);
    const settings = element(
      "div",
      { class: "settings" },
      ...knobs(true),
      this.foldButton,
      element("div", { class: "others", id: this.id("more") }, ...knobs(false), reset),
      draw,
      element("div", { class: "result" }, this.outcome, this.appendButton),
      this.note,
      element("div", { class: "tools", id: this.id("tools") }, tools, this.code, this.keptCode),
    );
    const attributes = { class: "controls", role: "group", "aria-label": words.group, "data-folded": "" };
    return element("div", attributes, settings);
  }

  /** Folds the settings that are not the main ones, or shows them. @param {boolean} folded */
  setFolded(folded) {
    this.root.toggleAttribute("data-folded", folded);
    this.foldButton.setAttribute("aria-expanded", String(!folded));
  }

  /** Returns how many of the settings that may be folded change something. */
  countOn() {
    return KNOBS.filter(({ key, off }) => !MAIN.includes(key) && this.settings[key] !== off).length;
  }

  /** @param {string} name */
  id(name) {
    return `gptviz-sampling-${this.group}-${name}`;
  }

  /** Builds the label, the field and the slider of a setting. @param {Knob} knob @returns {KnobRow} */
  buildRow(knob) {
    const { label: name, hint, expected } = this.words.knobs[knob.key];
    const slider = element("input", {
      title: hint,
      type: "range",
      min: knob.min,
      max: knob.max,
      step: knob.step,
      value: 1,
      "aria-label": this.words.slider(name),
    });
    const field = element("input", {
      title: hint,
      type: "number",
      id: this.id(knob.key),
      step: "any",
      min: 0,
      placeholder: this.words.off,
    });
    slider.addEventListener("input", () => {
      this.change(knob, field, this.fromSlider(knob, slider.valueAsNumber));
    });
    field.addEventListener("input", () => {
      const value = fieldValue(knob, field);
      if (value !== null && !knob.allowed(value)) this.refuse(field, expected);
      else this.change(knob, field, value);
    });
    this.restoreOnLeave(field, () => this.valueText(knob));
    const label = element("label", { for: this.id(knob.key), title: hint }, name);
    const hintLine = element("p", { class: "hint small muted" }, hint);
    return { knob, slider, field, root: element("div", { class: "knob" }, label, field, slider, hintLine) };
  }

  /** @param {Knob} knob @param {HTMLInputElement} field @param {number|null} value */
  change(knob, field, value) {
    this.settings[knob.key] = /** @type {never} */ (value);
    this.accept(field);
    this.listener.changed();
  }

  /** Sets all settings to values that change nothing. */
  reset() {
    for (const { field } of this.rows) this.accept(field);
    Object.assign(this.settings, NEUTRAL);
    this.listener.changed();
  }

  toggleMany() {
    this.manyButton.setAttribute("aria-pressed", String(!isPressed(this.manyButton)));
    this.listener.drawMany();
  }

  /** Shows the settings in the sliders and fields, to screen readers and as Python code. */
  write() {
    for (const { knob, slider, field } of this.rows) {
      const value = this.settings[knob.key];
      const text = this.valueText(knob);
      if (this.fromSlider(knob, slider.valueAsNumber) !== value) slider.valueAsNumber = this.toSlider(knob);
      if (!field.hasAttribute("aria-invalid") && fieldValue(knob, field) !== value) field.value = text;
      slider.toggleAttribute("data-off", knob.off === null && value === null);
      slider.setAttribute("aria-valuetext", text || this.words.off);
    }
    if (!this.seedField.hasAttribute("aria-invalid") && this.seedField.valueAsNumber !== this.seed) {
      this.seedField.value = String(this.seed);
    }
    setText(this.code, this.asPython(this.settings));
    setText(this.foldButton, this.words.more(this.countOn()));
  }

  /** Lets tokens be drawn, or not. @param {boolean} isAllowed whether it is known from what to draw */
  allowDraws(isAllowed) {
    for (const button of [this.drawButton, this.manyButton]) {
      if (button.disabled === isAllowed) button.disabled = !isAllowed;
      button.title = isAllowed ? "" : this.words.nothingToDraw;
    }
  }

  /** Shows the settings that are kept as A. @param {Settings|null} settings */
  showKept(settings) {
    setText(this.keepButton, settings ? this.words.forget : this.words.keep);
    this.keptCode.hidden = settings === null;
    if (settings) this.setFolded(false); // with one more column the controls may move above the table
    if (settings) setText(this.keptCode, `${this.words.kept}: ${this.asPython(settings)}`);
  }

  /** Gives every stage a column, or all cuts together one. @param {boolean} all */
  showAll(all) {
    this.allButton.setAttribute("aria-pressed", String(all));
    if (all) this.setFolded(false);
    this.listener.arranged(all);
  }

  /** Returns how a stage is set. @param {Stage} stage */
  settingText(stage) {
    const knob = /** @type {Knob} */ (KNOBS.find(({ key }) => PYTHON_NAMES[key] === stage));
    const value = this.settings[knob.key];
    const isOff = value === null || value === knob.off;
    return isOff ? this.words.stageOff : this.words.stageSettings[stage](numberText(value));
  }

  /** Returns the call that does the same in Python. @param {Settings} settings */
  asPython(settings) {
    const set = KNOBS.filter(({ key, off }) => key === "temperature" || settings[key] !== off);
    const args = set.map(({ key }) => `${PYTHON_NAMES[key]}=${numberText(settings[key])}`);
    return `gpt.complete(prompt, ${[...args, `seed=${this.seed}`].join(", ")})`;
  }

  /**
   * Returns the setting at a position of its slider.
   * @param {Knob} knob
   * @param {number} position
   * @returns {number|null}
   */
  fromSlider(knob, position) {
    if (knob.key === "topK") return position >= 1 ? null : Math.round(this.vocabularySize ** position);
    if (knob.key === "topP" && position >= 1) return null;
    if (knob.key === "minP") return position > 0 ? Number((position ** 2).toPrecision(2)) : null;
    return position;
  }

  /** Returns the position of a setting on its slider. @param {Knob} knob */
  toSlider(knob) {
    const value = this.settings[knob.key];
    if (knob.key === "minP") return Math.sqrt(value ?? 0);
    if (value === null) return 1;
    return knob.key === "topK" ? Math.min(1, Math.log(value) / Math.log(Math.max(2, this.vocabularySize))) : value;
  }

  /**
   * Shows the setting again when a field is left, even if its value was refused.
   * @param {HTMLInputElement} field
   * @param {() => string} text
   */
  restoreOnLeave(field, text) {
    field.addEventListener("change", () => {
      field.value = text();
      this.accept(field);
    });
  }

  /** @param {Knob} knob */
  valueText(knob) {
    return numberText(this.settings[knob.key]);
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

  /** Marks a field as wrong and says why. @param {HTMLInputElement} field @param {string} reason */
  refuse(field, reason) {
    field.setAttribute("aria-invalid", "true");
    this.showProblem(reason);
  }

  /** @param {string} problem */
  showProblem(problem) {
    this.note.textContent = problem;
    this.note.hidden = false;
  }

  /** @param {HTMLInputElement} field */
  accept(field) {
    if (field.hasAttribute("aria-invalid")) field.removeAttribute("aria-invalid");
    if (!this.note.hidden) this.note.hidden = true;
  }
}

/** @param {HTMLElement} node */
function isPressed(node) {
  return node.getAttribute("aria-pressed") === "true";
}

/** @param {HTMLElement} node */
function isUnfolded(node) {
  return node.getAttribute("aria-expanded") === "true";
}

/**
 * Returns the value of a field: null if it is empty and its cut can be off, NaN if it is no number.
 * @param {Knob} knob
 * @param {HTMLInputElement} field
 */
function fieldValue(knob, field) {
  return knob.off === null && field.value === "" && !field.validity.badInput ? null : field.valueAsNumber;
}

/** @param {number|null} value */
function numberText(value) {
  return value === null ? "" : String(Number(value.toPrecision(12)));
}
