// @ts-check
/** Attention maps as views show them: without the future, and pooled to thumbnails. */

/** @typedef {import("../engine/pass.js").Pass} Pass */

export const THUMBNAIL = 32; // cells a side at most, as in `thumbnails.py`

/** Returns the cells of a map (T, T) whose key is not later than the query, row after row: (T (T + 1) / 2,).
 * @param {Float32Array} map
 * @param {number} size T
 */
export function withoutFuture(map, size) {
  const cells = new Float32Array((size * (size + 1)) / 2);
  for (let query = 0, at = 0; query < size; query++) {
    cells.set(map.subarray(query * size, query * size + query + 1), at);
    at += query + 1;
  }
  return cells;
}

/**
 * Returns the maps of a layer's heads, pooled: (H, side, side) as one byte a cell, 255 for a weight of 1.
 * @param {Pass} pass
 * @param {number} layer
 */
export function thumbnailsOf(pass, layer) {
  const { nHeads } = pass.gpt;
  const side = Math.min(pass.length, THUMBNAIL);
  const bytes = new Uint8Array(nHeads * side * side);
  for (let head = 0; head < nHeads; head++) {
    const cells = pooled(pass.attention(layer, head), pass.length, side);
    cells.forEach((weight, i) => (bytes[head * side * side + i] = Math.round(255 * weight)));
  }
  return bytes;
}

/** Returns the thumbnails of all heads: (L, H, side, side). @param {Pass} pass */
export function thumbnails(pass) {
  const layers = Array.from({ length: pass.gpt.nLayers }, (_, layer) => thumbnailsOf(pass, layer));
  const bytes = new Uint8Array(layers.length * layers[0].length);
  layers.forEach((of, layer) => void bytes.set(of, layer * of.length));
  return { bytes: new DataView(bytes.buffer), side: Math.min(pass.length, THUMBNAIL) };
}

/**
 * Pools a map (size, size) to (side, side): each cell is the largest weight of its block.
 * @param {Float32Array} map
 * @param {number} size
 * @param {number} side
 */
export function pooled(map, size, side) {
  const cells = new Float32Array(side * side);
  const blocks = new Int32Array(size); // the block of each token
  for (let block = 0; block < side; block++) blocks.fill(block, Math.floor(block * (size / side)));
  for (let query = 0; query < size; query++)
    for (let key = 0; key <= query; key++) {
      const cell = blocks[query] * side + blocks[key];
      cells[cell] = Math.max(cells[cell], map[query * size + key]);
    }
  return cells;
}
