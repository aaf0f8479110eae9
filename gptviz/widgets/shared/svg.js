// @ts-check
/** Elements of SVG. Numbers are written with two decimals, which is finer than a pixel. */

export const SVG = "http://www.w3.org/2000/svg";

/** @param {string|number} value */
const attributeText = (value) => (typeof value === "number" ? String(Math.round(value * 100) / 100) : value);

/**
 * Creates an element of SVG.
 * @param {string} tag
 * @param {Record<string, string|number>} attributes
 * @param {...(Node|string)} children
 */
export function svgElement(tag, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  setAttributes(node, attributes);
  node.append(...children);
  return node;
}

/**
 * Sets attributes; those that are so already stay untouched.
 * @param {Element} node
 * @param {Record<string, string|number>} attributes
 */
export function setAttributes(node, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    const text = attributeText(value);
    if (node.getAttribute(name) !== text) node.setAttribute(name, text);
  }
}
