// @ts-check
/**
 * The view of a training run. The page asks for what is new of the runs a few times a second, as long as one of them
 * goes on, and moves what is drawn.
 */
import { button, element, setText } from "../shared/dom.js";
import { addFrame, listen, makeNotices, whenFilled } from "../shared/frame.js";
import { ask, isAnswered, isExported, Lane, refusalText } from "../shared/kernel.js";
import { grouped, significant } from "../shared/numbers.js";
import { offer } from "../shared/offer.js";
import { sharedWords, wordsOf } from "../shared/words.js";
import { ForkForm, RunList } from "./fork.js";
import { Panels } from "./panels.js";
import { SampleList, StepTable } from "./samples.js";
import { nearestIndex, RunData } from "./scale.js";
import { Scrubber } from "./scrubber.js";
import { catalogue } from "./words.js";

/** @typedef {import("../shared/kernel.js").Model} Model */
/** @typedef {import("./panels.js").Shown} Shown */
/**
 * What is new of the runs, as the kernel answers it.
 * @typedef {{runs: import("./scale.js").RunNews[], shown: Shown, problem: import("../shared/kernel.js").Refusal|null}}
 *   News
 */

const ASK_AGAIN_MS = 300;
const NEWEST = -1;

class Training {
  /** @param {Model} model @param {HTMLElement} el */
  constructor(model, el) {
    const words = wordsOf(model, catalogue);
    this.model = model;
    this.words = words;
    this.newsLane = new Lane();
    this.showLane = new Lane();
    this.sampleLane = new Lane();
    this.notices = makeNotices(model);
    /** @type {RunData[]} */
    this.runs = [];
    /** @type {Shown} */
    this.shown = { run: 0, step: 0, follows: false };
    this.timer = 0;
    this.sampled = ""; // what the samples are of
    this.status = element("span", { class: "status", role: "status" });
    this.counter = element("span", { class: "muted counter number" });
    this.pause = button(words.pause, () => this.steer(this.run?.news?.status === "paused" ? "resume" : "pause"));
    this.stop = button(words.stop, () => this.steer("stop"));
    this.list = new RunList(words, (run) => this.show(run, NEWEST));
    this.panels = new Panels(words, (step) => this.pick(step));
    this.scrubber = new Scrubber(words, {
      show: (step) => this.show(this.shown.run, step),
      follow: () => this.scrubber.setPlaying(false) ?? this.show(this.shown.run, NEWEST),
    });
    this.samples = new SampleList(words);
    this.fork = new ForkForm(words, (typed) => this.startFork(typed));
    this.table = new StepTable(words, (step) => this.samplesOf(step));
    this.root = this.build();
    this.stopFrame = addFrame(model, this.root, () => this.panels.draw());
    el.append(this.root);
    this.load();
  }

  build() {
    const title = this.model.get("_title");
    const buttons = element("span", { class: "buttons", "data-no-picture": "" }, this.pause, this.stop);
    const status = element("p", {}, this.status, " ", this.counter);
    return element(
      "section",
      { class: "gptviz gptviz-training", "aria-label": title },
      element("header", {}, element("h3", {}, title), status, buttons),
      this.notices.problem,
      this.list.root,
      this.panels.root,
      this.scrubber.root,
      this.samples.root,
      this.fork.root,
      this.table.root,
    );
  }

  get run() {
    return this.runs[this.shown.run];
  }

  load() {
    this.root.dataset.scale = this.model.get("scale");
    this.sampled = "";
    this.askNews();
  }

  // What the kernel has

  askNews() {
    clearTimeout(this.timer);
    const args = { have: this.runs.map(({ whole }) => whole) };
    if (!isAnswered(this.model, "news", args)) return this.draw();
    this.newsLane.ask(
      () => ask(this.model, "news", args),
      (news) => this.take(news),
      (error) => this.notices.setProblem(error.message),
    );
  }

  /** @param {News} news */
  take({ runs, shown, problem }) {
    for (const [i, news] of runs.entries()) {
      this.runs[i] ??= new RunData();
      this.runs[i].take(news);
    }
    if (!this.showLane.busy) this.shown = shown;
    this.notices.setProblem(problem ? refusalText(sharedWords(this.model), problem) : "");
    this.draw();
    clearTimeout(this.timer);
    if (this.runs.some(({ hasEnded }) => !hasEnded)) this.timer = window.setTimeout(() => this.askNews(), ASK_AGAIN_MS);
  }

