// @ts-check
/** Says why the view opened at a head that nobody had chosen: it gives the largest weight to another token. */
import { positionedChip } from "./chips.js";
import { element } from "./dom.js";
import { weight } from "./numbers.js";
import { opening as catalogue } from "./opening_words.js";
import { wordsOf } from "./words.js";

/**
 * `OpeningHead` in Python.
 * @typedef {{layer: number, head: number, query: number, key: number, weight: number, of_all: boolean}} Opening
 */

export class OpeningNote {
  /** @param {import("./kernel.js").Model} model of the view */
  constructor(model) {
    this.words = wordsOf(model, catalogue);
    /** @type {Opening|null} */
    this.opening = null;
    this.root = element("p", { class: "opening muted small numbers" });
  }

  /**
   * @param {Opening|null} opening null if the head was chosen
   * @param {Record<number, import("./chips.js").PageToken>} tokens by position
   * @param {Record<number, import("./chips.js").PageToken>} [keys] those that are looked at, if they are others
   */
  write(opening, tokens, keys = tokens) {
    const { words } = this;
    this.opening = opening;
    this.root.hidden = opening === null;
    if (opening === null) return;
    const { layer, query, key } = opening;
    this.root.replaceChildren(
      `${words.opened} `,
      positionedChip(tokens[query], query),
      ` ${words.gives} `,
      positionedChip(keys[key], key),
      " ",
      element("span", { class: "number", title: String(opening.weight) }, weight(opening.weight)),
      words.openedWhy(opening.of_all ? null : layer),
    );
  }

  /**
   * Shows the text at its head only. The space for it stays, so that nothing moves.
   * @param {number} layer
   * @param {number} head
   */
  show(layer, head) {
    const isHere = this.opening?.layer === layer && this.opening?.head === head;
    this.root.style.visibility = isHere ? "" : "hidden";
  }
}
