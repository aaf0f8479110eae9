// @ts-check
/** The charts of a run, each with the names and the numbers of its curves at the step that is shown. */
import { element, setText } from "../shared/dom.js";
import { significant } from "../shared/numbers.js";
import { Chart, lineSample, STYLES } from "./chart.js";
import { areShares, panelsOf, pointsOf } from "./scale.js";

/** @typedef {import("./scale.js").RunData} RunData */
/** @typedef {import("./words.js").Words} Words */
/** @typedef {{run: number, step: number, follows: boolean}} Shown */

const LOSS = "loss";

/** One chart with its heading and its legend. */
class Panel {
  /**
   * @param {Words} words
   * @param {string[]} names of its curves
   * @param {boolean} isLoss
   * @param {(step: number) => void} onPick
   */
  constructor(words, names, isLoss, onPick) {
    this.words = words;
    this.names = names;
    this.isLoss = isLoss;
    const heading = isLoss ? words.lossPanel : names.length === 1 ? words.measure(names[0]) : words.sharePanel;
    this.chart = new Chart(words.stepAxis, onPick);
    /** @type {Map<string, HTMLElement>} */
    this.numbers = new Map();
    const items = names.map((name, style) => {
      const number = element("span", { class: "number" });
      this.numbers.set(name, number);
      return element("li", {}, lineSample(style % STYLES, name !== LOSS), ` ${words.measure(name)} `, number);
    });
    this.note = element("p", { class: "muted small", hidden: "" });
    this.root = element(
      "section",
      { class: "panel" },
      element("h4", {}, heading),
      element("ul", { class: "legend" }, ...items),
      this.chart.root,
      this.note,
    );
    this.heading = heading;
  }

  /**
   * @param {RunData[]} runs
   * @param {Shown} shown
   * @param {[number, number]} x the ends of the axis of steps
   */
  show(runs, shown, x) {
    const curves = runs.flatMap((run, index) => this.curvesOf(run, index, index === shown.run));
    const run = runs[shown.run];
    this.chart.show({
      curves,
      x,
      y: this.isShare(runs) ? [0, 1] : null,
      fromZero: this.isLoss,
      cursor: (run.news?.offset ?? 0) + shown.step,
      label: this.words.chart(this.heading),
    });
    for (const [name, node] of this.numbers) this.showNumber(node, this.valueAt(run, name, shown.step));
    this.showNote(run);
  }

  /** @param {RunData[]} runs */
  isShare(runs) {
    const measures = runs.map(({ news }) => news?.measures ?? {});
    return !this.isLoss && areShares(measures, this.names[0]);
  }

  /** @param {RunData} run @param {number} index @param {boolean} isShown @returns {import("./chart.js").Curve[]} */
  curvesOf(run, index, isShown) {
    const { news } = run;
    if (!news) return [];
    return this.names.map((name, style) => {
      const curve = { key: `${index} ${name}`, style: style % STYLES, isMuted: !isShown };
      const shift = (/** @type {number[]} */ steps) => steps.map((step) => step + news.offset);
      if (name !== LOSS) {
        return { ...curve, points: pointsOf(shift(news.kept), news.measures[name] ?? []), hasMarks: isShown };
      }
      const steps = shift(run.curveSteps);
      const band = steps.flatMap((step, i) => {
        const [least, most] = [run.least[i], run.most[i]];
        return least === null || most === null ? [] : [/** @type {[number, number, number]} */ ([step, least, most])];
      });
      return {
        ...curve,
        points: pointsOf(steps, run.mean),
        band: isShown && run.width > 1 ? band : [],
        hasMarks: false,
      };
    });
  }

  /** @param {RunData} run @param {string} name @param {number} step */
  valueAt({ news }, name, step) {
    const index = news?.kept.indexOf(step) ?? -1;
    return (name === LOSS ? news?.losses : news?.measures[name])?.[index] ?? null;
  }

  /** @param {HTMLElement} node @param {number|null} value */
  showNumber(node, value) {
    setText(node, value === null ? "–" : this.isLoss ? this.words.nats(significant(value)) : significant(value));
    if (value === null) node.removeAttribute("title");
    else node.title = String(value);
  }

  /** @param {RunData} run */
  showNote(run) {
    const { words } = this;
    const notes = [];
    if (this.isLoss && run.width > 1) notes.push(words.thinned(run.width));
    if (this.isLoss && !this.names.includes("held_out")) notes.push(words.noHeldOut);
    setText(this.note, notes.join(" "));
    this.note.hidden = notes.length === 0;
  }
}

/** All charts of the view. */
export class Panels {
  /** @param {Words} words @param {(step: number) => void} onPick */
  constructor(words, onPick) {
    this.words = words;
    this.onPick = onPick;
    /** @type {Panel[]} */
    this.panels = [];
    this.key = "";
    this.grid = element("div", { class: "panels" });
    this.note = element("p", { class: "muted", hidden: "" }, words.noMeasures);
    this.root = element("div", {}, this.grid, this.note);
    this.observer = new ResizeObserver(() => this.draw());
    this.observer.observe(this.grid);
  }

  /** @param {RunData[]} runs @param {Shown} shown */
  show(runs, shown) {
    const names = panelsOf(runs.map(({ news }) => news?.measures ?? {}));
    const key = JSON.stringify(names);
    if (key !== this.key) this.build(names);
    this.key = key;
    const ends = runs.map(({ news, hasEnded }) => (news ? news.offset + (hasEnded ? news.taken : news.steps) : 0));
    const x = /** @type {[number, number]} */ ([0, Math.max(1, ...ends)]);
    for (const panel of this.panels) panel.show(runs, shown, x);
    this.note.hidden = names.length > 1 || names[0].length > 0;
  }

  /** @param {string[][]} names */
  build([losses, ...others]) {
    this.panels = [
      new Panel(this.words, [LOSS, ...losses], true, this.onPick),
      ...others.map((names) => new Panel(this.words, names, false, this.onPick)),
    ];
    this.grid.replaceChildren(...this.panels.map(({ root }) => root));
  }

  draw() {
    for (const panel of this.panels) panel.chart.draw();
  }

  remove() {
    this.observer.disconnect();
  }
}
