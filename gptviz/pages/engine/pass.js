// @ts-check
/**
 * What one pass computed, by the names that a `Trace` has in Python.
 *
 * What the pass held is returned as it is: copy it before changing it. Maps, scores and logits are computed when they
 * are asked for. Positions are those of the pass: its first token is 0, wherever it stands in its text.
 */

import { linear, softmax } from "./arithmetic.js";
import { attentionWeights, headOf, scores } from "./attention.js";
import { checkIndex, fail } from "./errors.js";

/** @typedef {import("./weights.js").Model} Model */
/** @typedef {import("./cache.js").Cache} Cache */
/** @typedef {import("./editing.js").Editing} Editing */
/**
 * What one block computed for the tokens of a pass. Each is (T, D), activations (T, M). residual: the stream that
 * enters it; edited: what edits added to that stream, null if none acted there; mix: the heads' mixed values, side by
 * side, which enter the projection.
 * @typedef {{edited: Float32Array|null, residual: Float32Array, attnIn: Float32Array, q: Float32Array, mix:
 *   Float32Array, attnOut: Float32Array, mlpIn: Float32Array, activations: Float32Array, mlpOut: Float32Array}}
 *   BlockPass
 */
/**
 * embedding: what enters block 0, (T, D). stream: what leaves the last block, (T, D). edited: what edits added to it
 * there.
 * @typedef {{ids: number[], embedding: Float32Array, blocks: BlockPass[], stream: Float32Array,
 *   edited: Float32Array|null, cache: Cache, editing: Editing}} Held
 */

export class Pass {
  /** @param {Model} gpt @param {Held} held */
  constructor(gpt, held) {
    this.gpt = gpt;
    this.ids = held.ids;
    this.length = held.ids.length; // T
    this.cache = held.cache; // which holds S tokens, or more by now
    this.editing = held.editing;
    this.start = held.editing.start; // the position of the first token in its text
    this.size = this.start + this.length; // S
    this.held = held;
    /** The logits of the positions that were asked for. @type {Map<number, Float32Array>} */
    this.known = new Map();
  }

  /** @param {number} layer */
  block(layer) {
    return this.held.blocks[checkIndex(layer, this.gpt.nLayers, "layer")];
  }

  // Attention

  /** Returns the queries of a head: (T, d). @param {number} layer @param {number} head */
  q(layer, head) {
    return this.ofHead(this.block(layer).q, head);
  }

  /** Returns the keys of a head, those before the pass included: (S, d). @param {number} layer @param {number} head */
  k(layer, head) {
    return this.ofHead(this.cached(layer).keys, head);
  }

  /**
   * Returns the values of a head, those before the pass included: (S, d).
   * @param {number} layer
   * @param {number} head
   */
  v(layer, head) {
    return this.ofHead(this.cached(layer).values, head);
  }

  /**
   * Returns the scores of a head after each step before the softmax, (T, S) each: raw is q · k, scaled is that divided
   * by √d, and masked is −∞ where a query may not look.
   * @param {number} layer
   * @param {number} head
   */
  scoreStages(layer, head) {
    checkIndex(head, this.gpt.nHeads, "head");
    const raw = scores(this.block(layer).q, this.cached(layer).keys, head, this.gpt);
    const scaled = raw.map((score) => score / Math.sqrt(this.gpt.dHead));
    const isLater = (/** @type {number} */ i) => i % this.size > this.start + Math.floor(i / this.size);
    return { raw, scaled, masked: scaled.map((score, i) => (isLater(i) ? -Infinity : score)) };
  }

  /** Returns the attention weights of a head: (T, S), rows are queries. @param {number} layer @param {number} head */
  attention(layer, head) {
    return this.weightsOf(layer, head).map;
  }

  /**
   * Returns the map of a head, and the weights with which its values reach its output: the same, unless an edit has
   * switched the head off or scaled it. (T, S) each.
   * @param {number} layer
   * @param {number} head
   */
  weightsOf(layer, head) {
    checkIndex(head, this.gpt.nHeads, "head");
    const weights = attentionWeights(this.block(layer).q, this.cached(layer).keys, head, this.gpt);
    return this.editing.reweighed(layer, head, weights, this.size);
  }

  /**
   * Returns the values that a head mixed, which enter the projection: (T, d).
   * @param {number} layer
   * @param {number} head
   */
  headMix(layer, head) {
    return this.ofHead(this.block(layer).mix, head);
  }

  /**
   * Returns what a head alone adds to the stream, without the projection's bias: (T, D). The sum over all heads and
   * `headBias` is `attnOut`.
   * @param {number} layer
   * @param {number} head
   */
  headOutput(layer, head) {
    return this.scaledRows(this.throughProjection(layer, head, this.headMix(layer, head)), this.attentionLeft(layer));
  }

  /** Returns what the projection's bias adds to the stream at each token: (T, D). @param {number} layer */
  headBias(layer) {
    const { bias } = this.gpt.weights.blocks[checkIndex(layer, this.gpt.nLayers, "layer")].projection;
    const rows = Float32Array.from({ length: this.length * bias.length }, (_, i) => bias[i % bias.length]);
    return this.scaledRows(rows, this.attentionLeft(layer));
  }

