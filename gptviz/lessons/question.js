// @ts-check
/**
 * A question to predict, then reveal: the field for its kind of answer, the reaction, and hands raised in class.
 *
 * The truth comes with the answer to a guess, or with the reveal: before that this page has not got it.
 */
import { chip } from "../widgets/shared/chips.js";
import { element, setText } from "../widgets/shared/dom.js";
import { frame, notices, whenFilled } from "../widgets/shared/frame.js";
import { ask } from "../widgets/shared/kernel.js";
import { significant } from "../widgets/shared/numbers.js";
import { wordsOf } from "../widgets/shared/words.js";
import { catalogue } from "./question_words.js";

/** @typedef {{text?: string, token?: import("../widgets/shared/chips.js").PageToken}} ShownChoice */
/** @typedef {{text: string, kind: "choice"|"number"|"ranking"|"head", unit: string, choices: ShownChoice[], tally: boolean, instead: string|null,
 *   covers: string[], key: string}} QuestionAbout */
/** @typedef {{phase: "open"|"wrong"|"revealed"|"close"|"failed", given: any, right?: boolean, truth?: any, hint: string, explain?: string,
 *   problem: string}} QuestionState */

/** A choice as it is shown. @param {ShownChoice} choice */
function choiceNode(choice) {
  return choice.token ? chip(choice.token) : element("span", {}, choice.text ?? "");
}

/** @param {string} word @param {() => void} pressed @param {Record<string, unknown>} [attributes] */
function questionButton(word, pressed, attributes = {}) {
  const button = element("button", { type: "button", ...attributes }, word);
  button.addEventListener("click", pressed);
  return button;
}

class Asked {
  /** @param {any} model @param {any} selection @param {any} host @param {HTMLElement} el */
  constructor(model, selection, host, el) {
    this.model = model;
    this.selection = selection;
    this.host = host;
    this.words = wordsOf(model, catalogue);
    this.notices = notices(model);
    this.asked = element("h3", {});
    this.fields = element("div", { class: "fields" });
    this.reaction = element("div", { class: "reaction", role: "status" });
    this.tally = element("div", { class: "tally" });
    this.root = element(
      "section",
      { class: "gptviz gptviz-question", "aria-label": model.get("_title") },
      element("p", { class: "kicker small" }, model.get("_title")),
      this.asked,
      this.notices.problem,
      this.fields,
      this.reaction,
      this.tally,
    );
    this.stopFrame = frame(model, this.root);
    /** @type {string[]} */
    this.tried = [];
    /** @type {number[]} */
    this.order = [];
    el.append(this.root);
    this.start();
  }

  /** @returns {QuestionAbout} */
  get about() {
    return this.model.get("_about");
  }

  /** A new question, or a new prompt for it. */
  start() {
    const { text, choices } = this.about;
    this.root.dataset.scale = this.model.get("scale");
    setText(this.asked, text);
    this.order = choices.map((_, i) => i);
    this.tried = [];
    this.drawFields();
    this.drawTally();
    this.show(this.model.get("_state"));
  }

  drawFields() {
    const { kind } = this.about;
    const { words } = this;
    const reveal = questionButton(words.reveal, () => this.request("reveal", {}), { class: "reveal" });
    const field = {
      choice: () => this.choiceField(),
      number: () => this.numberField(),
      ranking: () => this.rankingField(),
      head: () => this.headField(),
    }[kind]();
    this.fields.replaceChildren(field, reveal, this.notices.computing);
  }

  /** One button a choice: a click is a guess. */
  choiceField() {
    const list = element("ul", { class: "choices", "aria-label": this.words.answer });
    for (const [i, choice] of this.about.choices.entries()) {
      const button = questionButton("", () => this.request("guess", { value: i }), { "aria-pressed": "false" });
      button.append(choiceNode(choice));
      list.append(element("li", {}, button));
    }
    return list;
  }

