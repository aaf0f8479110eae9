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
 * @param {(position: number) => string|undefined} name of the token at a position
 */
export function editName(edit, words, name) {
  const [target, source] = [edit.position ?? edit.query, edit.key].map((position) =>
    position === undefined ? undefined : name(position),
  );
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
   * @param {{set: (edits: Edit[]) => void, offer: (control: HTMLButtonElement, edits: Edit[]) => void}} actions `set`:
   *   makes these cuts and no others; `offer`: turns a control that does so off where the outcome is not known
   */
  constructor(words, actions) {
    this.words = words;
    this.actions = actions;
    this.list = element("ul", {});
    this.none = element("span", { class: "muted small" }, words.cuts.none);
    this.dropped = element("p", { class: "muted small", role: "status", hidden: "" });
    this.problem = element("p", { class: "problem", role: "alert", hidden: "" });
    this.note = element("p", { class: "muted small" });
    this.scaled = element("p", { class: "muted small scaled" });
    const removeAll = button(words.cuts.removeAll, () => actions.set([]), { class: "quiet" });
    const title = element("h4", {}, words.cuts.title);
    this.made = element("div", { class: "made" }, this.list, removeAll, this.note, this.scaled);
    this.root = element("div", { class: "cuts" }, title, this.none, this.problem, this.made, this.dropped);
  }

  /**
   * Says why something was refused, in the room of the cuts, so that the picture stays in place.
   * @param {string} text
   */
  sayProblem(text) {
    setText(this.problem, text);
    this.problem.hidden = !text;
    if (text) this.root.hidden = false;
  }

  /**
   * Says which pass the bars are of.
   * @param {boolean} isKnown whether the next token with the cuts is known
   * @param {boolean} isKept whether it can be known in this page
   * @param {boolean} isNew whether a token leads that was not among the likeliest
   */
  sayWhichPass(isKnown, isKept, isNew) {
    const { note, leadsNow, noteWithout, notKept } = this.words.cuts;
    const known = isNew ? `${note} ${leadsNow}` : note;
    setText(this.note, isKnown ? known : isKept ? noteWithout : `${notKept} ${noteWithout}`);
  }

  /** Says what the cut of a ribbon does to the other weights. @param {string} replaced what it does here, or nothing */
  sayWhatScales(replaced) {
    setText(this.scaled, `${this.words.cuts.scaled} ${replaced}`.trim());
  }

  /**
   * @param {Edit[]} edits
   * @param {Edit[]} dropped that another prompt could not keep
   * @param {boolean} canCut whether cuts can be made here
   * @param {(position: number) => PageToken|undefined} tokenAt
   */
  show(edits, dropped, canCut, tokenAt) {
    this.made.hidden = edits.length === 0;
    this.none.hidden = edits.length > 0;
    this.root.hidden = !canCut && !edits.length && !dropped.length && this.problem.hidden;
    this.scaled.hidden = !edits.some(({ kind, renormalise }) => kind === "ablate_key" && renormalise !== false);
    const { part } = this.words;
    const nameAt = (/** @type {number} */ position) => {
      const token = tokenAt(position);
      return token && `${chipText(token)} (${position})`;
    };
    const items = edits.map((edit, i) => {
      const name = editName(edit, part, nameAt);
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
      dropped.map((edit) => editName(edit, part, part.position)).join("; "),
    );
  }
}
