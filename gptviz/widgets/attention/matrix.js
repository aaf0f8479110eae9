// @ts-check
/** The numbers of one attention map, (T, T), query rows and key columns, stored row after row. */

/**
 * Returns a map as (T, T). Where the mask hides the future, only the lower triangle is sent; the future is −∞ then.
 * @param {{data: Float32Array, shape: number[]}} answer
 */
export function unpackMap({ data, shape }) {
  if (shape.length === 2) return data;
  const size = Math.round((Math.sqrt(8 * data.length + 1) - 1) / 2);
  const map = new Float32Array(size * size).fill(-Infinity);
  let start = 0;
  for (let query = 0; query < size; query++) {
    map.set(data.subarray(start, start + query + 1), query * size);
    start += query + 1;
  }
  return map;
}

/**
 * Returns a query's weights up to its own position; NaN where the mask hides a key.
 * @param {Float32Array} map
 * @param {number} query
 * @param {number} size
 */
export function rowOf(map, query, size) {
  return map.subarray(query * size, query * size + query + 1);
}

/** Returns the weights with each row divided by its largest. @param {Float32Array} weights @param {number} size */
export function scaleRows(weights, size) {
  const scaled = new Float32Array(weights.length).fill(NaN);
  for (let query = 0; query < size; query++) {
    const row = rowOf(weights, query, size);
    const largest = row[indexOfLargest(row)] || 1;
    row.forEach((x, key) => {
      scaled[query * size + key] = x / largest;
    });
  }
  return scaled;
}

/**
 * Returns the key with the largest weight of a row. The search starts at the query's own weight, the last one, which no
 * mask hides.
 * @param {Float32Array} row
 */
export function indexOfLargest(row) {
  return row.reduce((best, x, i) => (x > row[best] ? i : best), row.length - 1);
}
