// @ts-check
/** An edit as a pass applies it; `edits.js` makes them. These are types alone. */

/** @typedef {"residual"|"head_output"|"attn_out"|"mlp_out"|"neurons"} Site */
/** One row for each token of a pass. @typedef {Float32Array[]} Rows */
/**
 * What a head's output is made from. carried: the weights with which the values reach the output, after this edit, (T,
 * S); mix: returns the values mixed by one row of weights, (d,).
 * @typedef {{carried: Rows, mix: (weights: Float32Array) => Float64Array}} HeadParts
 */
/**
 * write: changes the rows of its site, whose first token stands at position `start`. reweigh: changes the weights with
 * which a head's values reach its output, and its map, (T, S) each, as the edit does; an edit that puts in numbers that
 * are no mix of the values has none, and `replaces` the output. length: the number of tokens that the text must have.
 * width: the numbers that a row must have.
 * @typedef {{site: Site, layer: number, head?: number|null, neuron?: number, position?: number|null, replaces?:
 *   boolean, length?: number, width?: number, write: (rows: Rows, start: number, parts: HeadParts) => void, reweigh?:
 *   (carried: Rows, map: Rows, start: number) => void}} Edit
 */

export {};
