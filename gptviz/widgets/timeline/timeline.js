// @ts-check
/**
 * The timeline of a generation: its text, its tokens with their probabilities, one step in full, and its branches.
 *
 * While tokens are generated, the page asks for new ones again and again, one question at a time. The steps come with
 * all that scrubbing needs, so that scrubbing asks nothing.
 */
import { button, element, setText } from "../shared/dom.js";
import { addFrame, listen, makeNotices, whenFilled } from "../shared/frame.js";
import { ask, Lane } from "../shared/kernel.js";
import { clamp } from "../shared/numbers.js";
import { offer } from "../shared/offer.js";
import { wordsOf } from "../shared/words.js";
import { BranchTree, Comparison } from "./branches.js";
import { StepDetail } from "./step.js";
import { StepList } from "./steps.js";
import { textNodes } from "./text.js";
import { catalogue } from "./words.js";

/** @typedef {import("../shared/kernel.js").Model} Model */
/** @typedef {import("../shared/kernel.js").Host} Host */
/** @typedef {import("../shared/chips.js").PageToken} PageToken */
/** @typedef {import("./news.js").Step} Step */
/** @typedef {import("./news.js").News} News */

const ASK_AGAIN_MS = 40;
const PLAY_MS = 400; // a step

class Timeline {
  /** @param {Model} model @param {Model} selection @param {Host} host @param {HTMLElement} el */
  constructor(model, selection, host, el) {
    const words = wordsOf(model, catalogue);
    this.model = model;
    this.words = words;
    this.newsLane = new Lane();
    this.comparisonLane = new Lane();
    this.notices = makeNotices(model);
    /** @type {Step[]} */
    this.steps = [];
    /** The last answer. @type {News|null} */
    this.news = null;
    this.source = -1; // the run whose steps are shown
    this.chosen = -1; // the index of the step that is shown in full
    this.compared = -1; // the index of the branch beside the shown one
    this.timer = 0;
    this.playTimer = 0;
    this.followsNews = true; // until the reader chooses a step
    this.isPlaying = false;
    this.status = element("p", { class: "muted", role: "status" });
    this.again = offer(
      button(words.again, () => this.request("again")),
      model,
      "again",
    );
    this.stop = button(words.stop, () => this.request("stop"));
    this.sourceText = element("p", { class: "source muted", hidden: "" }); // of an encoder-decoder
    this.promptText = element("span", { class: "muted" });
    this.written = element("span", { class: "written" });
    this.later = element("span", { class: "later muted" });
    this.play = button(words.play, () => this.setPlaying(!this.isPlaying));
    this.slider = element("input", { type: "range", min: 0, max: 0, step: 1, "aria-label": words.scrub });
    this.slider.addEventListener("input", () => this.chooseByReader(Number(this.slider.value)));
    this.back = button(words.back, () => this.move(-1));
    this.forward = button(words.forward, () => this.move(1));
    this.controls = element("div", { class: "controls" }, this.play, this.back, this.slider, this.forward);
    this.list = new StepList(words, (index) => this.chooseByReader(index));
    this.detail = new StepDetail(model, selection, host, words, (step, token) => this.force(step, token));
    const show = (/** @type {number} */ index) => this.showBranch(index);
    const compare = (/** @type {number} */ index) => this.compareWith(index);
    this.tree = new BranchTree(words, show, compare);
    this.comparison = new Comparison(words);
    this.root = this.build();
    this.stopFrame = addFrame(model, this.root, () => this.list.paint());
    el.append(this.root, this.detail.bench.container);
    this.resizer = new ResizeObserver(() => this.detail.fit());
    this.resizer.observe(this.root); // a presented view is as high as its room
    this.load();
  }

  build() {
    const title = this.model.get("_title");
    const buttons = element("span", { class: "buttons" }, this.again, this.stop);
    return element(
      "section",
      { class: "gptviz gptviz-timeline", "aria-label": title },
      element("header", {}, element("h3", {}, title), this.status, buttons),
      this.notices.problem,
      this.sourceText,
      element("p", { class: "text numbers" }, this.promptText, this.written, this.later),
      this.tree.root,
      this.comparison.root,
      this.controls,
      this.list.root,
      this.detail.root,
    );
  }

