// @ts-check
/**
 * The arithmetic of a GPT on arrays of numbers in row order: linear maps, norms, the softmax.
 *
 * JavaScript computes in float64; what is stored between two steps is float32.
 */

/**
 * A linear map y = W x + b. weight: (outputs, inputs), so that an output is the product of two rows; bias: (outputs,).
 * @typedef {{weight: Float32Array, bias: Float32Array, inputs: number, outputs: number}} Linear
 */
/**
 * The learned gain and offset of a LayerNorm: (width,) each.
 * @typedef {{gain: Float32Array, offset: Float32Array}} Norm
 */

/**
 * Maps each row of x: (T, inputs) → (T, outputs).
 *
 * Nearly all the time of a pass is spent here. Four rows of the weight and two of x are multiplied at a time, so that
 * each number that is loaded is used more than once.
 * @param {Float32Array} x
 * @param {Linear} map
 */
export function linear(x, { weight, bias, inputs, outputs }) {
  const tokens = x.length / inputs;
  const y = new Float32Array(tokens * outputs);
  const rows = new Float64Array(x);
  const whole = outputs - (outputs % 4);
  for (let out = 0; out < whole; out += 4) {
    const w0 = out * inputs;
    const w1 = w0 + inputs;
    const w2 = w1 + inputs;
    const w3 = w2 + inputs;
    let token = 0;
    for (; token + 1 < tokens; token += 2) {
      const first = token * inputs;
      const second = first + inputs;
      let a0 = bias[out];
      let a1 = bias[out + 1];
      let a2 = bias[out + 2];
      let a3 = bias[out + 3];
      let b0 = a0;
      let b1 = a1;
      let b2 = a2;
      let b3 = a3;
      for (let i = 0; i < inputs; i++) {
        const a = rows[first + i];
        const b = rows[second + i];
        const p = weight[w0 + i];
        const q = weight[w1 + i];
        const r = weight[w2 + i];
        const s = weight[w3 + i];
        a0 += a * p;
        a1 += a * q;
        a2 += a * r;
        a3 += a * s;
        b0 += b * p;
        b1 += b * q;
        b2 += b * r;
        b3 += b * s;
      }
      const at = token * outputs + out;
      y[at] = a0;
      y[at + 1] = a1;
      y[at + 2] = a2;
      y[at + 3] = a3;
      y[at + outputs] = b0;
      y[at + outputs + 1] = b1;
      y[at + outputs + 2] = b2;
      y[at + outputs + 3] = b3;
    }
    if (token < tokens) lastToken(rows, weight, bias, y, inputs, outputs, out);
  }
  for (let out = whole; out < outputs; out++)
    for (let token = 0; token < tokens; token++) {
      let sum = bias[out];
      for (let i = 0; i < inputs; i++) sum += rows[token * inputs + i] * weight[out * inputs + i];
      y[token * outputs + out] = sum;
    }
  return y;
}

/**
 * Computes four outputs of the last token: of an odd number of tokens it has no second one beside it, and while a text
 * is generated it is the only one.
 * @param {Float64Array} rows
 * @param {Float32Array} weight
 * @param {Float32Array} bias
 * @param {Float32Array} y
 * @param {number} inputs
 * @param {number} outputs
 * @param {number} out the first of the four
 */
function lastToken(rows, weight, bias, y, inputs, outputs, out) {
  const row = rows.length - inputs;
  const w0 = out * inputs;
  const w1 = w0 + inputs;
  const w2 = w1 + inputs;
  const w3 = w2 + inputs;
  let a0 = bias[out];
  let a1 = bias[out + 1];
  let a2 = bias[out + 2];
  let a3 = bias[out + 3];
  for (let i = 0; i < inputs; i++) {
    const a = rows[row + i];
    a0 += a * weight[w0 + i];
    a1 += a * weight[w1 + i];
    a2 += a * weight[w2 + i];
    a3 += a * weight[w3 + i];
  }
  const at = y.length - outputs + out;
  y[at] = a0;
  y[at + 1] = a1;
  y[at + 2] = a2;
  y[at + 3] = a3;
}

/**
 * Normalises each row to mean 0 and variance 1, then applies the gain and the offset: (T, width) → (T, width).
 * Source: Ba et al. 2016, "Layer Normalization".
 * @param {Float32Array} x
 * @param {Norm} norm
 * @param {number} epsilon added to the variance
 */
export function layerNorm(x, { gain, offset }, epsilon) {
  const width = gain.length;
  const y = new Float32Array(x.length);
  for (let row = 0; row < x.length; row += width) {
    const { mean, deviation } = moments(x.subarray(row, row + width), epsilon);
    for (let i = 0; i < width; i++) y[row + i] = ((x[row + i] - mean) / deviation) * gain[i] + offset[i];
  }
  return y;
}

/**
 * Returns the mean of a row, and the square root of its variance plus epsilon, by which a LayerNorm divides.
 * @param {Float32Array} row
 * @param {number} epsilon
 */
export function moments(row, epsilon) {
  const mean = sum(row) / row.length;
  let squares = 0;
  for (let i = 0; i < row.length; i++) squares += (row[i] - mean) * (row[i] - mean);
  return { mean, deviation: Math.sqrt(squares / row.length + epsilon) };
}

/**
 * Applies GPT-2's activation function to each number, in place. It approximates x·Φ(x), with the normal distribution Φ.
 * Source: Hendrycks & Gimpel 2016, "Gaussian Error Linear Units".
 * @param {Float32Array} x
 */
export function gelu(x) {
  const slope = Math.sqrt(2 / Math.PI);
  for (let i = 0; i < x.length; i++) {
    const value = x[i];
    x[i] = 0.5 * value * (1 + Math.tanh(slope * (value + 0.044715 * value * value * value)));
  }
  return x;
}

/**
 * Turns scores, multiplied by a factor, into shares that sum to 1, in place.
 * @template {Float32Array|Float64Array} Numbers
 * @param {Numbers} scores
 * @param {number} factor above 0
 */
export function softmax(scores, factor = 1) {
  let highest = -Infinity;
  for (let i = 0; i < scores.length; i++) highest = Math.max(highest, scores[i]);
  let total = 0;
  for (let i = 0; i < scores.length; i++) {
    scores[i] = Math.exp((scores[i] - highest) * factor);
    total += scores[i];
  }
  for (let i = 0; i < scores.length; i++) scores[i] /= total;
  return scores;
}

/** Adds y to x, number by number, in place. @param {Float32Array} x @param {Float32Array} y */
export function add(x, y) {
  for (let i = 0; i < x.length; i++) x[i] += y[i];
}

/** Returns the sum of numbers. @param {Float32Array|Float64Array} x */
export function sum(x) {
  let total = 0;
  for (let i = 0; i < x.length; i++) total += x[i];
  return total;
}

/**
 * Returns the product of two rows of numbers, each a part of its array.
 * @param {Float32Array|Float64Array} x
 * @param {Float32Array|Float64Array} y
 * @param {number} [fromX] where the row begins in x
 * @param {number} [fromY] where the row begins in y
 * @param {number} [width]
 */
export function dot(x, y, fromX = 0, fromY = 0, width = x.length) {
  let total = 0;
  for (let i = 0; i < width; i++) total += x[fromX + i] * y[fromY + i];
  return total;
}
