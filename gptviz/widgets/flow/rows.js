// @ts-check
/**
 * Chooses which tokens have a row of their own, and where each row is. Nothing here draws.
 *
 * Tokens with little credit share one line. The special first token has a thin lane of its own until it is opened, and
 * tokens after the followed one share a line, since nothing goes from them to it.
 */

/**
 * A row of the picture. `top`, `height` and `base` are in pixels; bands stand on `base`.
 * @typedef {{kind: "token"|"rest"|"small"|"fold"|"later", tokens: number[], most: number, top: number, height: number,
 *   base: number}} Row most: the largest credit at any depth, of its tokens together; "fold" has no tokens: it stands
 *   where those with rows of their own can be folded into one line again
 */

export const MOST_ROWS = 11;
const FEWEST_ROWS = 3; // of tokens, however little room there is
export const LEAST_CREDIT = 0.01; // of a token with a row of its own
export const UNIT = 100; // pixels that stand for the whole credit, at the screen's scale
const ROW = 27; // pixels of the lowest row
const LINE = 24; // pixels of a line that holds several tokens, and of the closed lane
const SPACE = 9; // pixels between a band and the row above it

/**
 * Chooses the rows, in reading order: a line of several tokens stands where the first of them does.
 * @param {Float64Array[]} credit
 * @param {number} position the followed token
 * @param {{start: number|null, isOpen: boolean, isUnfolded: boolean}} choices start: the special first token; isOpen:
 *   whether it has a whole row; isUnfolded: whether tokens with little credit have rows
 * @param {number} [most] rows for tokens
 * @returns {{rows: Row[], rowOf: Int32Array}} rowOf: the row of each token
 */
export function chooseRows(credit, position, { start, isOpen, isUnfolded }, most = MOST_ROWS) {
  const tokens = credit[0].length;
  const lane = start !== null && !isOpen && start !== position ? start : -1;
  const earlier = Array.from({ length: position }, (_, token) => token).filter((token) => token !== lane);
  const largest = (/** @type {number} */ token) => Math.max(...credit.map((depth) => depth[token]));
  const candidates = earlier.filter((token) => largest(token) >= LEAST_CREDIT);
  candidates.sort((a, b) => largest(b) - largest(a) || a - b);
  const own = new Set(candidates.slice(0, most - 1));
  const small = earlier.filter((token) => !own.has(token));
  if (small.length === 1) own.add(/** @type {number} */ (small.pop())); // one token needs no line that counts it
  /** @type {Row[]} */
  const rows = [];
  const rowOf = new Int32Array(tokens);
  const add = (/** @type {Row["kind"]} */ kind, /** @type {number[]} */ members) => {
    for (const token of members) rowOf[token] = rows.length;
    const sums = credit.map((depth) => members.reduce((sum, token) => sum + depth[token], 0));
    rows.push({ kind, tokens: members, most: Math.max(...sums), top: 0, height: 0, base: 0 });
  };
  if (lane >= 0) add("rest", [lane]);
  if (isUnfolded) for (const token of small) own.add(token);
  for (let token = 0; token <= position; token += 1) {
    if (token === small[0]) add(isUnfolded ? "fold" : "small", isUnfolded ? [] : small);
    if (own.has(token) || token === position) add("token", [token]);
  }
  const later = Array.from({ length: tokens - position - 1 }, (_, i) => position + 1 + i);
  if (later.length) add("later", later);
  return { rows, rowOf };
}

/**
 * Places the rows below one another, each as high as its widest band.
 * @param {Row[]} rows
 * @param {number} scale of the view
 * @returns {number} the height of all rows
 */
export function placeRows(rows, scale) {
  let top = 0;
  for (const row of rows) {
    const band = row.kind === "token" || row.kind === "small" ? UNIT * row.most + SPACE : 0;
    row.top = top;
    row.height = scale * Math.max(row.kind === "token" ? ROW : LINE, band);
    row.base = top + row.height - 3 * scale;
    top += row.height;
  }
  return top;
}

/**
 * Chooses and places the rows: with fewer tokens in rows of their own, if there is less room than the rows need.
 * @param {Float64Array[]} credit
 * @param {number} position
 * @param {{start: number|null, isOpen: boolean, isUnfolded: boolean}} choices
 * @param {number} scale of the view
 * @param {number} room in pixels
 * @returns {{rows: Row[], rowOf: Int32Array, height: number}}
 */
export function fitRows(credit, position, choices, scale, room) {
  for (let most = MOST_ROWS; ; most -= 1) {
    const chosen = chooseRows(credit, position, choices, most);
    const height = placeRows(chosen.rows, scale);
    if (height <= room || most === FEWEST_ROWS) return { ...chosen, height };
  }
}
