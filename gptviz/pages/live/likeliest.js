// @ts-check

/**
 * Returns the ids of the highest of probabilities, highest first; in a tie, the lower id first.
 * @param {Float32Array} probabilities
 * @param {number} count
 */
export function likeliest(probabilities, count) {
  /** @type {number[]} */
  const ids = [];
  for (let id = 0; id < probabilities.length; id++) {
    if (ids.length === count && probabilities[id] <= probabilities[ids[count - 1]]) continue;
    let rank = ids.length;
    while (rank && probabilities[ids[rank - 1]] < probabilities[id]) rank--;
    ids.splice(rank, 0, id);
    ids.length = Math.min(ids.length, count);
  }
  return ids;
}
