// @ts-check
/**
 * One step of a generation in full: the tokens that could have come instead, the cache, where a head looked, and a
 * bench.
 *
 * It is built once; another step changes only what differs. The kernel is asked only when the reader stops scrubbing.
 */
import { percentAxis } from "../shared/bars.js";
import { chip } from "../shared/chips.js";
import { element, setText } from "../shared/dom.js";
import { makeNotices } from "../shared/frame.js";
import { clamp, significant } from "../shared/numbers.js";
import { offer } from "../shared/offer.js";
import { availableHeight } from "../shared/scrolling.js";
import { AlternativeRow, ShareCell } from "./alternatives.js";
import { StepBench } from "./bench.js";
import { HeadRow } from "./head_row.js";
import { isSame, rest } from "./revealed.js";

/** @typedef {import("../shared/kernel.js").Model} Model */
/** @typedef {import("./news.js").Step} Step */
/** @typedef {import("./words.js").Words} Words */

const REST_MS = 120; // without scrubbing, before the kernel is asked
const FEWEST_ROWS = 3; // of the table, however little room a presentation has

export class StepDetail {
  /**
   * @param {Model} model
   * @param {Model} selection
   * @param {import("../shared/kernel.js").Host} host
   * @param {Words} words
   * @param {(step: number, token: import("../shared/chips.js").PageToken) => Promise<unknown>} force
   */
  constructor(model, selection, host, words, force) {
    this.model = model;
    this.words = words;
    this.force = force;
    this.notices = makeNotices(model);
    /** @type {Step|null} */
    this.step = null;
    this.index = -1;
    this.timer = 0;
    this.most = Infinity; // rows of tokens that the table may have
    /** @type {AlternativeRow[]} */
    this.alternatives = [];
    this.name = element("span", {});
    this.token = element("span", {});
    this.facts = element("p", { class: "muted small" });
    this.cache = element("p", { class: "muted small" });
    this.body = element("tbody", {});
    this.others = { probability: new ShareCell(words), sampling: new ShareCell(words) };
    this.othersName = element("th", { scope: "row", class: "token" });
    this.table = this.buildTable();
    this.head = new HeadRow(model, selection, words);
    this.bench = new StepBench(model, host, words);
    this.root = element(
      "div",
      { class: "detail", hidden: "" },
      element("h4", {}, this.name, " ", this.token),
      this.facts,
      this.cache,
      this.notices.problem,
      this.table,
      this.head.root,
      this.bench.button,
      this.bench.notices.problem,
    );
  }

  buildTable() {
    const { words } = this;
    const column = (/** @type {string} */ name, /** @type {string} */ hint) =>
      element("th", { scope: "col" }, name, element("small", { class: "muted" }, hint), percentAxis());
    const head = element(
      "tr",
      {},
      element("th", { scope: "col", class: "token" }, words.token),
      column(words.own, words.ownHint),
      column(words.drawn, words.drawnHint),
      element("th", { scope: "col", class: "action" }, words.forcing),
    );
    const foot = element(
      "tr",
      {},
      this.othersName,
      this.others.probability.root,
      this.others.sampling.root,
      element("td", { class: "action" }),
    );
    return element("table", {}, element("thead", {}, head), this.body, element("tfoot", {}, foot));
  }

  /**
   * Shows a step.
   * @param {Step|null} step
   * @param {number} index
   * @param {import("../shared/chips.js").PageToken[]} read the tokens of prompt and text before it
   * @param {number} choice
   */
  show(step, index, read, choice) {
    this.index = index;
    this.root.hidden = !step;
    if (step === this.step) return;
    this.step = step;
    const shown = step && { step, index, choice, read };
    this.head.root.hidden = step?.served ?? false;
    this.notices.setProblem("");
    this.head.setStep(shown);
    this.bench.setStep(shown);
    this.loadAfterRest();
    if (!step) return;
    setText(this.name, this.words.step(index));
    this.token.replaceChildren(chip(step.token));
    this.showFacts(step, read.length);
    this.showTable(step);
    this.fit();
  }

