// @ts-check
/** The steps of one token through one block, as `steps.py` has them. */

import { checkIndex } from "../../pages/engine/errors.js";
import { columnLengths } from "../../pages/live/lengths.js";

/** @typedef {import("../../pages/engine/pass.js").Pass} Pass */
/**
 * A step; see `block_steps`.
 * @typedef {{kind: string, vector: Float32Array, length: number, head?: number, neuron?: number,
 *   activation?: number, before?: string, count?: number}} Step
 */

const STRONGEST = 8; // neurons that are shown one by one

/**
 * Returns the steps in order, from the stream that enters to the stream that leaves.
 * @param {Pass} pass
 * @param {number} layer
 * @param {number} position
 * @returns {Step[]}
 */
export function blockSteps(pass, layer, position) {
  checkIndex(layer, pass.gpt.nLayers, "layer");
  checkIndex(position, pass.length, "position");
  const { dModel, nHeads } = pass.gpt;
  const row = (/** @type {Float32Array} */ rows) => rows.subarray(position * dModel, (position + 1) * dModel);
  const [stream, attention, mlp] = [pass.residual(layer), pass.attnOut(layer), pass.mlpOut(layer)].map(row);
  const bias = row(pass.headBias(layer));
  const added = row(pass.editOut(layer + 1));
  return [
    step("in", stream),
    step("norm", row(pass.attnIn(layer)), { before: "attention" }),
    ...Array.from({ length: nHeads }, (_, head) => step("head", row(pass.headOutput(layer, head)), { head })),
    ...(bias.some(Boolean) ? [step("bias", bias)] : []),
    step("attention", attention),
    step(
      "middle",
      stream.map((value, i) => value + attention[i]),
    ),
    step("norm", row(pass.mlpIn(layer)), { before: "mlp" }),
    ...neuronSteps(pass, layer, position, mlp),
    step("mlp", mlp),
    step(
      "out",
      row(pass.residual(layer + 1)).map((value, i) => value - added[i]),
    ),
  ];
}

/** Returns a step with the neurons that add the longest vectors each, and one with all others.
 * @param {Pass} pass @param {number} layer @param {number} position @param {Float32Array} mlp what all add */
function neuronSteps(pass, layer, position, mlp) {
  const { weight, inputs, outputs } = pass.gpt.weights.blocks[layer].down; // (D, M)
  const activations = pass.mlpActivations(layer).subarray(position * inputs, (position + 1) * inputs);
  const lengths = columnLengths(weight, inputs, outputs).map(
    (length, neuron) => length * Math.abs(activations[neuron]),
  );
  const strongest = Array.from(lengths.keys()).sort((a, b) => lengths[b] - lengths[a] || a - b);
  const rest = mlp.slice();
  const steps = strongest.slice(0, STRONGEST).map((neuron) => {
    const activation = activations[neuron];
    const vector = Float32Array.from({ length: outputs }, (_, out) => activation * weight[out * inputs + neuron]);
    for (let i = 0; i < outputs; i++) rest[i] -= vector[i];
    return step("neuron", vector, { neuron, activation });
  });
  return [...steps, step("others", rest, { count: inputs - steps.length })];
}

/** @param {string} kind @param {Float32Array} vector @param {Partial<Step>} [details] @returns {Step} */
function step(kind, vector, details = {}) {
  const length = Math.sqrt(vector.reduce((total, value) => total + value * value, 0));
  return { kind, vector, length, ...details };
}
