// @ts-check
/** One token's path through a block: a strip for each step, its length, and what it adds to the logit. */
import { element } from "../shared/dom.js";
import { significant } from "../shared/numbers.js";
import { largestMagnitude, stripRow, vectorLength } from "../shared/strips.js";
import { pageTheme } from "../shared/theme.js";
import { signedShare } from "./ledger.js";

/**
 * A step as `BlockView` in Python sends it.
 * @typedef {{kind: string, length: number, before?: "attention"|"mlp", head?: number, neuron?: number,
 *   activation?: number, count?: number, cross?: boolean}} PathStep
 */
/**
 * A step with its vector, and what it adds to the logit.
 * @typedef {{step: PathStep, vector: Float32Array, share: number|null}} PathRow
 */

// The strips of one scale can be compared with each other.
const SCALES = {
  in: "stream",
  middle: "stream",
  out: "stream",
  norm: "norm",
  head: "attention",
  bias: "attention",
  attention: "attention",
  neuron: "mlp",
  others: "mlp",
  mlp: "mlp",
};
const CLASSES = { in: "residual", middle: "residual", out: "residual", mlp: "mlp", neuron: "mlp", others: "mlp" };
const SUMS = ["attention", "mlp", "middle", "out"];

export class Journey {
  /** @param {import("./words.js").Words} words @param {(head: number) => void} onChoose */
  constructor(words, onChoose) {
    this.words = words;
    this.onChoose = onChoose;
    /** The steps that are drawn. @type {PathRow[]} */
    this.rows = [];
    this.mostNeurons = Infinity; // that are drawn one by one
    this.root = element("div", { class: "strips" });
  }

  /** Chooses the rows that are drawn. @param {PathRow[]} rows all steps */
  setRows(rows) {
    this.rows = joinWeakNeurons(rows, this.mostNeurons);
  }

  /**
   * @param {{layer: number, head: number}} selected
   * @param {string[]} missing why steps are missing
   * @param {number} largest the magnitude that fills a bar
   */
  draw(selected, missing, largest) {
    const theme = pageTheme();
    /** @type {Record<string, number>} */
    const scales = {};
    for (const { step, vector } of this.rows) {
      const scale = SCALES[/** @type {"in"} */ (step.kind)];
      scales[scale] = Math.max(scales[scale] ?? 0, largestMagnitude(vector));
    }
    const rows = this.rows.map(({ step, vector, share }) => {
      const kind = /** @type {"in"} */ (step.kind);
      const name = element("span", { class: CLASSES[kind] ?? "" }, this.nameOf(step, selected.layer));
      const sumKind = SUMS.includes(kind) ? "sum" : "";
      const row = stripRow(name, vector, scales[SCALES[kind]], theme, significant(step.length), sumKind);
      row.append(element("span", { class: "share" }, ...(share === null ? [] : signedShare(share, largest))));
      row.dataset.step = kind;
      if (step.cross) row.dataset.cross = "";
      else if (step.head !== undefined) this.linkHead(row, step.head, selected.head);
      return row;
    });
    const notes = [...new Set(missing)].map((text) => element("p", { class: "muted" }, text));
    this.root.replaceChildren(this.titles(), ...rows, ...notes);
  }

  titles() {
    return element(
      "div",
      { class: "strip titles muted small" },
      element("span", {}),
      element("span", {}),
      element("span", { class: "number" }, this.words.length),
      element("span", { class: "share" }, this.words.share),
    );
  }

  /**
   * Lets a click on a head's row select the head.
   * @param {HTMLElement} row
   * @param {number} head
   * @param {number} selected
   */
  linkHead(row, head, selected) {
    row.toggleAttribute("data-chosen", head === selected);
    row.addEventListener("click", () => this.onChoose(head));
  }

  /** @param {PathStep} step @param {number} layer */
  nameOf({ kind, before, head = 0, neuron = 0, activation = 0, count = 0, cross = false }, layer) {
    const { words } = this;
    if (cross) return this.nameOfCross(kind, head, layer);
    switch (kind) {
      case "norm":
        return words.norm[/** @type {"mlp"} */ (before)];
      case "head":
        return words.head(layer, head);
      case "bias":
        return words.bias;
      case "attention":
        return words.attention;
      case "neuron":
        return words.neuron(neuron, significant(activation));
      case "others":
        return words.others(count);
      case "mlp":
        return words.mlp;
      default:
        return words.stream[/** @type {"in"} */ (kind)];
    }
  }

  /** Returns the name of a step of cross attention. @param {string} kind @param {number} head @param {number} layer */
  nameOfCross(kind, head, layer) {
    const { cross, bias } = this.words;
    if (kind === "head") return cross.head(layer, head);
    return kind === "bias" ? bias : kind === "attention" ? cross.attention : cross.middle;
  }

  /** Returns the height of a neuron's row in pixels; 0 if none is drawn. */
  neuronHeight() {
    return this.root.querySelector("[data-step=neuron]")?.getBoundingClientRect().height ?? 0;
  }

  /** Returns how many neurons are drawn one by one. */
  neuronCount() {
    return this.rows.filter(isNeuron).length;
  }
}

/** @param {PathRow} row */
function isNeuron({ step }) {
  return step.kind === "neuron";
}

/**
 * Returns the steps with at most so many neurons one by one, the strongest; the weaker ones join the others.
 * @param {PathRow[]} rows
 * @param {number} most
 * @returns {PathRow[]}
 */
function joinWeakNeurons(rows, most) {
  const weak = rows.filter(isNeuron).slice(most);
  if (weak.length === 0) return rows;
  const kept = rows.filter((row) => !weak.includes(row));
  return kept.map((row) => (row.step.kind === "others" ? join(row, weak) : row));
}

/** @param {PathRow} others @param {PathRow[]} neurons @returns {PathRow} */
function join({ step, vector, share }, neurons) {
  const sum = vector.map((x, i) => neurons.reduce((total, neuron) => total + neuron.vector[i], x));
  return {
    step: { ...step, count: (step.count ?? 0) + neurons.length, length: vectorLength(sum) },
    vector: sum,
    share: share === null ? null : neurons.reduce((total, neuron) => total + (neuron.share ?? 0), share),
  };
}
