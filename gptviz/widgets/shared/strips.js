// @ts-check
/** Draws a vector as a strip: one cell a number, in the colours of signed values, between a name and a result. */
import { signedColours } from "./colours.js";
import { element } from "./dom.js";
import { clamp, significant } from "./numbers.js";

/**
 * Creates the row of a strip.
 * @param {HTMLElement} name stands before the strip
 * @param {ArrayLike<number>} numbers
 * @param {number} largest the magnitude that has the strongest colour
 * @param {import("./theme.js").Theme} theme
 * @param {string} [result] stands after the strip; by default the scale, ±largest
 * @param {string} [kind] "sum" draws a line above the strip
 */
export function stripRow(name, numbers, largest, theme, result = "", kind = "") {
  const canvas = element("canvas", { width: numbers.length, height: 1, "aria-hidden": "true" });
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const image = context.createImageData(numbers.length, 1);
  const colours = signedColours(theme);
  for (let i = 0; i < numbers.length; i += 1) {
    const share = largest ? clamp(numbers[i] / largest, -1, 1) : 0;
    image.data.set([...colours[Math.round(127.5 + 127.5 * share)], 255], 4 * i);
  }
  context.putImageData(image, 0, 0);
  canvas.addEventListener("pointermove", (event) => {
    const index = Math.floor((event.offsetX / canvas.clientWidth) * numbers.length);
    const inside = clamp(index, 0, numbers.length - 1);
    canvas.title = `${inside}: ${numbers[inside]}`;
  });
  const row = element(
    "div",
    { class: "strip" },
    element("span", { class: "name" }, name),
    canvas,
    element("span", { class: "number muted small" }, result || `±${significant(largest)}`),
  );
  if (kind) row.dataset.kind = kind;
  return row;
}

/** Returns the largest magnitude. @param {ArrayLike<number>} numbers */
export function largestMagnitude(numbers) {
  return Array.from(numbers).reduce((largest, x) => Math.max(largest, Math.abs(x)), 0);
}

/** Returns a vector's length: the root of the sum of its squares. @param {ArrayLike<number>} numbers */
export function vectorLength(numbers) {
  return Math.sqrt(Array.from(numbers).reduce((sum, x) => sum + x * x, 0));
}