  numberField() {
    const { words } = this;
    const field = element("input", {
      type: "text",
      inputmode: "decimal",
      autocomplete: "off",
      size: "8",
      "aria-label": words.answer,
    });
    field.addEventListener("keydown", (event) => event.stopPropagation());
    const button = element("button", { type: "submit" }, words.guess);
    const form = element(
      "form",
      { class: "number-form" },
      field,
      element("span", { class: "muted" }, this.about.unit),
      button,
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (field.value.trim() === "") this.notices.say(words.empty);
      else this.request("guess", { value: field.value });
    });
    return form;
  }

  rankingField() {
    const { words } = this;
    const list = element("ol", { class: "ranking", "aria-label": words.answer });
    const draw = () =>
      list.replaceChildren(
        ...this.order.map((place, i) => {
          const move = (/** @type {number} */ by, /** @type {string} */ word, /** @type {string} */ sign) => {
            const button = questionButton(
              sign,
              () => {
                [this.order[i], this.order[i + by]] = [this.order[i + by], this.order[i]];
                draw();
                /** @type {HTMLElement|null} */ (
                  list.children[i + by].querySelector(by < 0 ? "button" : "button:last-of-type")
                )?.focus();
              },
              { class: "move", "aria-label": word },
            );
            button.disabled = !(i + by in this.order);
            return button;
          };
          return element(
            "li",
            { "data-place": place },
            move(-1, words.earlier, "↑"),
            move(1, words.later, "↓"),
            choiceNode(this.about.choices[place]),
          );
        }),
      );
    draw();
    return element(
      "div",
      { class: "rows" },
      list,
      questionButton(words.thatOrder, () => this.request("guess", { value: [...this.order] })),
    );
  }

  headField() {
    const { words } = this;
    this.picked = element("strong", { class: "number" });
    this.showPicked();
    return element(
      "div",
      { class: "head-form" },
      element("span", { class: "muted" }, words.opened),
      this.picked,
      questionButton(words.thatHead, () =>
        this.request("guess", { value: [this.selection.get("layer"), this.selection.get("head")] }),
      ),
    );
  }

  showPicked() {
    if (this.picked) setText(this.picked, this.words.head(this.selection.get("layer"), this.selection.get("head")));
  }

  /** @param {"guess"|"reveal"|"instead"} name @param {Record<string, unknown>} args */
  async request(name, args) {
    this.notices.say("");
    this.notices.wait(this.root, true);
    try {
      const state = await ask(this.model, name, args);
      if (name !== "instead") this.show(state);
    } catch (error) {
      const { message, absent } = /** @type {Error & {absent: boolean}} */ (error);
      if (absent && name === "guess") await this.revealInPage(args.value);
      else this.notices.say(message);
    }
    this.notices.wait(this.root, false);
  }

  /** An exported page cannot judge every guess: it shows the truth beside it. @param {any} given */
  async revealInPage(given) {
    try {
      this.show({ ...(await ask(this.model, "reveal", {})), given });
      this.reaction.prepend(element("p", { class: "muted small" }, this.words.notHere));
    } catch (error) {
      this.notices.say(/** @type {Error} */ (error).message);
    }
  }

  /** @param {QuestionState} state */
  show(state) {
    const { phase, given } = state;
    const done = phase === "revealed" || phase === "close";
    if (phase === "wrong" && given !== null) this.tried.push(JSON.stringify(given));
    this.root.dataset.phase = phase;
    for (const button of this.fields.querySelectorAll("button")) {
      if (!button.classList.contains("move") || done) button.disabled = done;
    }
    this.notices.say(phase === "failed" ? `${this.words.failed} ${state.problem}` : "");
    this.markChoices(state);
    this.reaction.replaceChildren(...this.reactionTo(state));
    this.showTally(phase === "revealed" ? state.truth : null);
    if (phase === "revealed") this.uncover();
  }

  /** Wrong guesses are struck, the truth is marked. @param {QuestionState} state */
  markChoices({ phase, truth }) {
    if (this.about.kind !== "choice") return;
    [...this.fields.querySelectorAll(".choices button")].forEach((button, i) => {
      const wrong = this.tried.includes(JSON.stringify(i));
      button.toggleAttribute("data-wrong", wrong);
      button.setAttribute("aria-pressed", String(wrong));
      button.toggleAttribute("data-right", phase === "revealed" && truth === i);
    });
  }

  /** @param {QuestionState} state @returns {Node[]} */
  reactionTo({ phase, given, right, truth, hint, explain }) {
    const { words } = this;
    if (phase === "close") {
      const { instead } = this.about;
      return [
        element("p", {}, words.close),
        ...(instead === null ? [] : [questionButton(words.other(instead), () => this.request("instead", {}))]),
      ];
    }
    if (phase === "wrong") {
      return [
        element(
          "p",
          {},
          element("strong", { class: "verdict wrong" }, words.wrong),
          ` ${words.said} `,
          this.shown(given, true),
          ". ",
          words.again,
        ),
        ...(hint ? [element("p", { class: "hint" }, hint)] : []),
      ];
    }
    if (phase !== "revealed") return [];
    const verdict = right ? [element("strong", { class: "verdict right" }, words.right), " "] : [];
    const yours =
      given === null || (right && this.about.kind !== "number")
        ? []
        : [`${words.said} `, this.shown(given, true), ". "];
    return [
      element("p", {}, ...verdict, ...yours, `${words.revealed} `, this.shown(truth), "."),
      ...(explain ? [element("p", { class: "explain" }, explain)] : []),
    ];
  }

  /** A guess, with the digits that were typed, or the truth. @param {any} value @param {boolean} [guessed] @returns {Node} */
  shown(value, guessed = false) {
    const { kind, choices, unit } = this.about;
    const { words } = this;
    if (kind === "choice") return choiceNode(choices[value]);
    if (kind === "number") {
      const said = guessed || Number.isInteger(value) ? String(value).replace("-", "−") : significant(value);
      return element("strong", { class: "number", title: String(value) }, `${said}${unit ? ` ${unit}` : ""}`);
    }
    if (kind === "ranking") {
      const items = /** @type {number[]} */ (value).flatMap((place, i) => [
        ...(i ? [" › "] : []),
        choiceNode(choices[place]),
      ]);
      return element("span", {}, ...items);
    }
    /** @type {number[][]} */
    const heads = Array.isArray(value[0]) ? value : [value];
    return element(
      "strong",
      { class: "number" },
      heads.map(([layer, head]) => words.head(layer, head)).join(` ${words.or} `),
    );
  }

  /** In a page without a kernel nobody else lifts the covers. */
  async uncover() {
    const { covers, key } = this.about;
    for (const reference of covers) {
      const view = await this.host.getModel(reference);
      view?.set(
        "_covered_by",
        view.get("_covered_by").filter((/** @type {string} */ one) => one !== key),
      );
    }
  }

  drawTally() {
    const { tally, choices } = this.about;
    const { words } = this;
    this.tally.hidden = !tally;
    if (!tally) return;
    this.tally.replaceChildren(
      element("p", { class: "muted small" }, words.tally),
      element(
        "ul",
        {},
        ...choices.map((choice, i) => {
          const name = choice.text ?? choice.token?.text ?? "";
          const field = element("input", { type: "number", min: "0", step: "1", "aria-label": words.hands(name) });
          const hands = this.model.get("tally")[i];
          if (hands !== null && hands !== undefined) field.value = String(hands);
          field.addEventListener("keydown", (event) => event.stopPropagation());
          field.addEventListener("input", () => {
            const all = [...this.model.get("tally")];
            all[i] = field.value === "" ? null : Math.max(0, Math.trunc(field.valueAsNumber) || 0);
            this.model.set("tally", all);
            this.model.save_changes();
            this.showShares();
          });
          return element(
            "li",
            {},
            element("label", {}, choiceNode(choice), " ", field),
            element("span", { class: "track", "aria-hidden": "true" }, element("span", { class: "fill" })),
            element("span", { class: "share number" }),
          );
        }),
      ),
    );
    this.showShares();
  }

  showShares() {
    const hands = this.model.get("tally").map((/** @type {number|null} */ one) => one ?? 0);
    const all = hands.reduce((/** @type {number} */ sum, /** @type {number} */ one) => sum + one, 0);
    [...this.tally.querySelectorAll("li")].forEach((item, i) => {
      /** @type {HTMLElement} */ (item.querySelector(".fill")).style.width = `${all ? (100 * hands[i]) / all : 0}%`;
      setText(/** @type {HTMLElement} */ (item.querySelector(".share")), all ? this.words.ofClass(hands[i], all) : "");
    });
  }

  /** The truth beside the hands; of a ranking its first. @param {any} truth */
  showTally(truth) {
    const first = Array.isArray(truth) ? truth[0] : truth;
    [...this.tally.querySelectorAll("li")].forEach((item, i) =>
      item.toggleAttribute("data-right", truth !== null && i === first),
    );
  }

  remove() {
    this.stopFrame();
    this.root.remove();
  }
}

/** @param {{model: any, el: HTMLElement, host: any}} context */
async function render({ model, el, host }) {
  const selection = await host.getModel(model.get("_selection"));
  const asked = new Asked(model, selection, host, el);
  const start = () => asked.start();
  const show = () => asked.show(model.get("_state"));
  const picked = () => asked.showPicked();
  model.on("change:_source change:scale", start);
  model.on("change:_state", show);
  selection.on("change:layer change:head", picked);
  return () => {
    model.off("change:_source change:scale", start);
    model.off("change:_state", show);
    selection.off("change:layer change:head", picked);
    asked.remove();
  };
}

export default { render: whenFilled(render) };
