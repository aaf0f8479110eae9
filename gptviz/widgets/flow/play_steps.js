// @ts-check
/**
 * The steps of a played pass, as plain data: a sentence in this prompt's numbers, the state of the picture at the end
 * of the step, and how long it takes. Nothing here draws.
 */
import { creditIn, doneIn, largestAtEmbedding, nextRow, rowOf } from "./play_facts.js";
import { fullProgress, startState } from "./play_state.js";

/** @typedef {import("../shared/chips.js").PageToken & {earlier?: number}} PageToken */
/** @typedef {import("./next.js").Outcome} Outcome */
/** @typedef {import("./play_state.js").State} State */
/** @typedef {import("./play_words.js").Part} Part */
/** A drawn token. @typedef {{token: PageToken, probability: number, number: number, seed: number}} Draw */
/** The next pass. @typedef {import("./play_facts.js").NextShares & {token: PageToken, leaders: Outcome[]}} Next */
/**
 * `shows`: whose next token the bars show, the last token's or the drawn one's. `column`: the one at work, -1 for none.
 * `move` and `rest`: milliseconds.
 * @typedef {{kind: string, column: number, sentence: Part[], state: State, shows: "text"|"next", move: number,
 *   rest: number}} Step
 */
/**
 * What is played. `count`: the tokens of the text, those before the drawn ones included. `chosen`: the token whose
 * credit is shown. `outcomes`: after the last token. `draw` and `next` are null while they are not known; `problem` is
 * why the next pass is missing. `isCached`: whether the next pass has a cache.
 * @typedef {{shares: import("./credit.js").Shares, tokens: PageToken[], names: string[], isPooled: boolean[],
 *   parallel: boolean[], kinds: ("held"|"missing"|"none")[], count: number, width: number, chosen: number, outcomes:
 *   Outcome[], hasCuts: boolean, draw: Draw|null, next: Next|null, problem: Part[], isCached: boolean}} Play
 */

const SLOW = { move: 900, rest: 2400 };
const EVEN = { move: 900, rest: 1500 };
const QUICK = { move: 500, rest: 500 }; // the same as in the block before

/** @param {Play} play @param {import("./play_words.js").PlayWords} words @returns {Step[]} */
export function makeSteps(play, words) {
  const { steps, add } = recorder(play);
  addForward(play, words, add);
  if (!play.shares.areWeights) addCredit(play, words, add);
  if (play.draw) addDraw(play, words, play.draw, add);
  if (play.draw && play.next) addNext(play, words, play.next, add);
  if (play.problem.length) add("stop", play.problem, {}, SLOW);
  return steps;
}

/**
 * @typedef {(kind: string, sentence: Part[], state: Partial<State>, time: typeof SLOW, more?: Partial<Step>) => void}
 *   Add
 */

/** Returns the list of steps, and what adds one whose state is the last one with changes. @param {Play} play */
function recorder({ names }) {
  /** @type {Step[]} */
  const steps = [];
  /** @type {Add} */
  const add = (kind, sentence, state, time, more = {}) => {
    const last = steps.at(-1)?.state ?? startState(names.length);
    steps.push({ kind, sentence, column: -1, shows: "text", ...time, ...more, state: { ...last, ...state } });
  };
  return { steps, add };
}

/** @param {Play} play @param {import("./play_words.js").PlayWords} words @param {Add} add */
function addForward(play, words, add) {
  const { shares, tokens, names, outcomes } = play;
  const last = tokens.length - 1;
  const row = rowOf(shares, last);
  const token = tokens[last];
  add("embedding", words.embedding(play.count, play.width, play.hasCuts), { text: 1 }, SLOW);
  names.forEach((name, column) => {
    const time = column ? QUICK : SLOW;
    const { attention, most, mlp } = doneIn(row, column);
    const source = most && { token: tokens[most.source], share: most.share };
    const kind = play.kinds[column];
    const sentence = shares.areWeights
      ? kind === "held"
        ? words.looks(name, token, source)
        : words.withoutMap(name, kind)
      : words.attention(name, token, source, attention, play.isPooled[column]);
    add("attention", sentence, { text: 2 + 2 * column }, time, { column });
    const made = shares.areWeights ? null : mlp;
    add("mlp", words.mlp(name, token, made, play.parallel[column]), { text: 3 + 2 * column }, time, { column });
  });
  add("prediction", words.prediction(token, outcomes), { bars: 1 }, SLOW);
}

/** @param {Play} play @param {import("./play_words.js").PlayWords} words @param {Add} add */
function addCredit({ shares, tokens, names, chosen }, words, add) {
  const credit = shares.creditOf(chosen);
  for (let column = names.length - 1; column >= 0; column -= 1) {
    const { moved, most } = creditIn(shares, credit, column);
    const ends = most && { from: tokens[most.target], to: tokens[most.source], share: most.share };
    const isFirst = column === names.length - 1;
    const sentence = words.credit(names[column], tokens[chosen], moved, ends, isFirst);
    add("credit", sentence, { forward: 0, credit: column }, isFirst ? SLOW : QUICK, { column });
  }
  const ends = largestAtEmbedding(credit).map(({ source, share }) => ({ token: tokens[source], share }));
  add("picture", words.picture(tokens[chosen], ends), {}, EVEN);
}

/** @param {Play} play @param {import("./play_words.js").PlayWords} words @param {Draw} draw @param {Add} add */
function addDraw({ count }, words, draw, add) {
  add("draw", words.draw(draw), { marker: 1 }, EVEN);
  add("append", words.append(draw.token, count), { marker: 0, flight: 1 }, EVEN);
}

/** @param {Play} play @param {import("./play_words.js").PlayWords} words @param {Next} next @param {Add} add */
function addNext({ shares, tokens, names, count, isCached }, words, next, add) {
  const { token } = next;
  const row = nextRow(next, tokens.length);
  const far = (/** @type {number} */ progress) => (isCached ? { next: progress } : { next: progress, text: progress });
  const shows = /** @type {const} */ ("next");
  add("next", words.next(token, count, isCached), { forward: 1, bars: 0, ...far(1) }, EVEN, { shows });
  names.forEach((name, column) => {
    const { most } = doneIn(row, column);
    const source = most && { token: tokens[most.source], share: most.share };
    const sentence = words.again(name, token, source, count, isCached, shares.areWeights);
    add("again", sentence, far(fullProgress(column + 1)), column ? QUICK : EVEN, { column, shows });
  });
  add("more", words.more(token, next.leaders), { bars: 1 }, SLOW, { shows });
}
