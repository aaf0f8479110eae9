// @ts-check
/** Numbers as text. */

/** Three significant digits, with a true minus. @param {number} x */
export function significant(x) {
  if (!Number.isFinite(x)) return x > 0 ? "∞" : x < 0 ? "−∞" : "–";
  const whole = Math.abs(Number(x.toPrecision(3))) >= 1000; // 999.6 is written 1000, as 1000.4 is
  return (whole ? x.toFixed(0) : x.toPrecision(3)).replaceAll("-", "−");
}

/** A share as per cent, never rounded to nothing nor to all. @param {number} p */
export function percent(p) {
  if (p === 0) return "0 %";
  if (p < 1e-5) return "<0.001 %";
  if (p >= 0.99995 && p < 1) return ">99.99 %";
  return `${p >= 0.9995 && p < 1 ? (100 * p).toFixed(2) : (100 * p).toPrecision(3)} %`;
}

/** A weight between 0 and 1. @param {number} w */
export function weight(w) {
  if (w === 0) return "0";
  return w < 0.0005 ? "<0.001" : w.toFixed(3);
}

const WHOLE = new Intl.NumberFormat("en");

/** A whole number with its digits in groups of three, such as 12,345. @param {number} n */
export function grouped(n) {
  return WHOLE.format(n);
}
