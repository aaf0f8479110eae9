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
  const room = availableHeight(view);
  if (room === Infinity) return room; // nothing is measured then, which would lay the page out
  const [whole, rows, picture] = [view, stage, root].map((part) => part.getBoundingClientRect());
  const after = picture.bottom - rows.bottom + legend.offsetHeight;
  return Math.floor(room - (rows.top - whole.top) - after);
}
