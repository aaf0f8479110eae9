// @ts-check
/** A chart of curves over the steps of a run, drawn as SVG. New numbers move what is there; nothing is built anew. */
import { grouped } from "../shared/numbers.js";
import { setAttributes, svgElement } from "../shared/svg.js";
import { axisEnds, linear, ticks } from "./scale.js";

/** @typedef {import("./scale.js").Point} Point */
/**
 * A curve. `style`: which of the line styles it has; `band`: the step, the smallest and the largest value of each
 * point; `isMuted`: of another run than the one that is shown; `hasMarks`: whether each point has a mark.
 * @typedef {{key: string, style: number, points: Point[], band?: [number, number, number][], isMuted: boolean,
 *   hasMarks: boolean}} Curve
 */
/**
 * `x`: the ends of the axis of steps; `y`: those of the other axis, null to find them; `cursor`: the shown step.
 * @typedef {{curves: Curve[], x: [number, number], y: [number, number]|null, fromZero: boolean, cursor: number|null,
 *   label: string}} ChartContent
 */

/** The line styles: dashes and the shape of marks differ, so that no curve is known by its colour alone. */
const DASHES = ["", "7 4", "2 3", "10 3 2 3", "4 2", "12 5"];
export const STYLES = DASHES.length;

/**
 * Returns the outline of a mark around a point.
 * @param {number} style
 * @param {number} x
 * @param {number} y
 * @param {number} r
 */
function markPath(style, x, y, r) {
  const at = (/** @type {number} */ dx, /** @type {number} */ dy) =>
    `${(x + dx * r).toFixed(1)} ${(y + dy * r).toFixed(1)}`;
  const shape = style % 4;
  if (shape === 1) return `M${at(-1, -1)}L${at(1, -1)}L${at(1, 1)}L${at(-1, 1)}Z`;
  if (shape === 2) return `M${at(0, -1.3)}L${at(1.2, 1)}L${at(-1.2, 1)}Z`;
  if (shape === 3) return `M${at(0, -1.4)}L${at(1.4, 0)}L${at(0, 1.4)}L${at(-1.4, 0)}Z`;
  return `M${at(-1, 0)}A${r} ${r} 0 1 0 ${at(1, 0)}A${r} ${r} 0 1 0 ${at(-1, 0)}Z`;
}

/** Creates a short piece of a line in a style, for a legend. @param {number} style @param {boolean} hasMarks */
export function lineSample(style, hasMarks) {
  const svg = svgElement("svg", { class: "sample", viewBox: "0 0 34 12", "aria-hidden": "true", "data-style": style });
  svg.append(svgElement("path", { class: "line", d: "M1 6L33 6", "stroke-dasharray": DASHES[style] }));
  if (hasMarks) svg.append(svgElement("path", { class: "marks", d: markPath(style, 17, 6, 3.5) }));
  return svg;
}

export class Chart {
  /** @param {string} stepAxis the name of the axis of steps @param {(step: number) => void} onPick */
  constructor(stepAxis, onPick) {
    this.root = svgElement("svg", { class: "chart", role: "img" });
    this.grid = svgElement("g", { class: "grid" });
    this.lines = svgElement("g");
    this.cursor = svgElement("line", { class: "cursor" });
    this.axisName = svgElement("text", { class: "axis" });
    this.axisName.textContent = stepAxis;
    this.root.append(this.grid, this.lines, this.cursor, this.axisName);
    /** @type {Map<string, {band: Element, line: Element, marks: Element}>} */
    this.drawn = new Map();
    /** @type {ChartContent|null} */
    this.content = null;
    this.gridKey = "";
    /** The step at a distance from the left edge, as wide as the chart was drawn. @type {(x: number) => number} */
    this.stepAt = () => 0;
    this.root.addEventListener("click", (event) => {
      const { left } = this.root.getBoundingClientRect();
      onPick(this.stepAt(/** @type {MouseEvent} */ (event).clientX - left));
    });
  }

  /** @param {ChartContent} content */
  show(content) {
    this.content = content;
    this.draw();
  }

