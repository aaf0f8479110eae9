// @ts-check
/**
 * Byte-pair encoding: joins the pieces of a word by learned merges, the earliest learned first.
 * Source: Sennrich et al. 2016, "Neural Machine Translation of Rare Words with Subword Units".
 */

/** The rank of each merge, the earliest learned first, and the id that it makes, by `pairKey`.
 * @typedef {Map<number, {rank: number, id: number}>} Merges */

const IDS = 2 ** 26; // more than any vocabulary has, so that a pair of ids is one number that a double holds exactly

/** Returns one number for a pair of ids. @param {number} left @param {number} right */
export function pairKey(left, right) {
  return left * IDS + right;
}

/**
 * Returns the ids of a word after all merges. Of the merges that are possible, the one with the lowest rank comes
 * first, and of equal ones the leftmost. A queue keeps long words quick: Chinese text without a space is one word.
 * @param {number[]} ids of the word's bytes
 * @param {Merges} merges
 */
export function mergeWord(ids, merges) {
  const parts = ids.slice(); // -1 where a part has been joined to one on its left
  const next = parts.map((_, i) => i + 1);
  const before = parts.map((_, i) => i - 1);
  const queue = new Queue();
  /** Adds the merge of the part at `left` with the one after it, if there is one. @param {number} left */
  const offer = (left) => {
    const merge = left >= 0 && next[left] < parts.length && merges.get(pairKey(parts[left], parts[next[left]]));
    if (merge) queue.push(merge.rank * IDS + left);
  };
  for (let i = 0; i < parts.length; i++) offer(i);
  while (queue.size) {
    const smallest = queue.pop();
    const left = smallest % IDS;
    const right = next[left];
    const merge = right < parts.length ? merges.get(pairKey(parts[left], parts[right])) : undefined;
    if (merge?.rank !== Math.floor(smallest / IDS)) continue; // one of the two has been joined to another since
    parts[left] = merge.id;
    parts[right] = -1;
    next[left] = next[right];
    if (next[left] < parts.length) before[next[left]] = left;
    offer(before[left]);
    offer(left);
  }
  return parts.filter((id) => id >= 0);
}

/** Numbers that are taken out smallest first: a binary heap. */
class Queue {
  constructor() {
    /** @type {number[]} */
    this.heap = [];
  }

  get size() {
    return this.heap.length;
  }

  /** @param {number} value */
  push(value) {
    const { heap } = this;
    let at = heap.length;
    while (at > 0 && heap[(at - 1) >> 1] > value) {
      heap[at] = heap[(at - 1) >> 1];
      at = (at - 1) >> 1;
    }
    heap[at] = value;
  }

  /** Takes the smallest number out; there must be one. */
  pop() {
    const { heap } = this;
    const smallest = heap[0];
    const last = /** @type {number} */ (heap.pop());
    if (!heap.length) return smallest;
    let at = 0;
    for (let child = 1; child < heap.length; child = 2 * at + 1) {
      if (heap[child + 1] < heap[child]) child++;
      if (heap[child] >= last) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = last;
    return smallest;
  }
}
