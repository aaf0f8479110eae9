// @ts-check
/**
 * Where everything is in the picture of a pass on its way forward. Nothing here draws.
 *
 * Every row is equally wide: what stands in its token, all of it. Ribbons start in the middle of a row, since attention
 * copies and takes nothing away. Where they arrive they lie on top of what stays, as wide as their shares.
 */
import { clamp } from "../shared/numbers.js";
import { ARRIVE, curve, hook, MLP, STUB } from "./geometry.js";

/** @typedef {import("./play_facts.js").TokenRow} TokenRow */
/** @typedef {{kind: "stream"|"bias"|"after"|"mlp"|"plain", share: number|null, x: number, y: number, width: number,
 *   height: number}} Rectangle */
/** @typedef {{kind: "ribbon"|"rest"|"bundle", source: number, share: number, path: string, width: number}} Ribbon */
/** The pieces of one token in one column. @typedef {{rectangles: Rectangle[], ribbons: Ribbon[]}} Pieces */

export const BAND = 18; // pixels of a row's band, at the screen's scale
const PITCH = 27; // pixels from row to row
const MOST_ROWS = 16; // of tokens of the text that have a row of their own
const LEAST_SCALE = 0.55; // of the view's, where there is little room
export const LINE = 3; // pixels of a row without shares
export const ENTRY = 12; // pixels of a row's embedding, left of the first column

/** The rows of a played pass: one for each of the last tokens, and one line for all earlier ones. */
export class PlayRows {
  /**
   * @param {number} tokens of the text
   * @param {number} scale of the view
   * @param {number} [room] pixels that the rows should not exceed
   */
  constructor(tokens, scale, room = Infinity) {
    this.tokens = tokens;
    /** The first token with a row of its own. */
    this.first = tokens > MOST_ROWS ? tokens - MOST_ROWS + 1 : 0;
    /** The number of rows, the drawn token's included. */
    this.count = tokens - this.first + (this.first ? 1 : 0) + 1;
    /** How much lower the rows are than the scale of the view makes them. */
    this.shrunk = clamp(room / (this.count * PITCH * scale), LEAST_SCALE, 1);
    this.scale = scale * this.shrunk;
    this.height = this.count * PITCH * this.scale;
  }

  /** @param {number} token */
  rowOf(token) {
    return token < this.first ? 0 : token - this.first + (this.first ? 1 : 0);
  }

  /** Returns where a token's row has its middle. @param {number} token */
  middle(token) {
    return (this.rowOf(token) + 0.5) * PITCH * this.scale;
  }
}

/**
 * Returns how many pixels of the picture a row has behind it.
 * @param {number} progress see `State`
 * @param {number[]} edges of the columns
 */
export function reached(progress, edges) {
  if (progress < 1) return edges[0] - ENTRY * (1 - progress);
  const columns = edges.length - 1;
  const done = Math.max(0, Math.min(progress - 1, 2 * columns));
  const column = Math.min(columns - 1, Math.floor(done / 2));
  const [x, end] = [edges[column], edges[column + 1]];
  const part = done - 2 * column;
  const share = part <= 1 ? part * ARRIVE : ARRIVE + (part - 1) * (1 - ARRIVE);
  return x + share * (end - x);
}

/**
 * Returns the pieces of a token in a column.
 * @param {TokenRow} row
 * @param {number} column
 * @param {[number, number]} edges of the column
 * @param {PlayRows} rows
 * @param {{start: number|null, areWeights: boolean}} about start: the special first token
 * @returns {Pieces}
 */
export function piecesOf(row, column, [x, end], rows, { start, areWeights }) {
  const { scale } = rows;
  const band = BAND * scale;
  const base = rows.middle(row.token) + band / 2;
  const width = end - x;
  /** @type {Rectangle[]} */
  const rectangles = [];
  /** @type {(kind: Rectangle["kind"], share: number, from: number, to: number, below: number) => void} */
  const add = (kind, share, from, to, below) => {
    const size = { x: x + from * width, width: (to - from) * width, height: share * band };
    if (share > 0) rectangles.push({ kind, share, ...size, y: base - (below + share) * band });
  };
  if (areWeights) {
    rectangles.push({ kind: "plain", share: null, x, width, height: LINE * scale, y: base - LINE * scale });
    return { rectangles, ribbons: ribbonsOf(row, column, x, x + ARRIVE * width, 0, base, rows, start) };
  }
  const [stream, bias, mlp] = /** @type {const} */ (["stream", "bias", "mlp"]).map((part) => row.kept(part, column));
  add("stream", stream, 0, ARRIVE, 0);
  add("bias", bias, 0, ARRIVE, stream);
  add("after", 1, ARRIVE, 1, 0);
  add("mlp", mlp, ...MLP, 1 - mlp);
  return { rectangles, ribbons: ribbonsOf(row, column, x, x + ARRIVE * width, stream + bias, base, rows, start) };
}

/**
 * Returns what attention brings to a token in a column; ribbons below one pixel are one bundle.
 * @param {TokenRow} row
 * @param {number} column
 * @param {number} x where ribbons start
 * @param {number} end where they arrive
 * @param {number} stays the share below the first of them
 * @param {number} base of the token's row
 * @param {PlayRows} rows
 * @param {number|null} start
 * @returns {Ribbon[]}
 */
function ribbonsOf(row, column, x, end, stays, base, rows, start) {
  const { scale } = rows;
  const band = BAND * scale;
  /** The share of each row that ribbons come from. @type {Map<number, {source: number, share: number}>} */
  const shares = new Map();
  for (let source = row.token; source >= 0; source -= 1) {
    const key = source === start ? -1 : rows.rowOf(source);
    const known = shares.get(key) ?? { source, share: 0 };
    known.share += row.carried(column, source);
    shares.set(key, known);
  }
  /** @type {Ribbon[]} */
  const ribbons = [];
  let below = stays;
  const nextMiddle = (/** @type {number} */ share) => {
    const y = base - (below + share / 2) * band;
    below += share;
    return y;
  };
  const thick = [...shares].filter(([key, { share }]) => key >= 0 && share * band >= 1);
  for (const [, { source, share }] of thick) {
    const [from, to] = [rows.middle(source), nextMiddle(share)];
    const isOwn = source === row.token;
    const [bend, lift] = isOwn ? [0.3 * (end - x), 7 * scale] : [0.5 * (end - x), 0];
    const path = curve([x, from], [x + bend, from - lift], [end - bend, to - lift], [end, to]);
    ribbons.push({ kind: "ribbon", source, share, path, width: share * band });
  }
  const thin = [...shares].filter(([key, { share }]) => key >= 0 && share * band < 1);
  const stubs = /** @type {const} */ ([
    ["bundle", thin.reduce((sum, [, { share }]) => sum + share, 0)],
    ["rest", shares.get(-1)?.share ?? 0],
  ]);
  for (const [kind, share] of stubs) {
    if (!share) continue;
    const to = nextMiddle(share);
    const width = share * band;
    const path = hook([end, to], STUB * scale, (STUB * scale) / 4, width);
    ribbons.push({ kind, source: kind === "rest" ? Number(start) : -1, share, path, width });
  }
  return ribbons;
}