  /** Draws in the room that there is; the sizes follow the type. */
  draw() {
    const { content } = this;
    const width = this.root.clientWidth;
    if (!content || !width) return;
    const em = Number.parseFloat(getComputedStyle(this.root).fontSize);
    const height = Math.round(15 * em);
    const plot = { left: 3.4 * em, right: width - 2.2 * em, top: 0.8 * em, bottom: height - 3.1 * em };
    const values = content.curves.flatMap(({ points, band }) => [
      ...points.map(([, value]) => value),
      ...(band ?? []).flatMap(([, least, most]) => [least, most]),
    ]);
    const ends = content.y ?? axisEnds(values, content.fromZero);
    const x = linear(content.x, [plot.left, plot.right]);
    const y = linear(ends, [plot.bottom, plot.top]);
    this.stepAt = linear([plot.left, plot.right], content.x);
    setAttributes(this.root, { viewBox: `0 0 ${width} ${height}`, height, "aria-label": content.label });
    this.drawGrid(content.x, ends, x, y, plot, em);
    setAttributes(this.axisName, { x: (plot.left + plot.right) / 2, y: height - 0.5 * em });
    for (const curve of content.curves) this.drawCurve(curve, x, y, em);
    const keys = new Set(content.curves.map(({ key }) => key));
    for (const [key, parts] of this.drawn) if (!keys.has(key)) this.forget(key, parts);
    const at = content.cursor === null ? -10 : x(content.cursor);
    setAttributes(this.cursor, { x1: at, x2: at, y1: plot.top, y2: plot.bottom });
  }

  /**
   * @param {[number, number]} xEnds
   * @param {[number, number]} yEnds
   * @param {(value: number) => number} x
   * @param {(value: number) => number} y
   * @param {{left: number, right: number, top: number, bottom: number}} plot
   * @param {number} em
   */
  drawGrid(xEnds, yEnds, x, y, plot, em) {
    const key = JSON.stringify([xEnds, yEnds, plot]);
    if (key === this.gridKey) return;
    this.gridKey = key;
    const text = (/** @type {Record<string, string|number>} */ attributes, /** @type {number} */ value) => {
      const node = svgElement("text", attributes);
      node.textContent = (Number.isInteger(value) ? grouped(value) : String(value)).replace("-", "−");
      return node;
    };
    const rows = ticks(...yEnds, 4).flatMap((value) => [
      svgElement("line", { x1: plot.left, x2: plot.right, y1: y(value), y2: y(value) }),
      text({ class: "y", x: plot.left - 0.6 * em, y: y(value) + 0.3 * em }, value),
    ]);
    const columns = ticks(...xEnds, Math.max(2, Math.floor((plot.right - plot.left) / (6 * em)))).map((value) =>
      text({ class: "x", x: x(value), y: plot.bottom + 1.2 * em }, value),
    );
    this.grid.replaceChildren(...rows, ...columns);
  }

  /**
   * @param {Curve} curve
   * @param {(value: number) => number} x
   * @param {(value: number) => number} y
   * @param {number} em
   */
  drawCurve({ key, style, points, band, isMuted, hasMarks }, x, y, em) {
    const parts = this.drawn.get(key) ?? this.begin(key, style);
    const point = (/** @type {number} */ step, /** @type {number} */ value) =>
      `${x(step).toFixed(1)} ${y(value).toFixed(1)}`;
    const path = (/** @type {string[]} */ corners) => (corners.length ? `M${corners.join("L")}` : "");
    const upper = (band ?? []).map(([step, , most]) => point(step, most));
    const lower = (band ?? []).map(([step, least]) => point(step, least)).reverse();
    setAttributes(parts.band, { d: path([...upper, ...lower]) });
    setAttributes(parts.line, { d: path(points.map(([step, value]) => point(step, value))) });
    const marks = hasMarks ? points.map(([step, value]) => markPath(style, x(step), y(value), 0.23 * em)) : [];
    setAttributes(parts.marks, { d: marks.join("") });
    for (const part of Object.values(parts)) part.toggleAttribute("data-muted", isMuted);
  }

  /** @param {string} key @param {number} style */
  begin(key, style) {
    const of = (/** @type {string} */ name) =>
      svgElement("path", { class: name, "data-key": key, "data-style": style });
    const parts = { band: of("band"), line: of("line"), marks: of("marks") };
    setAttributes(parts.line, { "stroke-dasharray": DASHES[style] });
    this.lines.append(parts.band, parts.line, parts.marks);
    this.drawn.set(key, parts);
    return parts;
  }

  /** @param {string} key @param {Record<string, Element>} parts */
  forget(key, parts) {
    for (const part of Object.values(parts)) part.remove();
    this.drawn.delete(key);
  }
}
