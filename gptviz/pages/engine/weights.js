// @ts-check
/** Finds the weights of a GPT-2 in a safetensors file, by the names that transformers gives them. */

import { fail } from "./errors.js";

/** @typedef {import("./arithmetic.js").Linear} Linear */
/** @typedef {import("./arithmetic.js").Norm} Norm */
/** @typedef {import("./safetensors.js").Safetensors} Safetensors */
/**
 * The part of config.json that is used.
 * @typedef {{model_type: string, n_layer: number, n_head: number, n_embd: number, n_inner?: number|null,
 *   n_positions: number, vocab_size: number, layer_norm_epsilon?: number, eos_token_id?: number|number[]|null,
 *   [name: string]: unknown}} Config
 */
/**
 * One block. attention: the map to queries, keys and values, side by side, (3 · D, D); projection: the map from the
 * heads back to the stream, (D, D); up, down: those of the MLP, (M, D) and (D, M).
 * @typedef {{norm1: Norm, attention: Linear, projection: Linear, norm2: Norm, up: Linear, down: Linear}} Block
 */
/**
 * tokenTable: (V, D). positionTable: (P, D). unembedding: (V, D); the token table itself, if the two are tied.
 * @typedef {{tokenTable: Float32Array, positionTable: Float32Array, blocks: Block[], finalNorm: Norm,
 *   unembedding: Linear}} Weights
 */
/**
 * The sizes and weights of a model, and the way from its last stream to logits; see `GPT`, which has more.
 * @typedef {{nLayers: number, nHeads: number, dModel: number, dHead: number, dMLP: number, epsilon: number,
 *   weights: Weights, unembed: (stream: Float32Array) => Float32Array}} Model
 */

/** The settings of a GPT-2 that change its arithmetic, with the values that this engine computes. */
const SUPPORTED = {
  model_type: ["gpt2"],
  activation_function: ["gelu_new", "gelu_pytorch_tanh", undefined],
  scale_attn_weights: [true, undefined],
  scale_attn_by_inverse_layer_idx: [false, undefined],
  add_cross_attention: [false, undefined],
};

/** Throws an EngineError for a model that is not a GPT-2, or a variant with other arithmetic. @param {Config} config */
export function checkConfig(config) {
  for (const [name, values] of Object.entries(SUPPORTED))
    if (!values.includes(/** @type {never} */ (config[name])))
      throw fail(`a GPT-2 with ${name} ${values[0]}`, `${config[name]}`, "Use gptviz in Python for this model.");
}

/**
 * Returns the weights of the model.
 * @param {Safetensors} file
 * @param {Config} config
 * @returns {Weights}
 */
export function readWeights(file, config) {
  const { n_embd: d, vocab_size: vocab } = config;
  const prefix = file.has("transformer.wte.weight") ? "transformer." : "";
  const floats = (/** @type {string} */ name, /** @type {number[]} */ ...shape) => file.floats(prefix + name, shape);
  const norm = (/** @type {string} */ name) => ({
    gain: floats(`${name}.weight`, d),
    offset: floats(`${name}.bias`, d),
  });
  const map = (/** @type {string} */ name, /** @type {number} */ inputs, /** @type {number} */ outputs) => ({
    weight: transposed(floats(`${name}.weight`, inputs, outputs), inputs, outputs),
    bias: floats(`${name}.bias`, outputs),
    inputs,
    outputs,
  });
  const block = (/** @type {string} */ name) => ({
    norm1: norm(`${name}.ln_1`),
    attention: map(`${name}.attn.c_attn`, d, 3 * d),
    projection: map(`${name}.attn.c_proj`, d, d),
    norm2: norm(`${name}.ln_2`),
    up: map(`${name}.mlp.c_fc`, d, config.n_inner ?? 4 * d),
    down: map(`${name}.mlp.c_proj`, config.n_inner ?? 4 * d, d),
  });
  const tokenTable = floats("wte.weight", vocab, d);
  const untied = config.tie_word_embeddings === false;
  const unembedding = untied ? file.floats("lm_head.weight", [vocab, d]) : tokenTable;
  return {
    tokenTable,
    positionTable: floats("wpe.weight", config.n_positions, d),
    blocks: Array.from({ length: config.n_layer }, (_, layer) => block(`h.${layer}`)),
    finalNorm: norm("ln_f"),
    unembedding: { weight: unembedding, bias: new Float32Array(vocab), inputs: d, outputs: vocab },
  };
}

/**
 * Returns a matrix (rows, columns) as (columns, rows): GPT-2 stores its maps with inputs as rows.
 * @param {Float32Array} matrix
 * @param {number} rows
 * @param {number} columns
 */
function transposed(matrix, rows, columns) {
  const result = new Float32Array(matrix.length);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) result[column * rows + row] = matrix[row * columns + column];
  return result;
}
