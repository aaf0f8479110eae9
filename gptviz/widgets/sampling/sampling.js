// @ts-check
/**
 * The sampling bench: every stage from logits to a drawn token, over the whole vocabulary, computed in the page.
 *
 * The logits are sent once, as float32. The settings are kept in the page: each event of a drag computes and draws anew
 * and sends nothing to the kernel, so that the view also works without one.
 */
import { chip } from "../shared/chips.js";
import { button, element, setText } from "../shared/dom.js";
import { addFrame, addWaitingMark, whenFilled } from "../shared/frame.js";
import { ask, float32, isAnswered } from "../shared/kernel.js";
import { clamp, fixed, percent, SMALLEST_SHARE } from "../shared/numbers.js";
import { offer } from "../shared/offer.js";
import { addScrollCues, availableHeight } from "../shared/scrolling.js";
import { wordsOf } from "../shared/words.js";
import { SamplingControls } from "./controls.js";
import { Sampler } from "./math.js";
import { uniform } from "./philox.js";
import { RevealedSampler } from "./revealed.js";
import { RevealedNotes } from "./revealed_notes.js";
import { StageTable } from "./table.js";
import { Tally } from "./tally.js";
import { catalogue } from "./words.js";

/** @typedef {import("../shared/kernel.js").Model} Model */
/** @typedef {import("../shared/chips.js").PageToken} PageToken */
/** @typedef {import("./math.js").Settings} Settings */

/** The page's name for each setting, by the name of its trait in Python. @type {Record<string, keyof Settings>} */
const TRAITS = {
  temperature: "temperature",
  top_k: "topK",
  top_p: "topP",
  min_p: "minP",
  repetition_penalty: "repetitionPenalty",
};
const TRAIT_NAMES = [...Object.keys(TRAITS), "seed", "all_stages"];
const MANY_DRAWS = 1000;
const FEWEST_ROWS = 3;
const ANNOUNCE_AFTER_MS = 600; // without a change, so that a screen reader does not read every step of a drag

/** The element of one token's chip, which is built again only for another token. */
class ChipSlot {
  constructor() {
    this.root = element("span");
    /** @type {PageToken|null} */
    this.token = null;
  }

  /** @param {PageToken} token */
  show(token) {
    if (token === this.token) return;
    this.token = token;
    this.root.replaceChildren(chip(token));
  }

  /** Shows a text in the place of a chip. @param {string} text */
  say(text) {
    this.token = null;
    this.root.replaceChildren(text);
  }
}

class Bench {
  /** @param {Model} model @param {HTMLElement} el */
  constructor(model, el) {
    const words = wordsOf(model, catalogue);
    this.model = model;
    this.words = words;
    /** @type {import("./table.js").Sampler} */
    this.sampler = new Sampler(new Float32Array(1));
    /** The distribution with the settings that are kept as A. @type {import("./table.js").Sampler|null} */
    this.kept = null;
    /** @type {Settings|null} */
    this.keptSettings = null;
    /** A second distribution, shown with the same settings. @type {Sampler|null} */
    this.beside = null;
    this.drawCount = 0; // with this seed
    this.countsMany = false; // whether a thousand draws are counted beside the probabilities
    this.frame = 0;
    this.timer = 0;
    /** Tokens by id. @type {Map<number, PageToken>} */
    this.tokens = new Map();
    this.current = new ChipSlot();
    this.leader = new ChipSlot();
    this.drawn = new ChipSlot();
    this.positionText = element("span");
    this.leads = element("span");
    this.drawnText = element("span");
    this.sentence = element("p", { class: "sentence" }, words.after, " ", this.current.root, this.positionText, " ");
    this.sentence.append(this.leader.root, this.leads);
    this.notes = new RevealedNotes(words);
    this.status = element("p", { class: "visually-hidden", role: "status" });
    this.controls = new SamplingControls(words, {
      changed: () => this.update(),
      draw: () => this.setDrawCount(this.drawCount + 1),
      drawMany: () => this.toggleMany(),
      keep: () => this.toggleKept(),
      append: () => this.append(),
      arranged: (all) => this.arrange(all),
      reseeded: () => this.setDrawCount(0),
    });
    offer(this.controls.appendButton, model, "append");
    this.controls.outcome.append(this.drawnText, " ", this.drawn.root);
    this.scaleButton = button(words.scale, () => this.toggleScale(), { class: "scale", "aria-pressed": "false" });
    this.table = new StageTable(words, false);
    this.tally = new Tally(words, MANY_DRAWS);
    this.results = element("div", { class: "results numbers" }, this.table.root, legend(words));
    addScrollCues(this.results);
    this.setWaiting = addWaitingMark(this.results, model);
    this.root = this.build();
    this.stopFrame = addFrame(model, this.root);
    for (const trait of TRAIT_NAMES) this.takeTrait(trait);
    this.load();
    el.append(this.root);
    this.resizer = new ResizeObserver(() => this.fit());
    for (const part of [this.root, this.controls.root, this.results]) this.resizer.observe(part);
  }

