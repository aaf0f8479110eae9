// @ts-check
/**
 * Attention of one head. Source: Vaswani et al. 2017, "Attention Is All You Need", eq. 1.
 *
 * Shapes: T tokens of a pass, of which the first stands at position `start`; S = start + T tokens so far. Queries, keys
 * and values have the heads side by side, so a row has D = H · d numbers.
 */

import { dot, softmax } from "./arithmetic.js";

/** @typedef {{dModel: number, dHead: number}} Shape */

/**
 * Returns the scores of each query with each key, q · k: (T, S).
 * @param {Float32Array} queries (T, D)
 * @param {Float32Array} keys (S, D)
 * @param {number} head
 * @param {Shape} shape
 */
export function scores(queries, keys, head, { dModel, dHead }) {
  const size = keys.length / dModel;
  const offset = head * dHead;
  return Float32Array.from({ length: (queries.length / dModel) * size }, (_, i) => {
    const [query, key] = [Math.floor(i / size), i % size];
    return dot(queries, keys, query * dModel + offset, key * dModel + offset, dHead);
  });
}

/**
 * Returns the attention weights, softmax(q · k / √d) over the keys up to each query, and 0 for later keys: (T, S).
 * @param {Float32Array} queries (T, D)
 * @param {Float32Array} keys (S, D)
 * @param {number} head
 * @param {Shape} shape
 */
export function attentionWeights(queries, keys, head, { dModel, dHead }) {
  const tokens = queries.length / dModel;
  const size = keys.length / dModel;
  const start = size - tokens;
  const offset = head * dHead;
  const weights = new Float32Array(tokens * size);
  for (let query = 0; query < tokens; query++) {
    const row = weights.subarray(query * size, query * size + start + query + 1); // of the keys up to the query
    for (let key = 0; key < row.length; key++)
      row[key] = dot(queries, keys, query * dModel + offset, key * dModel + offset, dHead);
    softmax(row, 1 / Math.sqrt(dHead));
  }
  return weights;
}

/**
 * Returns the values of one head mixed by one query's weights: (d,).
 * @param {Float32Array} weights of the keys from 0: (keys,)
 * @param {Float32Array} values (S, D)
 * @param {number} head
 * @param {Shape} shape
 */
export function mixValues(weights, values, head, { dModel, dHead }) {
  const mixed = new Float64Array(dHead);
  for (let key = 0; key < weights.length; key++) {
    const from = key * dModel + head * dHead;
    const weight = weights[key];
    if (weight) for (let i = 0; i < dHead; i++) mixed[i] += weight * values[from + i];
  }
  return mixed;
}

/**
 * Returns the numbers of one head of one token, in place: (d,).
 * @param {Float32Array} rows (tokens, D)
 * @param {number} token
 * @param {number} head
 * @param {number} dModel
 * @param {number} dHead
 */
export function headOf(rows, token, head, dModel, dHead) {
  const from = token * dModel + head * dHead;
  return rows.subarray(from, from + dHead);
}
