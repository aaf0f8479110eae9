// @ts-check
/**
 * Three questions to answer before the views show what happens. Each covers the views that would tell its answer, until
 * it is answered or the reader wants to see everything. With a new text they can be answered again.
 */

import { chip, chipText } from "../../widgets/shared/chips.js";
import { button, element, form, setText, textField } from "../../widgets/shared/dom.js";
import { ask } from "../../widgets/shared/kernel.js";
import { percent, weight } from "../../widgets/shared/numbers.js";
import { followTheme } from "../../widgets/shared/theme.js";
import { wordsOf } from "../../widgets/shared/words.js";
import { catalogue } from "./predict_words.js";

/** @typedef {import("../../widgets/shared/kernel.js").Model} Model */
/** @typedef {"looks"|"next"|"off"} Name */

/** The views that each question covers. @type {Record<Name, string[]>} */
export const COVERED = {
  looks: ["attention"],
  next: ["sampling", "flow", "block", "timeline", "intervention"],
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
    this.reactions = { looks: reaction(), next: reaction(), off: reaction() };
    this.looksText = element("p", {});
    this.tokens = element("p", { class: "choices" });
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
        element("li", {}, this.looksText, this.tokens, this.reactions.looks),
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
    this.next.value = "";
    const head = this.model.get("_head");
    const name = head ? `L${head.layer} · H${head.head}` : "…"; // the model may not have started yet
    setText(this.looksText, this.words.looks(name));
    setText(this.offText, this.words.off(name));
    /** @type {import("../../widgets/shared/chips.js").PageToken[]} */
    const choices = this.model.get("_choices") ?? [];
    const buttons = choices.map((token) => {
      const choice = button("", () => this.judge("looks", { guess: token.position }), {
        "aria-label": chipText(token),
      });
      choice.append(chip(token));
      return choice;
    });
    this.tokens.replaceChildren(...buttons.flatMap((choice) => [choice, " "]));
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

  /**
   * Returns what a verdict says beside right or wrong.
   * @param {Name} name
   * @param {any} verdict
   * @returns {(Node|string)[]}
   */
  explanation(name, verdict) {
    const { words } = this;
    if (name === "looks") return [words.looksAt, " ", chip(verdict.token), ` (${weight(verdict.weight)}).`];
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
