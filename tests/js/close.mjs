// How near two computed numbers must be: some roundings of the largest number that goes in (tests/support/close.py says why).
import assert from "node:assert/strict";

export const FLOAT32 = 32 * 2 ** -23;
export const FLOAT64 = 32 * 2 ** -52;

/** @param {number} actual @param {number} expected @param {number} largest what goes in, where it is larger than `expected` */
export function assertClose(actual, expected, precision = FLOAT64, largest = 0) {
  const bound = precision * Math.max(Math.abs(expected), largest);
  assert.ok(Math.abs(actual - expected) <= bound, `${actual} is not ${expected}, within ${bound}`);
}
