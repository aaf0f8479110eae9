// @ts-check
/** The picture: rows of tokens, columns of blocks, bands and ribbons, and the line that reads out one of them. */
import { chipText } from "../shared/chips.js";
import { button, element, setText } from "../shared/dom.js";
import { allDigits, percent } from "../shared/numbers.js";
import { isPooled } from "./columns.js";
import { Shares } from "./credit.js";
import { Drawing } from "./drawing.js";
import { Geometry } from "./geometry.js";
import { Headings } from "./headings.js";
import { RowLabels } from "./labels.js";
import { RibbonList } from "./list.js";
import { OpenBlock } from "./open.js";
import { Pieces } from "./pieces.js";
import { fitRows } from "./rows.js";

const OPENED = 4; // times as wide as another column
const LEAST_COLUMN = 20; // pixels; a narrower picture is cut off

/** @typedef {import("./drawing.js").Piece} Piece */
/** @typedef {import("./rows.js").Row} Row */
/** @typedef {import("./followed.js").FlowToken} FlowToken */
/** @typedef {import("./actions.js").Actions} Actions */

export class Picture {
  /** @param {import("./words.js").Words} words @param {Actions} actions */
  constructor(words, actions) {
    this.words = words;
    this.actions = actions;
    this.isOpen = false; // whether the special first token has a whole row
    this.isUnfolded = false; // whether tokens with little credit have rows
    this.position = 0;
    this.scale = 1;
    this.width = -1; // that the picture was drawn for
    this.room = Infinity; // the height that the rows may have
    this.height = 0;
    /** @type {FlowToken[]} */
    this.tokens = [];
    /** The first and the last block of each column. @type {[number, number][]} */
    this.columns = [];
    /** @type {boolean[]} */
    this.parallel = [];
    /** @type {import("./columns.js").Kind[]} */
    this.kinds = [];
    /** @type {string[]} */
    this.names = [];
    /** The special first token. @type {number|null} */
    this.start = null;
    this.areWeights = false;
    this.isPooled = false;
    this.shares = new Shares(0, 0, new Float32Array(), new Float32Array());
    /** @type {Float64Array[]} */
    this.credit = [];
    /** @type {Row[]} */
    this.rows = [];
    /** The row of each token. @type {Int32Array} */
    this.rowOf = new Int32Array();
    /** @type {Geometry|null} */
    this.geometry = null;
    this.pieces = new Pieces(words, (edit) => actions.cuts().has(edit));
    this.labels = new RowLabels(words, {
      follow: actions.follow,
      toggleLane: () => this.toggle("isOpen"),
      toggleFold: () => this.toggle("isUnfolded"),
    });
    /** The column that is open: wider than the others, with its heads. @type {number|null} */
    this.opened = null;
    /**
     * The column that was closed and is still pointed at; see `Headings.held`.
     * @type {{column: number, left: number}|null}
     */
    this.held = null;
    this.block = new OpenBlock(words, actions, {
      came: () => {
        this.block.mark(); // the heads take room from the rows
        this.layOut();
      },
      point: (head) => this.pointAtHead(head),
    });
    this.drawing = new Drawing(
      "",
      (piece) => this.readOut(piece),
      (piece) => this.choose(piece),
    );
    this.canvas = element("div", { class: "canvas" });
    this.canvas.append(this.drawing.root);
    const stage = { class: "stage beside", tabindex: 0, role: "group", "aria-label": words.stage };
    this.stage = element("div", stage, this.labels.root, this.canvas);
    this.headings = new Headings(words, {
      choose: (column) => (isPooled(this.columns[column]) ? actions.unfold(column) : this.open(column)),
      offer: (name, column) =>
        actions.offer(name, isPooled(this.columns[column]) ? actions.hasBlocks(column) : this.isKept(column)),
    });
    this.headings.root.addEventListener("pointerleave", () => this.release());
    this.ends = element("div", { class: "gutter small muted", "data-across": words.across });
    this.readout = element("p", { class: "readout", role: "status" });
    const head = element("div", { class: "beside names" }, this.ends, this.headings.root);
    this.list = new RibbonList(words, {
      cut: (curve) => actions.cuts().toggle(this.pieces.editsOf({ curve })),
      compute: (curve, focusBack) => this.openCell({ curve }, focusBack),
      unfolded: () => this.showList(),
      offerCell: (control, cell) => actions.offer(control, actions.hasCell(cell)),
    });
    this.root = element("div", { class: "picture" }, head, this.stage, this.readout);
  }

