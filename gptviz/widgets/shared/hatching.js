// @ts-check
/** Hatching as a pattern of SVG, for what is not there. Its lines are those of `--gv-hatch` in common.css. */

const SVG = "http://www.w3.org/2000/svg";
const STEP = 6; // pixels from one line to the next
const LINE = 1.5; // pixels

/**
 * Creates the pattern, to stand in the `defs` of a picture; `url(#id)` paints with it.
 * @param {string} id
 * @param {Record<string, string>} line the attributes of the lines, such as their colour
 */
export function hatchPattern(id, line) {
  const pattern = shape("pattern", {
    id,
    width: STEP,
    height: STEP,
    patternUnits: "userSpaceOnUse",
    patternTransform: "rotate(45)",
  });
  pattern.append(shape("rect", { width: LINE, height: STEP, ...line }));
  return pattern;
}

/** Returns an id that no other view in the page has. A page loads the module of a view more than once. */
export function uniqueHatchId() {
  return `gptviz-hatch-${crypto.getRandomValues(new Uint32Array(2)).join("-")}`;
}

/** @param {string} tag @param {Record<string, string|number>} attributes */
function shape(tag, attributes) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  return node;
}
