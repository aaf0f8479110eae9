// @ts-check
/** The probability of a token as a text and as a colour. It is null where a server does not reveal it. */
import { clamp, percent } from "./numbers.js";

const RAREST = 0.01; // tokens of this probability or less have the strongest colour

/**
 * Returns how surprising a token was, from 0 for a certain one to 1: its surprisal −log₂ p as a share of that of the
 * rarest tokens.
 * @param {number} probability
 */
export function surprise(probability) {
  return clamp(Math.log(Math.max(probability, RAREST)) / Math.log(RAREST), 0, 1);
}

/** Writes a probability; "–" if it is not revealed. @param {number|null} share */
export function shareText(share) {
  return share === null ? "–" : percent(share);
}

/** Writes a probability with all its digits. @param {number|null} share @param {string} unrevealed what to say else */
export function exactText(share, unrevealed) {
  return share === null ? unrevealed : `${100 * share} %`;
}
