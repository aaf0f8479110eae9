// @ts-check
/** A vector as a strip: a cell a number, signed values in the diverging map, its name before it and a number after it. */
import { diverging } from "./colours.js";
import { element } from "./dom.js";
import { significant } from "./numbers.js";

/**
 * @param {HTMLElement} name @param {ArrayLike<number>} numbers @param {number} most the number that has the strongest colour
 * @param {"light"|"dark"} theme @param {string} [result] what stands after it; the scale, if nothing does
 * @param {string} [kind] "sum" draws a line above it
 */
export function stripRow(name, numbers, most, theme, result = "", kind = "") {
  const canvas = element("canvas", { width: numbers.length, height: 1, "aria-hidden": "true" });
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const image = context.createImageData(numbers.length, 1);
  const table = diverging(theme);
  for (let i = 0; i < numbers.length; i += 1) {
    const share = most ? Math.max(-1, Math.min(1, numbers[i] / most)) : 0;
    image.data.set([...table[Math.round(127.5 + 127.5 * share)], 255], 4 * i);
  }
  context.putImageData(image, 0, 0);
  canvas.addEventListener("pointermove", (event) => {
    const index = Math.min(
      numbers.length - 1,
      Math.max(0, Math.floor((event.offsetX / canvas.clientWidth) * numbers.length)),
    );
    canvas.title = `${index}: ${numbers[index]}`;
  });
  const row = element(
    "div",
    { class: "strip" },
    element("span", { class: "name" }, name),
    canvas,
    element("span", { class: "number muted small" }, result || `±${significant(most)}`),
  );
  if (kind) row.dataset.kind = kind;
  return row;
}

/** @param {ArrayLike<number>} numbers */
export function largestOf(numbers) {
  return Array.from(numbers).reduce((most, x) => Math.max(most, Math.abs(x)), 0);
}

/** The vector's length, the root of its summed squares. @param {ArrayLike<number>} numbers */
export function lengthOf(numbers) {
  return Math.sqrt(Array.from(numbers).reduce((sum, x) => sum + x * x, 0));
}