  // What the kernel generates

  /** Shows a run. */
  load() {
    this.root.dataset.scale = this.model.get("scale");
    this.again.hidden = !this.model.get("_can_generate");
    this.askNews();
  }

  /** Asks for the steps that are not shown yet. */
  askNews() {
    clearTimeout(this.timer);
    const have = this.source < 0 ? 0 : this.steps.length;
    const args = { source: this.source, have, choice: this.model.get("choice") };
    this.newsLane.ask(
      () => ask(this.model, "news", args),
      (news) => this.showNews(news),
      (error) => this.notices.setProblem(error.message),
    );
  }

  /** Forgets all steps, since another run or branch is shown from its start. @param {number} source */
  restart(source) {
    this.setPlaying(false);
    this.source = source;
    this.steps = [];
    this.followsNews = true;
    this.list.clear();
    this.choose(-1);
  }

  /** Shows new steps; an answer for another state of the page is asked for again. @param {News} news */
  showNews(news) {
    if (news.choice !== this.model.get("choice")) return this.askNews();
    if (news.source !== this.source || news.from !== this.steps.length) this.restart(news.source);
    if (news.from !== this.steps.length) return this.askNews();
    this.news = news;
    const forcedIndex = news.branches[news.choice].at;
    for (const step of news.steps) {
      this.list.append(step, this.steps.length === forcedIndex);
      this.steps.push(step);
    }
    this.slider.max = String(Math.max(0, this.steps.length - 1));
    this.controls.hidden = this.steps.length < 2;
    this.showPrompt(news);
    this.notices.setProblem(news.problem);
    this.showStatus(news);
    this.stop.hidden = news.done || !this.model.get("_can_force");
    this.root.setAttribute("aria-busy", String(!news.done));
    this.tree.show(news.branches, news.choice, this.compared);
    if (this.followsNews && this.steps.length) this.choose(this.stepToShow(news));
    this.showText();
    if (news.done) this.showComparison();
    else this.timer = window.setTimeout(() => this.askNews(), ASK_AGAIN_MS);
  }

  /**
   * Returns the step that is open until the reader chooses one; a branch is open where it begins.
   * @param {News} news
   */
  stepToShow({ branches, choice, done }) {
    const last = this.steps.length - 1;
    const fork = branches[choice].at;
    if (fork >= 0) return Math.min(fork, last);
    return done ? 0 : last;
  }

  /** @param {News} news */
  showPrompt({ prompt, prompt_spelled: tokens, source_text: source }) {
    const hasSource = this.model.get("_source_tokens").length > 0;
    this.sourceText.hidden = !hasSource;
    setText(this.sourceText, hasSource ? `${this.words.source} ${source}` : "");
    if (tokens.length) this.promptText.replaceChildren(...textNodes(tokens, [], null)[0]);
    else setText(this.promptText, prompt);
  }

  /** @param {News} news */
  showStatus({ settings, seed, finish_reason: reason, done }) {
    const { words } = this;
    const parts = [words.count(this.steps.length), ...settingTexts(settings, words.settings), words.seed(seed)];
    const endedItself = reason === "stop" && this.steps.at(-1)?.token.special;
    if (reason !== null) parts.push(words.ends[/** @type {"stop"} */ (endedItself ? "itself" : reason)]);
    else if (!done) parts.push(words.going);
    setText(this.status, parts.join(" · "));
  }

  /** Shows the text up to the chosen step, and the text after it muted. */
  showText() {
    const text = this.news?.text ?? "";
    const count = this.followsNews ? this.steps.length : this.chosen + 1;
    if (this.steps.some(({ token }) => token.bytes)) {
      const tokens = this.steps.map(({ token }) => token);
      const whole = this.news?.done ? text : null;
      const [written, later] = textNodes(tokens.slice(0, count), tokens.slice(count), whole);
      this.written.replaceChildren(...written);
      this.later.replaceChildren(...later);
      return;
    }
    const spelledLength = this.steps.slice(0, count).reduce((sum, step) => sum + step.text.length, 0);
    const length = this.followsNews ? text.length : spelledLength;
    setText(this.written, text.slice(0, length));
    setText(this.later, text.slice(length));
  }

