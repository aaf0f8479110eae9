// @ts-check
/**
 * Turns credit into shapes: where each band, ribbon and bundle is, in pixels. Nothing here draws.
 *
 * All widths are linear in credit. A band stands on its row's base line. In a column, from left to right: where it
 * begins, the top of a band leaves as ribbons and the rest goes straight on; at `ARRIVE` ribbons arrive on top of what
 * went straight on; after it comes the MLP. In an open block each ribbon has a part for each head.
 */
import { drawnParts } from "./heads.js";
import { UNIT } from "./rows.js";

/** @typedef {import("./credit.js").Ribbon} Ribbon */
/** @typedef {import("./rows.js").Row} Row */
/** @typedef {import("./heads.js").RibbonPart} RibbonPart */
/**
 * A straight piece of a band.
 * @typedef {{kind: "stream"|"bias"|"after"|"mlp", column: number, row: number, share: number, x: number, width: number,
 *   y: number, height: number}} Band share: of the whole credit
 */
/**
 * A curved piece: a ribbon, what comes from the closed lane of the first token, or ribbons below one pixel together; in
 * an open block, a head's part of a ribbon.
 * @typedef {{kind: "ribbon"|"rest"|"bundle", column: number, source: number, target: number, share: number,
 *   count: number, head: number|null, path: string, width: number, whole: number, halo: string, seam: string}} Curve
 *   source: a row, -1 for several; count: of ribbons, or of heads; head: -1 for several, null for all; whole: the width
 *   of the ribbon that it is a part of; halo: the middle of that ribbon, for its first part; seam: the border to the
 *   part above, for the others
 */

export const ARRIVE = 0.62; // of a column's width
export const MLP = /** @type {const} */ ([0.74, 0.9]); // of a column's width
export const STUB = 22; // pixels of a hook's length
const FLAT = 0.36; // of a thick hook, which keeps the radius of all its bends above half its thickness

export class Geometry {
  /**
   * @param {import("./credit.js").Shares} shares
   * @param {Float64Array[]} credit of tokens
   * @param {Row[]} rows placed
   * @param {Int32Array} rowOf
   * @param {number} position
   * @param {number[]} edges of the columns, in pixels: one more than there are columns
   * @param {number} scale of the view
   * @param {import("./heads.js").HeadShares|null} heads of the open block
   */
  constructor(shares, credit, rows, rowOf, position, edges, scale, heads = null) {
    this.shares = shares;
    this.credit = credit;
    this.rows = rows;
    this.edges = edges;
    this.scale = scale;
    this.heads = heads;
    this.unit = UNIT * scale;
    this.all = shares.ribbons(credit, rowOf, position);
    /** @type {Band[]} */
    this.bands = [];
    /** @type {Curve[]} */
    this.curves = [];
    for (let column = 0; column < shares.columns; column += 1) this.addColumn(column);
  }

  /** Returns where ribbons arrive in a column. @param {number} column */
  arrival(column) {
    const [x, end] = this.edges.slice(column);
    return x + ARRIVE * (end - x);
  }

  /** Returns a row's credit where a column begins. @param {number} column @param {number} row */
  creditIn(column, row) {
    return this.rows[row].tokens.reduce((sum, token) => sum + this.credit[column][token], 0);
  }

  /**
   * Returns a part of a row's credit that stays with its tokens.
   * @param {"stream"|"bias"|"mlp"} part
   * @param {number} column
   * @param {number} row
   */
  keptIn(part, column, row) {
    if (this.shares.areWeights) return 0;
    const { credit, shares } = this;
    return this.rows[row].tokens.reduce(
      (sum, token) => sum + credit[column + 1][token] * shares.kept(part, column, token),
      0,
    );
  }

  /** @param {number} column */
  addColumn(column) {
    const ribbons = this.all.filter((ribbon) => ribbon.column === column);
    const thin = (/** @type {Ribbon} */ { share }) => share * this.unit < 1;
    const isLane = (/** @type {number} */ row) => this.rows[row].kind === "rest";
    const leaving = this.rows.map(() => 0); // credit that has left each row's top so far, in order of targets
    const sources = ribbons.filter((ribbon) => !thin(ribbon) && !isLane(ribbon.source));
    sources.sort((a, b) => a.source - b.source || a.target - b.target);
    /** The credit above each ribbon where it leaves. @type {Map<Ribbon, number>} */
    const leaves = new Map();
    for (const ribbon of sources) {
      leaves.set(ribbon, leaving[ribbon.source]);
      leaving[ribbon.source] += ribbon.share;
    }
    this.rows.forEach((row, index) => {
      if (row.kind === "later" || isLane(index)) return;
      const into = ribbons.filter(({ target }) => target === index);
      const stays = this.addBands(column, index);
      const rest = into.filter(({ source }) => isLane(source));
      const thick = into.filter((ribbon) => leaves.has(ribbon)).sort((a, b) => b.source - a.source);
      let below = stays; // credit below the next piece that arrives
      for (const ribbon of thick) {
        this.addRibbon(ribbon, /** @type {number} */ (leaves.get(ribbon)), below);
        below += ribbon.share;
      }
      below = this.addBundle(
        column,
        index,
        into.filter((ribbon) => thin(ribbon) && !isLane(ribbon.source)),
        below,
      );
      for (const ribbon of rest) {
        this.addRest(ribbon, below);
        below += ribbon.share;
      }
    });
  }

