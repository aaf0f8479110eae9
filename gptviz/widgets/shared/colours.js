// @ts-check
/** Colour maps: one for weights from 0 to 1, one for signed values. */

// The ends of cividis (Nuñez, Anderton and Renslow 2018): more weight is more contrast with the page.
const STOPS = {
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

/** 256 colours from nothing to all, [r, g, b] each. @param {"light"|"dark"} theme */
export function colours(theme) {
  return ramp(STOPS[theme]);
}

/** @param {number[][]} stops @returns {number[][]} */
function ramp(stops) {
  const last = stops.length - 1;
  return Array.from({ length: 256 }, (_, i) => {
    const at = (i / 255) * last;
    const low = Math.min(last - 1, Math.floor(at));
    const share = at - low;
    return [0, 1, 2].map((c) => Math.round(stops[low][c] * (1 - share) + stops[low + 1][c] * share));
  });
}

// Blue below nothing, orange above it, the page's own colour at nothing.
const SIGNED = {
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

/** 256 colours from the least through nothing to the most, [r, g, b] each. @param {"light"|"dark"} theme */
export function diverging(theme) {
  return ramp(SIGNED[theme]);
}

/** What colours mean, from left to right. @param {HTMLCanvasElement} canvas 128 pixels wide, one high @param {number[][]} table 256 colours */
export function colourBar(canvas, table) {
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  table.forEach(([r, g, b], i) => {
    pen.fillStyle = `rgb(${r} ${g} ${b})`;
    pen.fillRect(i / 2, 0, 1, 1);
  });
}
