// @ts-check
/** Errors in three parts, as in Python: what was expected, what came instead, and what to do about it. */

/**
 * The engine cannot use what it was given. A page writes the message in its own language if it knows the code; facts
 * are the numbers and names in it.
 */
export class EngineError extends Error {
  /** @param {string} message @param {string} code @param {Record<string, unknown>} facts */
  constructor(message, code, facts) {
    super(message);
    this.code = code;
    this.facts = facts;
  }
}

/**
 * Returns the error to throw. `expected` and `got` begin in the middle of a sentence; `remedy` is a sentence.
 * @param {string} expected
 * @param {string} got
 * @param {string} remedy
 * @param {string} [code] as in Python
 * @param {Record<string, unknown>} [facts]
 */
export function fail(expected, got, remedy, code = "", facts = {}) {
  return new EngineError(`Expected ${expected}. Got ${got}. ${remedy}`, code, facts);
}

/**
 * Returns a whole number from 0 to `size` - 1. Throws an EngineError for anything else.
 * @param {number} value
 * @param {number} size
 * @param {string} name of what is counted, such as "layer"
 */
export function checkIndex(value, size, name) {
  if (Number.isInteger(value) && value >= 0 && value < size) return value;
  const facts = { what: name, least: 0, last: size - 1, got: value };
  const expected = `a ${name} from 0 to ${size - 1}`;
  throw fail(expected, `${value}`, `There are ${size}, counted from 0.`, "out_of_range", facts);
}
