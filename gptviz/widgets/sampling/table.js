// @ts-check
/**
 * The table of the sampling bench: a row for each token, a column of bars for each stage, and the sums below.
 *
 * It has three columns, with all cuts in one, or six, with a column for each stage. An update moves the bars within the
 * event, by transforms alone; the numbers that differ are written once a frame. All bars have one axis: from 0 to
 * 100 %, or to the largest share of a row.
 */
import { percentAxis } from "../shared/bars.js";
import { chip } from "../shared/chips.js";
import { element, setText } from "../shared/dom.js";
import { grouped, percent, significant } from "../shared/numbers.js";
import { BarCell, setMark } from "./cells.js";

/** @typedef {import("../shared/chips.js").PageToken} PageToken */
/** @typedef {import("./math.js").Sampler|import("./revealed.js").RevealedSampler} Sampler */
/** @typedef {import("./math.js").Stage} Stage */
/** @typedef {Stage|"model"} Column */
/**
 * `bars`: one a column; `kept`: the bar of the column beside.
 * @typedef {{root: HTMLElement, name: HTMLElement, logit: HTMLElement, bars: BarCell[], kept: BarCell,
 *   token: PageToken|null}} Row
 */

/** The stages in the order in which they may remove a token. @type {Stage[]} */
const REMOVING = ["repetition_penalty", "temperature", "top_k", "top_p", "min_p"];
/** @type {Column[]} */
const THREE_COLUMNS = ["model", "temperature", "min_p"];
/** @type {Column[]} */
const ALL_COLUMNS = ["model", ...REMOVING];

const LEADERS = 3; // of the distribution beside

export class StageTable {
  /** @param {import("./words.js").Words} words @param {boolean} all whether every stage has a column */
  constructor(words, all) {
    this.words = words;
    this.all = all;
    this.isRevealed = false; // whether the rows are what a server reveals, and the last one the rest
    this.isScaled = false; // whether the axis ends at the largest share of a row
    this.end = 1; // the share at the end of the axis
    /** @type {HTMLElement[]} */
    this.axes = [];
    this.columns = all ? ALL_COLUMNS : THREE_COLUMNS;
    /** The bar of each table cell, for hovering. @type {WeakMap<Element, BarCell>} */
    this.barOf = new WeakMap();
    /** @type {Row[]} */
    this.rows = [];
    this.others = this.buildRow(false);
    this.besideName = element("span", {}, words.kept);
    this.besideHint = element("small", {}, words.keptHint);
    this.besideLeaders = element("small", { class: "leaders", hidden: "" });
    this.hints = this.columns.map((_, index) => element("small", {}, words.hints[index] ?? ""));
    this.scoreName = element("span", { title: words.legend.logit }, words.logit);
    this.sums = words.sums.map(({ name, hint }) => ({
      name,
      hint: element("small", {}, hint),
      cells: this.columns.map(() => element("span", { class: "number" })),
      kept: element("span", { class: "number" }),
    }));
    this.body = element("tbody", {});
    this.root = element(
      "table",
      { class: "stages" },
      element("caption", { class: "visually-hidden" }, words.caption),
      this.buildColumns(),
      this.buildHead(),
      this.body,
      element("tbody", { class: "rest" }, this.others.root),
      this.buildFoot(),
    );
    setMark(this.root, "all", all);
    this.root.addEventListener("pointerover", (event) => this.explain(/** @type {Element} */ (event.target)));
  }

  buildColumns() {
    const names = ["token", "logit", ...this.columns.map(() => "stage"), "more-kept"];
    return element("colgroup", {}, ...names.map((name) => element("col", { class: name })));
  }

  buildHead() {
    const { words } = this;
    const names = this.all ? [words.columns[0], ...REMOVING.map((stage) => words.stages[stage])] : words.columns;
    const row = element(
      "tr",
      {},
      element("th", { scope: "col", class: "token" }, words.token),
      element("th", { scope: "col", class: "logit" }, this.scoreName),
      ...names.map((name, index) => element("th", { scope: "col" }, name, this.hints[index], this.buildAxis())),
      element("th", { scope: "col", class: "more-kept" }, ...this.buildBesideHead()),
    );
    return element("thead", {}, row);
  }

