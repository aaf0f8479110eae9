// @ts-check
/**
 * The timeline of a generation: its text, its tokens with their probabilities, one step in full, and its branches.
 *
 * While tokens come, the page asks for what is new, one question at a time. All that scrubbing needs travels with the
 * steps, so that it never asks. Not here: how a token is chosen.
 */
import { element, setText } from "../shared/dom.js";
import { frame, notices, whenFilled } from "../shared/frame.js";
import { ask, Lane } from "../shared/kernel.js";
import { wordsOf } from "../shared/words.js";
import { BranchTree, Comparison } from "./branches.js";
import { StepDetail } from "./step.js";
import { StepList } from "./steps.js";
import { writtenNodes } from "./text.js";
import { catalogue } from "./words.js";

/** @typedef {import("../shared/chips.js").PageToken} Token */
/** @typedef {{token: Token, probability: number, sampling: number}} Alternative */
/** @typedef {Alternative & {entropy: number, kept: number, mass: number, text: string, cached: [number, number]|null, alternatives: Alternative[]}} Step */
/** @typedef {{parent: number|null, at: number, token: Token|null, text: string, spelled: Token[]}} Branch */
/** @typedef {{source: number, choice: number, from: number, steps: Step[], prompt: string, prompt_spelled: Token[], text: string,
 *   finish_reason: string|null, branches: Branch[], seed: number, settings: Record<string, number|null>, done: boolean, problem: string}} News */

const ASK_AGAIN_MS = 40;
const PLAY_MS = 400;

class Timeline {
  /** @param {any} model @param {any} selection @param {any} host @param {HTMLElement} el */
  constructor(model, selection, host, el) {
    this.model = model;
    const words = wordsOf(model, catalogue);
    this.words = words;
    this.notices = notices(model);
    this.status = element("p", { class: "muted", role: "status" });
    this.again = this.button(words.again, () => this.request("again", {}));
    this.stop = this.button(words.stop, () => this.request("stop", {}));
    this.given = element("span", { class: "muted" });
    this.written = element("span", { class: "written" });
    this.later = element("span", { class: "later muted" });
    this.play = this.button(words.play, () => this.setPlaying(!this.playing));
    this.slider = element("input", { type: "range", min: 0, max: 0, step: 1, "aria-label": words.scrub });
    this.slider.addEventListener("input", () => this.look(Number(this.slider.value)));
    this.back = this.button(words.back, () => this.step(-1));
    this.forward = this.button(words.forward, () => this.step(1));
    this.list = new StepList(words, (index) => this.look(index));
    this.detail = new StepDetail(model, selection, host, words, (step, id) => this.force(step, id));
    this.tree = new BranchTree(
      words,
      (index) => this.show(index),
      (index) => this.compareWith(index),
    );
    this.comparison = new Comparison(words);
    this.controls = element("div", { class: "controls" }, this.play, this.back, this.slider, this.forward);
    this.root = element(
      "section",
      { class: "gptviz gptviz-timeline", "aria-label": model.get("_title") },
      element(
        "header",
        {},
        element("h3", {}, model.get("_title")),
        this.status,
        element("span", { class: "buttons" }, this.again, this.stop),
      ),
      this.notices.problem,
      element("p", { class: "text numbers" }, this.given, this.written, this.later),
      this.tree.root,
      this.comparison.root,
      this.controls,
      this.list.root,
      this.detail.root,
    );
    this.stopFrame = frame(model, this.root, () => this.list.paint());
    this.news = new Lane();
    this.other = new Lane();
    /** @type {Step[]} */
    this.steps = [];
    /** @type {News|null} */
    this.told = null;
    this.source = this.chosen = this.compared = -1;
    this.timer = this.playTimer = 0;
    this.followed = true;
    this.playing = false;
    el.append(this.root, this.detail.benchPlace);
    this.redraw();
  }

  /** @param {string} word @param {() => void} pressed */
  button(word, pressed) {
    const button = element("button", { type: "button" }, word);
    button.addEventListener("click", pressed);
    return button;
  }

  redraw() {
    this.root.dataset.scale = this.model.get("scale");
    this.again.hidden = !this.model.get("_can_generate");
    this.refresh();
  }

  refresh() {
    clearTimeout(this.timer);
    const question = { source: this.source, have: this.steps.length, choice: this.model.get("choice") };
    this.news.ask(
      () => ask(this.model, "news", this.source < 0 ? { ...question, source: -1, have: 0 } : question),
      (told) => this.take(told),
      (error) => this.notices.say(error.message),
    );
  }

  /** Another run or branch: everything from its start. @param {number} source */
  restart(source) {
    this.setPlaying(false);
    this.source = source;
    this.steps = [];
    this.followed = true;
    this.list.clear();
    this.choose(-1);
  }

  /** @param {News} told */
  take(told) {
    if (told.choice !== this.model.get("choice")) return this.refresh();
    if (told.source !== this.source || told.from !== this.steps.length) this.restart(told.source);
    if (told.from !== this.steps.length) return this.refresh(); // it was answered for another state of the page
    this.told = told;
    const at = told.branches[told.choice].at;
    for (const step of told.steps) this.list.append(step, this.steps.push(step) - 1 === at);
    this.slider.max = String(Math.max(0, this.steps.length - 1));
    this.controls.hidden = this.steps.length < 2;
    if (told.prompt_spelled.length) this.given.replaceChildren(...writtenNodes(told.prompt_spelled, [], null)[0]);
    else setText(this.given, told.prompt);
    this.notices.say(told.problem);
    this.showStatus(told);
    this.stop.hidden = told.done || !this.model.get("_can_force");
    this.root.setAttribute("aria-busy", String(!told.done));
    this.tree.show(told.branches, told.choice, this.compared);
    if (this.followed && this.steps.length) this.choose(told.done ? 0 : this.steps.length - 1);
    this.showText();
    if (told.done) this.showComparison();
    else this.timer = window.setTimeout(() => this.refresh(), ASK_AGAIN_MS);
  }