  build() {
    const title = this.model.get("_title");
    const panes = element("div", { class: "panes" }, this.controls.root, this.results);
    return element(
      "section",
      { class: "gptviz gptviz-sampling", "aria-label": title },
      element("header", {}, element("h3", {}, title), this.scaleButton, this.sentence, this.notes.root),
      element("div", { class: "bench" }, panes),
      this.status,
      this.tally.root,
    );
  }

  /** Shows new logits; the vocabulary is sorted once. */
  load() {
    const about = this.model.get("_about");
    this.root.hidden = !about.labels; // there are no logits yet
    if (!about.labels) return;
    setText(this.controls.appendButton, about.to_target ? this.words.appendTarget : this.words.append);
    this.showPosition(about);
    const { labels, revealed } = about;
    this.tokens = new Map(
      labels.map((/** @type {PageToken} */ token, /** @type {number} */ rank) => [revealed ? rank : token.id, token]),
    );
    this.sampler = revealed
      ? new RevealedSampler(revealed.logprobs, revealed.complete)
      : new Sampler(float32(this.model.get("_logits")), about.previous);
    this.notes.load(revealed);
    this.root.toggleAttribute("data-revealed", Boolean(revealed));
    this.beside = about.beside ? new Sampler(float32(this.model.get("_beside_logits")), about.beside.previous) : null;
    this.controls.keepButton.hidden = this.beside !== null;
    this.table.nameBeside(about.beside);
    this.table.nameScores(Boolean(revealed));
    this.drawCount = 0;
    if (this.keptSettings) this.keep(this.keptSettings);
    this.root.dataset.scale = this.model.get("scale");
    this.controls.vocabularySize = this.sampler.size;
    this.table.resize(this.fittingRows());
    this.update();
  }

  /** @param {{current: PageToken|null, position: number}} about without a token where a server does not report it */
  showPosition({ current, position }) {
    const { words } = this;
    if (current) this.current.show(current);
    else this.current.say(words.prompt);
    this.positionText.textContent = current ? ` ${words.at(position)}` : words.afterPrompt;
  }

  /**
   * Returns how many rows were asked for. With another distribution beside, the last tokens that neither model gives as
   * much as 0.001 % have no row.
   */
  wantedRows() {
    const { sampler, beside } = this;
    if (this.table.isRevealed) return sampler.size;
    let count = Math.min(this.model.get("rows"), sampler.size);
    if (!beside) return count;
    const isSmall = (/** @type {number} */ id) =>
      Math.max(sampler.modelProbability(id), beside.modelProbability(id)) < SMALLEST_SHARE;
    while (count > 1 && isSmall(sampler.modelOrder[count - 1])) count--;
    return count;
  }

