// @ts-check
/**
 * The arithmetic of one attention weight, and of what a row of weights adds to the stream, as `arithmetic.py` has it.
 */

import { checkIndex } from "../../pages/engine/errors.js";

/** @typedef {import("../../pages/engine/pass.js").Pass} Pass */

const MOST_VALUES = 5; // value vectors that are shown one by one; the others are mixed into one

export class HeadArithmetic {
  /** @param {Pass} pass @param {number} layer @param {number} head */
  constructor(pass, layer, head) {
    this.pass = pass;
    this.layer = layer;
    this.head = head;
    /** The scores after each step, (T, T) each. */
    this.stages = pass.scoreStages(layer, head);
    this.weights = pass.attention(layer, head);
    this.values = pass.v(layer, head);
    this.queries = pass.q(layer, head);
    this.keys = pass.k(layer, head);
    this.output = pass.headOutput(layer, head);
  }

  /** What "scaled" multiplies by, computed from the largest score; null if all scores are 0. */
  get factor() {
    const { raw, scaled } = this.stages;
    let largest = 0;
    raw.forEach((score, i) => {
      if (Math.abs(score) > Math.abs(raw[largest])) largest = i;
    });
    return raw[largest] ? scaled[largest] / raw[largest] : null;
  }

  /** Returns the steps from a query and a key to one attention weight; see `cell` in Python. @param {number} query
   * @param {number} key */
  cell(query, key) {
    const { length: size, gpt } = this.pass;
    checkIndex(query, size, "position");
    checkIndex(key, size, "position");
    const { raw, scaled, masked } = this.stages;
    const row = Float64Array.from(masked.subarray(query * size, (query + 1) * size));
    const largest = row.reduce((a, b) => Math.max(a, b));
    const exponentials = row.map((score) => Math.exp(score - largest));
    const at = query * size + key;
    return {
      q: rowOf(this.queries, query, gpt.dHead),
      k: rowOf(this.keys, key, gpt.dHead),
      stages: { raw: raw[at], scaled: scaled[at], masked: Number.isFinite(masked[at]) ? masked[at] : null },
      factor: this.factor,
      largest,
      exponential: exponentials[key],
      sum: exponentials.reduce((a, b) => a + b),
      sink: null,
      weight: this.weights[at],
    };
  }

  /** Returns the weighted sum of values for one query; see `mix` in Python. @param {number} query */
  mix(query) {
    const { length: size, gpt } = this.pass;
    checkIndex(query, size, "position");
    const weights = this.weights.subarray(query * size, query * size + query + 1);
    const keys = Array.from(weights.keys()).sort((a, b) => weights[b] - weights[a] || a - b);
    const single = keys.length <= MOST_VALUES + 1 ? keys : keys.slice(0, MOST_VALUES);
    const rest = keys.slice(single.length);
    return {
      values: single.map((key) => ({ key, weight: weights[key], value: rowOf(this.values, key, gpt.dHead) })),
      others: {
        count: rest.length,
        weight: rest.reduce((total, key) => total + weights[key], 0),
        mixed: this.mixOf(weights, rest),
      },
      mixed: this.mixOf(weights, keys),
      output: rowOf(this.output, query, gpt.dModel),
      stream: rowOf(this.pass.residual(this.layer), query, gpt.dModel),
    };
  }

  /** Returns the sum of the values of some keys, each times its weight: (d,). @param {Float32Array} weights
   * @param {number[]} keys */
  mixOf(weights, keys) {
    const { dHead } = this.pass.gpt;
    const mixed = Array(dHead).fill(0);
    for (const key of keys) for (let i = 0; i < dHead; i++) mixed[i] += weights[key] * this.values[key * dHead + i];
    return mixed;
  }
}

/** Returns one row of a matrix as a list. @param {Float32Array} matrix @param {number} row @param {number} width */
function rowOf(matrix, row, width) {
  return Array.from(matrix.subarray(row * width, (row + 1) * width));
}
