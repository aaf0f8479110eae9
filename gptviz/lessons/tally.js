// @ts-check
/** Counts the hands that a class raises for each choice. */
import { element, setText } from "../widgets/shared/dom.js";
import { choiceNode } from "./fields.js";

export class Tally {
  /** @param {import("../widgets/shared/kernel.js").Model} model @param {import("./question_words.js").Words} words */
  constructor(model, words) {
    this.model = model;
    this.words = words;
    this.root = element("div", { class: "tally" });
  }

  /** The hands for each choice; null if none were counted. @returns {(number|null)[]} */
  get hands() {
    return this.model.get("tally");
  }

  /**
   * Builds the fields of a question; null if hands are not counted.
   * @param {import("./fields.js").Choice[]|null} choices
   */
  build(choices) {
    this.root.hidden = choices === null;
    if (choices === null) return;
    const items = choices.map((choice, i) => this.item(choice, i));
    const title = element("p", { class: "muted small" }, this.words.tally);
    this.root.replaceChildren(title, element("ul", {}, ...items));
    this.showShares();
  }

  /** @param {import("./fields.js").Choice} choice @param {number} index */
  item(choice, index) {
    const name = choice.text ?? choice.token?.text ?? "";
    const attributes = { type: "number", min: "0", step: "1", "aria-label": this.words.hands(name) };
    const field = element("input", attributes);
    field.value = String(this.hands[index] ?? "");
    field.addEventListener("keydown", (event) => event.stopPropagation());
    field.addEventListener("input", () => this.count(index, field));
    return element(
      "li",
      {},
      element("label", {}, choiceNode(choice), " ", field),
      element("span", { class: "track", "aria-hidden": "true" }, element("span", { class: "fill" })),
      element("span", { class: "share number" }),
    );
  }

  /** @param {number} index @param {HTMLInputElement} field */
  count(index, field) {
    const hands = [...this.hands];
    hands[index] = field.value === "" ? null : Math.max(0, Math.trunc(field.valueAsNumber) || 0);
    this.model.set("tally", hands);
    this.model.save_changes();
    this.showShares();
  }

  showShares() {
    const hands = this.hands.map((count) => count ?? 0);
    const all = hands.reduce((sum, count) => sum + count, 0);
    this.items().forEach((item, i) => {
      const fill = /** @type {HTMLElement} */ (item.querySelector(".fill"));
      fill.style.width = `${all ? (100 * hands[i]) / all : 0}%`;
      const share = /** @type {HTMLElement} */ (item.querySelector(".share"));
      setText(share, all ? this.words.ofClass(hands[i], all) : "");
    });
  }

  /** Marks the right choice; of a ranking, its first. @param {any} truth null while it is not revealed */
  markTruth(truth) {
    const first = Array.isArray(truth) ? truth[0] : truth;
    this.items().forEach((item, i) => item.toggleAttribute("data-right", truth !== null && i === first));
  }

  items() {
    return [...this.root.querySelectorAll("li")];
  }
}
