// @ts-check
/**
 * Computes the next token from logits in the page, with the same arithmetic as `gptviz/sampling` in Python.
 *
 * The vocabulary is sorted once. A temperature does not change the order, and each cut keeps the first tokens of the
 * order. So a stage is a temperature and a number of kept tokens, and a moved slider costs one exponential per token. A
 * repetition penalty moves only the tokens of the text so far: they are taken out, sorted, and merged back in.
 *
 * All numbers are float64, and sums run in descending order, as in Python.
 */

import { uniform } from "./philox.js";

/** @typedef {{temperature: number, topK: number|null, topP: number|null, minP: number|null,
 *             repetitionPenalty: number}} Settings */
/** @typedef {"repetition_penalty"|"temperature"|"top_k"|"top_p"|"min_p"} Stage */

const STEPS = 256 / Math.LN2;
// ln 2 / 256 as a sum: the first part is so short that n times it is exact, and the second adds what Math.LN2 lacks.
const STEP_HIGH = 355 / 2 ** 17;
const STEP_LOW = Math.LN2 / 256 - STEP_HIGH + 9.0587766e-20;
const FRACTIONS = Float64Array.from({ length: 256 }, (_, n) => 2 ** (n / 256));
const POWERS = Float64Array.from({ length: 1024 }, (_, n) => 2 ** (n - 1023));

/**
 * Writes exp(gap / temperature) of every rank into `target`, and returns the sum of these weights and the sum of weight
 * times exponent.
 *
 * exp(x) = 2**(n / 256) * exp(r) with n whole and |r| <= ln 2 / 512, computed from a table, five terms of a series and
 * a power of two. The error is at most two units in the last place, in less than half the time of Math.exp, which took
 * most of the time of a moved slider.
 * @param {Float64Array} gaps descending from 0
 * @param {number} temperature
 * @param {Float64Array} target
 */
export function weigh(gaps, temperature, target, count = gaps.length) {
  const fractions = FRACTIONS;
  const powers = POWERS;
  let total = 0;
  let moment = 0;
  while (gaps[count - 1] / temperature < -700) {
    // such a weight is too small to change a sum that has a 1 in it
    count--;
    target[count] = Math.exp(gaps[count] / temperature);
  }
  for (let rank = 0; rank < count; rank++) {
    const x = gaps[rank] / temperature;
    const n = (x * STEPS - 0.5) | 0;
    const r = x - n * STEP_HIGH - n * STEP_LOW;
    const weight =
      fractions[n & 255] * (1 + r * (1 + r * (1 / 2 + r * (1 / 6 + r * (1 / 24))))) * powers[(n >> 8) + 1023];
    target[rank] = weight;
    total += weight;
    moment += weight * x;
  }
  return [total, moment];
}

/**
 * Returns ids in descending order of their logits; of equal logits, the lower id comes first. The bits of a logit, as
 * an integer of the same order, and its id share one double (32 + 21 bits), so that one native numeric sort is enough.
 * @param {Float32Array} logits
 */
function sortedIds(logits) {
  const size = logits.length;
  const copy = new Float32Array(size);
  const bits = new Uint32Array(copy.buffer);
  const keys = new Float64Array(size);
  const order = new Uint32Array(size);
  for (let id = 0; id < size; id++) {
    copy[id] = logits[id] + 0; // + 0 turns −0 into 0
    const ascending = bits[id] >>> 31 ? ~bits[id] >>> 0 : (bits[id] | 0x80000000) >>> 0;
    keys[id] = (0xffffffff - ascending) * 2 ** 21 + id;
  }
  keys.sort();
  for (let rank = 0; rank < size; rank++) order[rank] = keys[rank] % 2 ** 21;
  return order;
}

/** The distribution of one position under changing settings. The next `set` overwrites the arrays. */
export class Sampler {
  /**
   * @param {Float32Array} logits (vocab,), at most 2**21 of them
   * @param {ArrayLike<number>} [previousIds] of the text so far, for the repetition penalty
   */
  constructor(logits, previousIds = []) {
    this.logits = logits;
    this.size = logits.length;
    this.modelOrder = sortedIds(logits);
    this.previous = Array.from(new Set(Array.from(previousIds)));
    this.isPrevious = new Uint8Array(this.size);
    for (const id of this.previous) this.isPrevious[id] = 1;
    this.others = this.modelOrder.filter((id) => !this.isPrevious[id]);
    this.otherLogits = new Float64Array(this.others.length);
    for (let i = 0; i < this.others.length; i++) this.otherLogits[i] = logits[this.others[i]];

    /** Ids in descending order of their scores after the repetition penalty. */
    this.order = this.modelOrder.slice();
    /** The score of each rank minus the highest one. */
    this.gaps = new Float64Array(this.size);
    this.buffers = Array.from({ length: 5 }, () => new Float64Array(this.size));
    const [first] = this.buffers;
    /** The probability of each rank, up to the count of the stage. @type {Record<Stage, Float64Array>} */
    this.ranked = { repetition_penalty: first, temperature: first, top_k: first, top_p: first, min_p: first };
    /** How many ranks a stage keeps. @type {Record<Stage, number>} */
    this.counts = { repetition_penalty: 0, temperature: 0, top_k: 0, top_p: 0, min_p: 0 };
    /** The probability of the kept tokens together, after the temperature. */
    this.keptMass = 1;
    /** The entropy in bits after the temperature, and after all cuts. */
    this.entropyBefore = this.entropy = 0;
    /** The cumulative probabilities after all cuts; null until they are needed. @type {Float64Array|null} */
    this.cumulative = null;

    this.penalty = this.temperature = NaN;
    /** The sum and the entropy of the stage of the penalty; null until they are needed. @type {number[]|null} */
    this.penalised = null;
    this.penalise(1);
    const [total, entropy] = this.penalisedStage();
    this.modelTotal = total;
    this.modelEntropy = entropy;
  }