  /**
   * Returns as many rows as are wanted; in a presented view only as many as leave room for the sums and the legend.
   */
  fittingRows() {
    const { rows } = this.table;
    const wanted = this.wantedRows();
    if (this.table.isRevealed) return wanted; // the row below them is of the tokens that are not revealed only
    const height = rows[0]?.root.offsetHeight;
    if (!height) return wanted;
    const bottom = this.results.getBoundingClientRect().bottom - this.root.getBoundingClientRect().top;
    const fitting = rows.length + Math.floor((availableHeight(this.root) - bottom) / height);
    return clamp(fitting, Math.min(wanted, FEWEST_ROWS), wanted);
  }

  fit() {
    const count = this.fittingRows();
    if (count === this.table.rows.length) return;
    this.table.resize(count);
    this.update();
  }

  /** Takes one setting from Python; the others stay as they are in the page. @param {string} trait */
  takeTrait(trait) {
    const value = this.model.get(trait);
    if (trait === "seed") this.controls.seed = value;
    else if (trait === "all_stages") this.controls.showAll(value);
    else Object.assign(this.controls.settings, { [TRAITS[trait]]: value });
  }

  /** @param {number} count */
  setDrawCount(count) {
    this.drawCount = count;
    this.update();
  }

  toggleMany() {
    this.countsMany = !this.countsMany;
    this.update();
  }

  /** Lets the axis of the bars end at the largest share of a row, or at 100 %. */
  toggleScale() {
    this.table.isScaled = !this.table.isScaled;
    this.scaleButton.setAttribute("aria-pressed", String(this.table.isScaled));
    this.update();
  }

  /** Gives every stage a column, or all cuts together one. @param {boolean} all */
  arrange(all) {
    if (all === this.table.all) return;
    const { root, rows, isScaled } = this.table;
    this.table = new StageTable(this.words, all);
    this.table.isScaled = isScaled;
    this.table.resize(rows.length);
    this.table.nameBeside(this.model.get("_about").beside ?? null);
    this.table.nameScores(this.notes.isShown);
    root.replaceWith(this.table.root);
    this.update();
  }

  /** Returns the rank of the token that was drawn last, or -1. */
  drawnRank() {
    return this.drawCount ? this.sampler.draw(this.controls.seed, 0, 0, this.drawCount - 1) : -1;
  }

  /** Appends the drawn token to the prompt, which is read again. */
  async append() {
    const id = this.sampler.order[this.drawnRank()];
    this.setWaiting(true);
    await ask(this.model, "append", { id }).catch((error) => this.controls.showProblem(error.message));
    this.setWaiting(false);
  }

  /** Keeps the settings as A, or forgets A. */
  toggleKept() {
    if (this.kept) {
      this.kept = null;
      this.keptSettings = null;
    } else this.keep({ ...this.controls.settings });
    this.controls.showKept(this.keptSettings);
    this.update();
  }

  /** Keeps settings as A, with the present logits. @param {Settings} settings */
  keep(settings) {
    this.keptSettings = settings;
    this.kept = this.sampler.copy().set(settings);
  }

