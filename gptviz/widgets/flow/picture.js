// @ts-check
/** The picture: rows of tokens, columns of blocks, bands and ribbons, and the line that reads out one of them. */
import { chipText } from "../shared/chips.js";
import { button, element, setText } from "../shared/dom.js";
import { percent } from "../shared/numbers.js";
import { Shares } from "./credit.js";
import { cutAttention, cutKey, cutMlp } from "./cuts.js";
import { Drawing } from "./drawing.js";
import { Geometry } from "./geometry.js";
import { RowLabels } from "./labels.js";
import { placedChip, RibbonList } from "./list.js";
import { OpenBlock } from "./open.js";
import { chooseRows, placeRows } from "./rows.js";

/** @typedef {import("../shared/edits.js").Edit} Edit */
const OPENED = 4; // times as wide as another column

/** @typedef {import("./drawing.js").Piece} Piece */
/** @typedef {import("./rows.js").Row} Row */
/** @typedef {import("./flow.js").FlowToken} FlowToken */

export class Picture {
  /**
   * @param {import("./words.js").Words} words
   * @param {{follow: (token: number) => void, cut: (edits: Edit[]) => void, isCut: (edit: Edit) => boolean,
   *   opened: () => void, look: (layer: number, head: number) => void,
   *   ask: (name: string, args: any) => Promise<any>}} actions
   */
  constructor(words, actions) {
    this.words = words;
    this.actions = actions;
    this.isOpen = false; // whether the special first token has a whole row
    this.isUnfolded = false; // whether tokens with little credit have rows
    this.position = 0;
    this.scale = 1;
    this.width = -1; // that the picture was drawn for
    this.height = 0;
    /** @type {FlowToken[]} */
    this.tokens = [];
    /** The first and the last block of each column. @type {[number, number][]} */
    this.columns = [];
    /** @type {string[]} */
    this.names = [];
    /** The special first token. @type {number|null} */
    this.start = null;
    this.runs = false; // whether the model is loaded, so that cuts can be made
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
    this.labels = new RowLabels(words, {
      follow: actions.follow,
      toggleLane: () => this.toggle("isOpen"),
      toggleFold: () => this.toggle("isUnfolded"),
    });
    /** The column that is open: wider than the others, with its heads. @type {number|null} */
    this.opened = null;
    this.block = new OpenBlock(words, actions);
    this.drawing = new Drawing(
      "",
      (piece) => this.readOut(piece),
      (piece) => {
        const edits = this.editsOf(piece);
        if (edits.length) actions.cut(edits);
      },
    );
    this.canvas = element("div", { class: "canvas" });
    this.canvas.append(this.drawing.root);
    const stage = { class: "stage beside", tabindex: 0, role: "group", "aria-label": words.stage };
    this.stage = element("div", stage, this.labels.root, this.canvas);
    this.heads = element("div", { class: "heads" });
    this.ends = element("div", { class: "gutter small muted" });
    this.readout = element("p", { class: "readout", role: "status" });
    const head = element("div", { class: "beside names" }, this.ends, this.heads);
    this.list = new RibbonList(
      words,
      (curve) => actions.cut(this.editsOf({ curve })),
      () => this.showList(),
    );
    this.root = element("div", { class: "picture" }, head, this.stage, this.readout);
  }

  /**
   * Takes the numbers of a trace.
   * @param {import("./credit.js").Shares} shares
   * @param {any} about
   */
  load(shares, about) {
    const { words } = this;
    this.shares = shares;
    this.isOpen = false;
    this.isUnfolded = false;
    this.tokens = about.tokens;
    this.columns = about.columns;
    this.start = about.start;
    this.runs = about.runs;
    this.areWeights = shares.areWeights;
    this.isPooled = about.layers > this.columns.length;
    this.names = this.columns.map(([first, last]) => words.block(first, last));
    setText(this.ends, this.areWeights ? words.weightsAt : words.ends);
    this.block.load();
    this.opened = null;
    this.showHeads();
    this.readOut(null);
  }

  /** Writes the columns' names; a column of one block has a button that opens it. */
  showHeads() {
    const { words, opened } = this;
    const focused = [...this.heads.querySelectorAll("button.name")].indexOf(
      /** @type {any} */ (document.activeElement),
    );
    const heads = this.names.map((name, column) => {
      const [first, last] = this.columns[column];
      const attributes = { class: "name", "aria-expanded": String(column === opened), title: words.open(name) };
      const title = first === last ? button(name, () => this.open(column), attributes) : element("strong", {}, name);
      const label = element("span", { class: "parts small muted" }, element("i", {}), element("span", {}, words.parts));
      const parts = this.areWeights ? [] : [label];
      return element("div", { class: "head" }, title, ...parts, ...(column === opened ? [this.block.root] : []));
    });
    this.heads.style.gridTemplateColumns = this.tracks.map((track) => `minmax(0, ${track}fr)`).join(" ");
    this.heads.replaceChildren(...heads);
    if (focused >= 0) /** @type {HTMLElement[]} */ ([...this.heads.querySelectorAll("button.name")])[focused]?.focus();
  }

  /** The relative widths of the columns. */
  get tracks() {
    return this.names.map((_name, column) => (column === this.opened ? OPENED : 1));
  }

  /** The widths of the columns, in pixels. */
  get widths() {
    const edges = this.geometry?.edges ?? [];
    return edges.slice(1).map((edge, i) => edge - edges[i]);
  }

