// @ts-check
/**
 * Edits of a pass, as in `gptviz/intervention`: what is changed and where.
 * `gpt.run(ids, { edits: [ablateHead(3, 1)] })`
 *
 * Edits of one site act in the order in which they are listed. Layers, heads, neurons and positions are counted from 0.
 * An edit that names a position acts in the pass whose tokens include it; all others act in every pass.
 *
 * Sources: Vig et al. 2020 and Meng et al. 2022 (activation patching), Wang et al. 2022 (mean ablation), Jain & Wallace
 * 2019 (set attention), Turner et al. 2023 (steering).
 */

import { sum } from "./arithmetic.js";
import { checkIndex, fail } from "./errors.js";

/** @typedef {import("./pass.js").Pass} Pass */
/** @typedef {import("./edit.js").Edit} Edit */
/** @typedef {import("./edit.js").Rows} Rows */

/** What patches can replace, by the names that Python has. */
const READERS = {
  residual: (/** @type {Pass} */ pass, /** @type {number} */ layer) => pass.residual(layer),
  head_output: (/** @type {Pass} */ pass, /** @type {number} */ layer, /** @type {number} */ head) =>
    pass.headMix(layer, head),
  attn_out: (/** @type {Pass} */ pass, /** @type {number} */ layer) => pass.attnOut(layer),
  mlp_out: (/** @type {Pass} */ pass, /** @type {number} */ layer) => pass.mlpOut(layer),
};

/**
 * Switches one head off at every position: to zero, or to its mean over the positions of a reference pass.
 * @param {number} layer
 * @param {number} head
 * @param {Pass|null} [reference]
 * @returns {Edit}
 */
export function ablateHead(layer, head, reference = null) {
  const mean = reference && columnMeans(reference.headMix(layer, head), reference.length);
  return {
    site: "head_output",
    layer,
    head,
    replaces: Boolean(mean),
    write: (rows) => each(rows, (row) => (mean ? row.set(mean) : row.fill(0))),
    reweigh: (carried) => each(carried, (row) => row.fill(0)),
  };
}

/**
 * Multiplies what one head adds to the stream by a factor, at every position; its map stays as it is.
 * @param {number} layer
 * @param {number} head
 * @param {number} factor
 * @returns {Edit}
 */
export function scaleHead(layer, head, factor) {
  checkFinite(factor, "factor");
  const scale = (/** @type {Float32Array} */ row) => row.forEach((value, i) => (row[i] = value * factor));
  return {
    site: "head_output",
    layer,
    head,
    write: (rows) => each(rows, scale),
    reweigh: (carried) => each(carried, scale),
  };
}

/**
 * Replaces the attention weights of one query of a head; they are divided by their sum.
 * @param {number} layer
 * @param {number} head
 * @param {number} query
 * @param {ArrayLike<number>} weights one for each key up to the query
 * @returns {Edit}
 */
export function setAttention(layer, head, query, weights) {
  const row = Float64Array.from(weights);
  const total = sum(row);
  if (row.length !== query + 1)
    throw fail(`${query + 1} weights, one for each key up to the query`, `${row.length}`, "Give 0 where none looks.");
  if (row.some((weight) => !(weight >= 0)) || !(total > 0 && total < Infinity))
    throw fail("weights of at least 0 with a positive sum", `a sum of ${total}`, "Give a key a positive weight.");
  const shares = Float32Array.from(row, (weight) => weight / total);
  return {
    site: "head_output",
    layer,
    head,
    position: query,
    write: (rows, start, { mix }) => at(rows, query - start, (x) => x.set(mix(shares))),
    reweigh: (carried, map, start) => {
      for (const maps of [carried, map])
        at(maps, query - start, (x) => {
          x.fill(0);
          x.set(shares);
        });
    },
  };
}

/**
 * Sets the weight that one query gives to one key to 0, and divides the rest of the row by what is left, as if the key
 * had been masked; where nothing is left, the row is 0.
 * @param {number} layer
 * @param {number} query
 * @param {number} key
 * @param {number|null} [head] null for all heads of the layer
 * @param {boolean} [renormalise] false leaves the rest of the row as it is
 * @returns {Edit}
 */
