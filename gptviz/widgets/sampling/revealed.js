// @ts-check
/**
 * The sampling stages of a served model, of which the server reveals the likeliest tokens only.
 *
 * The same arithmetic as `gptviz/served/sampled.py`. What a stage does to the revealed tokens is exact where it does
 * not depend on the others: top-k and min-p compare revealed tokens with one another, and a temperature of 1 keeps the
 * sum of all probabilities at 1. A number that depends on tokens that are not revealed is NaN.
 */
import { uniform } from "./philox.js";

/** @typedef {import("./math.js").Settings} Settings */
/** @typedef {import("./math.js").Stage} Stage */
/**
 * What is known after a stage. `shares`: of each revealed token, or null. `kept`: how many tokens are kept, Infinity
 * for all, NaN if that is not known. `mass`: their probability after the temperature; `bits`: the entropy.
 * @typedef {{shares: number[]|null, kept: number, mass: number, bits: number}} Known
 */

/** @type {Settings} */
const NEUTRAL = { temperature: 1, topK: null, topP: null, minP: null, repetitionPenalty: 1 };
/** @type {[Stage, keyof Settings][]} */
const STAGES = [
  ["repetition_penalty", "repetitionPenalty"],
  ["temperature", "temperature"],
  ["top_k", "topK"],
  ["top_p", "topP"],
  ["min_p", "minP"],
];
/** @type {Known} */
const UNKNOWN = { shares: null, kept: NaN, mass: NaN, bits: NaN };

/** Returns whether no setting removes a token. @param {Settings} settings */
function hasNoCut({ topK, topP, minP }) {
  return topK === null && (topP === null || topP === 1) && !minP;
}

/** Returns whether the settings change nothing. @param {Settings} settings */
function isNeutral(settings) {
  return settings.temperature === 1 && settings.repetitionPenalty === 1 && hasNoCut(settings);
}

/**
 * Returns how many revealed tokens the cuts keep; null if that depends on tokens that are not revealed.
 * @param {number[]} weights descending from 1
 * @param {number} everything the sum of all weights, or NaN
 * @param {Settings} settings
 */
function countKept(weights, everything, { topK, topP, minP }) {
  /** @type {number|null} */
  let kept = null;
  let mass = everything;
  if (topK !== null && topK > weights.length) mass = NaN;
  else if (topK !== null) {
    kept = weights.filter((weight) => weight >= weights[topK - 1]).length; // tokens in a tie are kept together
    mass = sum(weights.slice(0, kept));
  }
  if (topP !== null && topP !== 1) {
    const last = runningSums(weights.slice(0, kept ?? weights.length)).findIndex((reached) => reached / mass >= topP);
    if (last < 0) return null;
    kept = last + 1;
  }
  if (minP) {
    const among = weights.slice(0, kept ?? weights.length);
    const enough = among.filter((weight) => weight >= minP).length;
    if (kept === null && enough === among.length) return null;
    kept = enough;
  }
  return kept;
}

/**
 * Returns what the settings make of the revealed tokens.
 * @param {number[]} logprobs natural logarithms, highest first
 * @param {Settings} settings
 * @returns {Known}
 */
export function afterSampling(logprobs, settings) {
  const { temperature } = settings;
  if (settings.repetitionPenalty !== 1) return UNKNOWN;
  if (temperature === 0) return { shares: logprobs.map((_, rank) => (rank ? 0 : 1)), kept: 1, mass: 1, bits: 0 };
  const weights = logprobs.map((logprob) => Math.exp((logprob - logprobs[0]) / temperature));
  const everything = temperature === 1 ? Math.exp(-logprobs[0]) : NaN;
  if (hasNoCut(settings)) {
    const shares = temperature === 1 ? weights.map((weight) => weight / everything) : null;
    return { shares, kept: Infinity, mass: 1, bits: NaN };
  }
  const kept = countKept(weights, everything, settings);
  if (kept === null) return UNKNOWN;
  const mass = sum(weights.slice(0, kept));
  const shares = weights.map((weight, rank) => (rank < kept ? weight / mass : 0));
  const bits = -sum(shares.map((share) => (share > 0 ? share * Math.log2(share) : 0)));
  return { shares, kept, mass: Math.min(1, mass / everything), bits };
}

