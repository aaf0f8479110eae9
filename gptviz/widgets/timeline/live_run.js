// @ts-check
/**
 * A generation and its branches in pages that run the model, as `branches.py` and `news.py` have them beside a kernel.
 */

import { fail } from "../../pages/engine/errors.js";
import { generate } from "../../pages/engine/generate.js";
import { ContinuationText } from "../../pages/engine/stopping.js";
import { describe } from "../../pages/live/describing.js";

/** @typedef {import("../../pages/live/reading.js").LanguageModel} LanguageModel */
/** @typedef {import("../../pages/live/reading.js").Reading} Reading */
/** @typedef {import("../../pages/live/tasks.js").Tasks} Tasks */
/** @typedef {import("./news.js").Step} Step */
/**
 * One continuation of the prompt. steps: all of them, those shared with the parent included. parent: the branch that it
 * was forked from, at the step `at`; before: the text of the steps up to that one. problem: the error that ended it.
 * @typedef {{steps: Step[], parent: number|null, at: number, before: string, finishReason: string|null, problem:
 *   string, isCancelled: boolean}} Branch
 */
/** As `sampling.settings` names them. @typedef {{temperature: number, top_k: number|null, top_p: number|null,
 *   min_p: number|null, repetition_penalty: number}} Sampling */

/** What `complete` takes where nothing else is given. */
const USUAL = { temperature: 0.7, top_k: null, top_p: null, min_p: null, repetition_penalty: 1 };
const FLOAT_BYTES = 4;

export class LiveRun {
  /**
   * Starts generating.
   * @param {LanguageModel} model
   * @param {Reading} prompt
   * @param {Partial<Sampling> & {max_tokens: number}} settings
   * @param {number} seed
   * @param {Tasks} tasks that do the work
   */
  constructor(model, prompt, { max_tokens: maxTokens, ...sampling }, seed, tasks) {
    this.model = model;
    this.prompt = prompt;
    /** @type {Sampling} */
    this.settings = { ...USUAL, ...sampling };
    this.maxTokens = maxTokens;
    this.seed = seed;
    this.tasks = tasks;
    this.branches = [newBranch([])];
    this.generate(this.branches[0], prompt.ids, maxTokens);
  }

  cancel() {
    for (const branch of this.branches) branch.isCancelled = true;
  }

  /** Adds steps to a branch, after these ids. @param {Branch} branch @param {number[]} ids @param {number} maxTokens */
  generate(branch, ids, maxTokens) {
    this.tasks.add(this.steps(branch, ids, maxTokens));
  }

  /** @param {Branch} branch @param {number[]} ids @param {number} maxTokens */
  *steps(branch, ids, maxTokens) {
    const { gpt, tokenizer } = this.model;
    const { top_k: topK, top_p: topP, min_p: minP, repetition_penalty: repetitionPenalty, temperature } = this.settings;
    const settings = { maxTokens, temperature, topK, topP, minP, repetitionPenalty, seed: this.seed };
    try {
      branch.finishReason = null;
      let reason = /** @type {string|null} */ (ids.length < gpt.contextLength ? null : "length");
      for (const step of reason ? [] : generate(gpt, tokenizer, ids, settings)) {
        if (branch.isCancelled) break;
        branch.steps.push(this.describeStep(step, ids.length));
        reason = step.finishReason;
        if (!reason) yield;
      }
      branch.finishReason = reason ?? "interrupted";
    } catch (error) {
      branch.problem = String(error);
    }
  }

  /**
   * @param {import("../../pages/engine/generate.js").Step} step
   * @param {number} start how many tokens came before the first
   * @returns {Step}
   */
  describeStep(step, start) {
    const { nLayers, dModel } = this.model.gpt;
    const position = start + step.index;
    return {
      token: describe({ ...this.model.token(step.id), position }),
      probability: step.probability,
      sampling: step.samplingProbability,
      entropy: step.entropy,
      kept: step.kept,
      mass: step.keptMass,
      text: step.text,
      cached: [position, 2 * nLayers * dModel * FLOAT_BYTES * position],
      served: false,
      alternatives: step.alternatives.map(({ id, probability, samplingProbability: sampling }) => {
        return { token: describe(this.model.token(id)), probability, sampling };
      }),
    };
  }
}

/**
 * Starts a branch with another token at a step, one of the step's alternatives, and returns it.
 * @param {LiveRun} run
 * @param {number} parent
 * @param {number} at the step
 * @param {number} id
 */
export function forked(run, parent, at, id) {
  const { model, prompt } = run;
  const { steps } = run.branches[parent];
  const known = steps[at].alternatives;
  const forced = known.find(({ token }) => token.id === id);
  if (!forced) throw fail("one of the step's alternatives", `token ${id}`, "Choose one of those that are shown.");
  const kept = steps.slice(0, at);
  const isEnd = model.gpt.endIds.includes(id);
  const ids = [...kept.map(({ token }) => token.id), ...(isEnd ? [] : [id])];
  const before = textAdded(model, prompt.ids, ids);
  const position = prompt.ids.length + at;
  const last = {
    ...steps[at],
    token: { ...forced.token, position },
    probability: forced.probability,
    sampling: forced.sampling,
    text: before.slice(kept.reduce((length, { text }) => length + text.length, 0)),
  };
  const branch = { ...newBranch([...kept, last]), parent, at, before };
  const remaining = run.maxTokens - branch.steps.length;
  if (isEnd) branch.finishReason = "stop";
  else if (!remaining) branch.finishReason = "length";
  else run.generate(branch, [...prompt.ids, ...branch.steps.map(({ token }) => token.id)], remaining);
  return branch;
}

/**
 * Returns the state of a branch with its steps from `have` on; the page has the steps before.
 * @param {LiveRun} run
 * @param {number} choice
 * @param {number} have
 */
export function newsOf({ branches, prompt, seed, settings }, choice, have) {
  const { steps, finishReason, problem } = branches[choice];
  return {
    choice,
    steps: steps.slice(have),
    from: have,
    prompt: prompt.text,
    source_text: "",
    prompt_spelled: prompt.text.includes("\ufffd") ? prompt.tokens.map((token) => describe(token)) : [],
    text: textOf(branches[choice]),
    finish_reason: finishReason,
    branches: branches.map(describeBranch),
    seed,
    settings,
    done: finishReason !== null || problem !== "",
    problem,
  };
}

/** @param {Branch} branch */
function describeBranch(branch) {
  const { parent, at, steps } = branch;
  const text = textOf(branch);
  const token = parent === null ? null : steps[at].token;
  const spelled = text.includes("\ufffd") ? steps.map((step) => step.token) : [];
  return { parent, at, token, text, spelled };
}

/** @param {Branch} branch */
function textOf({ before, at, steps }) {
  return (
    before +
    steps
      .map(({ text }) => text)
      .slice(at + 1)
      .join("")
  );
}

/**
 * Returns the text that ids add to a prompt.
 * @param {LanguageModel} model
 * @param {number[]} prompt
 * @param {number[]} ids
 */
function textAdded(model, prompt, ids) {
  const text = new ContinuationText(model.tokenizer, prompt, []);
  for (const id of ids) text.add(id, { ends: false, last: true });
  return text.text();
}

/** @param {Step[]} steps @returns {Branch} */
function newBranch(steps) {
  return { steps, parent: null, at: -1, before: "", finishReason: null, problem: "", isCancelled: false };
}
