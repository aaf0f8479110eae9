// @ts-check
/**
 * From logits to the next token in the page: the same arithmetic as `gptviz/sampling.py` and `gptviz/philox.py`.
 *
 * The vocabulary is sorted once. Temperature changes no order and each cut keeps the leading tokens of the order, so a
 * stage is a temperature and a number of tokens kept, and a slider that moves costs one exponential per token. A
 * repetition penalty moves only the tokens that came before: they are taken out, sorted, and merged back in.
 *
 * Everything is float64 and sums run in descending order, as in Python. Not here: the DOM.
 */

/** @typedef {{temperature: number, topK: number|null, topP: number|null, minP: number|null,
 *             repetitionPenalty: number}} Settings */
/** @typedef {"repetition_penalty"|"temperature"|"top_k"|"top_p"|"min_p"} Stage */

export const SEED_LIMIT = 2 ** 53;

/** Upper 32 bits of the product of two 32-bit words, by halves that a double holds exactly.
 * @param {number} a @param {number} b */
function highWord(a, b) {
  const a0 = a & 0xffff;
  const a1 = a >>> 16;
  const b0 = b & 0xffff;
  const b1 = b >>> 16;
  const middle = a1 * b0 + ((a0 * b0) >>> 16);
  const other = a0 * b1 + (middle % 65536);
  return (a1 * b1 + Math.floor(middle / 65536) + Math.floor(other / 65536)) >>> 0;
}

/** Philox4x32-10: four counter words and two key words to four random words (Salmon et al., SC 2011).
 * @param {number[]} counter @param {number[]} key */
