// @ts-check
/** Errors in three parts, as in Python: what was expected, what came instead, and what to do about it. */

/** The engine cannot use what it was given. */
export class EngineError extends Error {}

/**
 * Returns the error to throw. `expected` and `got` begin in the middle of a sentence; `remedy` is a sentence.
 * @param {string} expected
 * @param {string} got
 * @param {string} remedy
 */
export function fail(expected, got, remedy) {
  return new EngineError(`Expected ${expected}. Got ${got}. ${remedy}`);
}

/**
 * Returns a whole number from 0 to `size` - 1. Throws an EngineError for anything else.
 * @param {number} value
 * @param {number} size
 * @param {string} name of what is counted, such as "layer"
 */
export function checkIndex(value, size, name) {
  if (Number.isInteger(value) && value >= 0 && value < size) return value;
  throw fail(`a ${name} from 0 to ${size - 1}`, `${value}`, `There are ${size}, counted from 0.`);
}
