// @ts-check
/**
 * The comparison view: two traces in two columns, with the views that show them, and the next token of both in one
 * table.
 */
import { percentAxis } from "../shared/bars.js";
import { chip } from "../shared/chips.js";
import { button, element } from "../shared/dom.js";
import { addFrame, whenFilled } from "../shared/frame.js";
import { percent, significant } from "../shared/numbers.js";
import { wordsOf } from "../shared/words.js";
import { catalogue } from "./words.js";

/** @typedef {import("../shared/chips.js").PageToken} PageToken */
/** @typedef {import("./words.js").Words} Words */
/** @typedef {{model: string, text: string, tokens: number}} Side */
/** @typedef {{token: PageToken, shares: (number|null)[], leads: boolean[]}} NextRow a value for each side */
/** @typedef {{rows: NextRow[], others: number[], entropy: number[]}} NextTokens */
/** @typedef {{traces: Side[], linked: boolean, opened: boolean, next: NextTokens}} About */

/** Creates what a side reads. @param {Side} side @param {Words} words */
function sideName({ model, text, tokens }, words) {
  return [
    element("span", { class: "text", title: text }, text),
    element("span", { class: "muted small" }, words.reads(model, tokens)),
  ];
}

/** @param {About} about @param {Words} words */
function nextTable({ traces, next }, words) {
  const row = (/** @type {Node|string} */ name, /** @type {Node[]} */ cells) =>
    element("tr", {}, element("th", { scope: "row", class: "token" }, name), ...cells);
  const numbers = (/** @type {string} */ name, /** @type {(bits: number) => string} */ write) =>
    row(
      name,
      next.entropy.map((bits) => element("td", {}, element("span", { class: "number" }, write(bits)))),
    );
  const body = element("tbody", {});
  const heads = traces.map((side, i) => {
    const order = button(words.order, () => orderBy(heads[i].hasAttribute("aria-sort") ? null : i), {
      class: "order small",
      title: words.orderHint,
    });
    return element("th", { scope: "col" }, ...sideName(side, words), order, percentAxis());
  });
  /** Orders the rows by one side's probabilities, or by the larger of both as they came. @param {number|null} side */
  const orderBy = (side) => {
    heads.forEach((head, i) => {
      head.toggleAttribute("aria-sort", i === side);
      if (i === side) head.setAttribute("aria-sort", "descending");
      head.querySelector(".order")?.setAttribute("aria-pressed", String(i === side));
    });
    const rows = next.rows.map((one) => ({ ...one, share: side === null ? 0 : (one.shares[side] ?? -1) }));
    if (side !== null) rows.sort((a, b) => b.share - a.share);
    body.replaceChildren(
      ...rows.map(({ token, shares, leads }) =>
        row(
          chip(token),
          shares.map((share, i) => shareCell(share, words.unknown, leads[i])),
        ),
      ),
    );
  };
  orderBy(null);
  const others = next.others.map((share) => shareCell(share, "", false));
  return element(
    "table",
    { class: "next" },
    element("thead", {}, element("tr", {}, element("th", { scope: "col", class: "token" }, words.token), ...heads)),
    body,
    element("tbody", { class: "rest" }, row(words.others, others)),
    element(
      "tfoot",
      {},
      numbers(words.entropy, (bits) => words.bits(significant(bits))),
      numbers(words.choices, (bits) => significant(2 ** bits)),
    ),
  );
}

/**
 * @param {number|null} share null if the vocabulary does not have the token
 * @param {string} unknown what is shown then
 * @param {boolean} leads
 */
function shareCell(share, unknown, leads) {
  if (share === null) {
    const text = element("span", { class: "number muted" }, unknown);
    return element("td", { "data-unknown": "" }, element("span", { class: "track" }), text);
  }
  const fill = element("span", { class: "fill" });
  fill.style.transform = `scaleX(${share})`;
  const track = element("span", { class: "track" }, fill);
  const cell = element(
    "td",
    { title: `${100 * share} %` },
    track,
    element("span", { class: "number" }, percent(share)),
  );
  cell.toggleAttribute("data-leads", leads);
  return cell;
}

/** @param {import("../shared/kernel.js").RenderProps} context */
async function render({ model, el, host }) {
  const words = wordsOf(model, catalogue);
  const title = model.get("_title");
  /** @type {{maps: string[], benches: string[]}} */
  const children = model.get("_children");
  /** @type {About} */
  const about = model.get("_about");
  const columns = () =>
    about.traces.map((side) =>
      element(
        "div",
        { class: "side" },
        element("p", { class: "reads" }, ...sideName(side, words)),
        element("div", { class: "view" }),
      ),
    );
  const maps = columns();
  const benches = columns();
  const opened = about.opened ? ` ${words.opened}` : "";
  const hint = element("p", { class: "muted" }, about.linked ? words.linked + opened : words.apart);
  const root = element(
    "section",
    { class: "gptviz gptviz-compare", "aria-label": title, ...(about.linked ? { "data-linked": "" } : {}) },
    element("header", {}, element("h3", {}, title), hint),
    element("div", { class: "sides" }, ...maps),
    element("h4", {}, words.next),
    element("p", { class: "muted small" }, words.nextHint),
    nextTable(about, words),
    element("h4", {}, words.benches),
    element("div", { class: "sides benches" }, ...benches),
  );
  const stopFrame = addFrame(model, root);
  const show = () => {
    root.dataset.scale = model.get("scale");
  };
  model.on("change:scale", show);
  show();
  el.append(root);
  const containers = [...maps, ...benches].map((side) => /** @type {HTMLElement} */ (side.lastElementChild));
  const references = [...children.maps, ...children.benches];
  for (const [i, reference] of references.entries()) {
    const child = await host.getWidget(reference);
    await child.render({ el: containers[i] });
  }
  return () => {
    model.off("change:scale", show);
    stopFrame();
    root.remove();
  };
}

export default { render: whenFilled(render) };
