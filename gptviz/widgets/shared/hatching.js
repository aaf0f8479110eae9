// @ts-check
/** Hatching as a pattern of SVG, for what is not there. Its lines are those of `--gv-hatch` in common.css. */
import { svgElement } from "./svg.js";

const STEP = 6; // pixels from one line to the next
const LINE = 1.5; // pixels

/**
 * Creates the pattern, to stand in the `defs` of a picture; `url(#id)` paints with it.
 * @param {string} id
 * @param {Record<string, string>} line the attributes of the lines, such as their colour
 */
export function hatchPattern(id, line) {
  const pattern = svgElement("pattern", {
    id,
    width: STEP,
    height: STEP,
    patternUnits: "userSpaceOnUse",
    patternTransform: "rotate(45)",
  });
  pattern.append(svgElement("rect", { width: LINE, height: STEP, ...line }));
  return pattern;
}

/** Returns an id that no other view in the page has. A page loads the module of a view more than once. */
export function uniqueHatchId() {
  return `gptviz-hatch-${crypto.getRandomValues(new Uint32Array(2)).join("-")}`;
}