  /** @param {News} told */
  showStatus(told) {
    const { words } = this;
    const last = this.steps.at(-1);
    const parts = [
      words.count(this.steps.length),
      ...timelineSettings(told.settings, words.settings),
      words.seed(told.seed),
    ];
    const why = told.finish_reason === "stop" && last?.token.special ? "itself" : told.finish_reason;
    const end = why === null ? null : words.ends[/** @type {"stop"} */ (why)];
    if (!told.done || end) parts.push(end ?? words.going);
    setText(this.status, parts.join(" · "));
  }

  /** The text up to the step that is looked at, and in grey what came after it. */
  showText() {
    const text = this.told?.text ?? "";
    const now = this.followed ? this.steps.length : this.chosen + 1;
    if (this.steps.some(({ token }) => token.bytes)) {
      const tokens = this.steps.map(({ token }) => token);
      const [written, later] = writtenNodes(tokens.slice(0, now), tokens.slice(now), this.told?.done ? text : null);
      this.written.replaceChildren(...written);
      this.later.replaceChildren(...later);
      return;
    }
    const upTo = this.followed
      ? text.length
      : this.steps.slice(0, now).reduce((length, step) => length + step.text.length, 0);
    setText(this.written, text.slice(0, upTo));
    setText(this.later, text.slice(upTo));
  }

  /** Show one step. @param {number} index */
  choose(index) {
    this.list.choose(index);
    this.chosen = index;
    this.back.setAttribute("aria-disabled", String(index <= 0));
    this.forward.setAttribute("aria-disabled", String(index >= this.steps.length - 1));
    this.slider.value = String(Math.max(0, index));
    const read = [...this.model.get("_prompt"), ...this.steps.slice(0, Math.max(0, index)).map(({ token }) => token)];
    this.detail.show(index < 0 ? null : this.steps[index], index, read, this.model.get("choice"));
  }

  /** The reader looks at a step: from now on the page follows the reader. @param {number} index */
  look(index) {
    this.followed = false;
    this.list.mute(index);
    this.choose(index);
    this.showText();
  }

  /** @param {number} by */
  step(by) {
    this.setPlaying(false);
    this.look(Math.max(0, Math.min(this.steps.length - 1, this.chosen + by)));
  }

  /** @param {boolean} on */
  setPlaying(on) {
    clearInterval(this.playTimer);
    this.playing = on;
    setText(this.play, on ? this.words.pause : this.words.play);
    if (!on) return;
    this.look(this.chosen >= this.steps.length - 1 ? 0 : this.chosen);
    this.playTimer = window.setInterval(() => {
      if (this.chosen >= this.steps.length - 1) return this.setPlaying(false);
      this.look(this.chosen + 1);
    }, PLAY_MS);
  }

  // Branches

  /** @param {number} index */
  show(index) {
    this.model.set("choice", index);
    this.model.save_changes();
  }

  otherChoice() {
    this.restart(-1);
    this.refresh();
  }

  /** @param {number} step @param {number} id */
  force(step, id) {
    this.compared = this.compared < 0 ? this.model.get("choice") : this.compared;
    return ask(this.model, "force", { step, id });
  }

  /** @param {number} index */
  compareWith(index) {
    this.compared = index;
    if (this.told?.done) this.showComparison();
  }

  /** The shown branch and the other one side by side, from where they part. */
  showComparison() {
    const { told, compared } = this;
    if (!told || compared < 0 || compared >= told.branches.length || compared === told.choice)
      return this.comparison.hide();
    this.other.ask(
      () => ask(this.model, "news", { source: -1, have: 0, choice: compared }),
      (other) => this.comparison.show({ ...told, steps: this.steps }, other),
      (error) => this.notices.say(error.message),
    );
  }

  /** @param {string} name @param {Record<string, unknown>} args */
  request(name, args) {
    return ask(this.model, name, args).catch((/** @type {Error} */ error) => this.notices.say(error.message));
  }

  remove() {
    clearTimeout(this.timer);
    clearInterval(this.playTimer);
    this.detail.remove();
    this.stopFrame();
    this.root.remove();
  }
}

/** Those that differ from doing nothing, and the temperature. @param {Record<string, number|null>} settings
 * @param {Record<string, string>} names */
function timelineSettings(settings, names) {
  return Object.entries(names)
    .filter(([name]) => settings[name] != null && !(name === "repetition_penalty" && settings[name] === 1))
    .map(([name, word]) => `${word} ${settings[name]}`);
}

/** @param {{model: any, el: HTMLElement, host: any}} context */
async function render({ model, el, host }) {
  const selection = await host.getModel(model.get("_selection"));
  const timeline = new Timeline(model, selection, host, el);
  const redraw = () => timeline.redraw();
  const otherChoice = () => timeline.otherChoice();
  model.on("change:_source change:scale", redraw);
  model.on("change:choice", otherChoice);
  return () => {
    model.off("change:_source change:scale", redraw);
    model.off("change:choice", otherChoice);
    timeline.remove();
  };
}

export default { render: whenFilled(render) };
