// @ts-check
/**
 * Two traces side by side: the views that show them, in two columns, and the next token after both in one table.
 * Not here: what the views draw, and where the numbers come from.
 */
import { percentAxis } from "../shared/bars.js";
import { chip } from "../shared/chips.js";
import { element } from "../shared/dom.js";
import { frame, whenFilled } from "../shared/frame.js";
import { percent, significant } from "../shared/numbers.js";
import { wordsOf } from "../shared/words.js";
import { catalogue } from "./words.js";

/** @typedef {{model: string, text: string, tokens: number}} Side */
/** @typedef {import("../shared/chips.js").PageToken} NextTokenLabel */
/** @typedef {{rows: {token: NextTokenLabel, shares: (number|null)[], leads: boolean[]}[], others: number[], entropy: number[]}} NextAfterBoth */
/** @typedef {{traces: Side[], linked: boolean, next: NextAfterBoth}} CompareAbout */

/** What a side reads, so that each picture says whose it is. @param {Side} side
 * @param {import("./words.js").Words} words */
function sideName({ model, text, tokens }, words) {
  return [
    element("span", { class: "text", title: text }, text),
    element("span", { class: "muted small" }, words.reads(model, tokens)),
  ];
}

/** @param {CompareAbout} about @param {import("./words.js").Words} words */
function nextTable({ traces, next }, words) {
  const row = (/** @type {Node|string} */ head, /** @type {Node[]} */ cells) =>
    element("tr", {}, element("th", { scope: "row", class: "token" }, head), ...cells);
  const numbers = (/** @type {string[]} */ texts) =>
    texts.map((text) => element("td", {}, element("span", { class: "number" }, text)));
  return element(
    "table",
    { class: "next" },
    element(
      "thead",
      {},
      element(
        "tr",
        {},
        element("th", { scope: "col", class: "token" }, words.token),
        ...traces.map((side) => element("th", { scope: "col" }, ...sideName(side, words), percentAxis())),
      ),
    ),
    element(
      "tbody",
      {},
      ...next.rows.map(({ token, shares, leads }) =>
        row(
          chip(token),
          shares.map((share, side) => sideCell(share, words.unknown, leads[side])),
        ),
      ),
    ),
    element(
      "tbody",
      { class: "rest" },
      row(
        words.others,
        next.others.map((share) => sideCell(share, "", false)),
      ),
    ),
    element(
      "tfoot",
      {},
      row(words.entropy, numbers(next.entropy.map((bits) => words.bits(significant(bits))))),
      row(words.choices, numbers(next.entropy.map((bits) => significant(2 ** bits)))),
    ),
  );
}

/** A probability on an axis from 0 to 1; null where the vocabulary has no such token. @param {number|null} share
 * @param {string} unknown @param {boolean} leads */
function sideCell(share, unknown, leads) {
  if (share === null)
    return element(
      "td",
      { "data-unknown": "" },
      element("span", { class: "track" }),
      element("span", { class: "number muted" }, unknown),
    );
  const fill = element("span", { class: "fill" });
  fill.style.transform = `scaleX(${share})`;
  const cell = element(
    "td",
    { title: `${100 * share} %` },
    element("span", { class: "track" }, fill),
    element("span", { class: "number" }, percent(share)),
  );
  cell.toggleAttribute("data-leads", leads);
  return cell;
}

/** @param {{model: any, el: HTMLElement, host: any}} context */
async function render({ model, el, host }) {
  const words = wordsOf(model, catalogue);
  /** @type {{maps: string[], benches: string[]}} */
  const children = model.get("_children");
  /** @type {CompareAbout} */
  const about = model.get("_about");
  const sides = () =>
    about.traces.map((side) =>
      element("div", { class: "side" }, element("p", { class: "reads" }, ...sideName(side, words))),
    );
  const maps = sides();
  const benches = sides();
  const root = element(
    "section",
    { class: "gptviz gptviz-compare", "aria-label": model.get("_title") },
    element(
      "header",
      {},
      element("h3", {}, model.get("_title")),
      element("p", { class: "muted" }, about.linked ? words.linked : words.apart),
    ),
    element("div", { class: "sides" }, ...maps),
    element("h4", {}, words.next),
    element("p", { class: "muted small" }, words.nextHint),
    nextTable(about, words),
    element("h4", {}, words.benches),
    element("div", { class: "sides benches" }, ...benches),
  );
  const stopFrame = frame(model, root);
  const show = () => {
    root.dataset.scale = model.get("scale");
  };
  model.on("change:scale", show);
  show();
  el.append(root);
  const places = [...maps, ...benches];
  const names = [...children.maps, ...children.benches];
  for (const [i, name] of names.entries()) await (await host.getWidget(name)).render({ el: places[i] });
  return () => {
    model.off("change:scale", show);
    stopFrame();
    root.remove();
  };
}

export default { render: whenFilled(render) };
