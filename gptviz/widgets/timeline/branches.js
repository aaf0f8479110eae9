// @ts-check
/** The branches of a generation as a tree, and two of them side by side from where they part. Not here: how they came about. */
import { chip } from "../shared/chips.js";
import { element, setText } from "../shared/dom.js";
import { significant } from "../shared/numbers.js";
import { writtenNodes } from "./text.js";

/** @typedef {import("./timeline.js").Branch} Branch */
/** @typedef {import("./timeline.js").News} News */

const BEGINNING = 60; // characters of a branch's text that its line in the tree shows

export class BranchTree {
  /** @param {import("./words.js").Words} words @param {(index: number) => void} show @param {(index: number) => void} compare */
  constructor(words, show, compare) {
    this.words = words;
    this.show_ = show;
    this.list = element("ul", { class: "tree", "aria-label": words.branches });
    this.menu = element("select", {});
    this.menu.addEventListener("change", () => compare(Number(this.menu.value)));
    this.root = element(
      "div",
      { class: "branches", hidden: "" },
      this.list,
      element("label", { class: "small muted" }, `${words.compare} `, this.menu),
    );
  }

  /** @param {Branch[]} branches @param {number} shown @param {number} compared */
  show(branches, shown, compared) {
    this.root.hidden = branches.length < 2;
    if (this.root.hidden) return;
    const items = branches.map((branch, i) => this.item(branch, i, i === shown));
    const tops = items.filter((_, i) => branches[i].parent === null);
    branches.forEach(({ parent }, i) => {
      if (parent === null) return;
      const below = items[parent].querySelector(":scope > ul") ?? items[parent].appendChild(element("ul", {}));
      below.append(items[i]);
    });
    this.list.replaceChildren(...tops);
    this.menu.replaceChildren(
      element("option", { value: -1 }, this.words.nothing),
      ...branches.map((branch, i) => element("option", { value: i }, this.name(branch, i))),
    );
    this.menu.value = String(compared < branches.length ? compared : -1);
  }

  /** @param {Branch} branch @param {number} index */
  name({ parent, at, token }, index) {
    return parent === null
      ? this.words.choice(index)
      : `${this.words.step(at)} ${token?.bytes ?? token?.text.replaceAll(" ", "␣") ?? ""}`;
  }

  /** @param {Branch} branch @param {number} index @param {boolean} shown */
  item(branch, index, shown) {
    const button = element("button", { type: "button", "aria-pressed": shown });
    if (branch.token) button.append("↳ ", this.words.step(branch.at), " ", chip(branch.token));
    else button.append(this.words.choice(index));
    button.addEventListener("click", () => this.show_(index));
    const { text, spelled } = branch;
    const start = [...text].slice(0, BEGINNING).join("");
    return element(
      "li",
      {},
      button,
      element(
        "span",
        { class: "muted small beginning" },
        ...(spelled.length ? writtenNodes(spelled, [], start)[0] : [start]),
        start === text ? "" : "…",
      ),
    );
  }
}

export class Comparison {
  /** @param {import("./words.js").Words} words */
  constructor(words) {
    this.words = words;
    this.columns = [0, 1].map(() => ({
      name: element("h4", {}),
      text: element("p", { class: "text" }),
      facts: element("p", { class: "muted small" }),
    }));
    this.root = element(
      "div",
      { class: "comparison", hidden: "" },
      ...this.columns.map(({ name, text, facts }) => element("div", {}, name, text, facts)),
    );
  }

  hide() {
    this.root.hidden = true;
  }

  /** @param {News} one @param {News} other */
  show(one, other) {
    const most = Math.min(one.steps.length, other.steps.length);
    let same = 0;
    while (same < most && one.steps[same].token.id === other.steps[same].token.id) same += 1;
    [one, other].forEach((told, i) => {
      const { name, text, facts } = this.columns[i];
      const branch = told.branches[told.choice];
      const tokens = told.steps.map(({ token }) => token);
      const [shared, rest] = writtenNodes(tokens.slice(0, same), tokens.slice(same), told.done ? told.text : null);
      name.replaceChildren(
        ...(branch.token ? [this.words.step(branch.at), " ", chip(branch.token)] : [this.words.choice(told.choice)]),
      );
      text.replaceChildren(element("span", { class: "muted" }, ...shared), ...rest);
      const own = told.steps.slice(same);
      const bits = own.reduce((sum, { probability }) => sum - Math.log2(probability), 0);
      setText(
        facts,
        own.length ? this.words.surprise(own.length, significant(bits / own.length)) : this.words.sameText,
      );
    });
    this.root.hidden = false;
  }
}
