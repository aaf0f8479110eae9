// @ts-check
/** The arithmetic of charts: axes, and how a run's losses arrive in parts. No part of it touches the page. */

/** A point of a curve: a step and a value. @typedef {[number, number]} Point */
/**
 * A run as `describe` in `news.py` sends it. `kept`, `losses` and each of `measures` are as long as one another.
 * @typedef {{status: "running"|"paused"|"finished"|"stopped"|"failed", error:
 *   import("../shared/kernel.js").Refusal|null, taken: number, steps: number, settings: {learning_rate: number, seed:
 *   number}, parent: number|null, offset: number, can_fork: boolean, kept: number[], losses: (number|null)[], measures:
 *   Record<string, (number|null)[]>, curve: {width: number, from: number, whole: number, mean: (number|null)[], least:
 *   (number|null)[], most: (number|null)[]}}} RunNews
 */

/**
 * Returns round numbers between two ends, both included where they are round, about as many as asked for.
 * @param {number} least
 * @param {number} most
 * @param {number} count
 */
export function ticks(least, most, count) {
  const distance = tickDistance(most - least, count);
  const first = Math.ceil(least / distance - 1e-9);
  const last = Math.floor(most / distance + 1e-9);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) =>
    Number(((first + i) * distance).toPrecision(12)),
  );
}

/** Returns a round distance: 1, 2 or 5 times a power of ten. @param {number} span @param {number} count */
function tickDistance(span, count) {
  const least = Math.max(span, 1e-12) / Math.max(count, 1);
  const power = 10 ** Math.floor(Math.log10(least));
  return power * ([1, 2, 5].find((factor) => factor * power >= least * (1 - 1e-9)) ?? 10);
}

/**
 * Returns the ends of an axis on which all values have room, at round numbers.
 * @param {number[]} values
 * @param {boolean} fromZero
 * @returns {[number, number]}
 */
export function axisEnds(values, fromZero) {
  const finite = values.filter(Number.isFinite);
  const least = fromZero ? 0 : Math.min(...finite, Infinity);
  const most = Math.max(...finite, fromZero ? 0 : -Infinity);
  if (!Number.isFinite(least) || !Number.isFinite(most) || least === most) {
    const middle = Number.isFinite(least) ? least : 0;
    return fromZero ? [0, most > 0 ? 2 * most : 1] : [middle - 1, middle + 1];
  }
  const distance = tickDistance(most - least, 4);
  return [
    Number((Math.floor(least / distance + 1e-9) * distance).toPrecision(12)),
    Number((Math.ceil(most / distance - 1e-9) * distance).toPrecision(12)),
  ];
}

/**
 * Returns the function that maps one range onto another.
 * @param {[number, number]} from
 * @param {[number, number]} to
 */
export function linear([a, b], [c, d]) {
  const factor = b === a ? 0 : (d - c) / (b - a);
  return (/** @type {number} */ x) => c + (x - a) * factor;
}

/**
 * Pairs steps with values, and leaves out what is no number.
 * @param {number[]} steps
 * @param {(number|null)[]} values
 */
export function pointsOf(steps, values) {
  return /** @type {Point[]} */ (steps.map((step, i) => [step, values[i]]).filter(([, value]) => value != null));
}

/** Returns the index of the nearest of some numbers in order. @param {number[]} numbers @param {number} x */
export function nearestIndex(numbers, x) {
  let best = 0;
  for (const [i, number] of numbers.entries()) if (Math.abs(number - x) < Math.abs(numbers[best] - x)) best = i;
  return best;
}

/** A run as the page knows it, put together from the parts of its curve that arrived one after the other. */
export class RunData {
  constructor() {
    this.mean = /** @type {(number|null)[]} */ ([]);
    this.least = /** @type {(number|null)[]} */ ([]);
    this.most = /** @type {(number|null)[]} */ ([]);
    this.whole = 0; // points that will not change any more
    this.news = /** @type {RunNews|null} */ (null);
  }

  /** @param {RunNews} news */
  take(news) {
    const { curve } = news;
    for (const name of /** @type {const} */ (["mean", "least", "most"])) {
      this[name].splice(curve.from, Infinity, ...curve[name]);
    }
    this.whole = curve.whole;
    this.news = news;
  }

  get width() {
    return this.news?.curve.width ?? 1;
  }

  get hasEnded() {
    return this.news !== null && this.news.status !== "running" && this.news.status !== "paused";
  }

  /** The steps at which the points of the curve are: in the middle of those whose losses a point puts together. */
  get curveSteps() {
    const { width } = this;
    const taken = this.news?.taken ?? 0;
    return this.mean.map((_, i) => (i * width + Math.min((i + 1) * width, taken) - 1) / 2);
  }
}

/**
 * Returns whether all values of a measure lie between 0 and 1.
 * @param {Record<string, (number|null)[]>[]} measures of all runs
 * @param {string} name
 */
export function areShares(measures, name) {
  return measures.flatMap((one) => one[name] ?? []).every((value) => value === null || (value >= 0 && value <= 1));
}

/**
 * Divides what is measured into panels: the losses, what lies between 0 and 1, and each other measure alone.
 * @param {Record<string, (number|null)[]>[]} measures of all runs
 * @returns {string[][]} the names of the measures in each panel; the first panel has the loss of batches as well
 */
export function panelsOf(measures) {
  const names = [...new Set(measures.flatMap((one) => Object.keys(one)))].filter((name) => name !== "held_out");
  const shares = names.filter((name) => areShares(measures, name));
  const others = names.filter((name) => !shares.includes(name)).map((name) => [name]);
  const losses = measures.some((one) => "held_out" in one) ? ["held_out"] : [];
  return [losses, ...(shares.length ? [shares] : []), ...others];
}
