// @ts-check
/**
 * The arithmetic of one attention weight, and of what its row carries away, in this prompt's numbers.
 *
 * Vectors are strips of cells, signed values in the diverging map. Not here: where the numbers come from.
 */
import { chip } from "../shared/chips.js";
import { element, setText } from "../shared/dom.js";
import { significant, weight } from "../shared/numbers.js";
import { largestOf, lengthOf, stripRow } from "../shared/strips.js";

/** @typedef {import("../shared/chips.js").PageToken} Word */
/** @typedef {import("./words.js").Words} AttentionWords */
/** @typedef {{q: number[], k: number[], stages: Record<string, number|null>, largest: number, exponential: number, sum: number,
 *   factor: number|null, sink: number|null, weight: number}} CellNumbers */
/** @typedef {{values: {key: number, weight: number, value: number[]}[], others: {count: number, weight: number, mixed: number[]},
 *   mixed: number[], output: number[], stream: number[]}} MixNumbers */
/** @typedef {{tokens: Word[], query: number, key: number, layer: number, theme: "light"|"dark"}} Place */

/** How a weight comes about: two strips, their products, and a line of steps. */
export class CellArithmetic {
  /** @param {AttentionWords} words */
  constructor(words) {
    this.words = words;
    this.strips = element("div", { class: "strips" });
    this.steps = element("ol", { class: "arithmetic" });
    this.root = element("div", { class: "cell" }, element("h4", {}, words.cell), this.strips, this.steps);
  }

  /** @param {CellNumbers} numbers @param {Place} place */
  show(numbers, { tokens, query, key, theme }) {
    const products = numbers.q.map((x, i) => x * numbers.k[i]);
    const most = Math.max(...numbers.q.map(Math.abs), ...numbers.k.map(Math.abs));
    this.strips.replaceChildren(
      stripRow(named("query", "q", tokens, query), numbers.q, most, theme, ""),
      stripRow(named("key", "k", tokens, key), numbers.k, most, theme, ""),
      stripRow(
        element("span", {}, this.words.products),
        products,
        largestOf(products),
        theme,
        `${this.words.sumIs} ${significant(products.reduce((a, b) => a + b, 0))}`,
      ),
    );
    const { stages } = numbers;
    const names = Object.keys(stages);
    const stageOf = (/** @type {string} */ name) =>
      name === "scaled" && numbers.factor !== null
        ? reckoned(numbers.factor)
        : (this.words.stages[/** @type {"raw"} */ (name)] ?? name);
    const steps = names.map((name) => step(stageOf(name), number(stages[name])));
    const last = stages[names[names.length - 1]];
    if (last === null) steps.push(step(this.words.forbidden, "0"));
    else {
      steps.push(
        step(this.words.exponential(significant(last), bracketed(numbers.largest)), significant(numbers.exponential)),
      );
      const sum =
        numbers.sink === null
          ? this.words.rowSum(significant(numbers.sum))
          : this.words.rowSumSink(significant(numbers.sum));
      steps.push(step(sum, weight(numbers.weight), String(numbers.weight)));
    }
    this.steps.replaceChildren(...steps);
  }
}

/** What the row carries away: values by weight, their mix, what the head adds, and the stream it arrives in. */
export class RowMix {
  /** @param {AttentionWords} words */
  constructor(words) {
    this.words = words;
    this.strips = element("div", { class: "strips" });
    this.arrival = element("p", { class: "muted small" });
    this.root = element("div", { class: "mix" }, element("h4", {}, words.mix), this.strips, this.arrival);
  }

  /** @param {MixNumbers} numbers @param {Place} place */
  show(numbers, { tokens, query, layer, theme }) {
    const parts = numbers.values.map(({ weight: share, value }) => value.map((x) => share * x));
    const most = largestOf([...parts, numbers.others.mixed, numbers.mixed].flat()); // one scale: the strips add up to the mix
    const rows = numbers.values.map(({ key, weight: share }, i) =>
      stripRow(weighed(share, named("value", "v", tokens, key)), parts[i], most, theme, ""),
    );
    if (numbers.others.count) {
      rows.push(
        stripRow(
          element(
            "span",
            { class: "muted" },
            `${weight(numbers.others.weight)} · ${this.words.others(numbers.others.count)}`,
          ),
          numbers.others.mixed,
          most,
          theme,
          "",
        ),
      );
    }
    const stream = element("span", { class: "residual" }, this.words.stream(layer), sub(query));
    this.strips.replaceChildren(
      ...rows,
      stripRow(element("span", {}, this.words.mixed), numbers.mixed, most, theme, "", "sum"),
      stripRow(element("span", {}, this.words.output), numbers.output, largestOf(numbers.output), theme, ""),
      stripRow(stream, numbers.stream, largestOf(numbers.stream), theme, ""),
    );
    setText(
      this.arrival,
      this.words.arrival(significant(lengthOf(numbers.output)), significant(lengthOf(numbers.stream))),
    );
    this.arrival.prepend(chip(tokens[query]), " ");
  }
}

/** @param {"query"|"key"|"value"} kind @param {string} letter @param {Word[]} tokens @param {number} position */
function named(kind, letter, tokens, position) {
  return element("span", { class: kind }, `${letter} `, chip(tokens[position]), sub(position));
}

/** @param {number} share @param {HTMLElement} name */
function weighed(share, name) {
  name.prepend(`${weight(share)} × `);
  return name;
}

/** @param {number} position */
function sub(position) {
  return element("sub", {}, String(position));
}

/** @param {string} what @param {string} result @param {string} [digits] */
function step(what, result, digits) {
  return element(
    "li",
    digits ? { title: digits } : {},
    element("span", { class: "muted small" }, what),
    element("span", { class: "number" }, result),
  );
}

/** @param {number|null} x */
function number(x) {
  return x === null ? "−∞" : significant(x);
}

/** A number that is taken away: in brackets if it has a sign of its own. @param {number} x */
function bracketed(x) {
  return x < 0 ? `(${significant(x)})` : significant(x);
}

/** Whether a family divides scores by the root of this width. @param {number} factor what it multiplies by @param {number} width */
export function isRootOf(factor, width) {
  return Math.abs(factor * Math.sqrt(width) - 1) < 1e-4;
}

/** What a family does to scores, in numbers: a division by the root of a whole number, or any factor. @param {number} factor */
export function scaledBy(factor) {
  const whole = Math.round(1 / factor ** 2);
  return isRootOf(factor, whole) ? `÷ √${whole}` : `× ${significant(factor)}`;
}

/** The same, with the root worked out: whoever looks can check the division. @param {number} factor */
function reckoned(factor) {
  const said = scaledBy(factor);
  return said.startsWith("÷") ? `${said} = ${significant(1 / factor)}` : said;
}
