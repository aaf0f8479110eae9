// @ts-check
/**
 * What can be cut, as the specs of the edits that cut it, and the list of cuts as chips.
 *
 * The specs are those of `edit_list.py`: {kind: "ablate_key", layer: 2, query: 14, key: 5}. Other edits than those that
 * this view makes have their Python code as their name.
 */
import { chipText } from "../shared/chips.js";
import { button, element, setText } from "../shared/dom.js";

/** @typedef {import("../shared/edits.js").Edit} Edit */
/** @typedef {import("../shared/chips.js").PageToken} PageToken */

/** Returns the cut of attention into a token. @param {number} layer @param {number} position @returns {Edit} */
export function cutAttention(layer, position) {
  return { kind: "ablate_attention", layer, position };
}

/** Returns the cut of a token's MLP. @param {number} layer @param {number} position @returns {Edit} */
export function cutMlp(layer, position) {
  return { kind: "ablate_mlp", layer, position };
}

/**
 * Returns the cut of attention from one token to another, in all heads.
 * @param {number} layer
 * @param {number} query
 * @param {number} key
 * @returns {Edit}
 */
export function cutKey(layer, query, key) {
  return { kind: "ablate_key", layer, query, key };
}

/**
 * Returns what an edit cuts, as text.
 * @param {Edit} edit
 * @param {import("./words.js").Words["part"]} words
 * @param {(position: number) => PageToken|undefined} tokenAt
 */
export function editName(edit, words, tokenAt) {
  const name = (/** @type {number} */ position) => {
    const token = tokenAt(position);
    return token && `${chipText(token)} (${position})`;
  };
  const [target, source] = [name(edit.position ?? edit.query), name(edit.key)];
  if (edit.kind === "ablate_attention" && target) return words.attention(edit.layer, target);
  if (edit.kind === "ablate_mlp" && target) return words.mlp(edit.layer, target);
  if (edit.kind === "ablate_mlp" && edit.position === undefined) return words.mlpEverywhere(edit.layer);
  if (edit.kind === "ablate_head" && edit.to === undefined) return words.head(edit.layer, edit.head);
  if (edit.kind === "ablate_key" && target && source && edit.renormalise === undefined) {
    if (edit.head === undefined) return words.key(edit.layer, source, target);
    return words.headKey(words.head(edit.layer, edit.head), source, target);
  }
  return edit.code ?? edit.kind;
}

export class CutChips {
  /**
   * @param {import("./words.js").Words} words
   * @param {{set: (edits: Edit[]) => void, offer: (control: HTMLButtonElement, edits: Edit[]) => void}} actions `set`: makes
   *   these cuts and no others; `offer`: turns a control that does so off where the outcome is not known
   */
  constructor(words, actions) {
    this.words = words;
    this.actions = actions;
    this.list = element("ul", {});
    this.dropped = element("p", { class: "muted small", role: "status", hidden: "" });
    this.note = element("p", { class: "muted small" });
    this.scaled = element("p", { class: "muted small scaled" }, words.cuts.scaled);
    const removeAll = button(words.cuts.removeAll, () => actions.set([]), { class: "quiet" });
    const title = element("h4", {}, words.cuts.title);
    this.made = element("div", { class: "made" }, title, this.list, removeAll, this.note, this.scaled);
    this.root = element("div", { class: "cuts" }, this.made, this.dropped);
  }

  /**
   * Says which pass the bars are of.
   * @param {boolean} isKnown whether the next token with the cuts is known
   * @param {boolean} isKept whether it can be known in this page
   */
  sayWhichPass(isKnown, isKept) {
    const { note, noteWithout, notKept } = this.words.cuts;
    setText(this.note, isKnown ? note : isKept ? noteWithout : `${notKept} ${noteWithout}`);
  }

  /**
   * @param {Edit[]} edits
   * @param {string[]} dropped code of the edits that another prompt could not keep
   * @param {(position: number) => PageToken|undefined} tokenAt
   */
  show(edits, dropped, tokenAt) {
    this.made.hidden = edits.length === 0;
    this.scaled.hidden = !edits.some(({ kind, renormalise }) => kind === "ablate_key" && renormalise !== false);
    const items = edits.map((edit, i) => {
      const name = editName(edit, this.words.part, tokenAt);
      const text = this.words.cuts.remove(name);
      const others = edits.toSpliced(i, 1);
      const remove = button("×", () => this.actions.set(others), { "aria-label": text, title: text });
      this.actions.offer(remove, others);
      return element(
        "li",
        { class: "cut" },
        element("span", { class: "number", title: edit.code ?? "" }, name),
        remove,
      );
    });
    this.list.replaceChildren(...items);
    this.dropped.hidden = dropped.length === 0;
    this.dropped.replaceChildren(
      `${this.words.cuts.dropped} `,
      element("span", { class: "number" }, dropped.join("; ")),
    );
  }
}
