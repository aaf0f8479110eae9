// @ts-check
/** What a comparison of a learner's numbers with the model's found, in words, with a hint and a folded solution. */
import { element } from "../widgets/shared/dom.js";
import { mount, whenFilled } from "../widgets/shared/frame.js";
import { significant } from "../widgets/shared/numbers.js";
import { wordsOf } from "../widgets/shared/words.js";
import { catalogue } from "./check_words.js";

/** @typedef {{name: string, hint: string, solution: string, result: "nothing"|"unread"|"shape"|"value"|"right", type?: string,
 *   mine?: any, wanted?: number[], place?: number[], count?: number, size?: number, largest?: number, tolerance?: number}} CheckAbout */

/** @param {CheckAbout} found @param {import("./check_words.js").Words} words @returns {string[]} what is said, the verdict first */
export function checkLines(found, words) {
  const { name, result } = found;
  const shape = (/** @type {number[]|undefined} */ sides) =>
    sides?.length ? `(${sides.join(", ")}${sides.length === 1 ? "," : ""})` : words.scalar;
  if (result === "nothing") return [words.nothing(name)];
  if (result === "unread") return [words.unread(name, found.type ?? "")];
  if (result === "shape") return [words.shape(name, shape(found.mine), shape(found.wanted))];
  if (result === "right") {
    const { largest = 0, tolerance = 0 } = found;
    return [
      words.right(name),
      largest === 0 ? words.exact : words.largest(significant(largest), String(tolerance).replace("-", "−")),
    ];
  }
  const mine = typeof found.mine === "number" ? significant(found.mine) : String(found.mine);
  const place = found.place?.length ? `[${found.place.join(", ")}]` : "";
  return [words.value(name, found.count ?? 0, found.size ?? 0), words.first(place, mine)];
}

/** @param {{model: any, el: HTMLElement}} context */
function render({ model, el }) {
  const words = wordsOf(model, catalogue);
  const said = element("div", { role: "status" });
  const root = element("section", { class: "gptviz gptviz-check", "aria-label": model.get("_title") }, said);
  const show = () => {
    /** @type {CheckAbout} */
    const found = model.get("_about");
    const [verdict, ...rest] = checkLines(found, words);
    root.dataset.result = found.result;
    const wrong = found.result !== "right" && found.result !== "nothing";
    said.replaceChildren(
      element("p", { class: "verdict" }, verdict),
      ...rest.map((line) => element("p", {}, line)),
      ...(wrong && found.hint ? [element("p", { class: "hint" }, found.hint)] : []),
      ...(found.solution
        ? [
            element(
              "details",
              { ...(model.get("unfolded") ? { open: "" } : {}) },
              element("summary", {}, words.solution),
              element("pre", {}, found.solution),
            ),
          ]
        : []),
    );
  };
  return mount({ model, el }, root, show, "change:_about change:unfolded");
}

export default { render: whenFilled(render) };
