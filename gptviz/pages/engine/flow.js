// @ts-check
/**
 * Information flow routes: how much of each stream comes from which token, and the credit of a position, depth by
 * depth.
 *
 * A node is the stream of one token after attention, or after the MLP. The parts of its sum y are the stream before,
 * and what was added. The share of a part p is proximity(p) / (sum of the node's proximities), where proximity(p) =
 * max(0, |y| − |y − p|), and |.| sums the magnitudes. What attention adds is split by head and key. Source: Ferrando &
 * Voita 2024, "Information Flow Routes" (arXiv 2403.00824).
 */

import { sum } from "./arithmetic.js";
import { fail } from "./errors.js";

/** @typedef {import("./pass.js").Pass} Pass */
/**
 * The shares of one block. residual, bias: those of the stream and of the projection's bias in each node after
 * attention, (T,). heads: those of each key through each head in the same nodes, (H, T, T). mlp: that of the MLP in its
 * own nodes, (T,). byLength: in how many nodes no part was near the sum, so that the shares are by length.
 * @typedef {{residual: Float64Array, bias: Float64Array, heads: Float64Array[], mlp: Float64Array, byLength: number}}
 *   BlockShares
 */

/**
 * Returns the shares of every node of a pass over a whole text.
 * @param {Pass} pass
 * @returns {BlockShares[]}
 */
export function flowShares(pass) {
  const { edits } = pass.editing;
  const replaced = edits.some(({ site, replaces }) => (site === "attn_out" || site === "head_output") && replaces);
  if (pass.start || replaced)
    throw fail(
      "a pass over a whole text in which heads mix values",
      pass.start ? "one that goes on from a cache" : "an edit that puts other numbers in their place",
      "Run the text without it.",
    );
  return pass.held.blocks.map((_, layer) => sharesOfBlock(pass, layer));
}

/**
 * Returns the credit of each token where it enters each block, and after the last: (L + 1, T). It begins with 1 at the
 * position, and runs back through the shares: what attention has goes to its keys, all else stays with the token.
 * @param {BlockShares[]} blocks
 * @param {number} position
 */
export function credit(blocks, position) {
  const tokens = blocks[0].residual.length;
  let after = new Float64Array(tokens);
  after[position] = 1;
  const depths = [after];
  for (const { residual, bias, heads } of blocks.toReversed()) {
    const before = after.map((amount, token) => amount * (residual[token] + bias[token]));
    for (const shares of heads)
      for (let query = 0; query < tokens; query++)
        if (after[query])
          for (let key = 0; key <= query; key++) before[key] += after[query] * shares[query * tokens + key];
    const total = sum(before); // 1 within rounding
    after = before.map((amount) => amount / total);
    depths.unshift(after);
  }
  return depths;
}

/**
 * @param {Pass} pass
 * @param {number} layer
 * @returns {BlockShares}
 */
function sharesOfBlock(pass, layer) {
  const { nHeads, dModel } = pass.gpt;
  const { length: tokens } = pass;
  const rowOf = (/** @type {Float32Array} */ rows, /** @type {number} */ token) =>
    rows.subarray(token * dModel, (token + 1) * dModel);
  const bias = pass.headBias(layer); // (T, D)
  const left = pass.attentionLeft(layer); // (T,)
  const weights = Array.from({ length: nHeads }, (_, head) => pass.weightsOf(layer, head).carried); // (T, T) each
  const values = weights.map((_, head) => pass.throughProjection(layer, head, pass.v(layer, head))); // (T, D) each
  const shares = {
    residual: new Float64Array(tokens),
    bias: new Float64Array(tokens),
    heads: weights.map(() => new Float64Array(tokens * tokens)),
    mlp: new Float64Array(tokens),
    byLength: 0,
  };
  for (let token = 0; token < tokens; token++) {
    const residual = rowOf(pass.residual(layer), token);
    const middle = residual.map((value, i) => value + rowOf(pass.attnOut(layer), token)[i]);
    /** @type {Part[]} */
    const parts = [{ row: residual }, { row: rowOf(bias, token) }];
    for (let head = 0; head < nHeads; head++)
      for (let key = 0; key <= token; key++)
        parts.push({ row: rowOf(values[head], key), factor: left[token] * weights[head][token * tokens + key] });
    const noteLength = () => shares.byLength++;
    const [ofResidual, ofBias, ...ofHeads] = nodeShares(middle, parts, noteLength);
    shares.residual[token] = ofResidual;
    shares.bias[token] = ofBias;
    ofHeads.forEach((share, i) => {
      shares.heads[Math.floor(i / (token + 1))][token * tokens + (i % (token + 1))] = share;
    });
    const mlp = rowOf(pass.mlpOut(layer), token);
    const after = middle.map((value, i) => value + mlp[i]);
    shares.mlp[token] = nodeShares(after, [{ row: middle }, { row: mlp }], noteLength)[1];
  }
  return shares;
}

/** A part of a sum: a row of numbers, multiplied by a factor. @typedef {{row: Float32Array, factor?: number}} Part */

/**
 * Returns the shares of a node's parts, which sum to 1. Where no part is near the sum they are by length, |p|; where no
 * part has a length either, the first has all.
 * @param {Float32Array} whole (D,)
 * @param {Part[]} parts
 * @param {() => void} [onLength] called if the shares are by length
 */
export function nodeShares(whole, parts, onLength = () => {}) {
  let sizes = parts.map((part) => proximity(whole, part));
  if (!sizes.some(Boolean)) onLength();
  if (!sizes.some(Boolean)) sizes = parts.map(({ row, factor = 1 }) => Math.abs(factor) * sum(row.map(Math.abs)));
  if (!sizes.some(Boolean)) sizes[0] = 1;
  const total = sizes.reduce((before, size) => before + size, 0);
  return sizes.map((size) => size / total);
}

/**
 * Returns max(0, |y| − |y − p|). The difference of two long sums would lose a small part, so it is summed by dimension:
 * with q, p times the sign of y, the dimension adds q, or 2 · |y| − q where q is larger than |y|.
 * @param {Float32Array} whole
 * @param {Part} part
 */
function proximity(whole, { row, factor = 1 }) {
  let total = 0;
  for (let i = 0; i < whole.length; i++) {
    const y = whole[i];
    const p = factor * row[i];
    const along = y < 0 ? -p : p;
    const size = y < 0 ? -y : y;
    total += along > size ? 2 * size - along : along;
  }
  return Math.max(0, total);
}