  buildBesideHead() {
    return [this.besideName, this.besideHint, this.besideLeaders, this.buildAxis()];
  }

  buildAxis() {
    const axis = percentAxis();
    this.axes.push(axis);
    return axis;
  }

  buildFoot() {
    const last = this.columns.length - 1;
    const rows = this.sums.map(({ name, hint, cells, kept }) =>
      element(
        "tr",
        {},
        element("th", { scope: "row", colspan: "2" }, name, hint),
        ...cells.map((cell, i) => element("td", { class: i === last ? "final" : "" }, element("div", {}, cell))),
        element("td", { class: "more-kept" }, element("div", {}, kept)),
      ),
    );
    return element("tfoot", {}, ...rows);
  }

  /** Builds a row, with a logit or without. @param {boolean} hasLogit @returns {Row} */
  buildRow(hasLogit) {
    const name = element("th", { scope: "row", class: "token", colspan: hasLogit ? "1" : "2" });
    const logit = element("td", { class: "logit" });
    const bars = this.columns.map((_, column) => new BarCell(`stage stage-${column}`, column > 0));
    const kept = new BarCell("more-kept", false);
    for (const bar of [...bars, kept]) this.barOf.set(bar.root, bar);
    const root = element("tr", {}, name, ...(hasLogit ? [logit] : []), ...bars.map((bar) => bar.root), kept.root);
    return { root, name, logit, bars, kept, token: null };
  }

  /** Returns how many tokens there are; Infinity if a server does not report it. @param {Sampler} sampler */
  sizeOf(sampler) {
    return this.isRevealed ? Infinity : sampler.size;
  }

  /** Returns the name of the tokens without a row; "" if there are none. @param {Sampler} sampler */
  othersName(sampler) {
    const count = sampler.size - this.rows.length;
    if (this.isRevealed) return this.words.unrevealed;
    return count ? this.words.others(count) : "";
  }

  /** Names the scores and the last row for logits, or for what a server reveals. @param {boolean} isRevealed */
  nameScores(isRevealed) {
    const { words } = this;
    this.isRevealed = isRevealed;
    setMark(this.root, "revealed", isRevealed);
    setText(this.scoreName, isRevealed ? words.logprob : words.logit);
    this.scoreName.title = isRevealed ? words.legend.logprob : words.legend.logit;
    setText(this.hints[0], isRevealed ? words.asRevealed : words.hints[0]);
  }

  /** Sets the number of rows. @param {number} count */
  resize(count) {
    while (this.rows.length < count) this.rows.push(this.buildRow(true));
    this.rows.length = count;
    this.body.replaceChildren(...this.rows.map(({ root }) => root));
  }

  /**
   * Moves the bars and marks what is removed. No text changes, so that nothing has to be laid out.
   * @param {Sampler} sampler
   * @param {number} drawnRank of the drawn token, or -1
   */
  draw(sampler, drawnRank) {
    const { columns } = this;
    const count = this.rows.length;
    const { kept } = sampler;
    const others = columns.map(() => 1);
    const sharesOf = this.rows.map((_, rank) =>
      columns.map((stage) =>
        stage === "model" ? sampler.modelProbability(sampler.order[rank]) : sampler.at(stage, rank),
      ),
    );
    this.end = this.isScaled ? Math.max(...sharesOf.flat().filter((share) => !Number.isNaN(share))) : 1;
    for (let rank = 0; rank < count; rank++) {
      const row = this.rows[rank];
      const shares = sharesOf[rank];
      this.drawRow(row, shares, sampler, rank);
      for (let column = 0; column < columns.length; column++) others[column] -= shares[column];
      setMark(row.root, "cut", !this.all && rank === kept - 1 && kept < this.sizeOf(sampler));
      setMark(row.root, "drawn", rank === drawnRank);
    }
    const rest = others.map((share) => Math.max(0, share));
    this.drawRow(this.others, rest, sampler, count);
    setMark(this.others.root, "drawn", drawnRank >= count);
  }