  /**
   * Takes the numbers of a trace.
   * @param {import("./columns.js").Columns} columns
   * @param {any} about
   */
  load(columns, about) {
    this.isOpen = false;
    this.isUnfolded = false;
    this.tokens = about.tokens;
    this.start = about.start;
    this.areWeights = columns.shares.areWeights;
    const cutsHeads = about.cutsHeads && this.actions.cutsAll; // no exported page keeps a cut of a head or a ribbon
    Object.assign(this.pieces, { tokens: this.tokens, canCut: about.runs, canCutRibbons: cutsHeads });
    this.block.load(cutsHeads, this.areWeights);
    this.setColumns(columns);
  }

  /**
   * Takes other columns of the same trace; none is open.
   * @param {import("./columns.js").Columns} all
   * @param {string} unfolded the name of the unfolded one
   */
  setColumns(all, unfolded = "") {
    const { words } = this;
    const { shares, ranges: columns, parallel, kinds } = all;
    const names = columns.map(([first, last]) => words.block(first, last));
    Object.assign(this, { shares, columns, parallel, kinds, names, opened: null, held: null });
    this.isPooled = columns.some(isPooled);
    Object.assign(this.pieces, { columns, names });
    const fold = button(words.foldBlocks(unfolded), this.actions.fold, { class: "quiet" });
    const end = this.areWeights ? words.weightsAt : words.ends;
    this.ends.replaceChildren(...(unfolded ? [element("div", {}, fold)] : []), end);
    this.showHeadings();
    this.readOut(null);
  }

  /** Writes the columns' names. */
  showHeadings() {
    const { words, opened, parallel, columns, tracks } = this;
    const orderOf = (/** @type {number} */ column) => (parallel[column] ? words.sideBySide : words.parts);
    this.headings.show(
      this.names.map((name, column) => ({
        name,
        range: columns[column],
        order: this.areWeights ? "" : orderOf(column),
        track: tracks[column],
        opened: column === opened ? this.block.root : null,
      })),
    );
  }

  /** The relative widths of the columns. */
  get tracks() {
    const { names, opened, held } = this;
    if (!held) return names.map((_name, column) => (column === opened ? OPENED : 1));
    const [before, after] = [held.left / held.column, (1 - held.left) / (names.length - held.column)];
    return names.map((_name, column) => names.length * (column < held.column ? before : after));
  }

  /** The widths of the columns, in pixels. */
  get widths() {
    const edges = this.geometry?.edges ?? [];
    return edges.slice(1).map((edge, i) => edge - edges[i]);
  }

  /** Returns whether the heads of a column's block can be shown here. @param {number} column */
  isKept(column) {
    const [layer] = this.columns[column];
    return ["maps", "heads"].every((name) => this.actions.isAnswered(name, { layer }));
  }

  /**
   * Opens a column between its neighbours, or closes it; null closes the open one. The name of the opened one stays
   * where it was clicked, a place that its wide column has too; that of the closed one stays until the pointer leaves
   * the names.
   * @param {number|null} column
   */
  open(column) {
    const left = column === null ? 0 : this.headings.leftOf(column);
    const isClosed = column !== null && column === this.opened;
    this.held = isClosed ? this.headings.held(column) : null;
    this.opened = isClosed ? null : column;
    this.showHeadings();
    if (this.opened !== null) this.headings.keepAt(this.opened, left);
    this.show(this.position);
    this.readOut(null);
    this.actions.opened();
  }

