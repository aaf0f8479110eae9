// @ts-check
/** An open block: its heads as small maps with their shares, which a click cuts, and the MLP's strongest neurons. */
import { button, element, setText } from "../shared/dom.js";
import { Lane } from "../shared/kernel.js";
import { percent, significant } from "../shared/numbers.js";
import { pageTheme } from "../shared/theme.js";
import { drawThumbnail } from "../shared/thumbnail.js";

/** @typedef {import("../shared/edits.js").Edit} Edit */
/**
 * Heads' shares in a token, and the neurons that add most.
 * @typedef {{heads: number[], neurons: {neuron: number, length: number}[]}} Block
 */

export class OpenBlock {
  /**
   * @param {import("./words.js").Words} words
   * @param {{cut: (edits: Edit[]) => void, isCut: (edit: Edit) => boolean, look: (layer: number, head: number) => void,
   *   ask: (name: string, args: any) => Promise<any>}} actions
   */
  constructor(words, actions) {
    this.words = words;
    this.actions = actions;
    this.lane = new Lane();
    this.layer = -1;
    this.position = -1;
    /** @type {Block|null} */
    this.shown = null;
    /**
     * The small maps of each layer that was opened: (H, side, side).
     * @type {Map<number, {data: Uint8Array, shape: number[]}>}
     */
    this.maps = new Map();
    this.list = element("ul", { class: "heads-of-block" });
    this.note = element("p", { class: "small muted", role: "status" });
    this.root = element("div", { class: "open-block" }, this.list, this.note);
  }

  /** Forgets the previous trace. */
  load() {
    this.maps = new Map();
    this.layer = -1;
    this.shown = null;
    this.list.replaceChildren();
    setText(this.note, "");
  }

  /** Shows a block for a followed token. @param {number} layer @param {{position: number}} token */
  show(layer, { position }) {
    if (layer === this.layer && position === this.position) return;
    this.layer = layer;
    this.position = position;
    this.root.dataset.asking = "";
    const { maps, actions } = this;
    this.lane.ask(
      async () => {
        if (!maps.has(layer)) maps.set(layer, await actions.ask("maps", { layer }));
        return /** @type {Promise<Block>} */ (actions.ask("block", { layer, position }));
      },
      (block) => {
        if (maps === this.maps) this.fill(block, "");
      },
      (error) => this.fill(null, error.message),
    );
  }

  /** @param {Block|null} block @param {string} problem */
  fill(block, problem) {
    delete this.root.dataset.asking;
    this.shown = block;
    const neurons = (block?.neurons ?? []).map(({ neuron, length }) => `${neuron} (${significant(length)})`);
    setText(this.note, problem || (neurons.length ? this.words.neurons(neurons.join(", ")) : ""));
    this.mark();
  }

  /** Draws the heads with the present cuts. */
  mark() {
    const { words, layer, actions } = this;
    const heads = this.shown?.heads ?? [];
    const focused = [...this.list.querySelectorAll("button")].indexOf(/** @type {any} */ (document.activeElement));
    this.list.replaceChildren(
      ...heads.map((share, head) => {
        const edit = { kind: "ablate_head", layer, head };
        const isCut = actions.isCut(edit);
        const name = words.part.head(layer, head);
        const label = isCut ? words.table.restore(name) : words.table.cut(name);
        const onClick = () => {
          actions.look(layer, head);
          actions.cut([edit]);
        };
        const node = button("", onClick, { "aria-pressed": String(isCut), title: label });
        const text = element("span", { class: "number small", title: `${100 * share} %` }, percent(share));
        node.append(this.map(head), element("span", { class: "small" }, `H${head}`), text);
        return element("li", {}, node);
      }),
    );
    if (focused >= 0) this.list.querySelectorAll("button")[focused]?.focus();
  }

  /** @param {number} head */
  map(head) {
    const canvas = element("canvas", { "aria-hidden": "true" });
    const maps = this.maps.get(this.layer);
    if (!maps) return canvas;
    const side = maps.shape[1];
    drawThumbnail(canvas, maps.data.subarray(head * side * side, (head + 1) * side * side), side, pageTheme());
    return canvas;
  }
}
