// @ts-check
/**
 * Three questions to answer before the views show what happens. Each covers the views that would tell its answer, until it
 * is answered or the reader wants to see everything. With a new text they can be answered again.
 */

import { chip } from "../../widgets/shared/chips.js";
import { button, element, form, setText, textField } from "../../widgets/shared/dom.js";
import { ask } from "../../widgets/shared/kernel.js";
import { percent } from "../../widgets/shared/numbers.js";
import { followTheme } from "../../widgets/shared/theme.js";
import { wordsOf } from "../../widgets/shared/words.js";
import { catalogue } from "./predict_words.js";

/** @typedef {import("../../widgets/shared/kernel.js").Model} Model */
/** @typedef {"count"|"next"|"off"} Name */

/** The views that each question covers. @type {Record<Name, string[]>} */
export const COVERED = {
  count: ["tokens"],
  next: ["sampling", "flow", "timeline"],
  off: ["intervention"],
};

export class Predict {
  /**
   * @param {Model} model of the judge
   * @param {HTMLElement} el
   * @param {(name: Name) => void} uncover shows the views of a question
   */
  constructor(model, el, uncover) {
    this.model = model;
    this.words = wordsOf(model, catalogue);
    this.uncover = uncover;
    const { words } = this;
    this.reactions = { count: reaction(), next: reaction(), off: reaction() };
    this.count = textField({ inputmode: "numeric", "aria-label": words.count });
    this.next = textField({ "aria-label": words.next });
    this.offText = element("p", {});
    const choices = /** @type {const} */ (["rises", "falls", "stays"]).map((guess) =>
      button(words.choices[guess], () => this.judge("off", { guess })),
    );
    const all = button(words.showAll, () => this.showAll());
    this.root = element(
      "section",
      { class: "gptviz gptviz-predict", "aria-label": words.title },
      element("header", {}, element("h3", {}, words.title), " ", all),
      element(
        "ol",
        {},
        element(
          "li",
          {},
          element("p", {}, words.count),
          form({}, () => this.judgeCount(), this.count, " ", element("button", {}, words.answer)),
          this.reactions.count,
        ),
        element(
          "li",
          {},
          element("p", {}, words.next),
          form(
            {},
            () => this.judge("next", { guess: this.next.value }),
            this.next,
            " ",
            element("button", {}, words.answer),
          ),
          this.reactions.next,
        ),
        element(
          "li",
          {},
          this.offText,
          element("p", {}, ...choices.flatMap((choice) => [choice, " "])),
          this.reactions.off,
        ),
      ),
    );
    el.append(this.root);
    this.stopTheme = followTheme(this.root);
    this.renew();
  }

  /** Shows the questions for another text. */
  renew() {
    for (const part of Object.values(this.reactions)) part.replaceChildren();
    this.count.value = this.next.value = "";
    const head = this.model.get("_head");
    setText(this.offText, this.words.off(head ? `L${head.layer} · H${head.head}` : "…"));
  }

  judgeCount() {
    const guess = Number(this.count.value.trim() || "x");
    if (Number.isInteger(guess)) this.judge("count", { guess });
    else setText(this.reactions.count, this.words.wholeNumber);
  }

  /** Asks the judge, and shows what it says. @param {Name} name @param {Record<string, unknown>} args */
  async judge(name, args) {
    const { words } = this;
    const part = this.reactions[name];
    setText(part, words.judging);
    try {
      const verdict = await ask(this.model, name, args);
      part.replaceChildren(
        element("strong", {}, verdict.right ? words.right : words.wrong),
        " ",
        ...this.explanation(name, verdict),
      );
      this.uncover(name);
    } catch (error) {
      setText(part, /** @type {Error} */ (error).message);
    }
  }

  /** Returns what a verdict says beside right or wrong. @param {Name} name @param {any} verdict @returns {(Node|string)[]} */
  explanation(name, verdict) {
    const { words } = this;
    if (name === "count") return [words.counted(verdict.count)];
    if (name === "off") {
      const [before, after] = [percent(verdict.before), percent(verdict.after)];
      return [words.it, chip(verdict.token), ` ${words.turned[/** @type {"stays"} */ (verdict.truth)](before, after)}`];
    }
    const { guessed, leader, rank } = verdict;
    const own = [chip(guessed.token), ` ${words.ranked(rank, percent(guessed.probability))}`];
    if (verdict.right) return own;
    return [...own, ` ${words.leads} `, chip(leader.token), ` (${percent(leader.probability)}).`];
  }

  showAll() {
    for (const name of /** @type {Name[]} */ (Object.keys(COVERED))) this.uncover(name);
  }

  remove() {
    this.stopTheme();
    this.root.remove();
  }
}

function reaction() {
  return element("p", { role: "status", class: "reaction numbers" });
}
