// @ts-check
/** The fields in which an answer is given, one for each kind of question. */
import { chip } from "../widgets/shared/chips.js";
import { button, element, form, setText, textField } from "../widgets/shared/dom.js";

/** @typedef {import("./question_words.js").Words} Words */
/** @typedef {{text?: string, token?: import("../widgets/shared/chips.js").PageToken}} Choice */

/** Creates a choice as it is shown. @param {Choice} choice */
export function choiceNode(choice) {
  return choice.token ? chip(choice.token) : element("span", {}, choice.text ?? "");
}

/**
 * Creates a button for each choice; a click is a guess.
 * @param {Words} words
 * @param {Choice[]} choices
 * @param {(index: number) => void} onGuess
 */
export function choiceField(words, choices, onGuess) {
  const items = choices.map((choice, i) => {
    const node = button("", () => onGuess(i), { "aria-pressed": "false" });
    node.append(choiceNode(choice));
    return element("li", {}, node);
  });
  return element("ul", { class: "choices", "aria-label": words.answer }, ...items);
}

/**
 * Creates a field for a number, which is sent as it was typed.
 * @param {Words} words
 * @param {string} unit
 * @param {(text: string) => void} onGuess
 */
export function numberField(words, unit, onGuess) {
  const field = textField({ inputmode: "decimal", size: "8", "aria-label": words.answer });
  return form(
    { class: "number-form" },
    () => onGuess(field.value),
    field,
    element("span", { class: "muted" }, unit),
    element("button", { type: "submit" }, words.guess),
  );
}

/**
 * Creates a list that can be put in order.
 * @param {Words} words
 * @param {Choice[]} choices
 * @param {(order: number[]) => void} onGuess
 */
export function rankingField(words, choices, onGuess) {
  const order = choices.map((_, i) => i);
  const list = element("ol", { class: "ranking", "aria-label": words.answer });
  const move = (/** @type {number} */ index, /** @type {number} */ by) => {
    [order[index], order[index + by]] = [order[index + by], order[index]];
    draw();
    const moved = list.children[index + by];
    /** @type {HTMLElement|null} */ (moved.querySelector(by < 0 ? "button" : "button:last-of-type"))?.focus();
  };
  const moveButton = (/** @type {string} */ sign, /** @type {string} */ name, /** @type {number} */ index) => {
    const by = sign === "↑" ? -1 : 1;
    const node = button(sign, () => move(index, by), { class: "move", "aria-label": name });
    node.disabled = !(index + by in order);
    return node;
  };
  const draw = () => {
    const items = order.map((choice, index) => {
      const up = moveButton("↑", words.earlier, index);
      const down = moveButton("↓", words.later, index);
      return element("li", { "data-choice": choice }, up, down, choiceNode(choices[choice]));
    });
    list.replaceChildren(...items);
  };
  draw();
  return element(
    "div",
    { class: "rows" },
    list,
    button(words.thatOrder, () => onGuess([...order])),
  );
}

/** Shows the selected head; a click on the button is a guess. */
export class HeadField {
  /**
   * @param {Words} words
   * @param {import("../widgets/shared/kernel.js").Model} selection
   * @param {(head: number[]) => void} onGuess
   */
  constructor(words, selection, onGuess) {
    this.words = words;
    this.selection = selection;
    this.name = element("strong", { class: "number" });
    const guess = button(words.thatHead, () => onGuess(this.selected()));
    const hint = element("span", { class: "muted" }, words.opened);
    this.root = element("div", { class: "head-form" }, hint, this.name, guess);
    this.show();
  }

  /** Returns the layer and the head. */
  selected() {
    return [this.selection.get("layer"), this.selection.get("head")];
  }

  show() {
    const [layer, head] = this.selected();
    setText(this.name, this.words.head(layer, head));
  }
}
