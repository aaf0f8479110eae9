// @ts-check
/**
 * The keys and values of the tokens so far, so that one more token needs one row of work and not the whole text again.
 */

import { fail } from "./errors.js";

export class Cache {
  /**
   * @param {{nLayers: number, dModel: number}} shape of the model
   * @param {number} capacity the most tokens that it will hold
   */
  constructor({ nLayers, dModel }, capacity) {
    this.shape = { nLayers, dModel };
    this.capacity = capacity;
    this.length = 0; // tokens whose keys and values are held for every layer
    /** (capacity, D) for each layer */
    this.keys = Array.from({ length: nLayers }, () => new Float32Array(capacity * dModel));
    this.values = Array.from({ length: nLayers }, () => new Float32Array(capacity * dModel));
  }

  /**
   * Adds the keys and values of T tokens in one layer, (T, D) each; returns those of all S tokens, (S, D), in place. A
   * pass adds to every layer, and then to `length`.
   * @param {number} layer
   * @param {Float32Array} keys
   * @param {Float32Array} values
   */
  add(layer, keys, values) {
    const { dModel } = this.shape;
    const size = this.length + keys.length / dModel;
    if (size > this.capacity)
      throw fail(`at most ${this.capacity} tokens in this cache`, `${size}`, "Make it for more tokens.");
    this.keys[layer].set(keys, this.length * dModel);
    this.values[layer].set(values, this.length * dModel);
    return this.first(layer, size);
  }

  /**
   * Returns the keys and values of the first tokens in one layer, in place.
   * @param {number} layer
   * @param {number} size
   */
  first(layer, size) {
    const end = size * this.shape.dModel;
    return { keys: this.keys[layer].subarray(0, end), values: this.values[layer].subarray(0, end) };
  }

  /**
   * Returns a copy of its first tokens that goes on by itself: a branch of the text.
   * @param {number} [capacity]
   * @param {number} [length] of the tokens that are copied; all, if none is given
   */
  fork(capacity = this.capacity, length = this.length) {
    const copy = new Cache(this.shape, Math.max(capacity, length));
    for (let layer = 0; layer < this.shape.nLayers; layer++) {
      const { keys, values } = this.first(layer, length);
      copy.add(layer, keys, values);
    }
    copy.length = length;
    return copy;
  }
}