export function ablateKey(layer, query, key, head = null, renormalise = true) {
  if (!(key <= query)) throw fail(`a key up to position ${query}, the query`, `${key}`, "A query sees no later keys.");
  return {
    site: "head_output",
    layer,
    head,
    position: query,
    write: (rows, start, { carried, mix }) => at(rows, query - start, (x) => x.set(mix(carried[query - start]))),
    reweigh: (carried, map, start) => {
      const row = map[query - start];
      if (!row) return;
      row[key] = 0;
      const left = sum(row);
      carried[query - start][key] = 0;
      if (renormalise && left > 0)
        for (const weights of [carried[query - start], row])
          weights.forEach((weight, i) => (weights[i] = weight / left));
    },
  };
}

/**
 * Switches the attention of a block off: it adds nothing to the stream, at one position or at all.
 * @param {number} layer
 * @param {number|null} [position]
 */
export function ablateAttention(layer, position = null) {
  return zero("attn_out", layer, position);
}

/**
 * Switches the MLP of a block off: it adds nothing to the stream, at one position or at all.
 * @param {number} layer
 * @param {number|null} [position]
 */
export function ablateMLP(layer, position = null) {
  return zero("mlp_out", layer, position);
}

/**
 * Sets the activation of one neuron to 0 at every position.
 * @param {number} layer
 * @param {number} neuron
 * @returns {Edit}
 */
export function ablateNeuron(layer, neuron) {
  return { site: "neurons", layer, neuron, write: (rows) => each(rows, (row) => (row[neuron] = 0)) };
}

/**
 * Replaces the numbers at one site with those of another pass: activation patching.
 * @param {keyof typeof READERS} site
 * @param {number} layer of the residual stream: the block that it enters; the number of layers is after the last
 * @param {number|null} position null for all
 * @param {Pass} source over a text of the same number of tokens
 * @param {number|null} [head]
 * @returns {Edit}
 */
export function patch(site, layer, position, source, head = null) {
  if (!(site in READERS)) throw fail(`one of the sites ${Object.keys(READERS).join(", ")}`, site, "Name one of those.");
  if ((site === "head_output") !== (head !== null))
    throw fail("a head only with the site head_output", `${site} with head ${head}`, "Give the head, or leave it out.");
  if (position !== null) checkIndex(position, source.length, "position");
  const numbers = READERS[site](source, layer, head ?? 0);
  const width = numbers.length / source.length;
  return {
    site,
    layer,
    head,
    position,
    replaces: true,
    length: source.length,
    write: (rows, start) => {
      for (let token = position ?? start; token < (position === null ? source.length : position + 1); token++)
        at(rows, token - start, (row) => row.set(numbers.subarray(token * width, (token + 1) * width)));
    },
  };
}

/**
 * Adds `strength` times a vector to the stream, at every position.
 * @param {number} layer the block that the stream enters; the number of layers is after the last
 * @param {ArrayLike<number>} vector (D,)
 * @param {number} [strength]
 * @returns {Edit}
 */
export function steer(layer, vector, strength = 1) {
  checkFinite(strength, "strength");
  const added = Float32Array.from(vector, (value) => checkFinite(value, "vector") * strength);
  const write = (/** @type {Rows} */ rows) => each(rows, (row) => added.forEach((value, i) => (row[i] += value)));
  return { site: "residual", layer, width: added.length, write };
}

/** @param {"attn_out"|"mlp_out"} site @param {number} layer @param {number|null} position @returns {Edit} */
function zero(site, layer, position) {
  const clear = (/** @type {Float32Array} */ row) => row.fill(0);
  return {
    site,
    layer,
    position,
    write: (rows, start) => (position === null ? each(rows, clear) : at(rows, position - start, clear)),
  };
}

/** Calls a function with each row. @param {Rows} rows @param {(row: Float32Array) => unknown} change */
function each(rows, change) {
  for (const row of rows) change(row);
}

/** Calls a function with one row, if there is such a row. @param {Rows} rows @param {number} index
 * @param {(row: Float32Array) => unknown} change */
function at(rows, index, change) {
  if (index >= 0 && index < rows.length) change(rows[index]);
}

/** @param {number} value @param {string} name */
function checkFinite(value, name) {
  if (Number.isFinite(value)) return value;
  throw fail(`a finite ${name}`, `${value}`, "Give a number.");
}

/** Returns the mean of each column of a matrix: (rows, columns) → (columns,). @param {Float32Array} matrix
 * @param {number} rows */
function columnMeans(matrix, rows) {
  const columns = matrix.length / rows;
  return Float64Array.from({ length: columns }, (_, column) => {
    let total = 0;
    for (let row = 0; row < rows; row++) total += matrix[row * columns + column];
    return total / rows;
  });
}
