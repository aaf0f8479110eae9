// @ts-check
/**
 * An open block: its heads as small maps with their shares, what each of them carries from token to token, and the
 * MLP's strongest neurons. A head is opened by its map, and cut by the button below it.
 */
import { button, element, setText } from "../shared/dom.js";
import { Lane } from "../shared/kernel.js";
import { allDigits, percent, significant } from "../shared/numbers.js";
import { pageTheme } from "../shared/theme.js";
import { drawThumbnail } from "../shared/thumbnail.js";
import { HeadShares } from "./heads.js";

/** @typedef {import("../shared/edits.js").Edit} Edit */
/**
 * Heads' shares in a token, and the neurons that add most.
 * @typedef {{heads: number[], neurons: {neuron: number, length: number}[]}} Block
 */
/**
 * What was asked for once a layer: small maps (H, side, side), and shares.
 * @typedef {{maps: {data: Uint8Array, shape: number[]}, shares: HeadShares}} Heads
 */

export class OpenBlock {
  /**
   * @param {import("./words.js").Words} words
   * @param {import("./actions.js").Actions} actions
   * @param {{came: () => void, point: (head: number|null) => void}} picture `came`: the shares of the heads;
   *   `point`: the pointer or the focus is on a head, or on none
   */
  constructor(words, actions, picture) {
    this.words = words;
    this.actions = actions;
    this.picture = picture;
    this.lane = new Lane();
    this.layer = -1;
    this.position = -1;
    this.canCut = false;
    this.areWeights = false;
    /** The head that is open under the picture. @type {number|null} */
    this.opened = null;
    /** @type {Block|null} */
    this.shown = null;
    /** What is known of each layer that was opened. @type {Map<number, Heads>} */
    this.known = new Map();
    this.list = element("ul", { class: "heads-of-block" });
    this.note = element("p", { class: "small muted", role: "status" });
    this.root = element("div", { class: "open-block" }, this.list, this.note);
    for (const name of ["pointerover", "focusin"]) {
      this.list.addEventListener(name, ({ target }) => picture.point(this.headAt(/** @type {Element} */ (target))));
    }
    for (const name of ["pointerleave", "focusout"]) this.list.addEventListener(name, () => picture.point(null));
  }

  /** Returns the head whose map or button an element is. @param {Element} node @returns {number|null} */
  headAt(node) {
    const index = [...this.list.children].indexOf(/** @type {Element} */ (node.closest("li")));
    return index < 0 ? null : index;
  }

  /** Forgets the previous trace. @param {boolean} canCut @param {boolean} areWeights whether shares are weights */
  load(canCut, areWeights) {
    this.known = new Map();
    this.layer = -1;
    this.shown = null;
    this.opened = null;
    this.canCut = canCut;
    this.areWeights = areWeights;
    this.list.replaceChildren();
    setText(this.note, "");
  }

  /** What the heads of the open block carry, null until it is known. */
  get shares() {
    return this.known.get(this.layer)?.shares ?? null;
  }

  /**
   * Shows a block for a followed token.
   * @param {number} layer
   * @param {number} column
   * @param {import("./followed.js").FlowToken[]} tokens that are drawn
   * @param {number} followed one of them
   */
  show(layer, column, tokens, followed) {
    const { position } = tokens[followed];
    const shares = this.known.get(layer)?.shares;
    if (shares) shares.column = column; // it is another where columns were unfolded or folded
    if (layer === this.layer && position === this.position) return;
    this.layer = layer;
    this.position = position;
    this.root.dataset.asking = "";
    const { known, actions } = this;
    const isKept = actions.isAnswered("block", { layer, position });
    this.lane.ask(
      async () => {
        if (!known.has(layer)) {
          const maps = await actions.ask("maps", { layer });
          const { data, shape } = await actions.ask("heads", { layer });
          known.set(layer, { maps, shares: new HeadShares(column, shape[0], tokens.length, data) });
        }
        return /** @type {Promise<Block|null>} */ (isKept ? actions.ask("block", { layer, position }) : null);
      },
      (block) => {
        if (known !== this.known) return;
        if (block) this.fill(block, "");
        else this.fillWithout(tokens, followed, "");
      },
      (error) => {
        this.position = -1; // the block can be asked for again
        if (known === this.known) this.fillWithout(tokens, followed, error.message);
      },
    );
  }

