// @ts-check
/** Writes numbers as text, as `gptviz/display/numbers.py` does in Python, and limits them. */

const WHOLE = new Intl.NumberFormat("en");

/**
 * Returns the text of a number with an even last digit if the number is exactly between two texts. Python rounds so,
 * and `toFixed` and `toPrecision` round away from 0.
 * @param {number} x
 * @param {string} text one that `toFixed` or `toPrecision` gave
 */
function toEven(x, text) {
  const digits = text.split(".")[1]?.length ?? 0;
  // Of the fractions that a computer has, only such end with a 5 there.
  const isBetween = Math.abs((x * 2 ** (digits + 1)) % 2) === 1;
  const last = Number(text.at(-1));
  return isBetween && last % 2 ? `${text.slice(0, -1)}${last - 1}` : text;
}

/** Writes a number with some digits after the point. @param {number} x @param {number} digits */
export function fixed(x, digits) {
  return toEven(x, x.toFixed(digits)).replace("-", "−");
}

/** Writes a number with three significant digits and a true minus sign. @param {number} x */
export function significant(x) {
  if (!Number.isFinite(x)) return x > 0 ? "∞" : x < 0 ? "−∞" : "–";
  const whole = Math.abs(Number(x.toPrecision(3))) >= 1000; // 999.6 is written as 1000, like 1000.4
  return toEven(x, whole ? x.toFixed(0) : x.toPrecision(3)).replaceAll("-", "−");
}

/** A smaller share is written as "<0.001 %". */
export const SMALLEST_SHARE = 1e-5;

/** Writes a share as per cent, never rounded to 0 % or 100 %. @param {number} p from 0 to 1 */
export function percent(p) {
  if (p === 0) return "0 %";
  if (p < SMALLEST_SHARE) return "<0.001 %";
  if (p >= 0.99995 && p < 1) return ">99.99 %";
  const x = 100 * p;
  return `${toEven(x, p >= 0.9995 && p < 1 ? x.toFixed(2) : x.toPrecision(3))} %`;
}

/** Writes a share as per cent with the seven digits that a number of 32 bits has. @param {number} p */
export function allDigits(p) {
  return `${Number((100 * p).toPrecision(7))} %`;
}

/** Writes a weight with three decimals, never rounded to 0. @param {number} w from 0 to 1 */
export function weight(w) {
  if (w === 0) return "0";
  return w < 0.0005 ? "<0.001" : fixed(w, 3);
}

/** Writes a whole number with its digits in groups of three, such as 12,345. @param {number} n */
export function grouped(n) {
  return WHOLE.format(n);
}

/** Limits a number to a range. @param {number} x @param {number} least @param {number} most */
export function clamp(x, least, most) {
  return Math.max(least, Math.min(most, x));
}
