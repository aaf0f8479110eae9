// @ts-check
/**
 * The state of the picture while a pass is played: a few numbers, and what lies between two states. Nothing here draws.
 *
 * How far a row has come is one number: 0 before the pass, 1 with its embedding, then 2 more for each column, one for
 * attention and one for the MLP.
 */

/**
 * `forward`: 1 shows the pass, 0 the ordinary picture. `text`: how far the rows of the text have come; `next`: the row
 * of the drawn token. `bars`: how far the bars have grown. `credit`: the column that credit has run back to. `marker`:
 * how far the marker has fallen on a bar. `flight`: how far the drawn token has flown.
 * @typedef {{forward: number, text: number, next: number, bars: number, credit: number, marker: number,
 *   flight: number}} State
 */

const NAMES = /** @type {const} */ (["forward", "text", "next", "bars", "credit", "marker", "flight"]);

/** Returns the state before the pass. @param {number} columns @returns {State} */
export function startState(columns) {
  return { forward: 1, text: 0, next: 0, bars: 0, credit: columns, marker: 0, flight: 0 };
}

/** Returns how far a row is that has left all columns. @param {number} columns */
export function fullProgress(columns) {
  return 1 + 2 * columns;
}

/**
 * Returns the state between two others. Nothing runs backwards: what falls jumps to its end at once. Only credit falls
 * as it moves, and the two pictures fade into each other either way.
 * @param {State} from
 * @param {State} to
 * @param {number} time from 0 to 1
 * @returns {State}
 */
export function between(from, to, time) {
  const state = { ...to };
  for (const name of NAMES) {
    const moves = name === "forward" || (name === "credit" ? to[name] < from[name] : to[name] > from[name]);
    if (moves) state[name] = from[name] + (to[name] - from[name]) * time;
  }
  return state;
}

/** Returns where something is that starts and stops gently. @param {number} time from 0 to 1 */
export function eased(time) {
  return time * time * (3 - 2 * time);
}
