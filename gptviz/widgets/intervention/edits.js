// @ts-check
/** The list of edits as chips that can be removed. An edit that the page cannot describe shows its Python code. */
import { chip } from "../shared/chips.js";
import { button, element } from "../shared/dom.js";
import { significant } from "../shared/numbers.js";
import { partName } from "./grid.js";

/** @typedef {import("./grid.js").Part} Part */
/** @typedef {import("../shared/chips.js").PageToken} PageToken */
/** @typedef {import("../shared/edits.js").Edit} Edit */

/** Returns whether an edit switches a part off at every position. @param {Edit} edit @param {Part} part */
export function switchesOff(edit, part) {
  if (edit.layer !== part.layer || edit.stack !== part.stack) return false;
  if (part.head === null) return edit.kind === "ablate_mlp" && edit.position === undefined;
  return edit.kind === "ablate_head" && edit.head === part.head && edit.to === undefined;
}

export class EditChips {
  /**
   * @param {import("./words.js").Words} words
   * @param {{look: (part: Part) => void, remove: (index: number) => void, removeAll: () => void,
   *   offer: (control: HTMLButtonElement, edits: Edit[]) => HTMLButtonElement}} actions `offer`: turns a control that
   *   leaves these edits off where their outcome is not known
   */
  constructor(words, actions) {
    this.words = words;
    this.actions = actions;
    this.list = element("ul", { class: "edits" });
    this.removeAll = button(words.removeAll, actions.removeAll, { class: "quiet" });
    this.root = element("div", { class: "made" }, element("h4", {}, words.edits), this.list, this.removeAll);
  }

  /**
   * @param {Edit[]} edits
   * @param {string[]} codes the edits as Python code; empty before the kernel has answered
   * @param {(edit: Edit) => PageToken[]} tokensOf returns the tokens of the stack that an edit acts in
   */
  show(edits, codes, tokensOf) {
    this.removeAll.hidden = edits.length === 0;
    this.actions.offer(this.removeAll, []);
    const items = edits.map((edit, i) => {
      const { label, remove } = this.item(edit, i, codes[i] ?? edit.code ?? "", tokensOf(edit));
      return element("li", { class: "edit" }, label, this.actions.offer(remove, edits.toSpliced(i, 1)));
    });
    const none = element("li", { class: "muted" }, this.words.none);
    this.list.replaceChildren(...(items.length ? items : [none]));
  }

  /** @param {Edit} edit @param {number} index @param {string} code @param {PageToken[]} tokens */
  item(edit, index, code, tokens) {
    const label = element("span", { title: code }, ...this.label(edit, tokens));
    const text = this.words.takeBack(label.textContent ?? "");
    const remove = button("×", () => this.actions.remove(index), { "aria-label": text, title: text });
    return { label, remove };
  }

  /** @param {Edit} edit @param {PageToken[]} tokens @returns {(Node|string)[]} */
  label(edit, tokens) {
    const { words } = this;
    const part = { layer: edit.layer, head: edit.head ?? null, ...(edit.stack ? { stack: edit.stack } : {}) };
    const of = edit.stack ? `${words.ofStack[/** @type {"cross"} */ (edit.stack)]} ` : "";
    if (switchesOff(edit, part)) return [this.nameButton(part), ` ${words.switchedOff}`];
    switch (edit.kind) {
      case "ablate_head":
        if (edit.to !== "mean") break;
        return [this.nameButton(part), ` ${words.atMean}`];
      case "ablate_mlp":
        if (!tokens[edit.position]) break;
        return [this.nameButton(part), ...this.position(edit.position, tokens), words.switchedOff];
      case "ablate_attention": {
        const everywhere = edit.position === undefined;
        if (!everywhere && !tokens[edit.position]) break;
        const where = everywhere ? [` ${words.everywhere} `] : this.position(edit.position, tokens);
        return [`${of}${words.sites.attn_out} ${edit.layer}`, ...where, words.switchedOff];
      }
      case "scale_head":
        return [this.nameButton(part), ` × ${significant(edit.factor)}`];
      case "ablate_neuron":
        return [this.nameButton(part), ` ${words.neuron(edit.neuron)} ${words.switchedOff}`];
      case "steer":
        return [`${of}${words.sites.residual} ${edit.layer} ${words.steered(significant(edit.strength ?? 1))}`];
      case "set_attention":
        if (!tokens[edit.query]) break;
        return [this.nameButton(part), ...this.position(edit.query, tokens), words.rewritten];
      case "patch":
        if (edit.position !== null && !tokens[edit.position]) break;
        return this.patchLabel(edit, part, tokens);
    }
    return [element("span", { class: "number" }, edit.code ?? edit.kind)];
  }

  /** @param {Edit} edit @param {Part} part @param {PageToken[]} tokens @returns {(Node|string)[]} */
  patchLabel(edit, part, tokens) {
    const { words } = this;
    const site = words.sites[/** @type {"residual"} */ (edit.site ?? "residual")];
    const of = part.stack ? `${words.ofStack[part.stack]} ` : "";
    const label = part.head === null ? `${of}${site} ${edit.layer}` : this.nameButton(part);
    const where = edit.position === null ? [` ${words.everywhere} `] : this.position(edit.position, tokens);
    return [label, ...where, words.patched];
  }

  /** @param {number} position @param {PageToken[]} tokens @returns {(Node|string)[]} */
  position(position, tokens) {
    return [` ${this.words.at} `, chip(tokens[position]), element("sub", {}, String(position)), " "];
  }

  /** Creates a part's name, which shows the part in linked views when it is clicked. @param {Part} part */
  nameButton(part) {
    const name = partName(part, this.words);
    return button(name, () => this.actions.look(part), { class: "name", title: this.words.look(name) });
  }
}