  /** Gives all columns the same width again, after one of them was closed and is no longer pointed at. */
  release() {
    if (!this.held) return;
    this.held = null;
    this.showHeadings();
    this.show(this.position);
    this.actions.opened();
  }

  /** @param {"isOpen"|"isUnfolded"} what */
  toggle(what) {
    this[what] = !this[what];
    this.show(this.position);
  }

  /**
   * Draws the picture for a followed token.
   * @param {number} position
   * @param {boolean} [isHovered] whether it is only pointed at
   */
  show(position, isHovered = false) {
    this.position = position;
    this.credit = this.shares.creditOf(position);
    this.drawing.root.setAttribute(
      "aria-label",
      this.words[this.areWeights ? "pictureWeights" : "picture"](this.pieces.nameOf(position)),
    );
    this.layOut();
    const { opened } = this;
    if (opened === null || isHovered) return;
    this.block.show(this.columns[opened][0], opened, this.tokens, position);
  }

  /**
   * Returns the number beside a row: its credit at the embedding, or the largest weight that a block gives it.
   * @param {Geometry} geometry
   * @param {number} row
   */
  endOf(geometry, row) {
    if (!this.areWeights) return geometry.creditIn(0, row);
    const shares = geometry.all.filter(({ source }) => source === row).map(({ share }) => share);
    return Math.max(0, ...shares);
  }

  /** Lays the picture out again. */
  layOut() {
    this.width = -1;
    this.resize();
  }

  /** Lays the picture out again if its width, its scale or its room has changed. */
  resize() {
    const width = this.canvas.clientWidth;
    const scale = Number(getComputedStyle(this.root).getPropertyValue("--gv-scale")) || 1;
    const room = this.actions.room();
    if ((width === this.width && scale === this.scale && room === this.room) || !this.credit.length) return;
    Object.assign(this, { width, scale, room });
    this.headings.shorten();
    const { shares, credit, position, tracks } = this;
    const { rows, rowOf, height } = fitRows(credit, position, this, scale, room);
    Object.assign(this, { rows, rowOf, height });
    this.pieces.rows = rows;
    this.stage.style.height = `${this.height}px`;
    const unit = Math.max(LEAST_COLUMN, width / tracks.reduce((sum, track) => sum + track, 0));
    /** @type {number[]} */
    const edges = [0];
    for (const track of tracks) edges.push(edges[edges.length - 1] + track * unit);
    const heads = this.opened === this.block.shares?.column ? this.block.shares : null;
    if (heads) heads.opened = this.block.opened;
    const geometry = new Geometry(shares, credit, rows, rowOf, position, edges, scale, heads);
    this.geometry = geometry;
    const ends = rows.map((row, i) => (row.kind === "later" ? 0 : this.endOf(geometry, i)));
    this.labels.show(rows, this.tokens, ends, this);
    this.mark();
  }

  /** Draws the picture with the present cuts. */
  mark() {
    if (!this.geometry) return;
    this.block.mark();
    this.drawing.draw(this.geometry, this.height, (piece) => this.pieces.isCut(piece));
    this.drawing.follow(this.block.opened);
    this.showList();
  }

  /** Returns each column's numbers for the followed token, and of the ribbons below one pixel. */
  cells() {
    const { shares, position, areWeights } = this;
    const { all, unit } = /** @type {Geometry} */ (this.geometry);
    return this.names.map((_name, column) => {
      const thin = all.filter((ribbon) => ribbon.column === column && ribbon.share * unit < 1);
      const weights = Array.from({ length: position + 1 }, (_, source) => shares.carried(column, position, source));
      return {
        attention: areWeights ? Math.max(...weights) : shares.attention(column, position),
        kind: this.kinds[column],
        mlp: areWeights ? null : shares.kept("mlp", column, position),
        thin: { count: thin.length, share: thin.reduce((sum, { share }) => sum + share, 0) },
      };
    });
  }

  showList() {
    if (this.geometry) this.list.show(this.geometry.curves, this.pieces);
  }

