// @ts-check
/**
 * GPT-2's forward pass: from token ids to everything that a pass computes.
 *
 * Read this file first. A token becomes a row of D numbers, its stream. Each block adds to it what attention takes from
 * earlier tokens, and what an MLP makes of it. The last stream, normalised, is compared with each token of the
 * vocabulary: that gives the logits. `attention.js` and `arithmetic.js` have the formulas, `tokenizer.js` comes before
 * all this, and `generate.js` after it. Source: Radford et al. 2019, "Language Models are Unsupervised Multitask
 * Learners".
 *
 * Shapes: T tokens of a pass, S tokens with those before it, D = H · d numbers in a stream, H heads, M neurons in an
 * MLP, V tokens in the vocabulary. Arrays are Float32Arrays in row order.
 */

import { add, gelu, layerNorm, linear } from "./arithmetic.js";
import { attentionWeights, mixValues } from "./attention.js";
import { Cache } from "./cache.js";
import { Editing } from "./editing.js";
import { checkIndex, fail } from "./errors.js";
import { Pass } from "./pass.js";
import { checkConfig, readWeights } from "./weights.js";

/** @typedef {import("./weights.js").Block} Block */
/** @typedef {import("./weights.js").Config} Config */
/** @typedef {import("./safetensors.js").Safetensors} Safetensors */
/** @typedef {import("./edit.js").Edit} Edit */
/** @typedef {import("./pass.js").BlockPass} BlockPass */

export class GPT {
  /**
   * @param {Safetensors} file with the weights
   * @param {Config} config the model's config.json
   */
  constructor(file, config) {
    checkConfig(config);
    this.nLayers = config.n_layer;
    this.nHeads = config.n_head;
    this.dModel = config.n_embd;
    this.dHead = config.n_embd / config.n_head;
    this.dMLP = config.n_inner ?? 4 * config.n_embd;
    this.vocabSize = config.vocab_size;
    this.contextLength = config.n_positions;
    this.epsilon = config.layer_norm_epsilon ?? 1e-5;
    /** The tokens that end a text; may be set. @type {number[]} */
    this.endIds = [config.eos_token_id ?? []].flat();
    this.weights = readWeights(file, config);
  }

  /**
   * Runs the model over the tokens that follow those of a cache, and adds their keys and values to it.
   * @param {ArrayLike<number>} ids (T,)
   * @param {{cache?: Cache, edits?: Edit[]}} [options] without a cache, the tokens begin the text
   */
  run(ids, { cache = new Cache(this, ids.length), edits = [] } = {}) {
    this.checkIds(ids, cache.length);
    const editing = new Editing(this, edits, cache.length, ids.length);
    const embedding = this.embed(ids, cache.length);
    const stream = embedding.slice(); // (T, D); blocks add to it
    const blocks = this.weights.blocks.map((block, layer) => this.runBlock(block, layer, stream, cache, editing));
    cache.length += ids.length;
    const edited = editing.stream(this.nLayers, stream);
    return new Pass(this, { ids: Array.from(ids), embedding, blocks, stream, edited, cache, editing });
  }

  /**
   * Runs the blocks from one on again, with edits that act there or later; the blocks before are those of the pass.
   * @param {Pass} pass over a whole text, without edits
   * @param {number} first the block
   * @param {Edit[]} edits
   */
  rerun(pass, first, edits) {
    if (pass.start || pass.editing.edits.length)
      throw fail("a pass over a whole text, without edits", "another", "Run the text by itself first.");
    const editing = new Editing(this, edits, 0, pass.length);
    const cache = pass.cache.fork(pass.length, 0);
    const stream = pass.residual(first).slice();
    const blocks = this.weights.blocks.map((block, layer) =>
      layer < first ? pass.block(layer) : this.runBlock(block, layer, stream, cache, editing),
    );
    cache.length = pass.length;
    const edited = editing.stream(this.nLayers, stream);
    return new Pass(this, { ids: pass.ids, embedding: pass.embedding(), blocks, stream, edited, cache, editing });
  }