  /**
   * Draws the bars of a row. Where every stage has a column, each cut draws its line in its own column.
   * @param {Row} row
   * @param {number[]} shares
   * @param {Sampler} sampler
   * @param {number} rank
   */
  drawRow({ bars }, shares, sampler, rank) {
    for (let column = 0; column < shares.length; column++) {
      const bar = bars[column];
      const stage = this.columns[column];
      const isRemoved = stage !== "model" && rank >= sampler.counts[stage];
      bar.setRemoved(isRemoved ? this.removedBy(sampler, rank) : "");
      if (this.all) {
        const isLast = stage !== "model" && rank === sampler.counts[stage] - 1;
        setMark(bar.root, "cut", isLast && this.cuts(sampler, stage, this.columns[column - 1]));
      }
      bar.draw(shares[column], column ? shares[column - 1] : shares[column], this.end);
    }
  }

  /**
   * Returns whether a stage keeps fewer tokens than the column before it.
   * @param {Sampler} sampler
   * @param {Stage} stage
   * @param {Column} before
   */
  cuts(sampler, stage, before) {
    return sampler.counts[stage] < (before === "model" ? this.sizeOf(sampler) : sampler.counts[before]);
  }

  /**
   * Returns the name of the first stage that removes a rank; empty if none does.
   * @param {Sampler} sampler
   * @param {number} rank
   */
  removedBy(sampler, rank) {
    const stage = REMOVING.find((name) => rank >= sampler.counts[name]);
    return stage ? this.words.removed[stage] : "";
  }

  /**
   * Writes every chip and number that has changed. Once a frame is enough.
   * @param {Sampler} sampler
   * @param {(id: number) => PageToken} tokenOf
   * @param {(stage: Stage) => string} settingText how a stage is set, for the head of its column
   */
  write(sampler, tokenOf, settingText) {
    const { words } = this;
    setMark(this.root, "penalised", sampler.penalty !== 1);
    this.writeAxes();
    this.rows.forEach((row, rank) => this.writeRow(row, sampler, rank, tokenOf));
    const others = this.othersName(sampler);
    this.others.root.hidden = others === "";
    if (others) setText(this.others.name, others);
    for (const { bars } of [...this.rows, this.others]) {
      for (const bar of bars) bar.write();
    }
    if (this.all) REMOVING.forEach((stage, index) => setText(this.hints[index + 1], settingText(stage)));
    else setText(this.hints[1], sampler.penalty === 1 ? words.hints[1] : words.penalised);
    this.columns.forEach((stage, column) => this.writeSums(sampler, stage, column));
  }

  /** @param {Row} row @param {Sampler} sampler @param {number} rank @param {(id: number) => PageToken} tokenOf */
  writeRow(row, sampler, rank, tokenOf) {
    const id = sampler.order[rank];
    const token = tokenOf(id);
    const logit = sampler.logits[id];
    const score = sampler.score(id);
    if (row.token !== token) row.name.replaceChildren(chip(token));
    row.token = token;
    setText(row.logit, score === logit ? significant(logit) : `${significant(logit)} → ${significant(score)}`);
  }

  writeAxes() {
    const { end, isScaled } = this;
    const texts = isScaled ? ["0", "", this.words.largest(percent(end))] : ["0", "50", "100 %"];
    for (const axis of this.axes) texts.forEach((text, tick) => setText(axis.children[tick], text));
  }

  /** @param {Sampler} sampler @param {Column} stage @param {number} column */
  writeSums(sampler, stage, column) {
    const cells = this.sums.map((sum) => sum.cells[column]);
    if (stage === "model") return this.fillSums(cells, this.sizeOf(sampler), 1, sampler.modelEntropy);
    const before = this.columns[column - 1];
    const mass = before === "model" ? 1 : sampler.massOf(stage, before);
    this.fillSums(cells, sampler.counts[stage], mass, sampler.entropyOf(stage));
  }

