// @ts-check
/** Follows the token of a sentence that the pointer is on, and moves through the sentence by arrow keys. */
import { arrowStep } from "../shared/keys.js";
import { clamp } from "../shared/numbers.js";

/**
 * @param {HTMLElement} sentence whose buttons are the tokens
 * @param {(token: number|null) => void} onHover called with null when the pointer leaves the sentence
 * @param {(token: number) => void} onMove called when an arrow key moves to a token
 */
export function followByPointing(sentence, onHover, onMove) {
  const buttons = () => [...sentence.querySelectorAll("button")];
  sentence.addEventListener("pointerover", (event) => {
    const token = /** @type {Element} */ (event.target).closest("button");
    if (token) onHover(buttons().indexOf(token));
  });
  sentence.addEventListener("pointerleave", () => onHover(null));
  sentence.addEventListener("keydown", (event) => {
    const all = buttons();
    const focused = all.indexOf(/** @type {HTMLButtonElement} */ (event.target));
    const step = focused < 0 ? undefined : arrowStep(event);
    if (!step) return;
    const next = clamp(focused + step[0] + step[1], 0, all.length - 1);
    all[next].focus();
    onMove(next);
  });
}
