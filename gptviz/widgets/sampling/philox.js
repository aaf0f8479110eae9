// @ts-check
/** Numbered random numbers, the same as those of `gptviz/sampling/philox.py`. */

export const SEED_LIMIT = 2 ** 53;

/**
 * Returns the upper 32 bits of the product of two 32-bit words, from products of their halves that a double holds
 * exactly.
 * @param {number} a
 * @param {number} b
 */
function highWord(a, b) {
  const a0 = a & 0xffff;
  const a1 = a >>> 16;
  const b0 = b & 0xffff;
  const b1 = b >>> 16;
  const middle = a1 * b0 + ((a0 * b0) >>> 16);
  const other = a0 * b1 + (middle % 65536);
  return (a1 * b1 + Math.floor(middle / 65536) + Math.floor(other / 65536)) >>> 0;
}

/**
 * Returns four random words for four counter words and two key words: Philox4x32-10 (Salmon et al., SC 2011).
 * @param {number[]} counter
 * @param {number[]} key
 */
export function philox4x32(counter, key) {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const leftHigh = highWord(c0, 0xd2511f53);
    const leftLow = Math.imul(c0, 0xd2511f53) >>> 0;
    const rightHigh = highWord(c2, 0xcd9e8d57);
    const rightLow = Math.imul(c2, 0xcd9e8d57) >>> 0;
    [c0, c1, c2, c3] = [(rightHigh ^ c1 ^ k0) >>> 0, rightLow, (leftHigh ^ c3 ^ k1) >>> 0, leftLow];
    k0 = (k0 + 0x9e3779b9) >>> 0;
    k1 = (k1 + 0xbb67ae85) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/**
 * Returns a number in [0, 1) with 53 random bits. The counter is (step, choice, draw, 0); the key has the two words of
 * the seed.
 * @param {number} seed an integer in [0, 2**53)
 */
export function uniform(seed, choice = 0, step = 0, draw = 0) {
  const [w0, w1] = philox4x32([step, choice, draw, 0], [seed >>> 0, Math.floor(seed / 2 ** 32)]);
  return ((w0 >>> 5) * 2 ** 26 + (w1 >>> 6)) / 2 ** 53;
}