  /** Opens a column between its neighbours, or closes it; null closes the open one. @param {number|null} column */
  open(column) {
    this.opened = column === this.opened ? null : column;
    this.showHeads();
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
    const { rows, rowOf } = chooseRows(this.credit, position, this);
    this.rows = rows;
    this.rowOf = rowOf;
    this.drawing.root.setAttribute("aria-label", this.words.picture(this.nameOf(position)));
    this.width = -1;
    this.resize();
    if (this.opened !== null && !isHovered) this.block.show(this.columns[this.opened][0], this.tokens[position]);
  }

  /**
   * Returns the number beside a row: its credit at the embedding, or the largest weight that a block gives it.
   * @param {Geometry} geometry
   * @param {number} row
   */
  endOf(geometry, row) {
    if (!this.areWeights) return geometry.creditIn(0, row);
    const given = geometry.all.filter(({ source }) => source === row).map(({ share }) => share);
    return Math.max(0, ...given);
  }

  /** Lays the picture out again if its width or its scale has changed. */
  resize() {
    const width = this.canvas.clientWidth;
    const scale = Number(getComputedStyle(this.root).getPropertyValue("--gv-scale")) || 1;
    if ((width === this.width && scale === this.scale) || !this.rows.length) return;
    this.width = width;
    this.scale = scale;
    const { shares, credit, rows, rowOf, position, tracks } = this;
    this.height = placeRows(rows, scale);
    this.stage.style.height = `${this.height}px`;
    const unit = Math.max(30, width / tracks.reduce((sum, track) => sum + track, 0));
    /** @type {number[]} */
    const edges = [0];
    for (const track of tracks) edges.push(edges[edges.length - 1] + track * unit);
    const geometry = new Geometry(shares, credit, rows, rowOf, position, edges, scale);
    this.geometry = geometry;
    const ends = rows.map((row, i) => (row.kind === "later" ? 0 : this.endOf(geometry, i)));
    this.labels.show(rows, this.tokens, ends, this);
    this.mark();
  }

  /** Draws the picture with the present cuts. */
  mark() {
    if (!this.geometry) return;
    this.block.mark();
    this.drawing.draw(this.geometry, this.height, (piece) => this.isCut(piece));
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
        mlp: areWeights ? null : shares.kept("mlp", column, position),
        thin: { count: thin.length, share: thin.reduce((sum, { share }) => sum + share, 0) },
      };
    });
  }

  showList() {
    if (!this.geometry) return;
    this.list.show(
      this.geometry.curves,
      (row) => this.rowName(row),
      (column) => this.names[column],
      (curve) => (this.editsOf({ curve }).length ? this.isCut({ curve }) : null),
    );
  }

  // Names and cuts of pieces

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
    return tokens.length === 1 ? this.placed(tokens[0]) : [this.words.small(tokens.length)];
  }

  /** Returns the token of a row that stands for one, null for other rows. @param {number} row */
  tokenOf(row) {
    const { tokens } = this.rows[row] ?? { tokens: [] };
    return tokens.length === 1 && !this.tokens[tokens[0]].earlier ? this.tokens[tokens[0]] : null;
  }

  /**
   * Returns the edits that cut a piece in every block of its column; none if it cannot be cut.
   * @param {Piece} piece
   * @returns {Edit[]}
   */
  editsOf({ band, curve }) {
    const column = (band ?? curve)?.column ?? 0;
    const [first, last] = this.columns[column];
    const layers = Array.from({ length: last - first + 1 }, (_, i) => first + i);
    if (!this.runs) return [];
    if (band) {
      const token = this.tokenOf(band.row);
      return token && band.kind === "mlp" ? layers.map((layer) => cutMlp(layer, token.position)) : [];
    }
    const [source, target] = [this.tokenOf(curve?.source ?? -1), this.tokenOf(curve?.target ?? -1)];
    return source && target ? layers.map((layer) => cutKey(layer, target.position, source.position)) : [];
  }

  /** @param {Piece} piece */
  isCut(piece) {
    const edits = this.editsOf(piece);
    const { isCut } = this.actions;
    const isWhole = (/** @type {Edit} */ edit) =>
      edit.kind === "ablate_key"
        ? isCut(cutAttention(edit.layer, edit.query)) || isCut({ kind: "ablate_attention", layer: edit.layer })
        : isCut({ kind: "ablate_mlp", layer: edit.layer });
    return edits.length > 0 && edits.every((edit) => isCut(edit) || isWhole(edit));
  }

  /** Reads out the piece under the pointer. @param {Piece|null} piece */
  readOut(piece) {
    const { hover } = this.words;
    const found = piece?.band ?? piece?.curve;
    if (!piece || !found) return setText(this.readout, this.runs ? hover.idle : hover.idleSaved);
    const unit = this.areWeights ? hover.ofWeight : hover.ofCredit;
    const texts = [this.textOf(piece), `${percent(found.share)} ${unit}`];
    if (this.editsOf(piece).length) texts.push(`· ${this.isCut(piece) ? hover.restore : hover.click}`);
    setText(this.readout, texts.join(" "));
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
    const block = this.names[curve.column];
    return curve.kind === "bundle"
      ? hover.bundle(block, curve.count, name(curve.target))
      : hover.ribbon(block, name(curve.source), name(curve.target));
  }
}