  // An open block and its heads

  /** Opens the column of a layer, if it is one of a single block. @param {number} layer */
  openLayer(layer) {
    const column = this.columns.findIndex(([first, last]) => first === layer && last === layer);
    if (column >= 0 && column !== this.opened && this.isKept(column)) this.open(column);
  }

  /** Marks the head that is open under the picture, and follows it. @param {number|null} head */
  showOpenHead(head) {
    this.block.opened = head;
    this.layOut();
  }

  /** Follows a head that is pointed at, and says how much of the credit comes through it. @param {number|null} head */
  pointAtHead(head) {
    const { shares } = this.block;
    this.drawing.follow(head ?? this.block.opened);
    if (head === null || !shares || this.areWeights) return this.readOut(null);
    const share = shares.through(head, this.credit[shares.column + 1]);
    const name = this.words.part.head(this.block.layer, head);
    setText(this.readout, this.words.head.through(name, percent(share)));
    this.readout.title = allDigits(share);
  }

  /** Does what a click on a piece does: in an open block it opens a weight, elsewhere it cuts. @param {Piece} piece */
  choose(piece) {
    if (piece.isLane) return this.toggle("isOpen");
    const isOpen = this.opened !== null && piece.curve?.column === this.opened;
    if (isOpen) return this.openCell(piece, () => this.stage.focus());
    const edits = this.pieces.editsOf(piece);
    if (edits.length) this.actions.cuts().toggle(edits);
  }

  /** @param {Piece} piece @param {() => void} focusBack */
  openCell(piece, focusBack) {
    const cell = this.pieces.cellOf(piece);
    if (cell && this.actions.hasCell(cell)) this.actions.openCell(cell, focusBack);
  }

  /** Reads out the piece under the pointer. @param {Piece|null} piece */
  readOut(piece) {
    const { pieces, drawing, block } = this;
    const { hover } = this.words;
    const shape = piece?.band ?? piece?.curve;
    const head = piece?.curve?.head ?? null;
    drawing.follow(head !== null && head >= 0 ? head : block.opened);
    this.readout.title = shape ? allDigits(shape.share) : "";
    if (piece?.isLane && this.start !== null) {
      return setText(this.readout, this.words.restingHint(chipText(this.tokens[this.start])));
    }
    if (!piece || !shape) return setText(this.readout, this.idleText());
    const unit = this.areWeights ? hover.ofWeight : hover.ofCredit;
    const texts = [pieces.textOf(piece), `${percent(shape.share)} ${unit}`];
    const isOpen = this.opened !== null && piece.curve?.column === this.opened;
    const cell = isOpen ? pieces.cellOf(piece) : null;
    if (cell) texts.push(`· ${this.actions.hasCell(cell) ? hover.compute : hover.notComputed}`);
    else if (pieces.canCut && pieces.isPooled(piece)) texts.push(`· ${hover.pooled}`);
    else if (!isOpen && pieces.editsOf(piece).length) {
      const isOffered = this.actions.cuts().offers(pieces.editsOf(piece));
      const click = pieces.isCut(piece) ? hover.restore : piece.curve ? hover.clickRibbon : hover.click;
      texts.push(`· ${isOffered ? click : hover.notKept}`);
    }
    setText(this.readout, texts.join(" "));
  }

  /** Returns what can be done where nothing is pointed at. */
  idleText() {
    const { hover } = this.words;
    if (this.opened !== null && this.block.shares) return hover.idleOpen;
    const { canCut, canCutRibbons } = this.pieces;
    if (!this.actions.cutsAll && canCut) {
      const point = this.areWeights ? hover.idleWeights : hover.idleSaved;
      return `${point} ${hover.idleExported}`;
    }
    if (this.areWeights) return canCutRibbons && !this.isPooled ? hover.idleRibbons : hover.idleWeights;
    if (!canCut) return hover.idleSaved;
    return this.isPooled ? `${hover.idleSaved} ${hover.idlePooled}` : hover.idle;
  }
}
