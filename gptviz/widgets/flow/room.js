// @ts-check
/** Tells how high the rows of the picture may be, where the whole view has to fit a screen. */
import { availableHeight } from "../shared/scrolling.js";

/**
 * Returns the height that a presentation leaves for the rows, in pixels; Infinity if nobody presents.
 * @param {HTMLElement} view
 * @param {{root: HTMLElement, stage: HTMLElement}} picture
 * @param {HTMLElement} legend what stands below the picture
 * @returns {number}
 */
export function roomForRows(view, { root, stage }, legend) {
  const [whole, rows, picture] = [view, stage, root].map((part) => part.getBoundingClientRect());
  const after = picture.bottom - rows.bottom + legend.offsetHeight;
  return Math.floor(availableHeight(view) - (rows.top - whole.top) - after);
}
