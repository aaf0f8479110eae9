// @ts-check
/**
 * The table of the sampling bench: one row a token, one column of bars a stage, the sums below.
 *
 * It has three columns, the cuts in one, or six, a stage in each. It is built once. An update moves the bars within the event, by transforms alone, and writes the numbers that differ
 * once a frame, before it is painted. Every bar has the same fixed axis, from 0 to 100 %.
 * Not here: where the numbers come from (sampling_math.js), colours (sampling.css).
 */
import { chip } from "../shared/chips.js";
import { element, setText } from "../shared/dom.js";
import { percent, significant } from "../shared/numbers.js";

/** @typedef {import("./math.js").Sampler} Sampler */
/** @typedef {import("./math.js").Stage} Stage */
/** @typedef {{cell: HTMLElement, bar: HTMLElement, ghost: HTMLElement, number: HTMLElement, p: number, before: number,
 *   reason: string}} Cell */
/** @typedef {{row: HTMLElement, head: HTMLElement, logit: HTMLElement, cells: Cell[],
 *   kept: Cell, many: HTMLElement, token: object|null}} Row */

const TABLE_COUNT = new Intl.NumberFormat("en");

/** @typedef {Stage|"model"} Column */
/** The stages in the order in which they may remove a token. @type {Stage[]} */
const REMOVING = ["repetition_penalty", "temperature", "top_k", "top_p", "min_p"];
/** @type {Column[]} */
const IN_SHORT = ["model", "temperature", "min_p"];
/** @type {Column[]} */
const ONE_EACH = ["model", ...REMOVING];

export class StageTable {
  /** @param {import("./words.js").Words} words @param {boolean} all a column for each stage, or the cuts in one */
  constructor(words, all) {
    this.words = words;
    this.all = all;
    const columns = all ? ONE_EACH : IN_SHORT;
    this.columns = columns;
    /** What each table cell shows, for hovering. @type {WeakMap<Element, Cell>} */
    this.shown = new WeakMap();
    this.besideName = element("span", {}, words.kept);
    this.besideHint = element("small", {}, words.keptHint);
    /** @type {Row[]} */
    this.rows = [];
    this.others = buildStageRow("2", columns.length);
    this.remember(this.others);
    this.body = element("tbody", {});
    this.hints = columns.map((_, index) => element("small", {}, words.hints[index] ?? ""));
    this.sums = words.sums.map(({ name, hint }) => ({
      name,
      hint: element("small", {}, hint),
      cells: columns.map(() => element("span", { class: "number" })),
      kept: element("span", { class: "number" }),
    }));
    const axis = () =>
      element(
        "span",
        { class: "axis", "aria-hidden": "true" },
        ...["0", "50", "100 %"].map((tick) => element("i", {}, tick)),
      );
    const names = all ? [words.columns[0], ...REMOVING.map((stage) => words.stages[stage])] : words.columns;
    this.root = element(
      "table",
      { class: "stages" },
      element("caption", { class: "visually-hidden" }, words.caption),
      element(
        "colgroup",
        {},
        ...["token", "logit", ...columns.map(() => "stage"), "more-kept", "more-many"].map((name) =>
          element("col", { class: name }),
        ),
      ),
      element(
        "thead",
        {},
        element(
          "tr",
          {},
          element("th", { scope: "col", class: "token" }, words.token),
          element("th", { scope: "col", class: "logit", title: words.legend.logit }, words.logit),
          ...names.map((name, index) => element("th", { scope: "col" }, name, this.hints[index], axis())),
          element("th", { scope: "col", class: "more-kept" }, this.besideName, this.besideHint, axis()),
          element("th", { scope: "col", class: "more-many" }, words.many, element("small", {}, words.manyHint)),
        ),
      ),
      this.body,
      element("tbody", { class: "rest" }, this.others.row),
      element(
        "tfoot",
        {},
        ...this.sums.map(({ name, hint, cells, kept }) =>
          element(
            "tr",
            {},
            element("th", { scope: "row", colspan: "2" }, name, hint),
            ...cells.map((cell, column) =>
              element("td", { class: column === columns.length - 1 ? "final" : "" }, element("div", {}, cell)),
            ),
            element("td", { class: "more-kept" }, element("div", {}, kept)),
            element("td", { class: "more-many" }),
          ),
        ),
      ),
    );
    mark(this.root, "all", all);
    this.root.addEventListener("pointerover", (event) => this.explain(/** @type {Element} */ (event.target)));
  }

  /** @param {Row} row */
  remember(row) {
    for (const cell of [...row.cells, row.kept]) this.shown.set(cell.cell, cell);
  }

  /** As many rows as this, at most. @param {number} count */
  resize(count) {
    while (this.rows.length < count) {
      const row = buildStageRow("1", this.columns.length);
      this.rows.push(row);
      this.remember(row);
    }
    this.rows.length = count;
    this.body.replaceChildren(...this.rows.map(({ row }) => row));
  }

