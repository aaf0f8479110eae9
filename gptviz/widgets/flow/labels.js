// @ts-check
/** The rows' names beside the picture: a token with its credit, or a line that counts several tokens. */
import { chip, chipText } from "../shared/chips.js";
import { button, element } from "../shared/dom.js";
import { percent } from "../shared/numbers.js";

/** @typedef {import("../shared/chips.js").PageToken} PageToken */
/** @typedef {import("./rows.js").Row} Row */

export class RowLabels {
  /**
   * @param {import("./words.js").Words} words
   * @param {{follow: (token: number) => void, toggleLane: () => void, toggleFold: () => void}} actions
   */
  constructor(words, actions) {
    this.words = words;
    this.actions = actions;
    this.root = element("div", { class: "labels" });
  }

  /**
   * @param {Row[]} rows
   * @param {(PageToken & {earlier?: number})[]} tokens
   * @param {number[]} shares of each row, at the left end of the picture
   * @param {{position: number, start: number|null, isOpen: boolean}} state
   */
  show(rows, tokens, shares, state) {
    const focused = this.root.contains(document.activeElement)
      ? document.activeElement?.getAttribute("data-key")
      : null;
    this.root.replaceChildren(
      ...rows.map((row, i) => {
        const label = element("div", { class: "label", "data-kind": row.kind }, ...this.content(row, tokens, state));
        if (row.kind !== "later" && row.kind !== "fold") label.append(this.number(shares[i]));
        if (row.kind === "rest") label.append(element("span", { class: "lane small muted" }, this.words.resting));
        label.style.top = `${row.top}px`;
        label.style.height = `${row.height}px`;
        return label;
      }),
    );
    if (focused) /** @type {HTMLElement|null} */ (this.root.querySelector(`[data-key="${focused}"]`))?.focus();
  }

  /** @param {number} share */
  number(share) {
    return element("span", { class: "number share", title: `${100 * share} %` }, percent(share));
  }

  /**
   * @param {Row} row
   * @param {(PageToken & {earlier?: number})[]} tokens
   * @param {{position: number, start: number|null, isOpen: boolean}} state
   * @returns {(Node|string)[]}
   */
  content(row, tokens, { position, start, isOpen }) {
    const { words, actions } = this;
    const [first] = row.tokens;
    if (row.kind === "fold") return [this.quiet(words.fold, actions.toggleFold, "fold")];
    if (row.kind === "small") {
      const names = row.tokens.map((token) => chipText(tokens[token])).join(" ");
      const title = words.unfoldHint(percent(row.most), names);
      return [this.quiet(words.small(row.tokens.length), actions.toggleFold, "fold", title)];
    }
    if (row.kind === "later") {
      const last = () => actions.follow(tokens.length - 1);
      return [this.quiet(words.later(row.tokens.length), last, "last", words.laterHint)];
    }
    const token = tokens[first];
    if (token.earlier) return [element("span", { class: "line small muted" }, words.earlier(token.earlier))];
    if (row.kind === "rest") {
      const open = words.openLane(chipText(token));
      const node = button("", actions.toggleLane, { "aria-label": open, title: open, "data-key": "lane" });
      node.append(chip(token));
      return [node];
    }
    const node = button("", () => actions.follow(first), {
      "aria-pressed": String(first === position),
      "data-key": first,
    });
    node.append(chip(token));
    node.append(element("sub", {}, String(token.position)));
    const close = first === start && isOpen && first !== position;
    const extras = close ? [this.quiet(words.closeLane, actions.toggleLane, "lane")] : [];
    return [node, ...extras];
  }

  /** @param {string} text @param {() => void} onClick @param {string} key @param {string} [title] */
  quiet(text, onClick, key, title = "") {
    return button(text, onClick, { class: "quiet small", "data-key": key, title });
  }
}
