// @ts-check
/** What the model of a step writes, as chips, and the table of all kept steps. */
import { chip } from "../shared/chips.js";
import { element, setText } from "../shared/dom.js";
import { grouped, significant } from "../shared/numbers.js";

/** @typedef {import("../shared/chips.js").PageToken} PageToken */
/** What a model writes after a prompt. @typedef {{prompt: PageToken[], written: PageToken[], text: string}} Sample */
/** @typedef {import("./words.js").Words} Words */

/** The samples of the step that is shown. */
export class SampleList {
  /** @param {Words} words */
  constructor(words) {
    this.words = words;
    this.heading = element("h4", {});
    this.list = element("div", { class: "samples" });
    const hint = element("p", { class: "muted small" }, words.sampleHint);
    this.root = element("section", { class: "writes" }, this.heading, hint, this.list);
  }

  /** @param {number} step @param {Sample[]} samples */
  show(step, samples) {
    setText(this.heading, this.words.writes(grouped(step)));
    this.list.replaceChildren(
      ...samples.map(({ prompt, written }) => {
        const read = element("span", { class: "prompt" }, ...prompt.map(chip));
        const more = written.length
          ? written.map(chip)
          : [element("span", { class: "muted" }, this.words.writesNothing)];
        return element("p", { class: "sample" }, read, element("span", { class: "written" }, ...more));
      }),
    );
  }
}

/**
 * All kept steps of the run that is shown, in numbers. Its samples are computed one after the other while it is open.
 */
export class StepTable {
  /** @param {Words} words @param {(step: number) => Promise<Sample[]|null>} askSamples null for none */
  constructor(words, askSamples) {
    this.words = words;
    this.askSamples = askSamples;
    this.key = "";
    /** @type {{step: number, cell: HTMLElement, isKnown: boolean}[]} */
    this.rows = [];
    this.isAsking = false;
    this.head = element("thead", {});
    this.body = element("tbody", {});
    const table = element("table", {}, this.head, this.body);
    this.root = element(
      "details",
      { class: "all" },
      element("summary", {}, words.table),
      element("p", { class: "muted small" }, words.tableHint),
      element("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": words.table }, table),
    );
    this.root.addEventListener("toggle", () => this.fillSamples());
  }

  /**
   * Shows the steps of a run. Rows that are there stay, unless the run has dropped a step.
   * @param {import("./scale.js").RunNews} news
   * @param {string} key of the run and its prompt; the rows of another one are forgotten
   */
  show({ kept, losses, measures }, key) {
    const names = Object.keys(measures);
    const whole = JSON.stringify([key, names]);
    if (whole !== this.key || this.rows.some(({ step }, i) => step !== kept[i])) this.begin(names);
    this.key = whole;
    for (let i = this.rows.length; i < kept.length; i++) this.append(kept[i], losses[i], names, measures, i);
    const [last] = this.body.children.length === kept.length ? [kept.length - 2] : [-1];
    if (last >= 0) this.writeNumber(/** @type {HTMLElement} */ (this.body.children[last].children[1]), losses[last]);
    this.fillSamples();
  }

  /** @param {string[]} names */
  begin(names) {
    const { words } = this;
    const columns = [words.step, words.lossNats, ...names.map(words.measure), words.sample];
    this.rows = [];
    this.body.replaceChildren();
    this.head.replaceChildren(element("tr", {}, ...columns.map((name) => element("th", { scope: "col" }, name))));
  }

  /**
   * @param {number} step
   * @param {number|null} loss
   * @param {string[]} names
   * @param {Record<string, (number|null)[]>} measures
   * @param {number} index
   */
  append(step, loss, names, measures, index) {
    const cell = element("td", { class: "text" });
    const numbers = [loss, ...names.map((name) => measures[name][index] ?? null)].map((value) =>
      this.writeNumber(element("td", { class: "number" }), value),
    );
    this.rows.push({ step, cell, isKnown: false });
    this.body.append(
      element("tr", {}, element("th", { scope: "row", class: "number" }, grouped(step)), ...numbers, cell),
    );
  }

  /** @param {HTMLElement} cell @param {number|null} value */
  writeNumber(cell, value) {
    setText(cell, value === null ? "–" : significant(value));
    if (value !== null) cell.title = String(value);
    return cell;
  }

  /** Asks for the samples that are not there yet, one after the other. */
  async fillSamples() {
    if (this.isAsking || !this.root.open) return;
    this.isAsking = true;
    for (let row = this.next(); row && this.root.isConnected; row = this.next()) {
      row.isKnown = true;
      const samples = await this.askSamples(row.step);
      row.cell.replaceChildren(...(samples ?? []).flatMap(({ written }) => written.map(chip)));
    }
    this.isAsking = false;
  }

  /** Returns the next row without samples. */
  next() {
    return this.root.open ? this.rows.find(({ isKnown }) => !isKnown) : undefined;
  }
}
