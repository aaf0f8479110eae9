// @ts-check
/**
 * What each head of an open block carries from token to token. Its ribbons are parts of the block's ribbons. Nothing
 * here draws.
 */

/** @typedef {import("./credit.js").Ribbon} Ribbon */
/** @typedef {import("./rows.js").Row} Row */
/**
 * A part of a ribbon. head: -1 for those of several heads, each too thin to be drawn by itself; count: of heads.
 * @typedef {{head: number, count: number, share: number}} RibbonPart share: of the whole credit
 */

export class HeadShares {
  /**
   * @param {number} column that is open
   * @param {number} count of heads
   * @param {number} tokens
   * @param {Float32Array} carried by each head: (count, tokens · (tokens + 1) / 2), as in `Shares`
   */
  constructor(column, count, tokens, carried) {
    this.column = column;
    this.count = count;
    this.tokens = tokens;
    this.carriedShares = carried;
    /** The head that is open under the picture. @type {number|null} */
    this.opened = null;
  }

  /**
   * Returns what a head carries from a source to a target.
   * @param {number} head
   * @param {number} target
   * @param {number} source
   */
  carried(head, target, source) {
    return this.carriedShares[(head * this.tokens * (this.tokens + 1)) / 2 + (target * (target + 1)) / 2 + source];
  }

  /**
   * Returns each head's part of a ribbon.
   * @param {Ribbon} ribbon
   * @param {ArrayLike<number>} credit of the tokens after the block
   * @param {Row[]} rows
   */
  ofRibbon({ source, target }, credit, rows) {
    return Array.from({ length: this.count }, (_, head) => {
      let sum = 0;
      for (const i of rows[target].tokens) {
        for (const j of rows[source].tokens) if (j <= i) sum += credit[i] * this.carried(head, i, j);
      }
      return sum;
    });
  }

  /** Returns each head's share in a token. @param {number} target */
  ofToken(target) {
    return Array.from({ length: this.count }, (_, head) => {
      const shares = Array.from({ length: target + 1 }, (_, source) => this.carried(head, target, source));
      return shares.reduce((sum, share) => sum + share, 0);
    });
  }

  /**
   * Returns each head's largest weight at a token, where the shares are the heads' parts in an average of weights.
   * @param {number} target
   */
  largestOfToken(target) {
    return Array.from({ length: this.count }, (_, head) => {
      const parts = Array.from({ length: target + 1 }, (_, source) => this.carried(head, target, source));
      return this.count * Math.max(...parts);
    });
  }

  /** Returns how much of the credit comes through a head. @param {number} head @param {ArrayLike<number>} credit */
  through(head, credit) {
    let sum = 0;
    for (let target = 0; target < this.tokens; target += 1) {
      for (let source = 0; credit[target] && source <= target; source += 1) {
        sum += credit[target] * this.carried(head, target, source);
      }
    }
    return sum;
  }
}

/**
 * Returns the parts of a ribbon as they are drawn: one a head, and one for all heads that are too thin. An open head
 * has a part of its own, so that its way is seen.
 * @param {number[]} shares of each head
 * @param {(share: number) => boolean} isThin
 * @param {number|null} [opened] the open head
 * @returns {RibbonPart[]}
 */
export function drawnParts(shares, isThin, opened = null) {
  const all = shares.map((share, head) => ({ head, count: 1, share })).filter(({ share }) => share > 0);
  const isBundled = (/** @type {RibbonPart} */ { head, share }) => head !== opened && isThin(share);
  const wide = all.filter((part) => !isBundled(part));
  const thin = all.filter(isBundled);
  if (thin.length < 2) return all;
  return [...wide, { head: -1, count: thin.length, share: thin.reduce((sum, { share }) => sum + share, 0) }];
}
