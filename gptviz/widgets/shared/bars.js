// @ts-check
/** Draws shares from 0 to 1 as bars, and the axis above them. */
import { element } from "./dom.js";

/** Creates the axis from 0 to 100 % that stands above bars. */
export function percentAxis() {
  const ticks = ["0", "50", "100 %"].map((tick) => element("i", {}, tick));
  return element("span", { class: "percents", "aria-hidden": "true" }, ...ticks);
}

/**
 * Creates a bar on its track.
 * @param {number} share of the track, from 0 to 1
 * @param {Record<string, unknown>} [attributes] of the track
 */
export function shareBar(share, attributes = {}) {
  const fill = element("span", { class: "fill" });
  fill.style.width = `${100 * share}%`;
  return element("span", { class: "track", ...attributes }, fill);
}
