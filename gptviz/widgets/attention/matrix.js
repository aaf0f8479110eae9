// @ts-check
/** The numbers of one attention map, (queries, keys), query rows and key columns, stored row after row. */

/**
 * Returns a map as (queries, keys). Where the mask hides the future, only the lower triangle is sent; the future is −∞
 * then.
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
 * Returns a query's weights: up to its own position if the map is causal. NaN where the mask hides a key.
 * @param {Float32Array} map
 * @param {number} query
 * @param {number} keys how many a row has
 * @param {boolean} isCausal
 */
export function rowOf(map, query, keys, isCausal) {
  return map.subarray(query * keys, query * keys + (isCausal ? query + 1 : keys));
}

/**
 * Returns the weights with each row divided by its largest.
 * @param {Float32Array} weights
 * @param {number} keys how many a row has
 * @param {boolean} isCausal
 */
export function scaleRows(weights, keys, isCausal) {
  const scaled = new Float32Array(weights.length).fill(NaN);
  for (let query = 0; query * keys < weights.length; query++) {
    const row = rowOf(weights, query, keys, isCausal);
    const largest = row[indexOfLargest(row)] || 1;
    row.forEach((x, key) => {
      scaled[query * keys + key] = x / largest;
    });
  }
  return scaled;
}

/**
 * Returns the key with the largest weight of a row. The search starts at the last one, which no mask hides: in a causal
 * row it is the query's own.
 * @param {Float32Array} row
 */
export function indexOfLargest(row) {
  return row.reduce((best, x, i) => (x > row[best] ? i : best), row.length - 1);
}
