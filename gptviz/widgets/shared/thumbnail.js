// @ts-check
/** Draws one head's attention as a small picture. */
import { packColours, weightColours } from "./colours.js";

/**
 * Draws a thumbnail of `side` × `side` bytes, query rows and key columns. The future stays clear, so that the hatching
 * of the canvas shows.
 * @param {HTMLCanvasElement} canvas
 * @param {Uint8Array} bytes a weight of 1 is 255
 * @param {number} side
 * @param {import("./theme.js").Theme} theme
 */
export function drawThumbnail(canvas, bytes, side, theme) {
  canvas.width = side;
  canvas.height = side;
  const image = new ImageData(side, side);
  const pixels = new Uint32Array(image.data.buffer);
  const palette = packColours(weightColours(theme));
  for (let query = 0; query < side; query++) {
    for (let key = 0; key <= query; key++) pixels[query * side + key] = palette[bytes[query * side + key]];
  }
  /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d")).putImageData(image, 0, 0);
}
