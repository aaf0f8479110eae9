// @ts-check
/**
 * Computes the credit for one token, depth by depth, from the shares that the view was sent. Nothing here draws.
 *
 * A column is a block, or several blocks pooled. `credit[c]` is the credit of each token where column c begins;
 * `credit[columns]` is where the last column ends.
 */

/**
 * Attention from one token, or row of tokens, to another in one column.
 * @typedef {{column: number, source: number, target: number, share: number}} Ribbon share: of the whole credit
 */

/** The parts of a token's share that stay with the token, in the order in which they are sent. */
export const KEPT = /** @type {const} */ (["stream", "bias", "mlp"]);

export class Shares {
  /**
   * @param {number} columns
   * @param {number} tokens
   * @param {Float32Array} carried by attention: (columns, tokens · (tokens + 1) / 2), the rows of targets
   * @param {Float32Array} kept by the token: (columns, 3, tokens), in the order of KEPT
   * @param {boolean} areWeights whether `carried` has attention weights, which are no shares of credit
   */
  constructor(columns, tokens, carried, kept, areWeights = false) {
    this.columns = columns;
    this.tokens = tokens;
    this.areWeights = areWeights;
    this.carriedShares = carried;
    this.keptShares = kept;
  }

  /**
   * Returns what attention carries from a source to a target.
   * @param {number} column
   * @param {number} target
   * @param {number} source
   */
  carried(column, target, source) {
    const before = (target * (target + 1)) / 2;
    return this.carriedShares[(column * this.tokens * (this.tokens + 1)) / 2 + before + source];
  }

  /**
   * Returns a part that stays with the token.
   * @param {typeof KEPT[number]} part
   * @param {number} column
   * @param {number} token
   */
  kept(part, column, token) {
    return this.keptShares[(column * KEPT.length + KEPT.indexOf(part)) * this.tokens + token];
  }

  /**
   * Returns the same shares with a column replaced by the blocks that are pooled in it.
   * @param {number} column
   * @param {number} blocks how many
   * @param {Float32Array} rows of each block: what attention carries, then what is kept, as in the constructor
   */
  unfolded(column, blocks, rows) {
    const size = rows.length / blocks;
    const splice = (/** @type {Float32Array} */ all, /** @type {number} */ start, /** @type {number} */ width) => {
      const spliced = new Float32Array(all.length + (blocks - 1) * width);
      spliced.set(all.subarray(0, column * width));
      for (let i = 0; i < blocks; i += 1) {
        spliced.set(rows.subarray(i * size + start, i * size + start + width), (column + i) * width);
      }
      spliced.set(all.subarray((column + 1) * width), (column + blocks) * width);
      return spliced;
    };
    const kept = KEPT.length * this.tokens;
    const carried = splice(this.carriedShares, 0, size - kept);
    const columns = this.columns + blocks - 1;
    return new Shares(columns, this.tokens, carried, splice(this.keptShares, size - kept, kept), this.areWeights);
  }

  /**
   * Returns the share of attention in a token, its own weight included.
   * @param {number} column
   * @param {number} token
   */
  attention(column, token) {
    let sum = 0;
    for (let source = 0; source <= token; source += 1) sum += this.carried(column, token, source);
    return sum;
  }

  /**
   * Returns the credit of every token at every depth for what stands in a token after the last block, 1 in all.
   * Attention weights have no credit: of them it has what each column's attention gives to this token alone.
   * @param {number} position
   * @returns {Float64Array[]} columns + 1 of them
   */
  creditOf(position) {
    const credit = Array.from({ length: this.columns + 1 }, () => new Float64Array(this.tokens));
    credit[this.columns][position] = 1;
    for (let column = this.columns - 1; column >= 0; column -= 1) {
      this.takeBack(credit, column, position);
      if (!this.areWeights) normalise(credit[column]);
    }
    return credit;
  }

  /**
   * Takes credit back through one column.
   * @param {Float64Array[]} credit
   * @param {number} column
   * @param {number} position
   */
  takeBack(credit, column, position) {
    for (let target = this.areWeights ? position : 0; target <= position; target += 1) {
      const whole = this.areWeights ? 1 : credit[column + 1][target];
      if (!whole) continue;
      const stays = this.areWeights ? 0 : this.kept("stream", column, target) + this.kept("bias", column, target);
      credit[column][target] += whole * stays;
      for (let source = 0; source <= target; source += 1) {
        credit[column][source] += whole * this.carried(column, target, source);
      }
    }
    if (this.areWeights) credit[column][position] = 1;
  }

  /**
   * Returns all attention between rows of tokens.
   * @param {Float64Array[]} credit
   * @param {Int32Array} rowOf the row of each token
   * @param {number} position
   * @returns {Ribbon[]} `source` and `target` are rows
   */
  ribbons(credit, rowOf, position) {
    /** @type {Map<number, Ribbon>} */
    const sums = new Map();
    const rows = Math.max(...rowOf) + 1;
    for (let column = 0; column < this.columns; column += 1) {
      for (let i = this.areWeights ? position : 0; i <= position; i += 1) {
        const whole = credit[column + 1][i];
        for (let j = 0; whole && j <= i; j += 1) {
          const share = whole * this.carried(column, i, j);
          if (!share) continue;
          const key = (column * rows + rowOf[i]) * rows + rowOf[j];
          const sum = sums.get(key) ?? { column, source: rowOf[j], target: rowOf[i], share: 0 };
          sum.share += share;
          sums.set(key, sum);
        }
      }
    }
    return [...sums.values()];
  }
}

/** Takes out the rounding of shares, whose sums are 1 within it. @param {Float64Array} credit */
function normalise(credit) {
  const total = credit.reduce((sum, share) => sum + share, 0);
  credit.forEach((share, token) => {
    credit[token] = share / total;
  });
}
