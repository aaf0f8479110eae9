// @ts-check
/** The list of edits as chips that can be taken back; what a page cannot name by itself wears its code. */
import { chip } from "../shared/chips.js";
import { element } from "../shared/dom.js";
import { significant } from "../shared/numbers.js";
import { partName } from "./grid.js";

/** @typedef {import("./grid.js").Part} Part */
/** @typedef {Record<string, any> & {kind: string, layer: number}} Edit as `edit_list.py` writes it */

/** Whether an edit switches this part off. @param {Edit} edit @param {Part} part */
export function switchesOff(edit, part) {
  if (edit.layer !== part.layer) return false;
  return part.head === null
    ? edit.kind === "ablate_mlp"
    : edit.kind === "ablate_head" && edit.head === part.head && edit.to === undefined;
}

/** Whether two edits do the same, however they came here. @param {Edit} one @param {Edit} other */
export function sameEdit(one, other) {
  const said = (/** @type {Edit} */ edit) =>
    JSON.stringify(
      Object.entries(edit)
        .filter(([name]) => name !== "code")
        .sort(),
    );
  return said(one) === said(other);
}

export class EditChips {
  /** @param {import("./words.js").Words} words @param {{looked: (part: Part) => void, takenBack: (index: number) => void,
   *   allTakenBack: () => void}} actions */
  constructor(words, actions) {
    this.words = words;
    this.actions = actions;
    this.list = element("ul", { class: "edits" });
    this.removeAll = element("button", { type: "button", class: "quiet" }, words.removeAll);
    this.removeAll.addEventListener("click", actions.allTakenBack);
    this.root = element("div", { class: "made" }, element("h4", {}, words.edits), this.list, this.removeAll);
  }

  /** @param {Edit[]} edits @param {string[]} codes what Python calls them, once that is known
   * @param {import("../shared/chips.js").PageToken[]} tokens */
  show(edits, codes, tokens) {
    this.removeAll.hidden = edits.length === 0;
    const none = element("li", { class: "muted" }, this.words.none);
    this.list.replaceChildren(
      ...(edits.length ? edits.map((edit, i) => this.item(edit, i, codes[i] ?? edit.code ?? "", tokens)) : [none]),
    );
  }

  /** @param {Edit} edit @param {number} index @param {string} code @param {import("../shared/chips.js").PageToken[]} tokens */
  item(edit, index, code, tokens) {
    const label = element("span", { title: code }, ...this.label(edit, tokens));
    const told = this.words.takeBack(label.textContent ?? "");
    const remove = element("button", { type: "button", "aria-label": told, title: told }, "×");
    remove.addEventListener("click", () => this.actions.takenBack(index));
    return element("li", { class: "edit" }, label, remove);
  }

  /** @param {Edit} edit @param {import("../shared/chips.js").PageToken[]} tokens @returns {(Node|string)[]} */
  label(edit, tokens) {
    const { words } = this;
    const part = { layer: edit.layer, head: edit.head ?? null };
    const at = (/** @type {number} */ position) => [
      ` ${words.at} `,
      chip(tokens[position]),
      element("sub", {}, String(position)),
      " ",
    ];
    if (switchesOff(edit, part)) return [this.name(part), ` ${words.switchedOff}`];
    if (edit.kind === "ablate_head" && edit.to === "mean") return [this.name(part), ` ${words.atMean}`];
    if (edit.kind === "scale_head") return [this.name(part), ` × ${significant(edit.factor)}`];
    if (edit.kind === "ablate_neuron") return [this.name(part), ` ${words.neuron(edit.neuron)} ${words.switchedOff}`];
    if (edit.kind === "steer")
      return [`${words.sites.residual} ${edit.layer} ${words.steered(significant(edit.strength ?? 1))}`];
    if (edit.kind === "set_attention" && tokens[edit.query])
      return [this.name(part), ...at(edit.query), words.rewritten];
    if (edit.kind === "patch" && (edit.position === null || tokens[edit.position])) {
      const site = words.sites[/** @type {"residual"} */ (edit.site ?? "residual")];
      const where = edit.position === null ? [` ${words.everywhere} `] : at(edit.position);
      return [...(part.head === null ? [`${site} ${edit.layer}`] : [this.name(part)]), ...where, words.patched];
    }
    return [element("span", { class: "number" }, edit.code ?? edit.kind)];
  }

  /** A part's name; a click shows it in linked views. @param {Part} part */
  name(part) {
    const name = partName(part, this.words.mlp);
    const node = element("button", { type: "button", class: "name", title: this.words.look(name) }, name);
    node.addEventListener("click", () => this.actions.looked(part));
    return node;
  }
}