  /** Shows as many rows as a presentation has room for; all other tokens are counted in the last one. */
  fit() {
    const view = /** @type {HTMLElement} */ (this.root.parentElement);
    const room = availableHeight(view);
    if (!this.step || (room === Infinity && this.most === Infinity)) return; // nothing is measured while one scrubs
    const height = this.alternatives[0]?.root.offsetHeight;
    if (!height) return;
    const bottom = this.table.getBoundingClientRect().bottom - view.getBoundingClientRect().top;
    const most = clamp(this.alternatives.length + Math.floor((room - bottom) / height), FEWEST_ROWS, Infinity);
    if (most === this.most) return;
    this.most = most;
    this.showTable(this.step);
  }

  /** @param {Step} step @param {number} readCount tokens before it */
  showFacts({ alternatives, token, entropy, kept, cached, served }, readCount) {
    const { words } = this;
    const rank = alternatives.findIndex((alternative) => isSame(alternative.token, token));
    const rankText = rank < 0 ? words.beyond(alternatives.length) : words.rank(rank + 1);
    const isKnown = entropy !== null && kept !== null;
    const facts = isKnown ? words.facts(significant(entropy), kept) : words.keptHidden;
    setText(this.facts, alternatives.length ? `${rankText}; ${facts}` : facts);
    if (served) return setText(this.cache, words.served);
    if (!cached) return setText(this.cache, words.noCache);
    const [tokens, bytes] = cached;
    const held = words.cache(tokens, sizeText(bytes), this.index === 0 ? readCount : 1, readCount);
    const hasSource = this.model.get("_source_tokens").length > 0;
    setText(this.cache, hasSource ? `${held}${words.space}${words.sourceCache}` : held);
  }

  /** Shows the alternatives; a drawn token that is none of them has a row of its own. @param {Step} step */
  showTable(step) {
    const canForce = this.model.get("_can_force");
    const isDrawn = (/** @type {import("./news.js").Alternative} */ { token }) => isSame(token, step.token);
    const likeliest = step.alternatives.slice(0, this.most);
    const rows = likeliest.some(isDrawn) ? likeliest : [...likeliest.slice(0, this.most - 1), step];
    const taken = rows.findIndex(isDrawn);
    this.table.toggleAttribute("data-forcing", canForce);
    this.setRowCount(rows.length);
    rows.forEach((row, i) => this.alternatives[i].show(row, i === taken, canForce && i !== taken));
    const left = (/** @type {"probability"|"sampling"} */ what) => rest(rows.map((row) => row[what]));
    const drawable = rows.filter(({ sampling }) => sampling !== null && sampling > 0).length;
    setText(this.othersName, step.served ? this.words.unrevealed : this.words.others);
    this.others.probability.show(left("probability"));
    this.others.sampling.show(drawable === step.kept ? 0 : left("sampling"));
  }

  /** @param {number} count */
  setRowCount(count) {
    while (this.alternatives.length > count) this.alternatives.pop()?.root.remove();
    while (this.alternatives.length < count) {
      const row = new AlternativeRow(this.words, (token) => this.forceInstead(token));
      offer(row.force, this.model, "force");
      this.alternatives.push(row);
      this.body.append(row.root);
    }
  }

  /**
   * Forces another token; a refusal is shown unless another step is shown by then.
   * @param {import("../shared/chips.js").PageToken} token
   */
  forceInstead(token) {
    const { step } = this;
    this.force(this.index, token).catch((/** @type {Error} */ error) => {
      if (this.step === step) this.notices.revealProblem(error.message);
    });
  }

  /** Asks for the parts of a step when the reader stops scrubbing. */
  loadAfterRest() {
    clearTimeout(this.timer);
    if (!this.step) return;
    this.timer = window.setTimeout(() => {
      this.head.load();
      this.bench.load();
    }, REST_MS);
  }

  remove() {
    clearTimeout(this.timer);
    this.head.remove();
    this.bench.container.remove();
  }
}

/** Writes a size in bytes. @param {number} bytes */
function sizeText(bytes) {
  return bytes < 1e6 ? `${significant(bytes / 1e3)} kB` : `${significant(bytes / 1e6)} MB`;
}
