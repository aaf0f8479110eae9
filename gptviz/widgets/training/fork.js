// @ts-check
/** The form that forks a run, and the buttons of all runs. */
import { button, element, form, setText, textField } from "../shared/dom.js";
import { grouped } from "../shared/numbers.js";

/** @typedef {import("./words.js").Words} Words */
/** @typedef {import("./scale.js").RunData} RunData */
/** What was typed. @typedef {{steps: string, learning_rate: string, seed: string}} Typed */

const FIELDS = /** @type {const} */ (["steps", "learning_rate", "seed"]);

export class ForkForm {
  /** @param {Words} words @param {(typed: Typed) => Promise<void>} onFork rejected with an Error that says why not */
  constructor(words, onFork) {
    this.words = words;
    this.fields = FIELDS.map((name) => textField({ name, inputmode: "decimal", size: 9 }));
    const labels = FIELDS.map((name, i) => element("label", {}, `${words.settings[name]} `, this.fields[i]));
    this.note = element("p", { class: "problem", role: "alert", hidden: "" });
    this.form = form(
      { class: "settings" },
      async () => {
        const [steps, learning_rate, seed] = this.fields.map(({ value }) => value);
        try {
          this.showProblem("");
          await onFork({ steps, learning_rate, seed });
        } catch (error) {
          this.showProblem(/** @type {Error} */ (error).message);
        }
      },
      ...labels,
      element("button", { type: "submit" }, words.startFork),
    );
    this.summary = element("summary", {});
    this.why = element("p", { class: "muted" });
    this.root = element("details", { class: "fork" }, this.summary, this.why, this.form, this.note);
  }

  /** @param {string} text */
  showProblem(text) {
    setText(this.note, text);
    this.note.hidden = text === "";
  }

  /** @param {import("./scale.js").RunNews} news @param {number} step */
  show({ can_fork: canFork, steps, settings }, step) {
    setText(this.summary, this.words.fork(grouped(step)));
    setText(this.why, canFork ? this.words.forkHint : this.words.noData);
    this.form.hidden = !canFork;
    const values = [steps, settings.learning_rate, settings.seed];
    for (const [i, field] of this.fields.entries()) field.placeholder = String(values[i]);
  }
}

/** The runs of the view; there is nothing to choose while there is only one. */
export class RunList {
  /** @param {Words} words @param {(index: number) => void} onChoose */
  constructor(words, onChoose) {
    this.words = words;
    this.onChoose = onChoose;
    /** @type {HTMLButtonElement[]} */
    this.buttons = [];
    this.choices = element("div", { class: "runs", role: "group", "aria-label": words.runs });
    this.note = element("p", { class: "muted", hidden: "" });
    this.root = element("div", { hidden: "" }, this.choices, this.note);
  }

  /**
   * @param {RunData[]} runs @param {number} shown
   * @param {number[]} leftOut the indices of runs whose steps are not in this page
   */
  show(runs, shown, leftOut) {
    for (let i = this.buttons.length; i < runs.length; i++) {
      const choose = button("", () => this.onChoose(i));
      this.buttons.push(choose);
      this.choices.append(choose);
    }
    for (const [i, choose] of this.buttons.entries()) {
      const news = runs[i]?.news;
      if (news) setText(choose, this.name(news, i));
      choose.setAttribute("aria-pressed", String(i === shown));
    }
    const names = leftOut.map((i) => this.buttons[i].textContent ?? "");
    setText(this.note, names.length ? this.words.otherRuns(names) : "");
    this.note.hidden = names.length === 0;
    this.root.hidden = runs.length < 2;
  }

  /** @param {import("./scale.js").RunNews} news @param {number} index */
  name({ parent, offset, settings }, index) {
    const { words } = this;
    const name = parent !== null ? words.forkName(grouped(offset)) : index ? words.otherRun(index) : words.firstRun;
    return `${name}: ${words.ofRun(settings.learning_rate, settings.seed)}`;
  }
}
