// @ts-check
/** The rows' names beside the picture: a token with its credit, or a line that counts several tokens. */
import { chip, chipText } from "../shared/chips.js";
import { button, element } from "../shared/dom.js";
import { allDigits, percent } from "../shared/numbers.js";

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
        label.toggleAttribute("data-opened", isOpened(row, state));
        if (row.kind !== "later" && row.kind !== "fold") label.append(this.number(shares[i]));
        if (row.kind === "rest") label.append(this.resting(tokens[row.tokens[0]]));
        label.style.top = `${row.top}px`;
        label.style.height = `${row.height}px`;
        return label;
      }),
    );
    if (focused) /** @type {HTMLElement|null} */ (this.root.querySelector(`[data-key="${focused}"]`))?.focus();
  }

  /** Names the lane of the special first token, and says what it is. @param {PageToken} token */
  resting(token) {
    const { resting, restingHint } = this.words;
    return element("span", { class: "lane small muted", title: restingHint(chipText(token)) }, resting);
  }

  /** @param {number} share */
  number(share) {
    return element("span", { class: "number share", title: allDigits(share) }, percent(share));
  }

  /**
   * @param {Row} row
   * @param {(PageToken & {earlier?: number})[]} tokens
   * @param {{position: number, start: number|null, isOpen: boolean}} state
   * @returns {(Node|string)[]}
   */
  content(row, tokens, state) {
    const { words, actions } = this;
    const [first] = row.tokens;
    if (row.kind === "fold") return [this.quiet(words.fold, actions.toggleFold, "fold")];
    if (row.kind === "small") {
      const nameOf = (/** @type {number} */ index) => {
        const { earlier } = tokens[index];
        return earlier ? words.earlier(earlier) : chipText(tokens[index]);
      };
      const title = words.unfoldHint(percent(row.most), row.tokens.map(nameOf).join(" "));
      return [this.quiet(words.small(countOf(row, tokens)), actions.toggleFold, "fold", title)];
    }
    if (row.kind === "later") {
      const last = () => actions.follow(tokens.length - 1);
      return [this.quiet(words.later(row.tokens.length), last, "last", words.laterHint)];
    }
    const token = tokens[first];
    if (token.earlier) return [element("span", { class: "line small muted" }, words.earlier(token.earlier))];
    if (row.kind === "rest" || isOpened(row, state)) return [this.lane(token, row.kind !== "rest")];
    const node = button("", () => actions.follow(first), {
      "aria-pressed": String(first === state.position),
      "data-key": first,
    });
    node.append(chip(token), element("sub", {}, String(token.position)));
    return [node];
  }

  /**
   * Creates what gives the special first token a whole row, or puts it back into its lane.
   * @param {PageToken} token
   * @param {boolean} isOpened
   */
  lane(token, isOpened) {
    const { words, actions } = this;
    const name = chipText(token);
    const text = isOpened ? words.closeLane(name) : words.openLane(name);
    const node = button("", actions.toggleLane, {
      "aria-label": text,
      "aria-expanded": String(isOpened),
      title: isOpened ? text : words.restingHint(name),
      "data-key": "lane",
    });
    node.append(chip(token), element("span", { class: "mark muted", "aria-hidden": "true" }, isOpened ? "▾" : "▸"));
    return node;
  }

  /** @param {string} text @param {() => void} onClick @param {string} key @param {string} [title] */
  quiet(text, onClick, key, title = "") {
    return button(text, onClick, { class: "quiet small", "data-key": key, title });
  }
}

/**
 * Returns whether a row is that of the special first token, which has a lane otherwise.
 * @param {Row} row
 * @param {{position: number, start: number|null, isOpen: boolean}} state
 */
function isOpened({ kind, tokens }, { position, start, isOpen }) {
  return kind === "token" && isOpen && tokens[0] === start && start !== position;
}

/**
 * Returns how many tokens of the text a row has.
 * @param {Row} row
 * @param {(PageToken & {earlier?: number})[]} tokens
 */
export function countOf(row, tokens) {
  return row.tokens.reduce((sum, token) => sum + (tokens[token].earlier ?? 1), 0);
}