  /** Move the bars and mark what is removed: no text, so nothing has to be laid out.
   * @param {Sampler} sampler @param {number} drawn rank of the drawn token, -1: none */
  draw(sampler, drawn) {
    const { columns } = this;
    const count = this.rows.length;
    const { kept } = sampler;
    const others = columns.map(() => 1);
    for (let rank = 0; rank < count; rank++) {
      const row = this.rows[rank];
      const id = sampler.order[rank];
      const values = columns.map((stage) =>
        stage === "model" ? sampler.modelProbability(id) : sampler.at(stage, rank),
      );
      this.fill(row, values, sampler, rank);
      for (let column = 0; column < columns.length; column++) others[column] -= values[column];
      mark(row.row, "cut", !this.all && rank === kept - 1 && kept < sampler.size);
      mark(row.row, "drawn", rank === drawn);
    }
    this.fill(
      this.others,
      others.map((value) => Math.max(0, value)),
      sampler,
      count,
    );
    mark(this.others.row, "drawn", drawn >= count);
  }

  /** One row's bars; in its own column each cut has its line. @param {Row} row @param {number[]} values
   * @param {Sampler} sampler @param {number} rank */
  fill({ cells }, values, sampler, rank) {
    for (let column = 0; column < values.length; column++) {
      const cell = cells[column];
      const p = values[column];
      const before = column ? values[column - 1] : p;
      const stage = this.columns[column];
      const gone = stage !== "model" && rank >= sampler.counts[stage];
      this.remove(cell, gone ? removerOf(sampler, rank) : undefined);
      if (this.all)
        mark(
          cell.cell,
          "cut",
          cuts(sampler, stage, this.columns[column - 1]) && rank === sampler.counts[/** @type {Stage} */ (stage)] - 1,
        );
      moveBar(cell, p);
      if (cell.before !== before) {
        cell.before = before;
        cell.ghost.style.transform = `translateX(${100 * before}%)`;
      }
    }
  }

  /** Hatched, with the word for what removed it. @param {Cell} cell @param {Stage|undefined} remover */
  remove(cell, remover) {
    cell.reason = remover ? this.words.removed[remover] : "";
    mark(cell.cell, "removed", remover !== undefined);
  }

  /** Write every chip and number that has changed since. Once a frame is enough.
   * @param {Sampler} sampler @param {(id: number) => import("../shared/chips.js").PageToken} token
   * @param {(stage: Stage) => string} setting how a stage is set, for its column's head */
  write(sampler, token, setting) {
    const count = this.rows.length;
    mark(this.root, "penalised", sampler.penalty !== 1);
    this.rows.forEach((row, rank) => {
      const id = sampler.order[rank];
      const logit = sampler.logits[id];
      const score = sampler.score(id);
      const label = token(id);
      if (row.token !== label) row.head.replaceChildren(chip(label));
      row.token = label;
      setText(row.logit, score === logit ? significant(logit) : `${significant(logit)} → ${significant(score)}`);
    });
    this.others.row.hidden = count === sampler.size;
    setText(this.others.head, this.words.others(sampler.size - count));
    for (const { cells } of [...this.rows, this.others]) {
      for (const { number, reason, p } of cells) setText(number, reason || percent(p));
    }
    if (this.all) REMOVING.forEach((stage, index) => setText(this.hints[index + 1], setting(stage)));
    else setText(this.hints[1], sampler.penalty === 1 ? this.words.hints[1] : this.words.penalised);
    this.columns.forEach((stage, column) => {
      const before = this.columns[column - 1];
      const first = stage === "model";
      const bits = first ? sampler.modelEntropy : sampler.entropyOf(stage);
      const mass = first || before === "model" ? 1 : sampler.massOf(stage, before);
      this.sumUp(
        this.sums.map(({ cells }) => cells[column]),
        first ? sampler.size : sampler.counts[stage],
        mass,
        bits,
      );
    });
  }

  /** A column's sums, in the order of the words for them. @param {HTMLElement[]} cells @param {number} count
   * @param {number} mass @param {number} bits */
  sumUp(cells, count, mass, bits) {
    const choices = 2 ** bits;
    [
      TABLE_COUNT.format(count),
      percent(mass),
      this.words.bits(significant(bits)),
      choices < 1000 ? significant(choices) : TABLE_COUNT.format(Math.round(choices)),
    ].forEach((text, row) => setText(cells[row], text));
  }

  /** What the column beside is of: another text's next token, or the settings kept as A.
   * @param {{current: import("../shared/chips.js").PageToken, position: number}|null} beside */
  nameBeside(beside) {
    const { words } = this;
    setText(this.besideName, beside ? words.beside : words.kept);
    if (!beside) return setText(this.besideHint, this.all ? words.keptAllHint : words.keptHint);
    this.besideHint.replaceChildren(
      words.after,
      " ",
      chip(beside.current),
      ` ${words.at(beside.position)} ${words.besideHint}`,
    );
  }

