// @ts-check
/** Draws bands, ribbons and bundles as SVG. What is below one pixel is not drawn; the view counts it in words. */

const LANE = 16; // pixels of the lane's height, at the screen's scale
const SVG = "http://www.w3.org/2000/svg";

/** @typedef {import("./geometry.js").Geometry} Geometry */
/** @typedef {import("./geometry.js").Band} Band */
/** @typedef {import("./geometry.js").Curve} Curve */
/** What a click or the pointer is on. @typedef {{band?: Band, curve?: Curve}} Piece */

/**
 * Creates an SVG element.
 * @param {string} tag
 * @param {Record<string, string|number>} attributes
 * @returns {SVGElement}
 */
export function shape(tag, attributes) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  return node;
}

export class Drawing {
  /** @param {string} label @param {(piece: Piece|null) => void} onHover @param {(piece: Piece) => void} onClick */
  constructor(label, onHover, onClick) {
    this.root = /** @type {SVGSVGElement} */ (shape("svg", { role: "img", "aria-label": label }));
    /** @type {WeakMap<Element, Piece>} */
    this.pieces = new WeakMap();
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
    for (const [name, value] of Object.entries({ width: whole, height, viewBox: `0 0 ${whole} ${height}` })) {
      this.root.setAttribute(name, String(value));
    }
    this.root.replaceChildren();
    for (let column = 1; column < shares.columns; column += 1) {
      const x = edges[column];
      this.root.append(shape("line", { class: "border", x1: x, x2: x, y1: 0, y2: height }));
    }
    for (const { kind, base } of rows) {
      const lane = { x: 0.5, y: base - (LANE + 1) * geometry.scale, height: LANE * geometry.scale };
      if (kind === "rest") this.root.append(shape("rect", { class: "lane-line", width: whole - 1, rx: 3, ...lane }));
      if (kind === "token")
        this.root.append(shape("line", { class: "row-line", x1: 0, x2: whole, y1: base, y2: base }));
    }
    const wide = geometry.curves.filter((curve) => curve.width >= 1);
    for (const curve of wide.sort((a, b) => b.width - a.width)) {
      const attributes = { "data-share": curve.share, d: curve.path, "stroke-width": curve.width };
      // The positions of what it joins, among the drawn tokens, so that a test can tell which ribbon this is.
      const ends = {
        "data-column": curve.column,
        "data-from": rows[curve.source]?.tokens.join() ?? "",
        "data-to": rows[curve.target].tokens.join(),
      };
      const halo = shape("path", { class: "halo", d: curve.path, "stroke-width": curve.width + 1.5 });
      this.root.append(halo);
      this.add(shape("path", { class: `curve ${curve.kind}`, ...attributes, ...ends }), { curve }, isCut);
    }
    for (const band of geometry.bands.filter(({ height }) => height >= 0.5)) {
      const { x, y, width, height } = band;
      const attributes = { "data-share": band.share, x, y, width, height };
      this.add(shape("rect", { class: `band ${band.kind}`, ...attributes }), { band }, isCut);
    }
  }

  /** @param {Element} node @param {Piece} piece @param {(piece: Piece) => boolean} isCut */
  add(node, piece, isCut) {
    this.pieces.set(node, piece);
    node.toggleAttribute("data-cut", isCut(piece));
    this.root.append(node);
  }
}