  /**
   * Returns 0 for each token whose attention is switched off in a layer, 1 for the others: (T,). Throws an EngineError
   * if an edit has put other numbers in place of what attention adds, since heads have no part in those.
   * @param {number} layer
   */
  attentionLeft(layer) {
    const left = this.editing.attentionLeft(layer, this.length);
    if (left) return left;
    throw fail("heads whose outputs sum to what attention adds", "an edit of that sum", "`attnOut` has what it adds.");
  }

  /**
   * Multiplies each row, (T, D), by its factor, (T,), in place.
   * @param {Float32Array} rows
   * @param {Float32Array} factors
   */
  scaledRows(rows, factors) {
    for (let i = 0; i < rows.length; i++) rows[i] *= factors[Math.floor(i / this.gpt.dModel)];
    return rows;
  }

  /**
   * Returns rows of one head taken through its part of the projection: (rows, d) → (rows, D).
   * @param {number} layer
   * @param {number} head
   * @param {Float32Array} rows
   */
  throughProjection(layer, head, rows) {
    const { dModel, dHead } = this.gpt;
    const { weight } = this.gpt.weights.blocks[layer].projection;
    const part = this.ofHead(weight, head); // (D, d)
    return linear(rows, { weight: part, bias: new Float32Array(dModel), inputs: dHead, outputs: dModel });
  }

  // The residual stream

  /**
   * Returns what enters block 0, or its part of the token or the position: (T, D).
   * @param {"sum"|"token"|"position"} [kind]
   */
  embedding(kind = "sum") {
    if (kind === "sum") return this.held.embedding;
    const { tokenTable, positionTable } = this.gpt.weights;
    const { dModel } = this.gpt;
    const rows = new Float32Array(this.length * dModel);
    this.ids.forEach((id, token) => {
      const [table, row] = kind === "token" ? [tokenTable, id] : [positionTable, this.start + token];
      rows.set(table.subarray(row * dModel, (row + 1) * dModel), token * dModel);
    });
    return rows;
  }

  /** Returns the stream that enters a block, or leaves the last: (T, D). @param {number} depth */
  residual(depth) {
    checkIndex(depth, this.gpt.nLayers + 1, "depth");
    return depth < this.gpt.nLayers ? this.block(depth).residual : this.held.stream;
  }

  /**
   * Returns what edits added to the stream where it enters a block, or leaves the last: (T, D).
   * @param {number} depth
   */
  editOut(depth) {
    checkIndex(depth, this.gpt.nLayers + 1, "depth");
    const edited = depth < this.gpt.nLayers ? this.block(depth).edited : this.held.edited;
    return edited ?? new Float32Array(this.length * this.gpt.dModel);
  }

  /** Returns what enters attention, after the norm: (T, D). @param {number} layer */
  attnIn(layer) {
    return this.block(layer).attnIn;
  }

  /** Returns what attention adds to the stream: (T, D). @param {number} layer */
  attnOut(layer) {
    return this.block(layer).attnOut;
  }

  /** Returns what enters the MLP, after the norm: (T, D). @param {number} layer */
  mlpIn(layer) {
    return this.block(layer).mlpIn;
  }

  /** Returns the activations of the MLP's neurons: (T, M). @param {number} layer */
  mlpActivations(layer) {
    return this.block(layer).activations;
  }

  /** Returns what the MLP adds to the stream: (T, D). @param {number} layer */
  mlpOut(layer) {
    return this.block(layer).mlpOut;
  }

  // The next token

  /**
   * Returns the logits of the next token after one position: (V,). Throws an EngineError if they are NaN or infinite.
   * @param {number} [position] the last one, if none is given
   */
  logits(position = this.length - 1) {
    checkIndex(position, this.length, "position");
    const known = this.known.get(position) ?? this.gpt.unembed(this.streamAt(this.gpt.nLayers, position));
    this.known.set(position, known);
    if (!known.every(Number.isFinite))
      throw fail(
        `${this.editing.edits.length ? "edits that leave the logits finite" : "logits that are numbers"}`,
        "NaN or infinity among them",
        "A weight, a factor or a strength is too large.",
      );
    return known;
  }

  /** Returns the probabilities of the next token after one position: (V,). @param {number} [position] */
  probabilities(position) {
    return softmax(this.logits(position).slice());
  }

  /** Returns the stream of one token where it enters a block: (D,). @param {number} depth @param {number} position */
  streamAt(depth, position) {
    return this.residual(depth).subarray(position * this.gpt.dModel, (position + 1) * this.gpt.dModel);
  }

  /** The keys and values of a layer, up to the last token of the pass: (S, D) each. @param {number} layer */
  cached(layer) {
    return this.cache.first(checkIndex(layer, this.gpt.nLayers, "layer"), this.size);
  }

  /**
   * Returns the columns of one head of a matrix: (rows, D) → (rows, d).
   * @param {Float32Array} matrix
   * @param {number} head
   */
  ofHead(matrix, head) {
    const { nHeads, dModel, dHead } = this.gpt;
    checkIndex(head, nHeads, "head");
    const part = new Float32Array(matrix.length / nHeads);
    for (let row = 0; row * dModel < matrix.length; row++)
      part.set(headOf(matrix, row, head, dModel, dHead), row * dHead);
    return part;
  }
}