  /** The columns beside: the settings kept as A, and a thousand draws. @param {Sampler} sampler
   * @param {Sampler|null} kept with its own settings @param {Int32Array|null} tally */
  compare(sampler, kept, tally) {
    mark(this.root, "kept", kept !== null);
    mark(this.root, "tallied", tally !== null);
    setText(
      this.sums[1].hint,
      this.all && kept ? this.words.massOfAll(this.besideName.textContent ?? "") : this.words.sums[1].hint,
    );
    if (kept) this.showKept(sampler, kept);
    if (!tally) return;
    const draws = tally.reduce((sum, n) => sum + n, 0);
    let rest = 1;
    this.rows.forEach(({ many }, rank) => {
      const p = sampler.at("min_p", rank);
      rest -= p;
      setText(many, this.counted(tally[rank], draws, p));
    });
    setText(this.others.many, this.counted(tally[this.rows.length], draws, Math.max(0, rest)));
  }

  /** @param {Sampler} sampler @param {Sampler} kept */
  showKept(sampler, kept) {
    let rest = 1;
    let left = 0;
    this.rows.forEach((row, rank) => {
      const place = kept.order.indexOf(sampler.order[rank]);
      const share = kept.at("min_p", place);
      rest -= share;
      if (place < kept.kept) left++;
      this.showShare(row.kept, share, removerOf(kept, place));
    });
    this.showShare(this.others.kept, Math.max(0, rest), removerOf(kept, left));
    this.sumUp(
      this.sums.map((sum) => sum.kept),
      kept.kept,
      kept.keptMass,
      kept.entropy,
    );
  }

  /** @param {Cell} cell @param {number} share @param {Stage|undefined} remover */
  showShare(cell, share, remover) {
    this.remove(cell, remover);
    moveBar(cell, share);
    setText(cell.number, cell.reason || percent(share));
  }

  /** How often a token came, and how often it should have, with the error of that. @param {number} drawn
   * @param {number} draws @param {number} p */
  counted(drawn, draws, p) {
    const expected = draws * p;
    const error = Math.sqrt(Math.max(0, expected * (1 - p)));
    const digits = error < 1 && expected < 100 ? 1 : 0;
    return this.words.counted(drawn, expected.toFixed(digits), error.toFixed(error < 1 ? 1 : 0));
  }

  /** All digits, where the pointer is. @param {Element} target */
  explain(target) {
    const cell = target.closest("td");
    const shown = cell && this.shown.get(cell);
    if (shown) cell.title = shown.reason ? this.words.removedBy(shown.reason) : `${100 * shown.p} %`;
  }
}

/** Whether a stage leaves fewer tokens than the column before it. @param {Sampler} sampler @param {Column} stage @param {Column} before */
function cuts(sampler, stage, before) {
  if (stage === "model") return false;
  return sampler.counts[stage] < (before === "model" ? sampler.size : sampler.counts[before]);
}

/** The first stage that has removed the token at a rank, if any has. @param {Sampler} sampler @param {number} rank */
function removerOf(sampler, rank) {
  return REMOVING.find((stage) => rank >= sampler.counts[stage]);
}

/** @param {Cell} cell @param {number} p */
function moveBar(cell, p) {
  if (cell.p === p) return;
  cell.p = p;
  cell.bar.style.transform = `translateX(${100 * p}%)`;
}

/** A bar on its track, with a number; what the column before had behind it. @param {string} name @param {boolean} ghosted @returns {Cell} */
function barCell(name, ghosted) {
  const bar = element("div", { class: "bar" });
  const ghost = element("div", { class: "ghost" });
  const number = element("span", { class: "number" });
  const track = element("div", { class: "track", "aria-hidden": "true" }, ...(ghosted ? [ghost] : []), bar);
  return {
    cell: element("td", { class: name }, element("div", {}, track, number)),
    bar,
    ghost,
    number,
    p: NaN,
    before: NaN,
    reason: "",
  };
}

/** @param {string} span how many columns the head takes: 2 without a logit @param {number} stages @returns {Row} */
function buildStageRow(span, stages) {
  const head = element("th", { scope: "row", class: "token", colspan: span });
  const logit = element("td", { class: "logit" });
  const cells = Array.from({ length: stages }, (_, column) => barCell(`stage stage-${column}`, column > 0));
  const kept = barCell("more-kept", false);
  const many = element("span", { class: "number" });
  const row = element(
    "tr",
    {},
    head,
    ...(span === "1" ? [logit] : []),
    ...cells.map(({ cell }) => cell),
    kept.cell,
    element("td", { class: "more-many" }, element("div", {}, many)),
  );
  return { row, head, logit, cells, kept, many, token: null };
}

/** @param {HTMLElement} node @param {string} name @param {boolean} on */
function mark(node, name, on) {
  if (node.hasAttribute(`data-${name}`) !== on) node.toggleAttribute(`data-${name}`, on);
}