  /**
   * Adds the straight pieces of a row in a column.
   * @param {number} column
   * @param {number} row
   * @returns {number} the credit that stays
   */
  addBands(column, row) {
    const [stream, bias, mlp] = /** @type {const} */ (["stream", "bias", "mlp"]).map((part) =>
      this.keptIn(part, column, row),
    );
    const x = this.edges[column];
    const width = this.edges[column + 1] - x;
    const arrive = width * ARRIVE;
    this.addBand("stream", column, row, stream, x, arrive, 0);
    this.addBand("bias", column, row, bias, x, arrive, stream);
    if (this.shares.areWeights) return 0;
    const whole = this.creditIn(column + 1, row);
    this.addBand("after", column, row, whole, x + arrive, width - arrive, 0);
    this.addBand("mlp", column, row, mlp, x + MLP[0] * width, (MLP[1] - MLP[0]) * width, whole - mlp);
    return stream + bias;
  }

  /**
   * @param {Band["kind"]} kind
   * @param {number} column
   * @param {number} row
   * @param {number} share
   * @param {number} x
   * @param {number} width
   * @param {number} below the credit below it in the row
   */
  addBand(kind, column, row, share, x, width, below) {
    const height = share * this.unit;
    if (!height) return;
    const y = this.rows[row].base - below * this.unit - height;
    this.bands.push({ kind, column, row, share, x, width, y, height });
  }

  /**
   * Adds a ribbon between two rows, or the arch of attention to the own token.
   * @param {Ribbon} ribbon
   * @param {number} above the credit above it where it leaves
   * @param {number} below the credit below it where it arrives
   */
  addRibbon(ribbon, above, below) {
    const { unit, rows } = this;
    const { column, source, target, share } = ribbon;
    const [x, end] = [this.edges[column], this.arrival(column)];
    const bend = (end - x) * (source === target ? 0.3 : 0.5);
    const lift = source === target ? 9 * this.scale + (share * unit) / 2 : 0;
    this.addParts("ribbon", ribbon, (over) => {
      const from = rows[source].base - (this.creditIn(column, source) - above - over) * unit;
      const to = rows[target].base - (below + share - over) * unit;
      return curve([x, from], [x + bend, from - lift], [end - bend, to - lift], [end, to]);
    });
  }

  /**
   * Adds a short curve for ribbons below one pixel.
   * @param {number} column
   * @param {number} target
   * @param {Ribbon[]} ribbons
   * @param {number} below the credit below it where it arrives
   * @returns {number} the credit below the next piece
   */
  addBundle(column, target, ribbons, below) {
    const share = ribbons.reduce((sum, ribbon) => sum + ribbon.share, 0);
    const ribbon = { column, source: -1, target, share };
    const path = this.stub(column, target, below + share / 2, share);
    if (share) this.addCurve("bundle", ribbon, ribbons.length, null, share, path);
    return below + share;
  }

  /** Adds a short curve for what comes from the closed lane. @param {Ribbon} ribbon @param {number} below as above */
  addRest(ribbon, below) {
    const { column, target, share } = ribbon;
    this.addParts("rest", ribbon, (over) => this.stub(column, target, below + share - over, share));
  }

  /**
   * Returns a short path that ends where ribbons arrive.
   * @param {number} column
   * @param {number} target
   * @param {number} below the credit below its middle
   * @param {number} share of all that has this form
   */
  stub(column, target, below, share) {
    const end = this.arrival(column);
    const to = this.rows[target].base - below * this.unit;
    const length = Math.min(STUB * this.scale, end - this.edges[column]);
    return hook([end, to], length, length / 2, share * this.unit);
  }

  /**
   * Adds a ribbon, in an open block as the parts of its heads.
   * @param {"ribbon"|"rest"} kind
   * @param {Ribbon} ribbon
   * @param {(over: number) => string} pathAt the path of what has so much of the ribbon's credit above it
   */
  addParts(kind, ribbon, pathAt) {
    const { heads, unit, credit, rows } = this;
    const { column, share } = ribbon;
    const halo = pathAt(share / 2);
    if (heads?.column !== column) return void this.addCurve(kind, ribbon, 1, null, share, halo);
    const parts = drawnParts(heads.ofRibbon(ribbon, credit[column + 1], rows), (part) => part * unit < 1, heads.opened);
    let over = 0;
    parts.forEach((part, i) => {
      const added = this.addCurve(kind, ribbon, part.count, part.head, part.share, pathAt(over + part.share / 2));
      Object.assign(added, i ? { halo: "", seam: pathAt(over) } : { halo });
      over += part.share;
    });
  }

  /**
   * @param {Curve["kind"]} kind
   * @param {Ribbon} ribbon that it is, or is a part of
   * @param {number} count
   * @param {number|null} head
   * @param {number} share
   * @param {string} path
   */
  addCurve(kind, { column, source, target, share: whole }, count, head, share, path) {
    const sizes = { width: share * this.unit, whole: whole * this.unit };
    /** @type {Curve} */
    const added = { kind, column, source, target, share, count, head, path, ...sizes, halo: path, seam: "" };
    this.curves.push(added);
    return added;
  }
}

/**
 * Returns the path of a hook that comes from the upper left. A stroke is torn where the path bends more sharply than
 * half its thickness, so a thick hook is flatter.
 * @param {[number, number]} end
 * @param {number} length
 * @param {number} height at most
 * @param {number} thickness
 */
export function hook([x, y], length, height, thickness) {
  const drop = Math.min(height, (FLAT * length ** 2) / thickness);
  const middle = x - length / 2;
  return curve([x - length, y - drop], [middle, y - drop], [middle, y], [x, y]);
}

/** Returns the path of a Bézier curve. @param {...number[]} points its ends and, between them, its control points */
export function curve(...points) {
  const [start, ...others] = points.map(([x, y]) => `${round(x)} ${round(y)}`);
  return `M${start}C${others.join(" ")}`;
}

/** @param {number} x */
function round(x) {
  return Math.round(x * 100) / 100;
}
