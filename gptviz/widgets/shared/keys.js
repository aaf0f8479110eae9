// @ts-check
/** The keys that move through a grid. */

const STEPS = /** @type {Record<string, [number, number]>} */ ({
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
});

/**
 * Returns the step of an arrow key as [rows, columns], and keeps the key from the page; undefined for all other keys.
 * @param {KeyboardEvent} event
 */
export function arrowStep(event) {
  const step = STEPS[event.key];
  if (step) {
    event.preventDefault();
    event.stopPropagation();
  }
  return step;
}
