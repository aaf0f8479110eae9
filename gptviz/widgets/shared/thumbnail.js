// @ts-check
/** Draws one head's attention as a small picture. */
import { packColours, weightColours } from "./colours.js";

/**
 * Draws a thumbnail of bytes, `side` query rows and as many key columns unless told otherwise. The future of a causal
 * map stays clear, so that the hatching of the canvas shows.
 * @param {HTMLCanvasElement} canvas
 * @param {Uint8Array} bytes a weight of 1 is 255
 * @param {number} side
 * @param {import("./theme.js").Theme} theme
 * @param {number} [columns]
 * @param {boolean} [isCausal]
 */
export function drawThumbnail(canvas, bytes, side, theme, columns = side, isCausal = true) {
  canvas.width = columns;
  canvas.height = side;
  const image = new ImageData(columns, side);
  const pixels = new Uint32Array(image.data.buffer);
  const palette = packColours(weightColours(theme));
  for (let query = 0; query < side; query++) {
    const visible = isCausal ? query + 1 : columns;
    for (let i = query * columns; i < query * columns + visible; i++) pixels[i] = palette[bytes[i]];
  }
  /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d")).putImageData(image, 0, 0);
}
