// @ts-check
/** Applies edits in a pass. What they mean is in `edits.js`. */

import { mixValues } from "./attention.js";
import { checkIndex, fail } from "./errors.js";

/** @typedef {import("./edit.js").Edit} Edit */
/** @typedef {import("./edit.js").Site} Site */
/** @typedef {import("./weights.js").Model} Model */

export class Editing {
  /**
   * Throws an EngineError for edits that do not fit the model.
   * @param {Model} gpt
   * @param {Edit[]} edits
   * @param {number} start the position of the first token of the pass
   * @param {number} tokens in the pass
   */
  constructor(gpt, edits, start, tokens) {
    this.gpt = gpt;
    this.edits = edits;
    this.start = start;
    for (const edit of edits) {
      this.check(edit);
      if (!start) checkTokens(edit, tokens); // while a text is generated, positions are those of the prompt
    }
  }

  /** @param {Edit} edit */
  check({ site, layer, head = null, neuron, width }) {
    const { nLayers, nHeads, dMLP, dModel } = this.gpt;
    checkIndex(layer, site === "residual" ? nLayers + 1 : nLayers, "layer");
    if (head !== null) checkIndex(head, nHeads, "head");
    if (neuron !== undefined) checkIndex(neuron, dMLP, "neuron");
    if (width !== undefined && width !== dModel)
      throw fail(`a vector of ${dModel} numbers`, `${width}`, "The stream has that many.");
  }

  /**
   * Returns the edits of a site in a layer, in order.
   * @param {Site} site
   * @param {number} layer
   * @param {number} [head]
   */
  at(site, layer, head) {
    const acts = (/** @type {Edit} */ edit) => head === undefined || (edit.head ?? head) === head;
    return this.edits.filter((edit) => edit.site === site && edit.layer === layer && acts(edit));
  }

  /**
   * Changes the rows of a site in place: (T, width).
   * @param {Site} site
   * @param {number} layer
   * @param {Float32Array} numbers
   */
  rows(site, layer, numbers) {
    const width = site === "neurons" ? this.gpt.dMLP : this.gpt.dModel;
    const parts = { carried: [], mix: () => new Float64Array(0) }; // only heads have parts
    for (const edit of this.at(site, layer)) edit.write(rowsOf(numbers, width), this.start, parts);
  }

  /**
   * Changes the stream that enters a block, (T, D), in place. Returns what was added, or null if no edit acts there.
   * @param {number} layer
   * @param {Float32Array} stream
   */
  stream(layer, stream) {
    if (!this.at("residual", layer).length) return null;
    const before = stream.slice();
    this.rows("residual", layer, stream);
    return stream.map((value, i) => value - before[i]);
  }

  /**
   * Changes the output of one head in place.
   * @param {number} layer
   * @param {number} head
   * @param {Float32Array} mix of all heads: (T, D)
   * @param {Float32Array} weights of this head: (T, S)
   * @param {Float32Array} values of all heads: (S, D)
   */
  head(layer, head, mix, weights, values) {
    const edits = this.at("head_output", layer, head);
    if (!edits.length) return;
    const { dModel, dHead } = this.gpt;
    const outputs = rowsOf(mix, dModel).map((row) => row.subarray(head * dHead, (head + 1) * dHead)); // (T, d)
    const map = rowsOf(weights.slice(), values.length / dModel);
    const carried = rowsOf(weights.slice(), values.length / dModel);
    const parts = {
      carried,
      mix: (/** @type {Float32Array} */ row) => mixValues(row, values, head, this.gpt),
    };
    for (const edit of edits) {
      edit.reweigh?.(carried, map, this.start);
      edit.write(outputs, this.start, parts);
    }
  }

  /**
   * Returns a head's map, and the weights with which its values reach its output, from its weights without edits.
   * @param {number} layer
   * @param {number} head
   * @param {Float32Array} weights (T, S)
   * @param {number} size S
   */
  reweighed(layer, head, weights, size) {
    const [map, carried] = [weights.slice(), weights.slice()];
    for (const edit of this.at("head_output", layer, head))
      edit.reweigh?.(rowsOf(carried, size), rowsOf(map, size), this.start);
    return { map, carried };
  }

  /**
   * Returns 0 for each token whose attention is switched off in a layer, 1 for the others: (T,). Null if an edit has
   * put other numbers in place of what attention adds.
   * @param {number} layer
   * @param {number} tokens T
   */
  attentionLeft(layer, tokens) {
    const edits = this.at("attn_out", layer);
    if (edits.some(({ replaces }) => replaces)) return null;
    const isOff = (/** @type {number} */ token) => edits.some(({ position }) => (position ?? token) === token);
    return Float32Array.from({ length: tokens }, (_, token) => (isOff(this.start + token) ? 0 : 1));
  }
}

/**
 * Throws an EngineError for an edit that does not fit the tokens of its text.
 * @param {Edit} edit
 * @param {number} tokens
 */
function checkTokens({ position = null, length }, tokens) {
  if (position !== null) checkIndex(position, tokens, "position");
  if (length !== undefined && length !== tokens)
    throw fail(`a source of ${tokens} tokens, as the text has`, `${length}`, "Take texts of equal length.");
}

/** Returns the rows of a matrix, in place. @param {Float32Array} matrix @param {number} width */
function rowsOf(matrix, width) {
  return Array.from({ length: matrix.length / width }, (_, row) => matrix.subarray(row * width, (row + 1) * width));
}
