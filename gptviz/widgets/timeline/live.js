// @ts-check
/** The view model of the timeline, in pages that run the model; `timeline.py` is that beside a kernel. */

import { checkIndex } from "../../pages/engine/errors.js";
import { describe } from "../../pages/live/describing.js";
import { Reading } from "../../pages/live/reading.js";
import { LiveView } from "../../pages/live/view.js";
import { forked, LiveRun, newsOf } from "./live_run.js";

/** @typedef {{choice: number, step: number}} StepOfChoice */

const MOST_SEED = 10_000; // of those that "again" draws, as in Python

export class LiveTimeline extends LiveView {
  static answers = {
    ...LiveView.answers,
    news: "answerNews",
    again: "answerAgain",
    stop: "answerStop",
    force: "answerForce",
    opening: "answerOpening",
    attention: "answerAttention",
    bench: "answerBench",
  };

  start() {
    /** The seed that was drawn with "again"; null for that of the settings. @type {number|null} */
    this.seed = null;
    this.run = this.newRun();
    /** The reading of a branch that was asked for last. @type {{branch: any, reading: Reading}|null} */
    this.traced = null;
  }

  /** Continues the new text with the same settings. */
  show() {
    this.startRun();
    this.set({ _source: this.state._source + 1 });
  }

  startRun() {
    this.run?.cancel();
    this.run = this.newRun();
    this.traced = null;
    this.set({
      _can_force: true,
      _prompt: this.reading.tokens.map((token) => describe(token)),
      _heads: Array(this.model.gpt.nLayers).fill(this.model.gpt.nHeads),
      choice: 0,
      _source: this.state._source + 1,
    });
  }

  newRun() {
    const { reading, model, kernel } = this;
    const { seed: given = null, ...settings } = this.state._settings;
    const seed = this.seed ?? given ?? Math.floor(Math.random() * 2 ** 31);
    return new LiveRun(model, reading, settings, seed, kernel.tasks);
  }

  /** The run; there is one as soon as the page has opened. */
  get shownRun() {
    return /** @type {LiveRun} */ (this.run);
  }

  /**
   * Returns the steps of a branch from `have` on, or all of them if the page shows another run.
   * @param {{source: number, have: number, choice: number}} args
   */
  answerNews({ source, have, choice }) {
    const run = this.shownRun;
    checkIndex(choice, run.branches.length, "choice");
    const { _source: now } = this.state;
    return { source: now, ...newsOf(run, choice, source === now ? have : 0) };
  }

  /** Generates once more with another seed, and returns the seed. */
  answerAgain() {
    this.seed = Math.floor(Math.random() * MOST_SEED);
    this.startRun();
    return this.seed;
  }

  answerStop() {
    this.shownRun.branches[this.state.choice].isCancelled = true;
  }

  /**
   * Replaces the token of a step, and generates a branch from there; returns its number.
   * @param {{step: number, id: number}} args
   */
  answerForce({ step, id }) {
    const run = this.shownRun;
    checkIndex(step, run.branches[this.state.choice].steps.length, "step");
    run.branches.push(forked(run, this.state.choice, step, id));
    this.set({ choice: run.branches.length - 1 });
    return this.state.choice;
  }

  /** Opens the head that is chosen; in a page one always is. */
  answerOpening() {
    const { layer, head } = this.selection;
    return { layer, head, opening: null, tokens: {} };
  }

  /** Returns the head's weights at the token that the step's token was predicted from.
   * @param {StepOfChoice & {layer: number, head: number}} args */
  answerAttention({ choice, step, layer, head }) {
    const { reading, position } = this.readingOf(choice, step);
    const size = reading.ids.length;
    const data = reading.pass.attention(layer, head).slice(position * size, position * size + position + 1);
    return { data, shape: [position + 1] };
  }

  /** Shows the step on a sampling bench, and returns the bench's reference. @param {{step: number}} args */
  answerBench({ step }) {
    const { reading, position } = this.readingOf(this.state.choice, step);
    const bench = /** @type {import("../sampling/live.js").LiveBench} */ (this.child("bench"));
    const traits = bench.describeNext(reading.pass.logits(position), reading.tokens.slice(0, position + 1));
    const { settings, seed } = this.shownRun;
    bench.set({ ...traits, ...settings, seed, _source: bench.state._source + 1 });
    return bench.reference;
  }

  /**
   * Returns a reading of a branch that includes the step, and the position that its token was drawn after.
   * @param {number} choice
   * @param {number} step
   */
  readingOf(choice, step) {
    const { branches, prompt } = this.shownRun;
    const branch = branches[checkIndex(choice, branches.length, "choice")];
    checkIndex(step, branch.steps.length, "step");
    const position = prompt.ids.length + step - 1;
    const { traced } = this;
    if (traced?.branch === branch && position < traced.reading.ids.length) return { reading: traced.reading, position };
    const ids = [...prompt.ids, ...branch.steps.slice(0, -1).map(({ token }) => token.id)];
    const reading = new Reading(this.model, ids, this.model.textOf(ids));
    this.traced = { branch, reading };
    return { reading, position };
  }
}
