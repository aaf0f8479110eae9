// @ts-check
/**
 * A thousand draws, counted beside what is expected. The list has its place from the beginning, so that a count moves
 * nothing; a line in each bar of the last column shows the same shares.
 */
import { chip } from "../shared/chips.js";
import { element, setText } from "../shared/dom.js";
import { fixed, grouped } from "../shared/numbers.js";

/** @typedef {import("../shared/chips.js").PageToken} PageToken */

/** A line of the list, whose chip is built again only for another token. */
class Line {
  constructor() {
    this.name = element("span", { class: "token" });
    this.number = element("span", { class: "number" });
    this.root = element("li", {}, this.name, this.number);
    /** @type {PageToken|string|null} */
    this.named = null;
  }

  /** @param {PageToken|string} named @param {string} text */
  show(named, text) {
    setText(this.number, text);
    if (named === this.named) return;
    this.named = named;
    this.name.replaceChildren(typeof named === "string" ? named : chip(named));
  }
}

export class Tally {
  /** @param {import("./words.js").Words} words @param {number} draws */
  constructor(words, draws) {
    this.words = words;
    this.draws = draws;
    /** @type {Line[]} */
    this.lines = [];
    this.list = element("ol", {});
    const title = element("p", { class: "small muted" }, words.many(grouped(draws)));
    this.root = element("div", { class: "tally numbers" }, title, this.list);
  }

  /**
   * Shows how often each token is expected, and how often it was drawn.
   * @param {Int32Array|null} counts of each row, the last of all others; null without draws
   * @param {number} rows
   * @param {import("./table.js").Sampler} sampler
   * @param {string} others the name of the tokens without a row; "" if there are none
   * @param {(id: number) => PageToken} tokenOf
   */
  show(counts, rows, sampler, others, tokenOf) {
    const shares = Array.from({ length: rows }, (_, rank) => sampler.at("min_p", rank));
    /** @type {(PageToken|string)[]} */
    const names = shares.map((_, rank) => tokenOf(sampler.order[rank]));
    if (others) {
      names.push(others);
      shares.push(
        Math.max(
          0,
          shares.reduce((left, share) => left - share, 1),
        ),
      );
    }
    while (this.lines.length < names.length) this.lines.push(new Line());
    this.lines.length = names.length;
    this.lines.forEach((line, i) => line.show(names[i], this.text(counts?.[i] ?? null, shares[i])));
    if (this.list.childElementCount !== names.length) this.list.replaceChildren(...this.lines.map(({ root }) => root));
  }

  /** @param {number|null} count @param {number} p */
  text(count, p) {
    if (Number.isNaN(p)) return "–";
    const expected = this.draws * p;
    const deviation = Math.sqrt(Math.max(0, expected * (1 - p)));
    const digits = deviation < 1 && expected < 100 ? 1 : 0;
    return this.words.counted(count, fixed(expected, digits), fixed(deviation, deviation < 1 ? 1 : 0));
  }
}
