// @ts-check
/**
 * The sampling bench: every stage from logits to a drawn token, over the whole vocabulary, computed in the page.
 *
 * The logits arrive once, as float32 bytes. The settings live in the page: a drag recomputes and redraws within the
 * event, and sends nothing to the kernel, so that the same view works where there is none.
 * Not here: the arithmetic (sampling_math.js), the controls (sampling_controls.js), the bars (sampling_table.js).
 */
import { chip } from "../shared/chips.js";
import { element, setText } from "../shared/dom.js";
import { frame, waits, whenFilled } from "../shared/frame.js";
import { ask, float32 } from "../shared/kernel.js";
import { percent } from "../shared/numbers.js";
import { roomOf, scrollCue } from "../shared/scrolling.js";
import { wordsOf } from "../shared/words.js";
import { SamplingControls } from "./controls.js";
import { Sampler, uniform } from "./math.js";
import { StageTable } from "./table.js";
import { catalogue } from "./words.js";

/** @typedef {import("../shared/chips.js").PageToken} Labelled */

/** The settings by the names that Python's traits have, and as the page has them.
 * @type {Record<string, keyof import("./math.js").Settings>} */
const TRAITS = {
  temperature: "temperature",
  top_k: "topK",
  top_p: "topP",
  min_p: "minP",
  repetition_penalty: "repetitionPenalty",
};
const MANY = 1000;
const FEWEST = 3; // rows
const TRAIT_NAMES = [...Object.keys(TRAITS), "seed", "all_stages"];

/** A place for one token's chip, rebuilt only when the token is another one. */
class ChipSlot {
  constructor() {
    this.root = document.createElement("span");
    /** @type {Labelled|null} */
    this.token = null;
  }

  /** @param {Labelled} token */
  show(token) {
    if (token === this.token) return;
    this.token = token;
    this.root.replaceChildren(chip(token));
  }
}

class Bench {
  /** @param {any} model @param {HTMLElement} el */
  constructor(model, el) {
    this.model = model;
    this.words = wordsOf(model, catalogue);
    /** How many draws were made with this seed. */
    this.draws = 0;
    /** Whether a thousand draws are counted beside the exact probabilities. */
    this.many = false;
    /** The distribution under the settings kept as A. @type {Sampler|null} */
    this.kept = null;
    /** @type {import("./math.js").Settings|null} */
    this.keptSettings = null;
    /** A second distribution, seen under the same settings. @type {Sampler|null} */
    this.beside = null;
    this.frame = this.timer = 0;
    this.sampler = new Sampler(new Float32Array(1));
    /** @type {Map<number, Labelled>} */
    this.labels = new Map();
    this.current = new ChipSlot();
    this.leader = new ChipSlot();
    this.drawn = new ChipSlot();
    this.place = document.createElement("span");
    this.leads = document.createElement("span");
    this.drawnAs = document.createElement("span");
    this.sentence = element(
      "p",
      { class: "sentence" },
      this.words.after,
      " ",
      this.current.root,
      this.place,
      " ",
      this.leader.root,
      this.leads,
    );
    this.status = element("p", { class: "visually-hidden", role: "status" });
    this.controls = new SamplingControls(this.words, {
      changed: () => this.update(),
      draw: () => this.countDraws(this.draws + 1),
      drawMany: () => this.toggleMany(),
      keep: () => this.keep(),
      append: () => this.append(),
      arranged: (all) => this.arrange(all),
      reseeded: () => this.countDraws(0),
    });
    this.controls.outcome.append(this.drawnAs, " ", this.drawn.root);
    this.table = new StageTable(this.words, false);
    this.results = element("div", { class: "results numbers" }, this.table.root, legend(this.words));
    scrollCue(this.results);
    this.wait = waits(this.results, model);
    this.root = element(
      "section",
      { class: "gptviz gptviz-sampling", "aria-label": model.get("_title") },
      element("header", {}, element("h3", {}, model.get("_title")), this.sentence),
      element("div", { class: "bench" }, element("div", { class: "panes" }, this.controls.root, this.results)),
      this.status,
    );
    this.stopFrame = frame(this.model, this.root);
    for (const trait of TRAIT_NAMES) this.assign(trait);
    this.load();
    el.append(this.root);
    this.resizer = new ResizeObserver(() => this.fit());
    for (const part of [this.root, this.controls.root, this.results]) this.resizer.observe(part);
  }

  /** New logits: sort the vocabulary once. */
  load() {
    const about = this.model.get("_about");
    this.root.hidden = !about.labels; // nothing to show yet
    if (!about.labels) return;
    this.current.show(about.current);
    this.place.textContent = ` ${this.words.at(about.position)}`;
    this.labels = new Map(about.labels.map((/** @type {{id: number, text: string}} */ token) => [token.id, token]));
    this.sampler = new Sampler(float32(this.model.get("_logits")), about.previous);
    this.beside = about.beside ? new Sampler(float32(this.model.get("_beside_logits")), about.beside.previous) : null;
    this.controls.keepButton.hidden = this.beside !== null;
    this.table.nameBeside(about.beside);
    this.draws = 0;
    if (this.kept) this.keep(true);
    this.root.dataset.scale = this.model.get("scale");
    this.controls.vocabulary = this.sampler.size;
    this.table.resize(this.rowsInRoom());
    this.update();
  }

