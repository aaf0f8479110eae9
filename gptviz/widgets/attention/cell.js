// @ts-check
/**
 * The arithmetic of one attention weight, and of what its head adds to the stream, in the numbers of this prompt.
 * Vectors are shown as strips.
 */
import { chip } from "../shared/chips.js";
import { element, setText } from "../shared/dom.js";
import { significant, weight } from "../shared/numbers.js";
import { largestMagnitude, stripRow, vectorLength } from "../shared/strips.js";

/** @typedef {import("../shared/chips.js").PageToken} PageToken */
/** @typedef {import("./words.js").Words} Words */
/**
 * @typedef {{q: number[], k: number[], stages: Record<string, number|null>, largest: number, exponential: number,
 *   sum: number, factor: number|null, sink: number|null, weight: number}} CellNumbers
 */
/**
 * @typedef {{values: {key: number, weight: number, value: number[]}[],
 *   others: {count: number, weight: number, mixed: number[]}, mixed: number[], output: number[],
 *   stream: number[]}} MixNumbers
 */
/**
 * address: how a question names the head; see `headAddress`. tokens: those that look. keys: those that are looked at.
 * @typedef {{tokens: PageToken[], keys: PageToken[], address: {layer: number, head: number}, query: number, key:
 *   number, theme: import("../shared/theme.js").Theme}} SelectedCell
 */

/** How a weight is computed: query and key, their products, and each stage of the score. */
export class CellArithmetic {
  /** @param {Words} words */
  constructor(words) {
    this.words = words;
    this.strips = element("div", { class: "strips" });
    this.steps = element("ol", { class: "arithmetic" });
    this.root = element("div", { class: "cell" }, element("h4", {}, words.cell), this.strips, this.steps);
  }

  /** @param {CellNumbers} numbers @param {SelectedCell} selected */
  show(numbers, { tokens, keys, query, key, theme }) {
    const { words } = this;
    const { q, k } = numbers;
    const products = q.map((x, i) => x * k[i]);
    const largest = Math.max(...q.map(Math.abs), ...k.map(Math.abs));
    const sum = `${words.sumIs} ${significant(products.reduce((a, b) => a + b, 0))}`;
    this.strips.replaceChildren(
      stripRow(vectorName("query", "q", tokens, query), q, largest, theme),
      stripRow(vectorName("key", "k", keys, key), k, largest, theme),
      stripRow(element("span", {}, words.products), products, largestMagnitude(products), theme, sum),
    );
    this.steps.replaceChildren(...this.stageSteps(numbers), ...this.softmaxSteps(numbers));
  }

  /** @param {CellNumbers} numbers */
  stageSteps({ stages, factor }) {
    return Object.entries(stages).map(([name, score]) => {
      const known = this.words.stages[/** @type {"raw"} */ (name)] ?? name;
      const text = name === "scaled" && factor !== null ? scaleTextWithRoot(factor) : known;
      return step(text, score === null ? "−∞" : significant(score));
    });
  }

  /** @param {CellNumbers} numbers */
  softmaxSteps(numbers) {
    const { words } = this;
    const last = Object.values(numbers.stages).at(-1);
    if (last === null || last === undefined) return [step(words.forbidden, "0")];
    const exponent = words.exponential(significant(last), inBrackets(numbers.largest));
    const rowSum = numbers.sink === null ? words.rowSum : words.rowSumSink;
    return [
      step(exponent, significant(numbers.exponential)),
      step(rowSum(significant(numbers.sum)), weight(numbers.weight), String(numbers.weight)),
    ];
  }
}

/** What a head adds to the stream: the weighted values, their sum, and that sum times the output matrix. */
export class RowMix {
  /** @param {Words} words */
  constructor(words) {
    this.words = words;
    this.strips = element("div", { class: "strips" });
    this.arrival = element("p", { class: "muted small" });
    this.root = element("div", { class: "mix" }, element("h4", {}, words.mix), this.strips, this.arrival);
  }

  /** @param {MixNumbers} numbers @param {SelectedCell} selected */
  show({ values, others, mixed, output, stream }, { tokens, keys, query, address, theme }) {
    const { words } = this;
    const parts = values.map(({ weight: share, value }) => value.map((x) => share * x));
    const largest = largestMagnitude([...parts, others.mixed, mixed].flat()); // one scale, since these strips add up
    const rows = values.map(({ key, weight: share }, i) => {
      const name = vectorName("value", "v", keys, key);
      name.prepend(`${weight(share)} × `);
      return stripRow(name, parts[i], largest, theme);
    });
    if (others.count) {
      const name = element("span", { class: "muted" }, `${weight(others.weight)} · ${words.others(others.count)}`);
      rows.push(stripRow(name, others.mixed, largest, theme));
    }
    const streamName = element("span", { class: "residual" }, words.stream(address.layer), subscript(query));
    this.strips.replaceChildren(
      ...rows,
      stripRow(element("span", {}, words.mixed), mixed, largest, theme, "", "sum"),
      stripRow(element("span", {}, words.output), output, largestMagnitude(output), theme),
      stripRow(streamName, stream, largestMagnitude(stream), theme),
    );
    setText(this.arrival, words.arrival(significant(vectorLength(output)), significant(vectorLength(stream))));
    this.arrival.prepend(chip(tokens[query]), " ");
  }
}

/** @param {"query"|"key"|"value"} kind @param {string} letter @param {PageToken[]} tokens @param {number} position */
function vectorName(kind, letter, tokens, position) {
  return element("span", { class: kind }, `${letter} `, chip(tokens[position]), subscript(position));
}

/** @param {number} position */
function subscript(position) {
  return element("sub", {}, String(position));
}

/** @param {string} label @param {string} result @param {string} [digits] all of them, shown when hovering */
function step(label, result, digits) {
  const name = element("span", { class: "muted small" }, label);
  return element("li", digits ? { title: digits } : {}, name, element("span", { class: "number" }, result));
}

/** Writes a number that is subtracted: in brackets if it has a sign of its own. @param {number} x */
function inBrackets(x) {
  return x < 0 ? `(${significant(x)})` : significant(x);
}

/** Returns whether a factor divides by the root of a width. @param {number} factor @param {number} width */
export function isRootOf(factor, width) {
  return Math.abs(factor * Math.sqrt(width) - 1) < 1e-4;
}

/** Writes how scores are scaled: a division by the root of a whole number, or any factor. @param {number} factor */
export function scaleText(factor) {
  const whole = Math.round(1 / factor ** 2);
  return isRootOf(factor, whole) ? `÷ √${whole}` : `× ${significant(factor)}`;
}

/** Writes the same with the value of the root, so that the division can be checked. @param {number} factor */
function scaleTextWithRoot(factor) {
  const text = scaleText(factor);
  return text.startsWith("÷") ? `${text} = ${significant(1 / factor)}` : text;
}
