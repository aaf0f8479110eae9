// @ts-check
/** Shows how a learner's numbers compare with the model's, with a hint and a folded solution. */
import { element } from "../widgets/shared/dom.js";
import { mount, whenFilled } from "../widgets/shared/frame.js";
import { significant } from "../widgets/shared/numbers.js";
import { wordsOf } from "../widgets/shared/words.js";
import { catalogue } from "./check_words.js";

/**
 * The outcome of a comparison, as `Check` in Python sends it. `mine`: the learner's shape or number, of a right answer
 * only a single number; `index`: the indices of the first number that differs; `count` of `size` numbers differ;
 * `largest`: the largest difference; `of_model`: whether the right value is the model's own.
 * @typedef {{name: string, hint: string, solution: string, result: "nothing"|"unread"|"shape"|"value"|"right", type?:
 *   string, mine?: any, wanted?: number[], index?: number[], count?: number, size?: number, largest?: number,
 *   tolerance?: number, of_model?: boolean}} CheckAbout
 */
/** @typedef {import("./check_words.js").Words} Words */

/**
 * Returns the texts of an outcome, the verdict first.
 * @param {CheckAbout} outcome
 * @param {Words} words
 * @returns {string[]}
 */
export function checkLines(outcome, words) {
  const { name, result, of_model: ofModel = true } = outcome;
  switch (result) {
    case "nothing":
      return [words.nothing(name)];
    case "unread":
      return [words.unread(name, outcome.type ?? "")];
    case "shape":
      return [words.shape(name, shapeText(outcome.mine, words), shapeText(outcome.wanted, words))];
    case "right": {
      const { mine: single, largest = 0, tolerance = 0 } = outcome;
      const limit = String(tolerance).replace("-", "−");
      const difference = largest === 0 ? words.exact : words.largest(significant(largest), limit);
      const verdict = ofModel ? words.right(name) : words.rightAlone(name);
      return [verdict, ...(single === undefined ? [] : [words.first("", numberText(single))]), difference];
    }
  }
  const { mine, index = [], count = 0, size = 0 } = outcome;
  const verdict = ofModel ? words.value(name, count, size) : words.valueAlone(name, count, size);
  return [verdict, words.first(index.length ? `[${index.join(", ")}]` : "", numberText(mine))];
}

/** Writes a learner's number; what is no number is a text already. @param {number|string} value */
function numberText(value) {
  return typeof value === "number" ? significant(value) : String(value);
}

/** Writes a shape as Python does. @param {number[]|undefined} shape @param {Words} words */
function shapeText(shape, words) {
  if (!shape?.length) return words.scalar;
  return `(${shape.join(", ")}${shape.length === 1 ? "," : ""})`;
}

/** @param {import("../widgets/shared/kernel.js").RenderProps} context */
function render({ model, el }) {
  const words = wordsOf(model, catalogue);
  const content = element("div", { role: "status" });
  const root = element("section", { class: "gptviz gptviz-check", "aria-label": model.get("_title") }, content);
  const show = () => {
    /** @type {CheckAbout} */
    const outcome = model.get("_about");
    const { result, hint, solution } = outcome;
    const [verdict, ...rest] = checkLines(outcome, words);
    root.dataset.result = result;
    content.replaceChildren(element("p", { class: "verdict" }, verdict), ...rest.map((line) => element("p", {}, line)));
    const isWrong = result !== "right" && result !== "nothing";
    if (isWrong && hint) content.append(element("p", { class: "hint" }, hint));
    if (!solution) return;
    const attributes = model.get("unfolded") ? { open: "" } : {};
    const summary = element("summary", {}, words.solution);
    content.append(element("details", attributes, summary, element("pre", {}, solution)));
  };
  return mount({ model, el }, root, show, "change:_about change:unfolded");
}

export default { render: whenFilled(render) };
