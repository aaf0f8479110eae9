// @ts-check
/** The columns of the picture, each a block or several that are pooled, and which pooled column is unfolded. */
import { ask, isAnswered, Lane } from "../shared/kernel.js";
import { Shares } from "./credit.js";

/**
 * Whether attention is here, missing in this file, or not a part of a block.
 * @typedef {"held"|"missing"|"none"} Kind
 */
/** What is known of each block. @typedef {{parallel: boolean[], attention: Kind[]}} Blocks */

export class Columns {
  /**
   * @param {Shares} shares of the columns
   * @param {[number, number][]} ranges the first and the last block of each
   * @param {Blocks} blocks
   */
  constructor(shares, ranges, blocks) {
    this.shares = shares;
    this.ranges = ranges;
    this.blocks = blocks;
    this.parallel = ranges.map(([first]) => blocks.parallel[first]);
    this.kinds = ranges.map(([first, last]) => kindOf(blocks.attention.slice(first, last + 1)));
  }

  /**
   * Returns the columns with the blocks of one of them in its place.
   * @param {number} column
   * @param {Float32Array} rows of its blocks, one after the other; see `Shares.unfolded`
   */
  unfolded(column, rows) {
    const [first, last] = this.ranges[column];
    const blocks = Array.from(
      { length: last - first + 1 },
      (_, i) => /** @type {[number, number]} */ ([first + i, first + i]),
    );
    const shares = this.shares.unfolded(column, blocks.length, rows);
    return new Columns(shares, this.ranges.toSpliced(column, 1, ...blocks), this.blocks);
  }
}

/** Returns whether a column has several blocks. @param {[number, number]} range its first and its last block */
export function isPooled([first, last]) {
  return first < last;
}

/** Returns what is true of some of several blocks: attention of one is enough. @param {Kind[]} kinds */
function kindOf(kinds) {
  if (kinds.includes("held")) return "held";
  return kinds.includes("missing") ? "missing" : "none";
}

/** Unfolds one pooled column at a time into its blocks, whose shares it asks for, and folds them again. */
export class Unfolding {
  /**
   * @param {import("../shared/kernel.js").Model} model
   * @param {{changed: () => void, refused: (message: string) => void}} actions
   */
  constructor(model, actions) {
    this.model = model;
    this.actions = actions;
    this.lane = new Lane();
    /** As the view was sent. */
    this.sent = new Columns(new Shares(0, 0, new Float32Array(), new Float32Array()), [], {
      parallel: [],
      attention: [],
    });
    this.shown = this.sent;
    /** The unfolded one among those that were sent. @type {number|null} */
    this.column = null;
  }

  /** Takes the columns of a new trace. @param {Shares} shares @param {Blocks & {columns: [number, number][]}} about */
  load(shares, about) {
    this.sent = new Columns(shares, about.columns, about);
    this.shown = this.sent;
    this.column = null;
  }

  /** Returns which of the sent columns a shown one is. @param {number} column */
  sentOf(column) {
    const [first] = this.shown.ranges[column];
    return this.sent.ranges.findIndex((range) => first <= range[1]);
  }

  /** Returns whether the blocks of a shown column can be shown here. @param {number} column */
  isKept(column) {
    return isAnswered(this.model, "column", { column: this.sentOf(column) });
  }

  /** Shows the blocks of a shown column in its place. @param {number} column */
  unfold(column) {
    const { sent, model } = this;
    const index = this.sentOf(column);
    this.lane.ask(
      () => ask(model, "column", { column: index }),
      ({ data }) => {
        if (sent !== this.sent) return; // the answer is about a previous trace
        this.column = index;
        this.shown = sent.unfolded(index, data);
        this.actions.changed();
      },
      (error) => this.actions.refused(error.message),
    );
  }

  /**
   * Shows the columns as they were sent; returns the one whose blocks are together again, null if none was unfolded.
   */
  fold() {
    const { column } = this;
    if (column === null) return null;
    this.column = null;
    this.shown = this.sent;
    this.actions.changed();
    return column;
  }
}
