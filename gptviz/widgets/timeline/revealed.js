// @ts-check
/** What is known of a token. A model on a server is known in part: a number that its server does not reveal is null. */

/** @typedef {import("../shared/chips.js").PageToken} PageToken */

/** Returns what probabilities leave of 1; null if one of them is not revealed. @param {(number|null)[]} shares */
export function rest(shares) {
  let left = 1;
  for (const share of shares) {
    if (share === null) return null;
    left -= share;
  }
  return Math.max(0, left);
}

/**
 * Returns whether two tokens are the same. The ids of a server that does not reveal them are -1.
 * @param {PageToken} a
 * @param {PageToken} b
 */
export function isSame(a, b) {
  return a.id === b.id && (a.id >= 0 || (a.text === b.text && a.bytes === b.bytes));
}