  /**
   * Returns the sum of each token's row in the token table and its position's row in the position table: (T, D).
   * @param {ArrayLike<number>} ids
   * @param {number} start the position of the first
   */
  embed(ids, start) {
    const { tokenTable, positionTable } = this.weights;
    const stream = new Float32Array(ids.length * this.dModel);
    for (let token = 0; token < ids.length; token++) {
      const row = stream.subarray(token * this.dModel, (token + 1) * this.dModel);
      row.set(tokenTable.subarray(ids[token] * this.dModel, (ids[token] + 1) * this.dModel));
      add(row, positionTable.subarray((start + token) * this.dModel, (start + token + 1) * this.dModel));
    }
    return stream;
  }

  /**
   * Runs one block: adds what attention and the MLP compute to the stream, (T, D), in place.
   * @param {Block} block
   * @param {number} layer
   * @param {Float32Array} stream
   * @param {Cache} cache
   * @param {Editing} editing
   * @returns {BlockPass}
   */
  runBlock(block, layer, stream, cache, editing) {
    const edited = editing.stream(layer, stream);
    const residual = stream.slice(); // (T, D)

    const attnIn = layerNorm(stream, block.norm1, this.epsilon); // (T, D)
    const [q, k, v] = thirds(linear(attnIn, block.attention), this.dModel); // (T, 3 · D) → (T, D) each
    const { keys, values } = cache.add(layer, k, v); // (S, D)
    const mix = this.attend(layer, q, keys, values, editing); // (T, D)
    const attnOut = linear(mix, block.projection); // (T, D)
    editing.rows("attn_out", layer, attnOut);
    add(stream, attnOut);

    const mlpIn = layerNorm(stream, block.norm2, this.epsilon); // (T, D)
    const activations = gelu(linear(mlpIn, block.up)); // (T, M)
    editing.rows("neurons", layer, activations);
    const mlpOut = linear(activations, block.down); // (T, D)
    editing.rows("mlp_out", layer, mlpOut);
    add(stream, mlpOut);
    return { edited, residual, attnIn, q, mix, attnOut, mlpIn, activations, mlpOut };
  }

  /**
   * Returns the values that each head mixes for each query, the heads side by side: (T, D).
   * @param {number} layer
   * @param {Float32Array} q (T, D)
   * @param {Float32Array} keys (S, D)
   * @param {Float32Array} values (S, D)
   * @param {Editing} editing
   */
  attend(layer, q, keys, values, editing) {
    const tokens = q.length / this.dModel;
    const size = keys.length / this.dModel;
    const mix = new Float32Array(q.length);
    for (let head = 0; head < this.nHeads; head++) {
      const weights = attentionWeights(q, keys, head, this); // (T, S)
      for (let query = 0; query < tokens; query++) {
        const row = weights.subarray(query * size, (query + 1) * size);
        mix.set(mixValues(row, values, head, this), query * this.dModel + head * this.dHead);
      }
      editing.head(layer, head, mix, weights, values);
    }
    return mix;
  }

  /**
   * Returns the logits of the next token after each of some last streams: (T, D) → (T, V).
   * @param {Float32Array} stream
   */
  unembed(stream) {
    return linear(layerNorm(stream, this.weights.finalNorm, this.epsilon), this.weights.unembedding);
  }

  /**
   * Throws an EngineError for ids that the model cannot read.
   * @param {ArrayLike<number>} ids
   * @param {number} start how many tokens come before them
   */
  checkIds(ids, start) {
    if (!ids.length) throw fail("at least one token", "none", "Type at least one character.");
    for (let i = 0; i < ids.length; i++) checkIndex(ids[i], this.vocabSize, "token id");
    if (start + ids.length > this.contextLength)
      throw fail(
        `a text of at most ${this.contextLength} tokens`,
        `${start + ids.length}`,
        "The model has no positions for more: shorten the text.",
      );
  }
}

/**
 * Splits rows of three parts, such as queries, keys and values, into three arrays: (T, 3 · D) → (T, D) each.
 * @param {Float32Array} rows
 * @param {number} width D
 */
function thirds(rows, width) {
  const parts = [0, 1, 2].map(() => new Float32Array(rows.length / 3));
  for (let from = 0; from < rows.length; from += width)
    parts[(from / width) % 3].set(rows.subarray(from, from + width), Math.floor(from / width / 3) * width);
  return parts;
}
