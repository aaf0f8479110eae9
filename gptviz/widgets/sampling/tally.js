// @ts-check
/**
 * A thousand draws, counted. The list stands below the table, so that it moves nothing, and a line in each bar of the
 * last column shows the same shares.
 */
import { chip } from "../shared/chips.js";
import { element, setText } from "../shared/dom.js";
import { fixed, grouped } from "../shared/numbers.js";

/** @typedef {import("../shared/chips.js").PageToken} PageToken */

export class Tally {
  /** @param {import("./words.js").Words} words */
  constructor(words) {
    this.words = words;
    this.title = element("p", { class: "small muted" });
    this.list = element("ol", {});
    this.root = element("div", { class: "tally numbers", hidden: "" }, this.title, this.list);
  }

  /**
   * Shows how often each token was drawn, and how often it is expected.
   * @param {Int32Array} counts of each row, the last of all others
   * @param {import("./math.js").Sampler} sampler
   * @param {(id: number) => PageToken} tokenOf
   */
  show(counts, sampler, tokenOf) {
    const rows = counts.length - 1;
    const draws = counts.reduce((sum, n) => sum + n, 0);
    const shares = Array.from({ length: rows }, (_, rank) => sampler.at("min_p", rank));
    const rest = Math.max(
      0,
      shares.reduce((left, share) => left - share, 1),
    );
    const items = shares.map((share, rank) =>
      this.item(chip(tokenOf(sampler.order[rank])), counts[rank], draws, share),
    );
    if (rows < sampler.size) items.push(this.item(this.words.others(sampler.size - rows), counts[rows], draws, rest));
    setText(this.title, this.words.many(grouped(draws)));
    this.list.replaceChildren(...items);
    this.root.hidden = false;
  }

  hide() {
    this.root.hidden = true;
  }

  /** @param {Node|string} name @param {number} count @param {number} draws @param {number} p */
  item(name, count, draws, p) {
    const expected = draws * p;
    const deviation = Math.sqrt(Math.max(0, expected * (1 - p)));
    const digits = deviation < 1 && expected < 100 ? 1 : 0;
    const text = this.words.counted(count, fixed(expected, digits), fixed(deviation, deviation < 1 ? 1 : 0));
    return element("li", {}, element("span", { class: "token" }, name), element("span", { class: "number" }, text));
  }
}
