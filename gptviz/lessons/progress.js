// @ts-check
/** A thin bar: how many of the lesson's questions are answered. */
import { element } from "../widgets/shared/dom.js";

/** @typedef {import("../widgets/shared/kernel.js").Model} Model */

export class ProgressBar {
  /** @param {Model} progress the model that all questions share @param {import("./question_words.js").Words} words */
  constructor(progress, words) {
    this.progress = progress;
    this.words = words;
    this.fill = element("span", {});
    this.root = element("div", { class: "progress", role: "progressbar", "aria-valuemin": 0 }, this.fill);
    this.show();
  }

  /** Marks a question as answered: the kernel does the same, and an exported page has none. @param {string} key */
  note(key) {
    this.progress.set("_answered", { ...this.progress.get("_answered"), [key]: true });
  }

  show() {
    /** @type {boolean[]} */
    const questions = Object.values(this.progress.get("_answered"));
    const answered = questions.filter(Boolean).length;
    const text = this.words.progress(answered, questions.length);
    this.root.hidden = questions.length < 2;
    this.root.title = text;
    this.root.setAttribute("aria-label", text);
    this.root.setAttribute("aria-valuemax", String(questions.length));
    this.root.setAttribute("aria-valuenow", String(answered));
    this.fill.style.width = `${(100 * answered) / Math.max(1, questions.length)}%`;
  }
}