  /**
   * Shows what is known without an answer about the token.
   * @param {import("./followed.js").FlowToken[]} tokens
   * @param {number} followed
   * @param {string} problem why there is no answer; "" if the page does not keep it
   */
  fillWithout(tokens, followed, problem) {
    const heads = this.headsAt(tokens, followed);
    const { noNeurons, noHeads } = this.words.head;
    this.fill(heads && { heads, neurons: [] }, problem || (heads ? noNeurons : noHeads));
  }

  /**
   * Returns what is known of the heads at a token without an answer about it, null for nothing.
   * @param {import("./followed.js").FlowToken[]} tokens
   * @param {number} followed
   */
  headsAt(tokens, followed) {
    if (!this.areWeights) return this.shares?.ofToken(followed) ?? null;
    const isSum = tokens[0].earlier !== undefined; // of weights, among which the largest is not known
    return isSum ? null : (this.shares?.largestOfToken(followed) ?? null);
  }

  /** @param {Block|null} block @param {string} problem */
  fill(block, problem) {
    delete this.root.dataset.asking;
    this.shown = block;
    const neurons = (block?.neurons ?? []).map(({ neuron, length }) => `${neuron} (${significant(length)})`);
    const text = problem || (neurons.length ? this.words.neurons(neurons.join(", ")) : "");
    setText(this.note, block ? `${text} ${this.words.head.hatched}` : text);
    this.picture.came();
  }

  /** Draws the heads with the present cuts. */
  mark() {
    const heads = this.shown?.heads ?? [];
    const buttons = () => [...this.list.querySelectorAll("button")];
    const focused = buttons().indexOf(/** @type {any} */ (document.activeElement));
    this.list.replaceChildren(...heads.map((share, head) => this.item(share, head)));
    if (focused >= 0) buttons()[focused]?.focus();
  }

  /** @param {number} share @param {number} head */
  item(share, head) {
    const { layer, actions } = this;
    const { head: words, part, table, cuts } = this.words;
    const name = part.head(layer, head);
    const isOpen = head === this.opened;
    const edit = { kind: "ablate_head", layer, head };
    const isCut = actions.cuts().has(edit);
    const openName = isOpen ? words.closeName(name) : words.openName(name);
    const map = button("", () => actions.openHead(layer, head, () => this.focusOn(head)), {
      class: "map",
      "aria-expanded": String(isOpen),
      title: openName,
    });
    actions.offer(map, actions.hasHead({ layer, head }));
    map.append(
      this.map(head),
      element("span", { class: "small" }, `H${head}`),
      element("span", { class: "number small", title: allDigits(share) }, percent(share)),
      element("span", { class: "small word" }, isOpen ? words.close : words.open),
    );
    const cutName = isCut ? cuts.remove(name) : table.cut(name);
    const attributes = { class: "quiet small", "aria-pressed": String(isCut), "aria-label": cutName, title: cutName };
    const cut = button(isCut ? words.restore : words.cut, () => actions.cuts().toggle([edit]), attributes);
    return element("li", isCut ? { "data-cut": "" } : {}, map, ...(this.canCut ? [cut] : []));
  }

  /** Gives the focus back to the map of a head. @param {number} head */
  focusOn(head) {
    /** @type {HTMLElement|null|undefined} */ (this.list.children[head]?.querySelector("button.map"))?.focus();
  }

  /** @param {number} head */
  map(head) {
    const canvas = element("canvas", { "aria-hidden": "true" });
    const maps = this.known.get(this.layer)?.maps;
    if (!maps) return canvas;
    const side = maps.shape[1];
    drawThumbnail(canvas, maps.data.subarray(head * side * side, (head + 1) * side * side), side, pageTheme());
    return canvas;
  }
}
