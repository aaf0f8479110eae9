// @ts-check
/**
 * The decode loop: reads the prompt once, then one token a step with the cache, as `gptviz/generation/loop.py` does.
 *
 * The next token is drawn by `widgets/sampling/math.js`, with random numbers that depend on the seed, the choice and
 * the step alone. So a seed gives the same text as in Python, wherever two tokens do not come so near to each other
 * that rounding decides between them.
 */

import { Sampler } from "../../widgets/sampling/math.js";
import { SEED_LIMIT } from "../../widgets/sampling/philox.js";
import { Cache } from "./cache.js";
import { fail } from "./errors.js";
import { ContinuationText } from "./stopping.js";

/** @typedef {import("./gpt.js").GPT} GPT */
/** @typedef {import("./edits.js").Edit} Edit */
/** @typedef {import("./tokenizer.js").Tokenizer} Tokenizer */
/**
 * What each setting means is said in Python: `sampling.distribution` and `generation.loop.complete`. choice: the number
 * of the choice among those that are drawn with one seed.
 * @typedef {{maxTokens: number, stop: string[], temperature: number, topK: number|null, topP: number|null,
 *   minP: number|null, repetitionPenalty: number, seed: number, choice: number, edits: Edit[]}} Settings
 */
/** @typedef {{id: number, probability: number, samplingProbability: number}} Alternative */
/**
 * One generated token. probability: the model's; samplingProbability: that with which it was drawn. alternatives: the
 * model's likeliest tokens. entropy: in bits, of what was drawn from, and modelEntropy of the model's. kept: how many
 * tokens the cuts kept, and keptMass their probability. text: what is certain now and was not before.
 * @typedef {Alternative & {index: number, alternatives: Alternative[], entropy: number, modelEntropy: number, kept:
 *   number, keptMass: number, text: string, finishReason: "stop"|"length"|null}} Step
 */

/** @type {Settings} */
const DEFAULTS = {
  maxTokens: 150,
  stop: [],
  temperature: 0.7,
  topK: null,
  topP: null,
  minP: null,
  repetitionPenalty: 1,
  seed: 0,
  choice: 0,
  edits: [],
};
const LEADING = 10; // alternatives that a step keeps

/** The ranges of the settings. @type {Record<string, [string, (value: any) => boolean]>} */
const RANGES = {
  maxTokens: ["a whole number of at least 1", (value) => Number.isInteger(value) && value >= 1],
  stop: ["strings of at least one character", (value) => Array.isArray(value) && value.every((stop) => stop !== "")],
  temperature: ["a finite number of 0 or more", (value) => Number.isFinite(value) && value >= 0],
  topK: ["a whole number of at least 1, or null", (value) => value === null || (Number.isInteger(value) && value >= 1)],
  topP: ["a number above 0 and at most 1, or null", (value) => value === null || (value > 0 && value <= 1)],
  minP: ["a number from 0 to 1, or null", (value) => value === null || (value >= 0 && value <= 1)],
  repetitionPenalty: ["a finite number above 0", (value) => Number.isFinite(value) && value > 0],
  seed: ["a whole number below 2**53", (value) => Number.isInteger(value) && value >= 0 && value < SEED_LIMIT],
};

/**
 * Generates a step at a time. Settings are checked when the first step is asked for. A prompt that fills the context
 * has no steps.
 * @param {GPT} gpt
 * @param {Tokenizer} tokenizer
 * @param {number[]} prompt its ids
 * @param {Partial<Settings>} [given]
 * @returns {Generator<Step, void, void>}
 */
export function* generate(gpt, tokenizer, prompt, given = {}) {
  const settings = checkSettings(given);
  gpt.checkIds(prompt, 0);
  const room = Math.min(settings.maxTokens, gpt.contextLength - prompt.length);
  const cache = new Cache(gpt, prompt.length + room);
  const text = new ContinuationText(tokenizer, prompt, settings.stop);
  const ids = prompt.slice();
  for (let index = 0; index < room; index++) {
    const { edits } = settings;
    const logits = gpt.run(index ? ids.slice(-1) : ids, { cache, edits }).logits();
    const drawn = draw(logits, ids, settings, index);
    ids.push(drawn.id);
    const ends = gpt.endIds.includes(drawn.id);
    const full = index + 1 === room;
    const added = text.add(drawn.id, { ends, last: ends || full });
    const finishReason = ends || text.stopped ? "stop" : full ? "length" : null;
    yield { ...drawn, index, text: added, finishReason };
    if (finishReason) return;
  }
}

/**
 * Draws one token from logits (V,).
 * @param {Float32Array} logits
 * @param {number[]} previous ids of prompt and output so far, for the repetition penalty
 * @param {Settings} settings
 * @param {number} step
 */
function draw(logits, previous, settings, step) {
  const sampler = new Sampler(logits, previous).set(settings);
  if (!Number.isFinite(sampler.score(sampler.order[0])))
    throw fail(
      "a repetition penalty that leaves logits finite",
      `${settings.repetitionPenalty}`,
      "1.1 to 1.3 is usual.",
    );
  const sampling = sampler.stage("min_p");
  const described = (/** @type {number} */ id) => ({
    id,
    probability: sampler.modelProbability(id),
    samplingProbability: sampling[id],
  });
  const id = sampler.order[sampler.draw(settings.seed, settings.choice, step)];
  return {
    ...described(id),
    alternatives: Array.from(sampler.modelOrder.subarray(0, LEADING), described),
    entropy: sampler.entropy,
    modelEntropy: sampler.modelEntropy,
    kept: sampler.kept,
    keptMass: Math.min(1, sampler.keptMass),
  };
}

/** Returns the settings with those that were not given. Throws an EngineError for values out of range.
 * @param {Partial<Settings>} given */
function checkSettings(given) {
  const settings = { ...DEFAULTS, ...given };
  for (const [name, [expected, fits]] of Object.entries(RANGES)) {
    const value = settings[/** @type {keyof Settings} */ (name)];
    if (!fits(value)) throw fail(`${expected} as ${name}`, `${value}`, "Leave it out for the usual value.");
  }
  return settings;
}
