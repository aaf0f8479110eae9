// @ts-check
/** The numbers that the player's sentences say, from the shares that the view was sent. Nothing here draws. */

/** @typedef {import("./credit.js").Shares} Shares */
/** What reaches one token: the shares from each source, and those that stay with it. @typedef {{
 *   token: number, carried: (column: number, source: number) => number,
 *   kept: (part: "stream"|"bias"|"mlp", column: number) => number}} TokenRow */
/** A source with its share. @typedef {{source: number, share: number}} Source */
/**
 * What attention and the MLP of a column do to a token.
 * @typedef {{attention: number, most: Source|null, mlp: number}} Done
 */
/**
 * The credit that attention moves to other tokens in a column, and the largest part of it.
 * @typedef {{moved: number, most: {source: number, target: number, share: number}|null}} Credit
 */
/** The answer about the next pass. @typedef {{carried: number[][], kept: number[][]}} NextShares */

/** Returns what reaches a token of the text. @param {Shares} shares @param {number} token @returns {TokenRow} */
export function rowOf(shares, token) {
  return {
    token,
    carried: (column, source) => shares.carried(column, token, source),
    kept: (part, column) => shares.kept(part, column, token),
  };
}

/** Returns what reaches the drawn token. @param {NextShares} answer @param {number} token @returns {TokenRow} */
export function nextRow({ carried, kept }, token) {
  const parts = ["stream", "bias", "mlp"];
  return {
    token,
    carried: (column, source) => carried[column][source],
    kept: (part, column) => kept[column][parts.indexOf(part)],
  };
}

/** Returns what a column does to a token. `most` is of another token. @param {TokenRow} row @param {number} column */
export function doneIn(row, column) {
  /** @type {Done} */
  const done = { attention: 0, most: null, mlp: row.kept("mlp", column) };
  for (let source = 0; source <= row.token; source += 1) {
    const share = row.carried(column, source);
    done.attention += share;
    if (source < row.token && share > (done.most?.share ?? 0)) done.most = { source, share };
  }
  return done;
}

/** @param {Shares} shares @param {Float64Array[]} credit for a token @param {number} column @returns {Credit} */
export function creditIn(shares, credit, column) {
  /** @type {Credit} */
  const result = { moved: 0, most: null };
  for (let target = 0; target < shares.tokens; target += 1) {
    const whole = credit[column + 1][target];
    for (let source = 0; whole && source < target; source += 1) {
      const share = whole * shares.carried(column, target, source);
      result.moved += share;
      if (share > (result.most?.share ?? 0)) result.most = { source, target, share };
    }
  }
  return result;
}

/** Returns the tokens with the most credit at the embedding, at most two. @param {Float64Array[]} credit */
export function largestAtEmbedding([first]) {
  /** @type {Source[]} */
  const all = [...first].map((share, source) => ({ source, share }));
  return all
    .filter(({ share }) => share > 0)
    .sort((a, b) => b.share - a.share || a.source - b.source)
    .slice(0, 2);
}
