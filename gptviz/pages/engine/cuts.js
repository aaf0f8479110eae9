// @ts-check
/**
 * What the model says when one part of one block is cut at one token: real passes, beside the shares of `flow.js`.
 *
 * Attention is causal, so a cut at one token changes nothing at earlier ones: these are taken from the cache, and only
 * one token is run for each cut. Source: Wang et al. 2022, "Interpretability in the Wild" (zero ablation).
 */

import { softmax } from "./arithmetic.js";
import { ablateAttention, ablateKey, ablateMLP } from "./edits.js";

/** @typedef {import("./gpt.js").GPT} GPT */
/** @typedef {import("./pass.js").Pass} Pass */
/** @typedef {import("./edits.js").Edit} Edit */

/**
 * Returns the probability of a next token when attention, or the MLP, of each block adds nothing to one token: (L,)
 * each. The edits of the pass stay.
 * @param {Pass} pass
 * @param {number} id of the next token
 * @param {number} [position] whose parts are cut, and after which the next token is read; the last one, if none is
 *   given
 */
export function cuts(pass, id, position = pass.length - 1) {
  const at = pass.start + position;
  const layers = Array.from({ length: pass.gpt.nLayers }, (_, layer) => layer);
  const probability = (/** @type {Edit} */ edit) => probabilityWith(pass, edit, id, position);
  return {
    attention: Float64Array.from(layers, (layer) => probability(ablateAttention(layer, at))),
    mlp: Float64Array.from(layers, (layer) => probability(ablateMLP(layer, at))),
  };
}

/**
 * Returns the probability of a next token when one token gives weight 0 to one key, for each key up to it: (keys,).
 * @param {Pass} pass
 * @param {number} id of the next token
 * @param {number} position of the token, after which the next token is read
 * @param {number} layer
 * @param {number|null} [head] null for all heads of the layer
 * @param {boolean} [renormalise] whether the rest of the row is divided by what is left
 */
export function keyCuts(pass, id, position, layer, head = null, renormalise = true) {
  const at = pass.start + position;
  return Float64Array.from({ length: at + 1 }, (_, key) =>
    probabilityWith(pass, ablateKey(layer, at, key, head, renormalise), id, position),
  );
}

/**
 * Returns the probability of a next token after a position with one more edit, which acts at that position only.
 * @param {Pass} pass
 * @param {Edit} edit
 * @param {number} id
 * @param {number} position
 */
function probabilityWith(pass, edit, id, position) {
  const { ids, start } = pass;
  const gpt = /** @type {GPT} */ (pass.gpt);
  const edits = [...pass.editing.edits, edit];
  const at = start + position;
  // Nothing comes before the first token, so no cache is read for it.
  const again = at ? gpt.run([ids[position]], { edits, cache: pass.cache.fork(at + 1, at) }) : gpt.run(ids, { edits });
  return softmax(Float64Array.from(again.logits(at ? 0 : position)))[id];
}
