// @ts-check

/**
 * Returns the length of each column of a matrix.
 * @param {Float32Array} matrix
 * @param {number} columns
 * @param {number} rows
 */
export function columnLengths(matrix, columns, rows) {
  const squares = new Float64Array(columns);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) squares[column] += matrix[row * columns + column] ** 2;
  return squares.map(Math.sqrt);
}
