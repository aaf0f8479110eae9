// @ts-check
/** The branches of a generation as a tree, and two of them side by side. */
import { chip, chipText } from "../shared/chips.js";
import { element, setText } from "../shared/dom.js";
import { significant } from "../shared/numbers.js";
import { isSame } from "./revealed.js";
import { textNodes } from "./text.js";

/** @typedef {import("./news.js").Branch} Branch */
/** @typedef {import("./news.js").News} News */
/** @typedef {import("./words.js").Words} Words */

const SHOWN_CHARACTERS = 60; // of a branch's text in the tree

export class BranchTree {
  /** @param {Words} words @param {(index: number) => void} onShow @param {(index: number) => void} onCompare */
  constructor(words, onShow, onCompare) {
    this.words = words;
    this.onShow = onShow;
    this.list = element("ul", { class: "tree", "aria-label": words.branches });
    this.menu = element("select", {});
    this.menu.addEventListener("change", () => onCompare(Number(this.menu.value)));
    const label = element("label", { class: "small muted" }, `${words.compare} `, this.menu);
    this.root = element("div", { class: "branches", hidden: "" }, this.list, label);
  }

  /** @param {Branch[]} branches @param {number} shown @param {number} compared the index of the other one, or -1 */
  show(branches, shown, compared) {
    this.root.hidden = branches.length < 2;
    if (this.root.hidden) return;
    const items = branches.map((branch, i) => this.item(branch, i, i === shown));
    branches.forEach(({ parent }, i) => {
      if (parent === null) return;
      const below = items[parent].querySelector(":scope > ul") ?? items[parent].appendChild(element("ul", {}));
      below.append(items[i]);
    });
    this.list.replaceChildren(...items.filter((_, i) => branches[i].parent === null));
    const options = branches.map((branch, i) => element("option", { value: i }, this.nameOf(branch, i)));
    this.menu.replaceChildren(element("option", { value: -1 }, this.words.nothing), ...options);
    this.menu.value = String(compared < branches.length ? compared : -1);
  }

  /** @param {Branch} branch @param {number} index */
  nameOf({ parent, at, token }, index) {
    if (parent === null) return this.words.choice(index);
    return `${this.words.step(at)} ${token ? chipText(token) : ""}`;
  }

  /** @param {Branch} branch @param {number} index @param {boolean} isShown */
  item(branch, index, isShown) {
    const { text, spelled } = branch;
    const button = element("button", { type: "button", "aria-pressed": isShown });
    if (branch.token) button.append("↳ ", this.words.step(branch.at), " ", chip(branch.token));
    else button.append(this.words.choice(index));
    button.addEventListener("click", () => this.onShow(index));
    const start = [...text].slice(0, SHOWN_CHARACTERS).join("");
    const nodes = spelled.length ? textNodes(spelled, [], start)[0] : [start];
    const rest = start === text ? "" : "…";
    return element("li", {}, button, element("span", { class: "muted small beginning" }, ...nodes, rest));
  }
}

/** Two branches side by side; what they share is muted. */
export class Comparison {
  /** @param {Words} words */
  constructor(words) {
    this.words = words;
    this.columns = [0, 1].map(() => ({
      name: element("h4", {}),
      text: element("p", { class: "text" }),
      facts: element("p", { class: "muted small" }),
    }));
    const columns = this.columns.map(({ name, text, facts }) => element("div", {}, name, text, facts));
    this.root = element("div", { class: "comparison", hidden: "" }, ...columns);
  }

  hide() {
    this.root.hidden = true;
  }

  /** @param {News} first @param {News} second */
  show(first, second) {
    const shorter = Math.min(first.steps.length, second.steps.length);
    let shared = 0;
    while (shared < shorter && isSame(first.steps[shared].token, second.steps[shared].token)) shared += 1;
    this.showColumn(0, first, shared);
    this.showColumn(1, second, shared);
    this.root.hidden = false;
  }

  /** @param {number} column @param {News} news @param {number} shared how many steps both branches have */
  showColumn(column, { branches, choice, steps, done, text: whole }, shared) {
    const { words } = this;
    const { name, text, facts } = this.columns[column];
    const { token, at } = branches[choice];
    const tokens = steps.map((step) => step.token);
    const [before, after] = textNodes(tokens.slice(0, shared), tokens.slice(shared), done ? whole : null);
    name.replaceChildren(...(token ? [words.step(at), " ", chip(token)] : [words.choice(choice)]));
    text.replaceChildren(element("span", { class: "muted" }, ...before), ...after);
    const own = steps.slice(shared);
    const bits = own.reduce((sum, { probability }) => sum - Math.log2(probability ?? Number.NaN), 0);
    setText(facts, own.length ? words.surprise(own.length, significant(bits / own.length)) : words.sameText);
  }
}
