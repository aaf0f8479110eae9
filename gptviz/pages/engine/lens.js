// @ts-check
/** What a pass says about its answer: the logit lens, and the share of each part in a logit. */

import { dot, moments, sum } from "./arithmetic.js";
import { fail } from "./errors.js";

/** @typedef {import("./pass.js").Pass} Pass */
/**
 * What one part contributes to a logit. part: "token", "position", "head", "head_bias", "attention" (all heads,
 * where they cannot be told apart), "mlp", "edit" or "norm_bias".
 * @typedef {{part: string, value: number, layer?: number, head?: number}} Share
 */

/**
 * Returns the logits that the stream of one token would give at every depth: (L + 1, V). The last row is the position's
 * logits. Source: nostalgebraist 2020, "interpreting GPT: the logit lens".
 * @param {Pass} pass
 * @param {number} [position] the last one, if none is given
 */
export function logitLens(pass, position = pass.length - 1) {
  const { nLayers, dModel } = pass.gpt;
  const streams = new Float32Array((nLayers + 1) * dModel);
  for (let depth = 0; depth <= nLayers; depth++) streams.set(pass.streamAt(depth, position), depth * dModel);
  return pass.gpt.unembed(streams);
}

/**
 * Returns what each part of the model contributes to the logit of a token; the sum is the logit. The last stream is the
 * sum of what the parts added, and a logit is linear in it once the final norm's scale is frozen. Source: Elhage et al.
 * 2021, "A Mathematical Framework for Transformer Circuits".
 * @param {Pass} pass
 * @param {number} id of the token
 * @param {number} [position] the last one, if none is given
 * @returns {Share[]}
 */
export function attribution(pass, id, position = pass.length - 1) {
  const { nLayers, dModel, weights } = pass.gpt;
  const along = direction(pass, id, position);
  const row = (/** @type {Float32Array} */ rows) => rows.subarray(position * dModel, (position + 1) * dModel);
  /** @type {Share[]} */
  const shares = [
    { part: "token", value: dot(row(pass.embedding("token")), along) },
    { part: "position", value: dot(row(pass.embedding("position")), along) },
  ];
  for (let layer = 0; layer < nLayers; layer++) {
    if (!pass.editing.attentionLeft(layer, pass.length))
      shares.push({ part: "attention", value: dot(row(pass.attnOut(layer)), along), layer });
    else shares.push(...headShares(pass, layer, along, position));
    shares.push({ part: "mlp", value: dot(row(pass.mlpOut(layer)), along), layer });
  }
  let added = 0;
  for (let depth = 0; depth <= nLayers; depth++) added += dot(row(pass.editOut(depth)), along);
  shares.push({ part: "edit", value: added });
  shares.push({ part: "norm_bias", value: dot(weights.finalNorm.offset, unembeddingOf(pass, id)) });
  return shares;
}

/**
 * Splits the share of an MLP in a logit into those of its neurons, (M,), and of the bias of its down projection.
 * @param {Pass} pass
 * @param {number} layer
 * @param {number} id of the token
 * @param {number} [position] the last one, if none is given
 */
export function neuronShares(pass, layer, id, position = pass.length - 1) {
  const activations = pass.mlpActivations(layer).subarray(position * pass.gpt.dMLP, (position + 1) * pass.gpt.dMLP);
  if (pass.editing.at("mlp_out", layer).length)
    throw fail("neurons whose shares sum to what the MLP adds", "an edit of that sum", "`mlpOut` has what it adds.");
  const along = direction(pass, id, position);
  const { weight, bias, inputs, outputs } = pass.gpt.weights.blocks[layer].down; // (D, M)
  const shares = new Float64Array(inputs);
  for (let out = 0; out < outputs; out++)
    for (let neuron = 0; neuron < inputs; neuron++) shares[neuron] += along[out] * weight[out * inputs + neuron];
  return { neurons: shares.map((share, neuron) => share * activations[neuron]), bias: dot(bias, along) };
}

/**
 * Returns the shares of a layer's heads and of their projection's bias.
 * @param {Pass} pass
 * @param {number} layer
 * @param {Float64Array} along see `direction`
 * @param {number} position
 * @returns {Share[]}
 */
function headShares(pass, layer, along, position) {
  const { nHeads, dModel } = pass.gpt;
  const share = (/** @type {Float32Array} */ rows) =>
    dot(rows.subarray(position * dModel, (position + 1) * dModel), along);
  return [
    ...Array.from({ length: nHeads }, (_, head) => {
      return { part: "head", value: share(pass.headOutput(layer, head)), layer, head };
    }),
    { part: "head_bias", value: share(pass.headBias(layer)), layer },
  ];
}

/**
 * Returns the vector whose product with a part of the last stream is its share of the logit: the token's row of the
 * unembedding, taken back through the final norm with its scale frozen at the position: (D,).
 * @param {Pass} pass
 * @param {number} id
 * @param {number} position
 */
export function direction(pass, id, position) {
  const { gain } = pass.gpt.weights.finalNorm;
  const { deviation } = moments(pass.streamAt(pass.gpt.nLayers, position), pass.gpt.epsilon);
  const scaled = Float64Array.from(unembeddingOf(pass, id), (value, i) => (value * gain[i]) / deviation);
  const mean = sum(scaled) / scaled.length; // the norm subtracts the stream's mean
  return scaled.map((value) => value - mean);
}

/** @param {Pass} pass @param {number} id */
function unembeddingOf({ gpt }, id) {
  return gpt.weights.unembedding.weight.subarray(id * gpt.dModel, (id + 1) * gpt.dModel);
}
