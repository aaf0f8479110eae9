// @ts-check
/** The two colour maps of all views: one for weights from 0 to 1, one for signed values. */

/** @typedef {import("./theme.js").Theme} Theme */

// The ends of cividis (Nuñez, Anderton and Renslow 2018): a larger weight has more contrast with the page.
const WEIGHT_STOPS = {
  light: [
    [255, 255, 255],
    [198, 210, 228],
    [120, 144, 186],
    [52, 84, 140],
    [10, 34, 82],
  ],
  dark: [
    [20, 22, 27],
    [38, 52, 86],
    [98, 101, 110],
    [176, 160, 100],
    [255, 233, 69],
  ],
};

// Blue below 0, orange above 0, and the colour of the page at 0.
const SIGNED_STOPS = {
  light: [
    [6, 62, 116],
    [96, 156, 205],
    [255, 255, 255],
    [226, 146, 84],
    [138, 58, 0],
  ],
  dark: [
    [140, 205, 255],
    [52, 110, 160],
    [20, 22, 27],
    [160, 92, 40],
    [255, 190, 130],
  ],
};

const WEIGHTS = { light: ramp(WEIGHT_STOPS.light), dark: ramp(WEIGHT_STOPS.dark) };
const SIGNED = { light: ramp(SIGNED_STOPS.light), dark: ramp(SIGNED_STOPS.dark) };

/** Returns the 256 colours of weights from 0 to 1, as [r, g, b]. @param {Theme} theme */
export function weightColours(theme) {
  return WEIGHTS[theme];
}

/**
 * Returns the 256 colours of signed values, from the lowest through 0 to the highest, as [r, g, b].
 * @param {Theme} theme
 */
export function signedColours(theme) {
  return SIGNED[theme];
}

/** Returns 256 colours between evenly spaced stops. @param {number[][]} stops @returns {number[][]} */
function ramp(stops) {
  const last = stops.length - 1;
  return Array.from({ length: 256 }, (_, i) => {
    const position = (i / 255) * last;
    const low = Math.min(last - 1, Math.floor(position));
    const share = position - low;
    return [0, 1, 2].map((c) => Math.round(stops[low][c] * (1 - share) + stops[low + 1][c] * share));
  });
}

/** Returns 256 colours as pixels of image data, which can be written at once. @param {number[][]} colours */
export function packColours(colours) {
  return new Uint32Array(new Uint8Array(colours.flatMap(([r, g, b]) => [r, g, b, 255])).buffer);
}

/**
 * Draws all colours from left to right, as the key to a map.
 * @param {HTMLCanvasElement} canvas one pixel high
 * @param {number[][]} colours 256 of them
 */
export function drawColourBar(canvas, colours) {
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  colours.forEach((colour, i) => {
    context.fillStyle = cssColour(colour);
    context.fillRect((i * canvas.width) / 256, 0, 1, 1);
  });
}

/** Writes a colour for CSS. @param {number[]} colour */
export function cssColour([r, g, b]) {
  return `rgb(${r} ${g} ${b})`;
}

/**
 * Returns black or white, whichever has the higher contrast on a colour: at least 4.5:1 (relative luminance, WCAG 2).
 * @param {number[]} colour
 */
export function inkOn(colour) {
  const [r, g, b] = colour.map((x) => (x <= 10 ? x / 3294.6 : ((x / 255 + 0.055) / 1.055) ** 2.4));
  const luminance = 0.2126 * r + 0.7152 * g + 0.0722 * b;
  return (luminance + 0.05) ** 2 > 1.05 * 0.05 ? "#000000" : "#ffffff";
}