  /** Computes with the present settings and moves the bars; texts follow once a frame, after however many events. */
  update() {
    const { sampler, controls } = this;
    sampler.set(controls.settings);
    const rank = this.drawnRank();
    this.table.draw(sampler, rank);
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.write(rank));
  }

  /** Writes all texts and numbers. @param {number} rank of the drawn token, or -1 */
  write(rank) {
    const { sampler, controls, table } = this;
    table.write(
      sampler,
      (id) => this.tokenOf(id),
      (stage) => controls.settingText(stage),
    );
    const other = this.beside ? this.beside.set(controls.settings) : this.kept;
    const counts = this.countsMany ? sampler.tally(controls.seed, MANY_DRAWS, table.rows.length) : null;
    table.compare(sampler, other, counts, (id) => this.tokenOf(id));
    this.tally.show(counts, table.rows.length, sampler, table.othersName(sampler), (id) => this.tokenOf(id));
    this.leader.show(this.tokenOf(sampler.order[0]));
    setText(this.leads, ` ${this.outlook()}`);
    this.notes.write(sampler);
    controls.write();
    controls.allowDraws(!Number.isNaN(sampler.at("min_p", 0)));
    this.showDrawn(rank);
    this.announce();
  }

  /** Returns how probable the leader is, and which tokens can be drawn. */
  outlook() {
    const { sampler, words } = this;
    const share = sampler.at("min_p", 0);
    if (Number.isNaN(share)) return words.leadsUnknown;
    const { kept } = sampler;
    const left = this.table.isRevealed ? words.leftRevealed(kept) : words.left(kept, sampler.size);
    return `${words.leads(percent(share))} ${left}`;
  }

  /** Shows the drawn token, which changes with the settings while its random number stays. @param {number} rank */
  showDrawn(rank) {
    const { controls, sampler, words } = this;
    const isRevealed = rank >= 0 && rank < sampler.size;
    this.drawn.root.hidden = !isRevealed;
    controls.appendButton.hidden = !this.model.get("_can_append");
    controls.appendButton.style.visibility = isRevealed ? "" : "hidden"; // its space is kept
    if (rank < 0) return setText(this.drawnText, words.repeatable);
    const number = uniform(controls.seed, 0, 0, this.drawCount - 1);
    const drawn = words.drawn(this.drawCount, fixed(number, 4));
    setText(this.drawnText, isRevealed ? drawn : `${drawn} ${words.drawnUnrevealed}`);
    if (isRevealed) this.drawn.show(this.tokenOf(sampler.order[rank]));
  }

  /** Lets a screen reader read the outcome when nothing changes any more. */
  announce() {
    clearTimeout(this.timer);
    const read = () => setText(this.status, this.sentence.textContent ?? "");
    this.timer = window.setTimeout(read, ANNOUNCE_AFTER_MS);
  }

  /** Returns a token; one that is not known is asked for once, and shows its id until then. @param {number} id */
  tokenOf(id) {
    const known = this.tokens.get(id);
    if (known) return known;
    const placeholder = { id, text: `#${id}` };
    this.tokens.set(id, placeholder);
    if (!isAnswered(this.model, "token", { id })) return placeholder;
    ask(this.model, "token", { id }).then(
      (token) => {
        this.tokens.set(id, token);
        this.update();
      },
      () => {}, // the id stays if nothing answers
    );
    return placeholder;
  }

  remove() {
    cancelAnimationFrame(this.frame);
    clearTimeout(this.timer);
    this.resizer.disconnect();
    this.stopFrame();
    this.root.remove();
  }
}

/** @param {import("./words.js").Words} words */
function legend(words) {
  const items = Object.entries(words.legend).map(([mark, meaning]) => {
    const text = mark === "logit" ? words.logit : mark === "logprob" ? words.logprob : "";
    const swatch = element("span", { class: `swatch ${mark}`, "aria-hidden": "true" }, text);
    return element("li", {}, swatch, ` ${meaning}`);
  });
  return element("ul", { class: "legend" }, ...items);
}

/** @param {import("../shared/kernel.js").RenderProps} context */
function render({ model, el }) {
  const bench = new Bench(model, el);
  const load = () => bench.load();
  const listeners = TRAIT_NAMES.map((trait) => ({
    event: `change:${trait}`,
    take: () => {
      bench.takeTrait(trait);
      bench.update();
    },
  }));
  const sources = "change:_source change:rows change:scale";
  model.on(sources, load);
  for (const { event, take } of listeners) model.on(event, take);
  return () => {
    model.off(sources, load);
    for (const { event, take } of listeners) model.off(event, take);
    bench.remove();
  };
}

export default { render: whenFilled(render) };