  draw() {
    const { run, shown, words } = this;
    if (!run?.news) return;
    const { news } = run;
    this.showStatus(news);
    const others = this.runs.flatMap((_, index) => (index === shown.run || this.hasSteps(index) ? [] : [index]));
    this.list.show(this.runs, shown.run, others);
    this.list.buttons.forEach((choose, index) => offer(choose, this.model, "show", { run: index, step: NEWEST }));
    this.panels.show(this.runs, shown);
    const steps = news.kept.filter((step) => isAnswered(this.model, "show", { run: shown.run, step }));
    const known = steps.includes(shown.step) ? steps : [...steps, shown.step].sort((a, b) => a - b);
    const leftOut = news.kept.length - known.length;
    this.scrubber.show(known, shown, leftOut > 0 ? words.leftOut(leftOut, news.kept.length) : "");
    this.fork.show(news, shown.step);
    this.fork.root.hidden = this.scrubber.newest.hidden = isExported(this.model);
    this.table.show(news, `${shown.run} ${this.model.get("_source")}`);
    this.showSamples();
  }

  /** Returns whether a kept step of a run can be shown in this page. @param {number} run */
  hasSteps(run) {
    const kept = this.runs[run].news?.kept ?? [];
    return kept.some((step) => isAnswered(this.model, "show", { run, step }));
  }

  /** @param {import("./scale.js").RunNews} news */
  showStatus({ status, error, taken, steps }) {
    const { words } = this;
    const why = error ? refusalText(sharedWords(this.model), error) : "";
    const isGoing = status === "running";
    const isSaved = isExported(this.model);
    const ended = isGoing ? words.wasRunning : words.ended[status];
    setText(this.status, isGoing && !isSaved ? words.running : ended(grouped(taken), grouped(steps), why));
    const loss = this.run.mean.at(-1);
    const parts = isSaved ? [] : [words.taken(grouped(taken), grouped(steps))];
    if (loss != null) parts.push(words.lastLoss(significant(loss)));
    setText(this.counter, isGoing ? parts.join(" · ") : "");
    this.root.dataset.status = status;
    const canSteer = !this.run.hasEnded && !isSaved;
    this.pause.hidden = !canSteer;
    this.stop.hidden = !canSteer;
    setText(this.pause, status === "paused" ? words.resume : words.pause);
  }

  // The step that is shown

  /**
   * Shows a step of a run; resolved with whether it is shown.
   * @param {number} run
   * @param {number} step
   * @returns {Promise<boolean>}
   */
  show(run, step) {
    this.notices.setWaiting(this.root, true);
    return new Promise((resolve) => {
      this.showLane.ask(
        () => ask(this.model, "show", { run, step }),
        (/** @type {Shown} */ shown) => {
          this.notices.setWaiting(this.root, false);
          this.notices.setProblem("");
          this.shown = shown;
          this.draw();
          resolve(true);
        },
        (error) => {
          this.notices.setWaiting(this.root, false);
          this.notices.setProblem(error.message);
          this.draw();
          resolve(false);
        },
      );
    });
  }

  /** Shows the kept step nearest to a point in a chart. @param {number} x on the axis of steps */
  pick(x) {
    const { steps } = this.scrubber;
    this.scrubber.choose(nearestIndex(steps, x - (this.run.news?.offset ?? 0)));
  }

  showSamples() {
    const { run, step } = this.shown;
    const key = `${run} ${step} ${this.model.get("_source")}`;
    if (key === this.sampled) return;
    this.sampled = key;
    this.root.setAttribute("data-asking", "");
    this.sampleLane.ask(
      () => ask(this.model, "samples", { run, step }),
      (samples) => {
        this.root.removeAttribute("data-asking");
        this.samples.show(step, samples);
      },
      (error) => {
        this.root.removeAttribute("data-asking");
        this.notices.setProblem(error.message);
      },
    );
  }

  /** @param {number} step @returns {Promise<import("./samples.js").Sample[]|null>} */
  async samplesOf(step) {
    try {
      return await ask(this.model, "samples", { run: this.shown.run, step });
    } catch {
      return null; // the line above the charts says why, once the step is shown
    }
  }

  // Steering

  /** @param {"pause"|"resume"|"stop"} action */
  async steer(action) {
    try {
      this.take(await ask(this.model, "steer", { action }));
    } catch (error) {
      this.notices.setProblem(/** @type {Error} */ (error).message);
    }
  }

  /** @param {import("./fork.js").Typed} typed */
  async startFork(typed) {
    const { run, step } = this.shown;
    this.take(await ask(this.model, "fork", { run, step, ...typed }));
  }

  remove() {
    clearTimeout(this.timer);
    this.scrubber.setPlaying(false);
    this.panels.remove();
    this.stopFrame();
    this.root.remove();
  }
}

/** @param {import("../shared/kernel.js").RenderProps} context */
function render({ model, el }) {
  const training = new Training(model, el);
  return listen(
    training,
    [model, "change:_source change:scale", () => training.load()],
    [model, "change:_shown", () => training.askNews()],
  );
}

export default { render: whenFilled(render) };
