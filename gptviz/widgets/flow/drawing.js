// @ts-check
/**
 * Draws bands, ribbons and bundles as SVG. What is below one pixel is not drawn; the view counts it in words. What is
 * cut is hatched, on paper of its own.
 */
import { hatchPattern, uniqueHatchId } from "../shared/hatching.js";
import { setAttributes, svgElement } from "../shared/svg.js";

const LANE = 16; // pixels of the lane's height, at the screen's scale
const EDGED = 5; // pixels from which a hatched ribbon has edges
const SEAM = 0.8; // pixels between the parts of two heads
const OUTLINE = 0.8; // pixels
export const OUTLINED = 3; // pixels of the lowest MLP with an outline: around a lower one it looks like a notch

/** @typedef {import("./geometry.js").Geometry} Geometry */
/** @typedef {import("./geometry.js").Band} Band */
/** @typedef {import("./geometry.js").Curve} Curve */
/** @typedef {{head: number, node: SVGElement, paper: SVGElement}} HeadPart */
/**
 * What a click or the pointer is on: a piece, or the lane of the first token.
 * @typedef {{band?: Band, curve?: Curve, isLane?: boolean}} Piece
 */

/** Creates the definition of the hatching of cuts, and what paints with it. */
export function makeHatching() {
  const id = uniqueHatchId();
  const defs = svgElement("defs", {}, hatchPattern(id, { class: "hatching" }));
  return { defs, paint: `url("#${id}")` };
}

export class Drawing {
  /** @param {string} label @param {(piece: Piece|null) => void} onHover @param {(piece: Piece) => void} onClick */
  constructor(label, onHover, onClick) {
    this.root = /** @type {SVGSVGElement} */ (svgElement("svg", { role: "img", "aria-label": label }));
    this.hatching = makeHatching();
    /** @type {WeakMap<Element, Piece>} */
    this.pieces = new WeakMap();
    /** What is drawn of heads of an open block, each with the paper that leaves an outline of it. @type {HeadPart[]} */
    this.headParts = [];
    const pieceAt = (/** @type {Event} */ event) => this.pieces.get(/** @type {Element} */ (event.target)) ?? null;
    this.root.addEventListener("pointerover", (event) => onHover(pieceAt(event)));
    this.root.addEventListener("pointerleave", () => onHover(null));
    this.root.addEventListener("click", (event) => {
      const piece = pieceAt(event);
      if (piece) onClick(piece);
    });
  }

  /**
   * @param {Geometry} geometry
   * @param {number} height
   * @param {(piece: Piece) => boolean} isCut
   */
  draw(geometry, height, isCut) {
    const { shares, rows, edges } = geometry;
    const whole = edges[shares.columns];
    setAttributes(this.root, { width: whole, height, viewBox: `0 0 ${whole} ${height}` });
    this.root.replaceChildren(this.hatching.defs);
    this.headParts = [];
    for (let column = 1; column < shares.columns; column += 1) {
      const x = edges[column];
      this.put("line", { class: "border", x1: x, x2: x, y1: 0, y2: height });
    }
    for (const { kind, base } of rows) {
      const lane = { x: 1, width: whole - 2, y: base - (LANE + 1) * geometry.scale, height: LANE * geometry.scale };
      if (kind === "rest") this.pieces.set(this.put("rect", { class: "lane-line", rx: 3, ...lane }), { isLane: true });
      if (kind === "token") this.put("line", { class: "row-line", x1: 0, x2: whole, y1: base, y2: base });
    }
    const wide = geometry.curves.filter(({ whole }) => whole >= 1);
    for (const curve of wide.sort((a, b) => b.whole - a.whole)) this.drawCurve(curve, rows, isCut({ curve }));
    for (const band of geometry.bands.filter(({ height }) => height >= 0.5)) this.drawBand(band, isCut({ band }));
  }

  /** @param {Curve} curve @param {import("./rows.js").Row[]} rows @param {boolean} isCut */
  drawCurve(curve, rows, isCut) {
    const { path: d, width, head } = curve;
    if (curve.halo) this.put("path", { class: "halo", d: curve.halo, "stroke-width": curve.whole + 1.5 });
    if (isCut && width >= EDGED) {
      this.put("path", { class: "cut-edge", d, "stroke-width": width });
      this.put("path", { class: "halo", d, "stroke-width": width - 2 });
    }
    const node = this.put("path", {
      class: `curve ${curve.kind}`,
      d,
      "stroke-width": width,
      "data-share": String(curve.share), // with all its digits
      // The positions of what it joins, among the drawn tokens, so that a test can tell which ribbon this is.
      "data-column": curve.column,
      "data-from": rows[curve.source]?.tokens.join() ?? "",
      "data-to": rows[curve.target].tokens.join(),
      ...(head === null ? {} : { "data-head": head }),
    });
    this.pieces.set(node, { curve });
    if (isCut) this.hatch(node, "stroke");
    if (head !== null) {
      const paper = this.put("path", { class: "halo", d, "stroke-width": Math.max(0, width - 2 * OUTLINE) });
      this.headParts.push({ head, node, paper });
    }
    if (curve.seam) this.put("path", { class: "halo", d: curve.seam, "stroke-width": SEAM });
  }

  /**
   * Draws the parts of one head in full and those of the others as outlines; null draws all in full.
   * @param {number|null} head
   */
  follow(head) {
    for (const part of this.headParts) {
      const isOutline = head !== null && part.head !== head;
      part.node.toggleAttribute("data-outline", isOutline);
      part.paper.style.display = isOutline && !part.node.hasAttribute("data-cut") ? "" : "none";
    }
  }

  /** @param {Band} band @param {boolean} isCut */
  drawBand(band, isCut) {
    const { x, y, width, height, kind, share } = band;
    const rect = { x, y, width, height };
    if (isCut) this.put("rect", { class: "paper", ...rect });
    const node = this.put("rect", { class: `band ${kind}`, ...rect, "data-share": String(share) });
    if (height < OUTLINED) node.setAttribute("data-thin", "");
    this.pieces.set(node, { band });
    if (isCut) this.hatch(node, "fill");
  }

  /** @param {SVGElement} node @param {"fill"|"stroke"} paint */
  hatch(node, paint) {
    node.setAttribute("data-cut", "");
    node.style[paint] = this.hatching.paint;
  }

  /** Adds a shape. @param {string} tag @param {Record<string, string|number>} attributes */
  put(tag, attributes) {
    const node = svgElement(tag, attributes);
    this.root.append(node);
    return node;
  }
}
