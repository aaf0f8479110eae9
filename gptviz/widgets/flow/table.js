// @ts-check
/** The table below the picture: for the followed token, each block's shares beside what real cuts do. */
import { chip } from "../shared/chips.js";
import { button, element } from "../shared/dom.js";
import { allDigits, percent } from "../shared/numbers.js";

/** @typedef {import("../shared/chips.js").PageToken} PageToken */
/** @typedef {import("../shared/edits.js").Edit} Edit */
/**
 * What a cut does in a column: in the block of the column where it changes the probability most. NaN if that is not
 * shown.
 * @typedef {{layer: number, before: number, after: number, edit: Edit, name: string}} Effect
 */
/**
 * One column's numbers. An effect is null where there is nothing to cut, and undefined while it is not known. `kind`:
 * whether its attention is "held", or "missing" in this file, or there is "none".
 * @typedef {{attention: number, kind: "held"|"missing"|"none", mlp: number|null, cutAttention: Effect|null|undefined,
 *   cutMlp: Effect|null|undefined, thin: {count: number, share: number}}} Cells
 */

export class BlockTable {
  /** @param {import("./words.js").Words} words @param {() => import("./cutting.js").Cutting} cuts */
  constructor(words, cuts) {
    this.words = words;
    this.cuts = cuts;
    /** @type {number[]} */
    this.widths = []; // of the columns, in pixels
    this.head = element("tr", {});
    this.body = element("tbody", {});
    const caption = element("caption", { class: "visually-hidden" }, words.table.caption);
    this.columns = element("colgroup", {});
    this.root = element(
      "table",
      { class: "blocks" },
      caption,
      this.columns,
      element("thead", {}, this.head),
      this.body,
    );
  }

  /**
   * Gives the columns the widths of the picture's, and all bars the scale of the narrowest; a row whose numbers do not
   * fit is listed in lines.
   * @param {number[]} widths in pixels
   */
  setWidths(widths) {
    if (String(widths) !== String(this.widths)) {
      this.widths = widths;
      const columns = widths.map((width) => {
        const column = element("col", {});
        column.style.width = `${width}px`;
        return column;
      });
      this.columns.replaceChildren(element("col", { class: "gutter" }), ...columns);
    }
    this.root.removeAttribute("data-listed");
    // A cell's padding and border are left out.
    this.root.style.setProperty("--full", `calc(${Math.min(...widths)}px - 0.6em - 1px)`);
    const cells = [...this.body.querySelectorAll("td")];
    this.root.toggleAttribute("data-listed", cells.some(isCut));
  }

  /**
   * @param {string[]} names of the columns
   * @param {Cells[]} cells
   * @param {PageToken} token the followed token
   * @param {PageToken} outcome
   * @param {{areWeights: boolean, isPooled: boolean}} state
   */
  show(names, cells, token, outcome, { areWeights, isPooled }) {
    const { words } = this;
    const corner = element("td", { class: "gutter" });
    this.head.replaceChildren(corner, ...names.map((name) => element("th", { scope: "col" }, name)));
    const { table } = words;
    const cut = (/** @type {string} */ name) => [`${name} `, chip(token), ` ${table.cutHere} `, chip(outcome)];
    const largest = Math.max(0, ...cells.flatMap((one) => [one.attention, one.mlp ?? 0]));
    const effect = (/** @type {Effect|null|undefined} */ of) => this.effect(of, isPooled);
    const rows = [
      this.row("attention", [`${areWeights ? table.weights : table.attention} `, chip(token)], cells, (one) =>
        one.kind === "held" ? this.share(one.attention, largest) : [this.without(one.kind)],
      ),
      this.row("cut-attention", cut(table.cutAttention), cells, (one) => effect(one.cutAttention)),
    ];
    if (!areWeights) {
      rows.push(this.row("mlp", [`${table.mlp} `, chip(token)], cells, (one) => this.share(one.mlp ?? 0, largest)));
    }
    rows.push(
      this.row("cut-mlp", cut(table.cutMlp), cells, (one) => effect(one.cutMlp)),
      this.row("thin", [table.thin], cells, ({ thin }) => [this.thin(thin)]),
    );
    this.body.replaceChildren(...rows);
  }

