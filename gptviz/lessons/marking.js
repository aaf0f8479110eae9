// @ts-check
/** Shows the tokens that a lesson's text marks as chips; `marking.py` marks them. */
import { chip } from "../widgets/shared/chips.js";

const MARKED = /\ufdd0([^\ufdd1]*)\ufdd1/u;

/**
 * Returns the nodes of a text: chips for the marked tokens, and the text between them.
 * @param {string} text
 * @returns {(Node|string)[]}
 */
export function withChips(text) {
  return text.split(MARKED).map((part, i) => (i % 2 ? chip({ id: -1, text: part }) : part));
}
