// @ts-check
/** Tells how high the rows of the picture may be, where the whole view has to fit a screen. */
import { availableHeight, scrollerOf } from "../shared/scrolling.js";

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

/**
 * Returns the height that the screen leaves for a pass that is played, in pixels, where the view begins at its top.
 * @param {HTMLElement} view
 * @param {HTMLElement} stage
 */
export function roomForPlay(view, stage) {
  const whole = Math.min(availableHeight(view), scrollerOf(view).clientHeight);
  return whole - (stage.getBoundingClientRect().top - view.getBoundingClientRect().top);
}