  // The chosen step

  /** Shows a step in full. @param {number} index -1 for none */
  choose(index) {
    this.list.choose(index);
    this.chosen = index;
    this.back.setAttribute("aria-disabled", String(index <= 0));
    this.forward.setAttribute("aria-disabled", String(index >= this.steps.length - 1));
    this.slider.value = String(Math.max(0, index));
    const before = this.steps.slice(0, Math.max(0, index)).map(({ token }) => token);
    const read = [...this.model.get("_prompt"), ...before];
    this.detail.show(index < 0 ? null : this.steps[index], index, read, this.model.get("choice"));
  }

  /** Shows a step that the reader chose; from now on new steps do not change the choice. @param {number} index */
  chooseByReader(index) {
    this.followsNews = false;
    this.list.muteAfter(index);
    this.choose(index);
    this.showText();
  }

  /** @param {number} distance */
  move(distance) {
    this.setPlaying(false);
    this.chooseByReader(clamp(this.chosen + distance, 0, this.steps.length - 1));
  }

  /** Shows one step after the other, or stops doing so. @param {boolean} isPlaying */
  setPlaying(isPlaying) {
    clearInterval(this.playTimer);
    this.isPlaying = isPlaying;
    setText(this.play, isPlaying ? this.words.pause : this.words.play);
    if (!isPlaying) return;
    const isLast = () => this.chosen >= this.steps.length - 1;
    this.chooseByReader(isLast() ? 0 : this.chosen);
    this.playTimer = window.setInterval(() => {
      if (isLast()) return this.setPlaying(false);
      this.chooseByReader(this.chosen + 1);
    }, PLAY_MS);
  }

  // Branches

  /** @param {number} index */
  showBranch(index) {
    this.model.set("choice", index);
    this.model.save_changes();
  }

  /** Shows the branch that was chosen, here or in Python. */
  showChoice() {
    this.restart(-1);
    this.askNews();
  }

  /** Forces another token at a step, which begins a branch. @param {number} step @param {PageToken} token */
  force(step, { id, text }) {
    if (this.compared < 0) this.compared = this.model.get("choice");
    return ask(this.model, "force", id < 0 ? { step, id, text } : { step, id });
  }

  /** @param {number} index */
  compareWith(index) {
    this.compared = index;
    if (this.news?.done) this.showComparison();
  }

  /** Shows the shown branch and the compared one side by side. */
  showComparison() {
    const { news, compared } = this;
    const canCompare = news && compared >= 0 && compared < news.branches.length && compared !== news.choice;
    if (!canCompare) return this.comparison.hide();
    this.comparisonLane.ask(
      () => ask(this.model, "news", { source: -1, have: 0, choice: compared }),
      (other) => this.comparison.show({ ...news, steps: this.steps }, other),
      (error) => this.notices.setProblem(error.message),
    );
  }

  /** @param {"again"|"stop"} name */
  request(name) {
    ask(this.model, name, {}).catch((/** @type {Error} */ error) => this.notices.setProblem(error.message));
  }

  remove() {
    clearTimeout(this.timer);
    clearInterval(this.playTimer);
    this.resizer.disconnect();
    this.detail.remove();
    this.stopFrame();
    this.root.remove();
  }
}

/**
 * Writes the settings that are set; a repetition penalty of 1 changes nothing.
 * @param {Record<string, number|null>} settings
 * @param {Record<string, string>} names
 */
function settingTexts(settings, names) {
  return Object.entries(names)
    .filter(([name]) => settings[name] !== null && settings[name] !== undefined)
    .filter(([name]) => name !== "repetition_penalty" || settings[name] !== 1)
    .map(([name, word]) => `${word} ${settings[name]}`);
}

/** @param {import("../shared/kernel.js").RenderProps} context */
async function render({ model, el, host }) {
  const selection = await host.getModel(model.get("_selection"));
  const timeline = new Timeline(model, selection, host, el);
  return listen(
    timeline,
    [model, "change:_source change:scale", () => timeline.load()],
    [model, "change:choice", () => timeline.showChoice()],
  );
}

export default { render: whenFilled(render) };
