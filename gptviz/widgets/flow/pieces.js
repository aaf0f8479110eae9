// @ts-check
/** What the pieces of the picture are called, and what cuts them. */
import { chipText } from "../shared/chips.js";
import { cutAttention, cutKey, cutMlp } from "./cuts.js";
import { countOf } from "./labels.js";
import { placedChip } from "./list.js";

/** @typedef {import("../shared/edits.js").Edit} Edit */
/** @typedef {import("./drawing.js").Piece} Piece */
/** @typedef {import("./followed.js").FlowToken} FlowToken */
/** @typedef {import("./rows.js").Row} Row */

export class Pieces {
  /**
   * @param {import("./words.js").Words} words
   * @param {(edit: Edit) => boolean} isMade whether the list of cuts has it
   */
  constructor(words, isMade) {
    this.words = words;
    this.isMade = isMade;
    /** @type {FlowToken[]} */
    this.tokens = [];
    /** @type {Row[]} */
    this.rows = [];
    /** The first and the last block of each column. @type {[number, number][]} */
    this.columns = [];
    /** @type {string[]} */
    this.names = [];
    this.canCut = false; // whether the model is loaded
    this.canCutRibbons = false; // whether the family also has heads whose weights can be set
  }

  // Names

  /** Creates a token's chip with its position. @param {number} token */
  placed(token) {
    const { earlier } = this.tokens[token];
    return earlier ? [this.words.earlier(earlier)] : placedChip(this.tokens[token]);
  }

  /** @param {number} token */
  nameOf(token) {
    return `${chipText(this.tokens[token])} (${this.tokens[token].position})`;
  }

  /** @param {number} row @returns {(Node|string)[]} */
  rowName(row) {
    const { tokens } = this.rows[row];
    return tokens.length === 1 ? this.placed(tokens[0]) : [this.words.small(countOf(this.rows[row], this.tokens))];
  }

  /** Returns the token of a row that stands for one, null for other rows. @param {number} row */
  tokenOf(row) {
    const { tokens } = this.rows[row] ?? { tokens: [] };
    return tokens.length === 1 && !this.tokens[tokens[0]].earlier ? this.tokens[tokens[0]] : null;
  }

  /** @param {Piece} piece */
  textOf({ band, curve }) {
    const { hover } = this.words;
    const name = (/** @type {number} */ row) =>
      this.rowName(row)
        .map((part) => (typeof part === "string" ? part : part.textContent))
        .join("");
    if (band) return hover[band.kind](this.names[band.column], name(band.row));
    if (!curve) return "";
    if (curve.kind === "bundle") return hover.bundle(this.names[curve.column], curve.count, name(curve.target));
    return hover.ribbon(this.carrierOf(curve), name(curve.source), name(curve.target));
  }

  /**
   * Returns what carries a ribbon: a block, one of its heads, or several.
   * @param {import("./geometry.js").Curve} curve
   */
  carrierOf({ column, head, count }) {
    const { part } = this.words;
    if (head === null) return this.names[column];
    return head < 0 ? part.heads(this.names[column], count) : part.head(this.columns[column][0], head);
  }

  /**
   * Returns the cell of a head's map that a ribbon of an open block is; null for other pieces.
   * @param {Piece} piece
   * @returns {import("./open_head.js").Cell|null}
   */
  cellOf({ curve }) {
    const [source, target] = [this.tokenOf(curve?.source ?? -1), this.tokenOf(curve?.target ?? -1)];
    if (!curve || curve.head === null || curve.head < 0 || !source || !target) return null;
    return { layer: this.columns[curve.column][0], head: curve.head, query: target.position, key: source.position };
  }

  // Cuts

  /** Returns the blocks of a piece's column. @param {Piece} piece */
  layersOf({ band, curve }) {
    const [first, last] = this.columns[(band ?? curve)?.column ?? 0];
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  }

  /** Returns whether a piece is of several blocks. @param {Piece} piece */
  isPooled(piece) {
    return this.layersOf(piece).length > 1;
  }

  /**
   * Returns the edits that cut a piece and nothing else; none if it cannot be cut. No edits cut a piece of several
   * pooled blocks: its share also has paths over other tokens between these blocks.
   * @param {Piece} piece
   * @returns {Edit[]}
   */
  editsOf(piece) {
    const { band, curve } = piece;
    if (!this.canCut || this.isPooled(piece)) return [];
    const [layer] = this.layersOf(piece);
    if (band) {
      const token = this.tokenOf(band.row);
      return token && band.kind === "mlp" ? [cutMlp(layer, token.position)] : [];
    }
    if (!this.canCutRibbons) return [];
    const [source, target] = [this.tokenOf(curve?.source ?? -1), this.tokenOf(curve?.target ?? -1)];
    if (!source || !target || curve?.head === -1) return []; // -1: several heads, which no edit names
    const one = curve?.head === null ? {} : { head: curve?.head };
    return [{ ...cutKey(layer, target.position, source.position), ...one }];
  }

  /**
   * Returns the edits that cut a piece in one block together with others: all attention into a token with its bias, a
   * part of the block at all tokens, or in an open block a head, or a key for all heads.
   * @param {Piece} piece
   * @param {number} layer
   * @returns {Edit[]}
   */
  wholesOf({ band, curve }, layer) {
    if (band?.kind === "mlp") return [{ kind: "ablate_mlp", layer }];
    if (band && band.kind !== "bias") return [];
    const target = this.tokenOf(band?.row ?? curve?.target ?? -1);
    const source = this.tokenOf(curve?.source ?? -1);
    const head = curve?.head ?? null;
    /** @type {Edit[]} */
    const edits = [{ kind: "ablate_attention", layer }];
    if (target) edits.push(cutAttention(layer, target.position));
    if (head !== null && head >= 0) edits.push({ kind: "ablate_head", layer, head });
    if (head !== null && source && target) edits.push(cutKey(layer, target.position, source.position));
    return edits;
  }

  /** @param {Piece} piece */
  isCut(piece) {
    const own = this.editsOf(piece);
    return this.layersOf(piece).every((layer) =>
      [...own, ...this.wholesOf(piece, layer)].some((edit) => this.isMade(edit)),
    );
  }
}