  /**
   * Fills the sums of a column, in the order of their words; "–" for what is not known.
   * @param {HTMLElement[]} cells
   * @param {number} count of tokens; Infinity for all of a vocabulary whose size is not known
   * @param {number} mass
   * @param {number} bits of entropy
   */
  fillSums(cells, count, mass, bits) {
    const choices = 2 ** bits;
    const texts = [
      Number.isFinite(count) ? grouped(count) : count === Infinity ? this.words.everyToken : "–",
      Number.isNaN(mass) ? "–" : percent(mass),
      Number.isNaN(bits) ? "–" : this.words.bits(significant(bits)),
      choices >= 1000 ? grouped(Math.round(choices)) : significant(choices),
    ];
    texts.forEach((text, row) => setText(cells[row], text));
  }

  /**
   * Names the column beside: the next token of another text, or the settings that are kept as A.
   * @param {{current: PageToken, position: number}|null} beside
   */
  nameBeside(beside) {
    const { words } = this;
    setText(this.besideName, beside ? words.beside : words.kept);
    this.besideLeaders.hidden = beside === null;
    if (!beside) return setText(this.besideHint, this.all ? words.keptAllHint : words.keptHint);
    const hint = ` ${words.at(beside.position)} ${words.besideHint}`;
    this.besideHint.replaceChildren(words.after, " ", chip(beside.current), hint);
  }

  /**
   * Writes the column beside, and draws the lines of counted draws.
   * @param {Sampler} sampler
   * @param {Sampler|null} other with its own settings
   * @param {Int32Array|null} counts of each row, the last of all others
   * @param {(id: number) => PageToken} tokenOf
   */
  compare(sampler, other, counts, tokenOf) {
    const { words } = this;
    setMark(this.root, "kept", other !== null);
    const massHint = this.all && other ? words.massOfAll(this.besideName.textContent ?? "") : words.sums[1].hint;
    setText(this.sums[1].hint, massHint);
    if (other) this.writeBeside(sampler, other);
    if (other && !this.besideLeaders.hidden) this.writeLeaders(other, tokenOf);
    const draws = counts?.reduce((sum, n) => sum + n, 0) ?? 1;
    [...this.rows, this.others].forEach(({ bars }, row) => bars.at(-1)?.drawCounted(counts && counts[row] / draws));
  }

  /** @param {Sampler} sampler @param {Sampler} other */
  writeBeside(sampler, other) {
    let rest = 1;
    let keptCount = 0;
    this.rows.forEach((row, rank) => {
      const otherRank = other.order.indexOf(sampler.order[rank]);
      const share = other.at("min_p", otherRank);
      rest -= share;
      if (otherRank < other.kept) keptCount++;
      this.writeShare(row.kept, share, this.removedBy(other, otherRank));
    });
    this.writeShare(this.others.kept, Math.max(0, rest), this.removedBy(other, keptCount));
    const cells = this.sums.map((sum) => sum.kept);
    this.fillSums(cells, other.kept, other.keptMass, other.entropy);
  }

  /**
   * Names the likeliest tokens of the distribution beside, which may have no row: the rows are those of this one.
   * @param {Sampler} other
   * @param {(id: number) => PageToken} tokenOf
   */
  writeLeaders(other, tokenOf) {
    const count = Math.min(LEADERS, other.kept);
    const leaders = Array.from(other.order.slice(0, count), (id, rank) => {
      const share = ` ${percent(other.at("min_p", rank))}`;
      return element("span", { class: "nowrap" }, chip(tokenOf(id)), share);
    });
    this.besideLeaders.replaceChildren(this.words.besideLeaders, ...leaders.flatMap((leader) => [" ", leader]));
  }

  /** @param {BarCell} bar @param {number} share @param {string} removedBy */
  writeShare(bar, share, removedBy) {
    bar.setRemoved(removedBy);
    bar.draw(share, share, this.end);
    bar.write();
  }

  /** Shows all digits where the pointer is. @param {Element} target */
  explain(target) {
    const cell = target.closest("td");
    const bar = cell && this.barOf.get(cell);
    if (!bar) return;
    const share = Number.isNaN(bar.share) ? this.words.notKnown : `${100 * bar.share} %`;
    cell.title = bar.removedBy ? this.words.removedBy(bar.removedBy) : share;
  }
}