/** The revealed tokens under changing settings, with the interface of `Sampler`; tokens are numbered by their ranks. */
export class RevealedSampler {
  /**
   * @param {(number|null)[]} logprobs natural logarithms, highest first; null is minus infinity
   * @param {boolean} complete whether no token that is likelier is missing; if one may be, no setting can be computed
   */
  constructor(logprobs, complete) {
    this.logits = logprobs.map((logprob) => logprob ?? -Infinity);
    this.complete = complete;
    this.size = logprobs.length;
    this.order = this.logits.map((_, rank) => rank);
    this.modelOrder = this.order;
    this.modelEntropy = NaN;
    this.penalty = 1;
    /** What each stage leaves known. @type {Record<Stage, Known>} */
    this.known = { repetition_penalty: UNKNOWN, temperature: UNKNOWN, top_k: UNKNOWN, top_p: UNKNOWN, min_p: UNKNOWN };
    this.set(NEUTRAL);
  }

  /** Returns a sampler of the same tokens, with settings of its own. */
  copy() {
    return new RevealedSampler(this.logits, this.complete);
  }

  /** Computes every stage: each has its own setting and those of the stages before it. @param {Settings} settings */
  set(settings) {
    let some = NEUTRAL;
    for (const [stage, key] of STAGES) {
      some = { ...some, [key]: settings[key] };
      this.known[stage] = this.complete || isNeutral(some) ? afterSampling(this.logits, some) : UNKNOWN;
    }
    return this;
  }

  /** The probability of all tokens that are not revealed together. */
  get unrevealed() {
    return Math.max(0, 1 - sum(this.logits.map(Math.exp)));
  }

  /** How many tokens are kept after all cuts. */
  get kept() {
    return this.known.min_p.kept;
  }

  get keptMass() {
    return this.known.min_p.mass;
  }

  get entropy() {
    return this.known.min_p.bits;
  }

  /** How many tokens each stage keeps. @returns {Record<Stage, number>} */
  get counts() {
    const entries = STAGES.map(([stage]) => [stage, this.known[stage].kept]);
    return Object.fromEntries(entries);
  }

  /** @param {number} rank */
  modelProbability(rank) {
    return Math.exp(this.logits[rank]);
  }

  /** @param {number} rank */
  score(rank) {
    return this.logits[rank];
  }

  /** Returns the probability of a rank at a stage. @param {Stage} stage @param {number} rank */
  at(stage, rank) {
    return this.known[stage].shares?.[rank] ?? NaN;
  }

  /**
   * Returns the probability that the tokens of a stage have together in an earlier stage.
   * @param {Stage} stage
   * @param {Stage} before
   */
  massOf(stage, before) {
    const { kept } = this.known[stage];
    if (kept === this.known[before].kept || stage === "temperature") return Number.isNaN(kept) ? NaN : 1;
    return sum((this.known[before].shares ?? [NaN]).slice(0, kept));
  }

  /** @param {Stage} stage */
  entropyOf(stage) {
    return this.known[stage].bits;
  }

  /**
   * Returns the first setting whose effect is not known; null if all are.
   * @returns {Stage|null}
   */
  firstUnknown() {
    return STAGES.find(([stage]) => this.known[stage].shares === null)?.[0] ?? null;
  }

  /**
   * Returns the rank that a numbered random number draws, as `Sampler.draw` does. A rank as large as the size stands
   * for a token that is not revealed, and -1 for a distribution that is not known.
   * @param {number} seed
   */
  draw(seed, choice = 0, step = 0, draw = 0) {
    const { shares, kept } = this.known.min_p;
    if (!shares) return -1;
    const target = uniform(seed, choice, step, draw);
    const rank = runningSums(shares).findIndex((reached) => reached > target);
    if (rank >= 0) return rank;
    return kept > this.size ? this.size : kept - 1; // rounding can leave the total slightly below 1
  }

  /**
   * Returns how often each of the first ranks is drawn; the last count is that of all others.
   * @param {number} seed
   * @param {number} draws
   * @param {number} first how many ranks are counted one by one
   */
  tally(seed, draws, first) {
    const counts = new Int32Array(first + 1);
    if (!this.known.min_p.shares) return null;
    for (let draw = 0; draw < draws; draw++) counts[Math.min(first, this.draw(seed, 0, 0, draw))]++;
    return counts;
  }
}

/** @param {number[]} values */
function sum(values) {
  return values.reduce((total, value) => total + value, 0);
}

/** Returns the sum up to each value. @param {number[]} values */
function runningSums(values) {
  let total = 0;
  return values.map((value) => {
    total += value;
    return total;
  });
}