  /** Returns a sampler of the same logits, with settings of its own. */
  copy() {
    return new Sampler(this.logits, this.previous);
  }

  /**
   * Computes every stage. The order of the ranks is kept while the penalty does not change.
   * @param {Settings} settings
   */
  set(settings) {
    if (settings.repetitionPenalty !== this.penalty) this.penalise(settings.repetitionPenalty);
    if (settings.temperature !== this.temperature) this.heat(settings.temperature);
    const { gaps } = this;
    this.cut("top_k", "temperature", 2, (_, count) => {
      let k = settings.topK === null ? count : Math.min(settings.topK, count);
      while (k < count && gaps[k] === gaps[k - 1]) k++;
      return k;
    });
    this.cut("top_p", "top_k", 3, (p, count) => {
      if (settings.topP === null || settings.topP === 1) return count;
      for (let gone = 0; count > 1; count--) {
        gone += p[count - 1];
        if (gone > 1 - settings.topP) break;
      }
      return count;
    });
    this.cut("min_p", "top_p", 4, (p, count) => {
      while (count > 1 && p[count - 1] < (settings.minP ?? 0) * p[0]) count--;
      return count;
    });
    this.keptMass = this.massOf("min_p", "temperature");
    this.entropy = this.entropyOf("min_p");
    this.cumulative = null;
    return this;
  }

  /**
   * Returns the probability that the tokens of a stage have together in an earlier stage.
   * @param {Stage} stage
   * @param {Stage} before
   */
  massOf(stage, before) {
    const { counts, ranked } = this;
    if (counts[stage] === counts[before] || stage === "temperature") return 1;
    let mass = 0;
    for (let rank = 0; rank < counts[stage]; rank++) mass += ranked[before][rank];
    return mass;
  }

  /** Returns the entropy of a stage in bits. @param {Stage} stage */
  entropyOf(stage) {
    if (stage === "repetition_penalty") return this.penalisedStage()[1];
    if (this.counts[stage] === this.counts.temperature) return this.entropyBefore;
    const p = this.ranked[stage];
    let entropy = 0;
    for (let rank = 0; rank < this.counts[stage]; rank++) if (p[rank] > 0) entropy -= p[rank] * Math.log2(p[rank]);
    return entropy;
  }

  /**
   * Sets the order and the gaps under a penalty: the tokens of the text so far are merged into the others, which are
   * sorted.
   * @param {number} penalty
   */
  penalise(penalty) {
    const { order, others, otherLogits, gaps, size } = this;
    this.penalty = penalty;
    const scored = this.previous
      .map((id) => ({ id, score: this.score(id) }))
      .sort((a, b) => b.score - a.score || a.id - b.id);
    let rank = 0;
    let taken = 0;
    const take = (/** @type {number} */ end) => {
      // copies a run of the other tokens
      order.set(others.subarray(taken, end), rank);
      gaps.set(otherLogits.subarray(taken, end), rank);
      rank += end - taken;
      taken = end;
    };
    for (const { id, score } of scored) {
      take(
        firstRank(
          taken,
          others.length,
          (other) => otherLogits[other] < score || (otherLogits[other] === score && others[other] > id),
        ),
      );
      order[rank] = id;
      gaps[rank++] = score;
    }
    take(others.length);
    const leader = gaps[0];
    for (rank = 0; rank < size; rank++) gaps[rank] -= leader;
    this.temperature = NaN;
    this.penalised = null;
  }

  /** Returns the sum and the entropy of the stage of the repetition penalty, which is computed when it is needed. */
  penalisedStage() {
    this.penalised ??= this.normalise("repetition_penalty", this.buffers[0], 1);
    return this.penalised;
  }