  /** As many rows as were asked for; where the view is presented, as many as leave the sums and the legend on the screen. */
  rowsInRoom() {
    const wanted = Math.min(this.model.get("rows"), this.sampler.size);
    const { rows } = this.table;
    const height = rows[0]?.row.offsetHeight;
    if (!height) return wanted;
    const left =
      roomOf(this.root) - (this.results.getBoundingClientRect().bottom - this.root.getBoundingClientRect().top);
    return Math.max(Math.min(wanted, FEWEST), Math.min(wanted, rows.length + Math.floor(left / height)));
  }

  fit() {
    const rows = this.rowsInRoom();
    if (rows === this.table.rows.length) return;
    this.table.resize(rows);
    this.update();
  }

  /** Take one setting from Python; the others stay where the page has them. @param {string} trait */
  assign(trait) {
    const value = this.model.get(trait);
    if (trait === "seed") this.controls.seed = value;
    else if (trait === "all_stages") this.controls.showAll(value);
    else Object.assign(this.controls.settings, { [TRAITS[trait]]: value });
  }

  /** Sets how many draws were made with this seed. @param {number} draws */
  countDraws(draws) {
    this.draws = draws;
    this.update();
  }

  /** Counts a thousand draws beside the exact probabilities, or stops doing so. */
  toggleMany() {
    this.many = !this.many;
    this.update();
  }

  /** A column for each stage, or the cuts in one. @param {boolean} all */
  arrange(all) {
    if (all === this.table.all) return;
    const { root, rows } = this.table;
    this.table = new StageTable(this.words, all);
    this.table.resize(rows.length);
    this.table.nameBeside(this.model.get("_about").beside ?? null);
    root.replaceWith(this.table.root);
    this.update();
  }

  /** Hand the drawn token over: the prompt grows by it, and everything is computed anew. */
  async append() {
    const id = this.sampler.order[this.sampler.draw(this.controls.seed, 0, 0, this.draws - 1)];
    this.wait(true);
    await ask(this.model, "append", { id }).catch((error) => this.controls.say(error.message));
    this.wait(false);
  }

  /** Keep what the present settings give as A, or forget A. @param {boolean} [again] with A's settings, on new logits */
  keep(again = false) {
    if (this.kept && !again) this.kept = this.keptSettings = null;
    else {
      this.keptSettings = again ? this.keptSettings : { ...this.controls.settings };
      const { sampler } = this;
      this.kept = new Sampler(sampler.logits, sampler.previous).set(this.keptSettings ?? this.controls.settings);
    }
    this.controls.showKept(this.keptSettings ?? null);
    this.update();
  }

  update() {
    const { sampler, controls } = this;
    sampler.set(controls.settings);
    const rank = this.draws ? sampler.draw(controls.seed, 0, 0, this.draws - 1) : -1;
    this.table.draw(sampler, rank);
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.write(rank));
  }

  /** The words and numbers, once a frame however many events it brought. @param {number} rank of the drawn token */
  write(rank) {
    const { sampler, controls } = this;
    this.table.write(
      sampler,
      (id) => this.token(id),
      (stage) => controls.setting(stage),
    );
    const other = this.beside ? this.beside.set(controls.settings) : this.kept;
    this.table.compare(sampler, other, this.many ? sampler.tally(controls.seed, MANY, this.table.rows.length) : null);
    this.leader.show(this.token(sampler.order[0]));
    const probability = percent(sampler.at("min_p", 0));
    setText(this.leads, ` ${this.words.leads(probability)} ${this.words.left(sampler.kept, sampler.size)}`);
    controls.write();
    this.outcome(rank);
    this.announce();
  }

  /** The token drawn, which moves with the settings while its random number stays. @param {number} rank */
  outcome(rank) {
    const { controls, sampler } = this;
    this.drawn.root.hidden = rank < 0;
    controls.appendButton.hidden = rank < 0 || !this.model.get("_can_append");
    if (rank < 0) return setText(this.drawnAs, this.words.repeatable);
    const number = uniform(controls.seed, 0, 0, this.draws - 1);
    setText(this.drawnAs, this.words.drawn(this.draws, number.toFixed(4)));
    this.drawn.show(this.token(sampler.order[rank]));
  }

  /** Say the outcome once the hand rests, not at every step of a drag. */
  announce() {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => setText(this.status, this.sentence.textContent ?? ""), 600);
  }

  /** The token with this id; one without a label is asked for once. @param {number} id */
  token(id) {
    const known = this.labels.get(id);
    if (known) return known;
    const unknown = { id, text: `#${id}` };
    this.labels.set(id, unknown);
    ask(this.model, "token", { id }).then(
      (token) => {
        this.labels.set(id, token);
        this.update();
      },
      () => {},
    ); // where nobody answers, the number stays
    return unknown;
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
  return element(
    "ul",
    { class: "legend" },
    ...Object.entries(words.legend).map(([mark, meaning]) =>
      element(
        "li",
        {},
        element("span", { class: `swatch ${mark}`, "aria-hidden": "true" }, mark === "logit" ? words.logit : ""),
        ` ${meaning}`,
      ),
    ),
  );
}

/** @param {{model: any, el: HTMLElement}} context */
function render({ model, el }) {
  const bench = new Bench(model, el);
  const load = () => bench.load();
  const assigns = TRAIT_NAMES.map(
    (trait) =>
      /** @type {const} */ ([
        `change:${trait}`,
        () => {
          bench.assign(trait);
          bench.update();
        },
      ]),
  );
  const sources = "change:_source change:rows change:scale";
  model.on(sources, load);
  for (const [event, assign] of assigns) model.on(event, assign);
  return () => {
    model.off(sources, load);
    for (const [event, assign] of assigns) model.off(event, assign);
    bench.remove();
  };
}

export default { render: whenFilled(render) };
