// @ts-check
/** The shares that the flow picture draws, of each block or of several blocks pooled, as `shares.py` has them. */

/** @typedef {import("../../pages/engine/flow.js").BlockShares} BlockShares */
/**
 * The shares of one column for n drawn tokens: all but attention stays with the token. attention: (n, n), rows are
 * queries.
 * @typedef {{attention: Float64Array, stream: Float64Array, bias: Float64Array, mlp: Float64Array}} Column
 */

const MOST_COLUMNS = 8;
const MOST_TOKENS = 256; // that are drawn; earlier ones are one token, in which credit stays

/** Returns the first and the last layer of each column. @param {number} layers @returns {[number, number][]} */
export function layerRanges(layers) {
  const columns = Math.min(layers, MOST_COLUMNS);
  const larger = layers % columns; // columns that have one layer more
  const size = Math.floor(layers / columns);
  let first = 0;
  return Array.from({ length: columns }, (_, column) => {
    const count = size + (column < larger ? 1 : 0);
    first += count;
    return [first - count, first - 1];
  });
}

/** Returns the position of the first token that is drawn as itself. @param {number} tokens in the text */
export function firstDrawn(tokens) {
  return Math.max(0, tokens - MOST_TOKENS);
}

/**
 * Returns how many tokens are drawn, with the one that stands for the earlier ones.
 * @param {number} tokens in the text
 */
export function drawnCount(tokens) {
  return Math.min(tokens, MOST_TOKENS + 1);
}

/** Returns the shares of each column. @param {BlockShares[]} blocks @param {[number, number][]} ranges */
export function columnShares(blocks, ranges) {
  return ranges.map(([first, last]) => (first === last ? single(blocks[first]) : pooledColumn(blocks, first, last)));
}

/** @param {BlockShares} block @returns {Column} */
function single(block) {
  return {
    attention: drawnMatrix(allHeads(block)),
    stream: drawn(block.residual, 1),
    bias: drawn(block.bias, 0),
    mlp: drawn(block.mlp, 0),
  };
}

/**
 * Returns the shares of layers that are pooled by multiplying their matrices.
 * @param {BlockShares[]} blocks
 * @param {number} first
 * @param {number} last
 * @returns {Column}
 */
function pooledColumn(blocks, first, last) {
  const size = drawnCount(blocks[first].residual.length);
  let whole = identity(size);
  let withoutMLP = identity(size);
  const stream = new Float64Array(size).fill(1);
  const stays = new Float64Array(size).fill(1);
  for (let layer = first; layer <= last; layer++) {
    const { attention: matrix, stream: straight, bias, mlp } = single(blocks[layer]);
    for (let i = 0; i < size; i++) {
      matrix[i * size + i] += straight[i] + bias[i];
      stream[i] *= straight[i];
      stays[i] *= straight[i] + bias[i];
    }
    whole = product(matrix, whole, size);
    const beside = matrix.map((share, i) => (1 - mlp[Math.floor(i / size)]) * share);
    withoutMLP = product(beside, withoutMLP, size);
  }
  const mlp = stays.map((_, row) => {
    let left = 0;
    for (let i = 0; i < size; i++) left += withoutMLP[row * size + i];
    return Math.min(1, Math.max(0, 1 - left));
  });
  for (let i = 0; i < size; i++) whole[i * size + i] -= stays[i];
  return { attention: whole, stream, bias: stays.map((share, i) => share - stream[i]), mlp };
}

/** Returns the shares of all heads together: (T, T). @param {BlockShares} block */
function allHeads({ heads }) {
  const sum = new Float64Array(heads[0].length);
  for (const head of heads) for (let i = 0; i < sum.length; i++) sum[i] += head[i];
  return sum;
}

/** Returns the rows of matrices (n, n) up to the diagonal, one after another, as the page reads them.
 * @param {Float64Array[]} matrices */
export function withoutFutures(matrices) {
  const size = Math.sqrt(matrices[0].length);
  const cells = (size * (size + 1)) / 2;
  const packed = new Float32Array(matrices.length * cells);
  let at = 0;
  for (const matrix of matrices)
    for (let row = 0; row < size; row++) {
      packed.set(matrix.subarray(row * size, row * size + row + 1), at);
      at += row + 1;
    }
  return packed;
}

/** Returns what stays with each token, by columns: stream, bias and MLP, (C, 3, n). @param {Column[]} columns */
export function packedKept(columns) {
  return Float32Array.from(columns.flatMap(({ stream, bias, mlp }) => [...stream, ...bias, ...mlp]));
}

/** Returns the rows and columns of the tokens that are drawn; nothing leaves the earlier tokens again.
 * @param {Float64Array} matrix (T, T) */
export function drawnMatrix(matrix) {
  const size = Math.sqrt(matrix.length);
  const first = firstDrawn(size);
  if (!first) return matrix.slice();
  const count = drawnCount(size);
  const result = new Float64Array(count * count);
  for (let row = first; row < size; row++) {
    const to = (row - first + 1) * count;
    for (let key = 0; key < first; key++) result[to] += matrix[row * size + key];
    result.set(matrix.subarray(row * size + first, (row + 1) * size), to + 1);
  }
  return result;
}

/**
 * Returns the values of the tokens that are drawn.
 * @param {Float64Array} values
 * @param {number} earlier of the one that stands for the earlier tokens
 */
function drawn(values, earlier) {
  const first = firstDrawn(values.length);
  return first ? Float64Array.from([earlier, ...values.subarray(first)]) : values;
}

/** @param {number} size */
function identity(size) {
  const matrix = new Float64Array(size * size);
  for (let i = 0; i < size; i++) matrix[i * size + i] = 1;
  return matrix;
}

/**
 * Returns the product of two matrices that are 0 above their diagonals.
 * @param {Float64Array} a
 * @param {Float64Array} b
 * @param {number} size
 */
function product(a, b, size) {
  const result = new Float64Array(size * size);
  for (let row = 0; row < size; row++)
    for (let i = 0; i <= row; i++) {
      const factor = a[row * size + i];
      if (factor)
        for (let column = 0; column <= i; column++) result[row * size + column] += factor * b[i * size + column];
    }
  return result;
}