  /** Computes the stage of the temperature. @param {number} temperature */
  heat(temperature) {
    this.temperature = temperature;
    if (temperature === 1) {
      this.entropyBefore = this.penalisedStage()[1];
      this.ranked.temperature = this.ranked.repetition_penalty;
      this.counts.temperature = this.counts.repetition_penalty;
    } else if (temperature === 0) {
      this.ranked.temperature = this.buffers[1];
      this.ranked.temperature[0] = this.counts.temperature = 1;
      this.entropyBefore = 0;
    } else {
      this.entropyBefore = this.normalise("temperature", this.buffers[1], temperature)[1];
    }
  }

  /**
   * Writes exp(gap / temperature), divided by the sum, into `target`. Returns the sum, and the entropy in bits, which
   * needs no logarithm for each token, since log p = gap / temperature - log sum.
   * @param {Stage} stage
   * @param {Float64Array} target
   * @param {number} temperature
   */
  normalise(stage, target, temperature) {
    const { gaps } = this;
    let count = this.size;
    while (gaps[count - 1] === -Infinity) count--; // tokens with a logit of −∞
    const [total, moment] = weigh(gaps, temperature, target, count);
    for (let rank = 0; rank < count; rank++) target[rank] /= total;
    this.ranked[stage] = target;
    this.counts[stage] = count;
    return [total, Math.max(0, (Math.log(total) - moment / total) / Math.LN2)];
  }

  /**
   * Computes a cut: the first tokens of the stage before, divided by their sum.
   * @param {Stage} stage
   * @param {Stage} before
   * @param {number} buffer the index of the buffer for the result
   * @param {(p: Float64Array, count: number) => number} keep returns how many tokens are kept
   */
  cut(stage, before, buffer, keep) {
    const p = this.ranked[before];
    const count = keep(p, this.counts[before]);
    this.counts[stage] = count;
    this.ranked[stage] = p;
    if (count === this.counts[before]) return;
    const target = this.buffers[buffer];
    this.ranked[stage] = target;
    let total = 0;
    for (let rank = 0; rank < count; rank++) total += p[rank];
    for (let rank = 0; rank < count; rank++) target[rank] = p[rank] / total;
  }

  /** Returns a token's probability before any setting. @param {number} id */
  modelProbability(id) {
    return Math.exp(this.logits[id] - this.logits[this.modelOrder[0]]) / this.modelTotal;
  }

  /** Returns a token's logit after the repetition penalty. @param {number} id */
  score(id) {
    const logit = this.logits[id];
    if (!this.isPrevious[id]) return logit;
    return logit < 0 ? logit * this.penalty : logit / this.penalty;
  }

  /** Returns the probability of a rank at a stage. @param {Stage} stage @param {number} rank */
  at(stage, rank) {
    if (stage === "repetition_penalty") this.penalisedStage();
    return rank < this.counts[stage] ? this.ranked[stage][rank] : 0;
  }

  /**
   * Returns how often each of the first ranks is drawn; the last count is that of all others.
   * @param {number} seed
   * @param {number} draws
   * @param {number} first how many ranks are counted one by one
   */
  tally(seed, draws, first) {
    const counts = new Int32Array(first + 1);
    for (let draw = 0; draw < draws; draw++) counts[Math.min(first, this.draw(seed, 0, 0, draw))]++;
    return counts;
  }

  /** How many tokens are kept after all cuts. */
  get kept() {
    return this.counts.min_p;
  }

  /** Returns the probability of every token at a stage (vocab,), by id. @param {Stage|"model"} stage */
  stage(stage) {
    if (stage === "model") return Float64Array.from(this.logits, (_, id) => this.modelProbability(id));
    if (stage === "repetition_penalty") this.penalisedStage();
    const spread = new Float64Array(this.size);
    for (let rank = 0; rank < this.counts[stage]; rank++) spread[this.order[rank]] = this.ranked[stage][rank];
    return spread;
  }

  /**
   * Returns the rank that a numbered random number draws: the first whose cumulative probability exceeds it.
   * @param {number} seed
   */
  draw(seed, choice = 0, step = 0, draw = 0) {
    if (!this.cumulative) {
      let sum = 0;
      this.cumulative = this.ranked.min_p.slice(0, this.kept).map((p) => (sum += p));
    }
    const { cumulative } = this;
    const last = cumulative.length - 1;
    const total = cumulative[last];
    const target = uniform(seed, choice, step, draw);
    // Rounding can leave the total slightly below 1; a number above it draws the last token with any probability.
    return firstRank(0, last, (rank) => (target < total ? cumulative[rank] > target : cumulative[rank] >= total));
  }
}

/**
 * Returns the first rank from `low` at which a condition holds that holds for all later ranks; `high` if there is none.
 * @param {number} low
 * @param {number} high
 * @param {(rank: number) => boolean} holds
 */
function firstRank(low, high, holds) {
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