export function philox4x32(counter, key) {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const leftHigh = highWord(c0, 0xd2511f53);
    const leftLow = Math.imul(c0, 0xd2511f53) >>> 0;
    const rightHigh = highWord(c2, 0xcd9e8d57);
    const rightLow = Math.imul(c2, 0xcd9e8d57) >>> 0;
    [c0, c1, c2, c3] = [(rightHigh ^ c1 ^ k0) >>> 0, rightLow, (leftHigh ^ c3 ^ k1) >>> 0, leftLow];
    k0 = (k0 + 0x9e3779b9) >>> 0;
    k1 = (k1 + 0xbb67ae85) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/** A number in [0, 1) with 53 random bits; the counter is (step, choice, draw, 0), the key the seed's two words.
 * @param {number} seed an integer in [0, 2**53) */
export function uniform(seed, choice = 0, step = 0, draw = 0) {
  const [w0, w1] = philox4x32([step, choice, draw, 0], [seed >>> 0, Math.floor(seed / 2 ** 32)]);
  return ((w0 >>> 5) * 2 ** 26 + (w1 >>> 6)) / 2 ** 53;
}

const STEPS = 256 / Math.LN2;
// ln 2 / 256 in two parts: the first so short that n times it is exact, the second with what Math.LN2 itself lacks.
const STEP_HIGH = 355 / 2 ** 17;
const STEP_LOW = Math.LN2 / 256 - STEP_HIGH + 9.0587766e-20;
const FRACTIONS = Float64Array.from({ length: 256 }, (_, n) => 2 ** (n / 256));
const POWERS = Float64Array.from({ length: 1024 }, (_, n) => 2 ** (n - 1023));

/** exp(gap / temperature) of every rank into `target`; returns their sum, and the sum of weight times exponent.
 *
 * exp(x) = 2**(n / 256) * exp(r) with n whole and |r| <= ln 2 / 512: a table, five terms, a power of two. It is right to
 * two units in the last place and takes less than half of Math.exp's time, which was most of a slider's.
 * @param {Float64Array} gaps descending from 0 @param {number} temperature @param {Float64Array} target */
export function weigh(gaps, temperature, target, count = gaps.length) {
  const fractions = FRACTIONS;
  const powers = POWERS;
  let total = 0;
  let moment = 0;
  while (gaps[count - 1] / temperature < -700) {
    // too small to matter in a sum that holds a 1
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

/** Ids in descending order of their logits, equal ones by lower id. Each logit's bits, turned into an integer that
 * sorts the same way, and its id share one double (32 + 21 bits), so that the native numeric sort does it all.
 * @param {Float32Array} logits */
function sortedIds(logits) {
  const size = logits.length;
  const copy = new Float32Array(size);
  const bits = new Uint32Array(copy.buffer);
  const keys = new Float64Array(size);
  const order = new Uint32Array(size);
  for (let id = 0; id < size; id++) {
    copy[id] = logits[id] + 0; // + 0: no negative zero
    const ascending = bits[id] >>> 31 ? ~bits[id] >>> 0 : (bits[id] | 0x80000000) >>> 0;
    keys[id] = (0xffffffff - ascending) * 2 ** 21 + id;
  }
  keys.sort();
  for (let rank = 0; rank < size; rank++) order[rank] = keys[rank] % 2 ** 21;
  return order;
}

/** One position's logits under changing settings. The arrays that it hands out are reused by the next `set`. */
export class Sampler {
  /** @param {Float32Array} logits (vocab,), at most 2**21 @param {ArrayLike<number>} [previousIds] */
  constructor(logits, previousIds = []) {
    this.logits = logits;
    this.size = logits.length;
    this.modelOrder = sortedIds(logits);
    this.previous = Array.from(new Set(Array.from(previousIds)));
    this.seen = new Uint8Array(this.size);
    for (const id of this.previous) this.seen[id] = 1;
    this.others = this.modelOrder.filter((id) => !this.seen[id]);
    this.otherLogits = new Float64Array(this.others.length);
    for (let i = 0; i < this.others.length; i++) this.otherLogits[i] = logits[this.others[i]];

    /** Ids by descending logit after the repetition penalty. */
    this.order = this.modelOrder.slice();
    /** Log-weight of each rank, from 0 down. */
    this.gaps = new Float64Array(this.size);
    this.buffers = Array.from({ length: 5 }, () => new Float64Array(this.size));
    const [first] = this.buffers;
    /** @type {Record<Stage, Float64Array>} probability of each rank, as far as the stage's count */
    this.ranked = { repetition_penalty: first, temperature: first, top_k: first, top_p: first, min_p: first };
    /** @type {Record<Stage, number>} how many leading ranks are left */
    this.counts = { repetition_penalty: 0, temperature: 0, top_k: 0, top_p: 0, min_p: 0 };
    /** What the tokens kept had together after the temperature. */
    this.keptMass = 1;
    /** Entropies in bits: after the temperature, and after the cuts. */
    this.entropyBefore = this.entropy = 0;
    /** @type {Float64Array|null} */
    this.cumulative = null;

    this.penalty = this.temperature = NaN;
    /** @type {number[]|null} */
    this.penalised = null;
    this.penalise(1);
    const [total, entropy] = this.penalisedStage();
    this.modelTotal = total;
    this.modelEntropy = entropy;
  }

  /** Recompute every stage. The penalty's part is kept while only the other settings change.
   * @param {Settings} settings */
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

  /** What the tokens that a stage leaves had together in another one before it. @param {Stage} stage @param {Stage} before */
  massOf(stage, before) {
    const { counts, ranked } = this;
    if (counts[stage] === counts[before] || stage === "temperature") return 1;
    let mass = 0;
    for (let rank = 0; rank < counts[stage]; rank++) mass += ranked[before][rank];
    return mass;
  }

  /** A stage's entropy in bits. @param {Stage} stage */
  entropyOf(stage) {
    if (stage === "repetition_penalty") return this.penalisedStage()[1];
    if (this.counts[stage] === this.counts.temperature) return this.entropyBefore;
    const p = this.ranked[stage];
    let entropy = 0;
    for (let rank = 0; rank < this.counts[stage]; rank++) if (p[rank] > 0) entropy -= p[rank] * Math.log2(p[rank]);
    return entropy;
  }

  /** Order and gaps under a penalty: the tokens that came before are merged into the others, sorted long ago.
   * @param {number} penalty */
  penalise(penalty) {
    const { order, others, otherLogits, gaps, size } = this;
    this.penalty = penalty;
    const scored = this.previous
      .map((id) => ({ id, score: this.score(id) }))
      .sort((a, b) => b.score - a.score || a.id - b.id);
    let rank = 0;
    let taken = 0;
    const take = (/** @type {number} */ end) => {
      // copied in runs
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

  /** The stage of the repetition penalty, computed when it is needed: its sum and its entropy. */
  penalisedStage() {
    this.penalised ??= this.normalise("repetition_penalty", this.buffers[0], 1);
    return this.penalised;
  }

  /** The temperature stage and its entropy. @param {number} temperature */
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

  /** exp(gap / temperature), divided by its sum, into `target`. Returns the sum, and the entropy in bits: since
   * log p = gap / temperature - log sum, it needs no logarithm a token.
   * @param {Stage} stage @param {Float64Array} target @param {number} temperature */
  normalise(stage, target, temperature) {
    const { gaps } = this;
    let count = this.size;
    while (gaps[count - 1] === -Infinity) count--; // tokens that cannot come
    const [total, moment] = weigh(gaps, temperature, target, count);
    for (let rank = 0; rank < count; rank++) target[rank] /= total;
    this.ranked[stage] = target;
    this.counts[stage] = count;
    return [total, Math.max(0, (Math.log(total) - moment / total) / Math.LN2)];
  }

  /** One cut: the leading tokens that `keep` leaves of the stage before, renormalised.
   * @param {Stage} stage @param {Stage} before @param {number} buffer
   * @param {(p: Float64Array, count: number) => number} keep */
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

  /** The model's own probability of a token, before any setting. @param {number} id */
  modelProbability(id) {
    return Math.exp(this.logits[id] - this.logits[this.modelOrder[0]]) / this.modelTotal;
  }

  /** A token's logit after the repetition penalty. @param {number} id */
  score(id) {
    const logit = this.logits[id];
    if (!this.seen[id]) return logit;
    return logit < 0 ? logit * this.penalty : logit / this.penalty;
  }

  /** A stage's probability of the token at a rank of `order`. @param {Stage} stage @param {number} rank */
  at(stage, rank) {
    if (stage === "repetition_penalty") this.penalisedStage();
    return rank < this.counts[stage] ? this.ranked[stage][rank] : 0;
  }

  /** Every token's rank under these settings (vocab,). */
  ranks() {
    const ranks = new Int32Array(this.size);
    for (let rank = 0; rank < this.size; rank++) ranks[this.order[rank]] = rank;
    return ranks;
  }

  /** How often each of the first ranks comes in so many draws; the last count is of all others.
   * @param {number} seed @param {number} draws @param {number} first */
  tally(seed, draws, first) {
    const counts = new Int32Array(first + 1);
    for (let draw = 0; draw < draws; draw++) counts[Math.min(first, this.draw(seed, 0, 0, draw))]++;
    return counts;
  }

  /** How many tokens the cuts leave. */
  get kept() {
    return this.counts.min_p;
  }

  /** A whole stage (vocab,) by id. @param {Stage|"model"} stage */
  stage(stage) {
    if (stage === "model") return Float64Array.from(this.logits, (_, id) => this.modelProbability(id));
    if (stage === "repetition_penalty") this.penalisedStage();
    const spread = new Float64Array(this.size);
    for (let rank = 0; rank < this.counts[stage]; rank++) spread[this.order[rank]] = this.ranked[stage][rank];
    return spread;
  }

  /** The rank drawn by the numbered random number: the first whose cumulative probability exceeds it.
   * @param {number} seed */
  draw(seed, choice = 0, step = 0, draw = 0) {
    if (!this.cumulative) {
      let sum = 0;
      this.cumulative = this.ranked.min_p.slice(0, this.kept).map((p) => (sum += p));
    }
    const { cumulative } = this;
    const last = cumulative.length - 1;
    const total = cumulative[last];
    const target = uniform(seed, choice, step, draw);
    // Rounding may leave the total a hair below 1: then it is the last token that has any mass.
    return firstRank(0, last, (rank) => (target < total ? cumulative[rank] > target : cumulative[rank] >= total));
  }
}

/** The first rank from `low` on at which a condition that never turns false again holds; `high` if it holds nowhere.
 * @param {number} low @param {number} high @param {(rank: number) => boolean} holds */
function firstRank(low, high, holds) {
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