  /**
   * @param {string} kind
   * @param {(Node|string)[]} name
   * @param {Cells[]} cells
   * @param {(cells: Cells) => (Node|string)[]} content
   */
  row(kind, name, cells, content) {
    const head = element("th", { scope: "row", class: "gutter" }, ...name);
    const names = [...this.head.children].slice(1).map((one) => one.textContent ?? "");
    const columns = cells.map((one, i) => element("td", { "data-name": names[i] }, ...content(one)));
    return element("tr", { "data-row": kind }, head, ...columns);
  }

  /** @param {number} share @param {number} largest that fills the narrowest cell */
  share(share, largest) {
    const bar = element("span", { class: "bar", "aria-hidden": "true" });
    bar.style.width = `calc(${largest ? share / largest : 0} * var(--full))`;
    return [element("span", { class: "number", title: allDigits(share) }, percent(share)), bar];
  }

  /** Says why a share is not there. @param {"missing"|"none"} kind */
  without(kind) {
    const { table } = this.words;
    const [text, title] = kind === "missing" ? [table.notHeld, table.notHeldWhy] : [table.none, ""];
    return element("span", { class: "small muted", title }, text);
  }

  /** @param {{count: number, share: number}} thin */
  thin({ count, share }) {
    const { table } = this.words;
    const text = count ? table.thinCount(count, percent(share).replace(" ", "\u00a0")) : table.none;
    return element("span", { class: "small muted", title: count ? allDigits(share) : "" }, text);
  }

  /**
   * @param {Effect|null|undefined} effect
   * @param {boolean} isPooled
   * @returns {Node[]}
   */
  effect(effect, isPooled) {
    const { words } = this;
    const cuts = this.cuts();
    if (effect === undefined) return [element("span", { class: "small muted" }, "–")];
    if (!effect) return [element("span", { class: "small muted", title: words.table.neverWhy }, words.table.never)];
    const { before, after, edit, name, layer } = effect;
    const isMade = cuts.has(edit);
    const label = isMade ? words.table.restore(name) : words.table.cut(name);
    if (Number.isNaN(before)) {
      const text = isMade ? words.list.restore : words.list.cut;
      const attributes = { "aria-pressed": String(isMade), "aria-label": label, title: label };
      return [
        cuts.offer(
          button(text, () => cuts.toggle([edit]), attributes),
          [edit],
        ),
      ];
    }
    const title = words.effect(allDigits(before), allDigits(after));
    const attributes = { "aria-pressed": String(isMade), title: `${label}\n${title}` };
    const node = cuts.offer(
      button("", () => cuts.toggle([edit]), attributes),
      [edit],
    );
    if (isPooled) node.append(element("span", { class: "small" }, `${words.table.strongest(layer)} `));
    const [was, is] = [percent(before), percent(after)].map((text) => text.replace(" ", "\u00a0"));
    node.append(element("span", { class: "number" }, ...unbroken(words.effect(was.replace("\u00a0%", ""), is))));
    const bars = element("span", { class: "track", "aria-hidden": "true" });
    for (const [kind, share] of /** @type {[string, number][]} */ ([
      ["before", before],
      ["after", after],
    ])) {
      const bar = element("span", { class: kind });
      bar.style.width = `${100 * share}%`;
      bars.append(bar);
    }
    return [node, bars];
  }
}

/** Returns the two ends of an effect, each of which stays on one line. @param {string} text */
function unbroken(text) {
  const [before, after] = text.split(/(?<=→) /).map((part) => element("span", { class: "nowrap" }, part));
  return [before, " ", after];
}

/** @param {Element} node */
function isCut({ scrollWidth, clientWidth }) {
  return scrollWidth > clientWidth;
}
