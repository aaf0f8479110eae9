// @ts-check
/**
 * Shows a drawing that Python has laid out: its marks as SVG in the colours of the theme, and its numbers as a table.
 */
import { chip } from "../widgets/shared/chips.js";
import { element } from "../widgets/shared/dom.js";
import { makeNotices, mount, whenFilled } from "../widgets/shared/frame.js";
import { svgElement } from "../widgets/shared/svg.js";
import { wordsOf } from "../widgets/shared/words.js";
import { catalogue } from "./drawing_words.js";

/**
 * One SVG element: its tag, the names of its colours ("" for none), its text and whether that is in the code font; all
 * else are attributes.
 * @typedef {{tag: string, fill: string, stroke: string, text?: string, code?: boolean} & Record<string, any>} Mark
 */

/** @param {Mark} mark */
function markNode({ tag, fill, stroke, text, code, ...attributes }) {
  const className = `fill-${fill || "none"} stroke-${stroke || "none"}${code ? " code" : ""}`;
  return svgElement(tag, { ...attributes, class: className }, ...(text === undefined ? [] : [text]));
}

/**
 * A value of the table: a text, and for a number a title with all its digits.
 * @typedef {{text: string, title?: string}} Cell
 */

/** @param {Cell} cell @param {boolean} isToken */
function cellNode({ text, title }, isToken) {
  if (title !== undefined) return element("td", { class: "number", title }, text);
  return element("td", {}, isToken ? chip({ id: -1, text }) : text);
}

/** @param {import("../widgets/shared/kernel.js").RenderProps} context */
function render({ model, el }) {
  const words = wordsOf(model, catalogue);
  const heading = element("h3", {});
  const { problem, setProblem } = makeNotices(model);
  const stage = element("div", { class: "stage" });
  const table = element("table", {});
  const details = element("details", {}, element("summary", {}, words.table), table);
  const root = element("section", { class: "gptviz gptviz-drawing" }, heading, problem, stage, details);
  const draw = () => {
    const { problem: text, title, width, height, marks, columns, rows } = model.get("_about");
    setProblem(text ? `${words.failed} ${text}` : "");
    root.setAttribute("aria-label", title ?? model.get("_title"));
    heading.textContent = title ?? "";
    stage.replaceChildren();
    details.hidden = Boolean(text) || rows.length === 0;
    if (text) return;
    const role = details.hidden // without a table, the texts of the picture are what there is to read
      ? { role: "group", "aria-label": title }
      : { role: "img", "aria-label": `${title}. ${words.alt}` };
    const svg = { viewBox: `0 0 ${width} ${height}`, ...role };
    stage.append(svgElement("svg", svg, ...marks.map(markNode)));
    const head = columns.map((/** @type {[string, boolean]} */ [name]) => element("th", { scope: "col" }, name));
    const body = rows.map((/** @type {Cell[]} */ row) =>
      element("tr", {}, ...row.map((cell, i) => cellNode(cell, columns[i][1]))),
    );
    table.replaceChildren(element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...body));
  };
  return mount({ model, el }, root, draw);
}

export default { render: whenFilled(render) };
