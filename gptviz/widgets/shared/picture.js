// @ts-check
/**
 * Saves a view as one SVG picture: what the browser has laid out is copied box by box, with text as text.
 *
 * Boxes have their backgrounds and borders, canvases become images, and inner SVG keeps its computed colours.
 * Everything is added as nodes and attributes and written by the browser's serializer, so that no text becomes markup.
 */
import { hatchPattern } from "./hatching.js";
import { SVG, svgElement } from "./svg.js";

/** @typedef {{left: number, top: number, right: number, bottom: number}} Box in pixels of the picture */
/** @typedef {Record<string, string|number>} Attributes */
/** @typedef {HTMLInputElement|HTMLSelectElement|HTMLTextAreaElement} Control */

const PAINT = [
  "fill",
  "stroke",
  "stroke-width",
  "stroke-opacity",
  "fill-opacity",
  "opacity",
  "stroke-linecap",
  "stroke-dasharray",
];
const SIDES = ["top", "right", "bottom", "left"];
const NUMBERS = /-?[\d.e-]+/g;
// Background layers in one colour: `linear-gradient(colour, the same colour)`.
const GRADIENTS = /linear-gradient\((?:[^,(]+deg, )?(rgba?\([^)]*\))[^,]*, (rgba?\([^)]*\))[^)]*\)/g;

/** Saves a view as a file. @param {HTMLElement} root @param {string} name of the file, without its ending */
export function savePicture(root, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([pictureOf(root)], { type: "image/svg+xml" }));
  link.download = `${name}.svg`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** Returns a view as the text of an SVG file. @param {HTMLElement} root */
export function pictureOf(root) {
  const frame = root.getBoundingClientRect();
  const { width, height } = frame;
  const style = getComputedStyle(root);
  const paper = style.getPropertyValue("--gv-bg").trim() || "#ffffff";
  const hatching = hatchPattern("hatch", { fill: style.getPropertyValue("--gv-hatch-ink").trim() });
  const svg = svgElement("svg", { xmlns: SVG, width, height, viewBox: `0 0 ${width} ${height}` });
  svg.append(svgElement("defs", {}, hatching), svgElement("rect", { width, height, fill: paper }));
  new Painter(svg, frame).drawElement(root, { left: 0, top: 0, right: width, bottom: height });
  return new XMLSerializer().serializeToString(svg);
}

class Painter {
  /** @param {Element} svg @param {DOMRect} frame the place of the view in the window */
  constructor(svg, frame) {
    this.svg = svg;
    this.frame = frame;
    this.context = /** @type {CanvasRenderingContext2D} */ (document.createElement("canvas").getContext("2d"));
  }

  /** Returns a place in the window as a place in the picture. @param {DOMRect} rect @returns {Box} */
  boxOf({ left, top, right, bottom }) {
    const { frame } = this;
    return { left: left - frame.left, top: top - frame.top, right: right - frame.left, bottom: bottom - frame.top };
  }

  /** @param {string} tag @param {Attributes} attributes */
  add(tag, attributes) {
    this.svg.append(svgElement(tag, attributes));
  }

  /**
   * Draws an element with all that is in it.
   * @param {Element} node
   * @param {Box} visible the box outside of which it is cut
   */
  drawElement(node, visible) {
    const style = getComputedStyle(node);
    const box = this.boxOf(node.getBoundingClientRect());
    const isHidden = style.visibility === "hidden" || style.display === "none" || style.clipPath !== "none";
    if (isHidden || node.matches("[data-no-picture]")) return;
    if (isTurned(style) && node instanceof HTMLElement) return this.drawTurned(node, style, box);
    if (node instanceof HTMLCanvasElement || node instanceof HTMLImageElement) return this.drawImage(node, style, box);
    if (node instanceof SVGElement) return this.drawSvg(node, box);
    if (style.display !== "contents" && overlaps(box, visible)) this.drawBox(style, overlapOf(box, visible));
    if (isControl(node)) return this.drawControl(node, style, box);
    const isCut = style.overflowX !== "visible" || style.overflowY !== "visible";
    const inside = isCut ? overlapOf(visible, box) : visible;
    for (const child of node.childNodes) {
      if (child instanceof Text) this.drawText(child, style, inside);
      else if (child instanceof Element) this.drawElement(child, inside);
    }
  }

  /** Draws the background, the border and the outline of a box. @param {CSSStyleDeclaration} style @param {Box} box */
  drawBox(style, box) {
    const radius = Number.parseFloat(style.borderTopLeftRadius) || 0;
    const rect = { x: box.left, y: box.top, width: box.right - box.left, height: box.bottom - box.top, rx: radius };
    if (!isClear(style.backgroundColor)) this.add("rect", { ...rect, fill: style.backgroundColor });
    if (style.backgroundImage.includes("repeating-linear-gradient")) this.add("rect", { ...rect, fill: "url(#hatch)" });
    else this.drawBars(style, box);
    this.drawBorder(style, box, rect);
    const outline = Number.parseFloat(style.outlineWidth);
    if (style.outlineStyle !== "none" && outline > 0) {
      this.add("rect", { ...rect, fill: "none", stroke: style.outlineColor, "stroke-width": outline });
    }
  }

  /** @param {CSSStyleDeclaration} style @param {Box} box @param {Attributes} rect the same as attributes */
  drawBorder(style, { left, top, right, bottom }, rect) {
    const ends = [
      [left, top, right, top],
      [right, top, right, bottom],
      [left, bottom, right, bottom],
      [left, top, left, bottom],
    ];
    const sides = SIDES.map((side, i) => ({
      ends: ends[i],
      width: Number.parseFloat(style.getPropertyValue(`border-${side}-width`)),
      colour: style.getPropertyValue(`border-${side}-color`),
      kind: style.getPropertyValue(`border-${side}-style`),
    })).filter(({ width, kind, colour }) => width > 0 && kind !== "none" && !isClear(colour));
    if (sides.length === 4) {
      const [{ colour, width, kind }] = sides;
      const dashes = kind === "dashed" ? "3 2" : "none";
      const attributes = { stroke: colour, "stroke-width": Math.min(1.5, width), "stroke-dasharray": dashes };
      return this.add("rect", { ...rect, fill: "none", ...attributes });
    }
    for (const {
      ends: [x1, y1, x2, y2],
      colour,
      width,
    } of sides) {
      this.add("line", { x1, y1, x2, y2, stroke: colour, "stroke-width": width });
    }
  }

  /**
   * Draws bars, which are background layers of one colour with a size of their own. CSS lists the uppermost layer
   * first.
   * @param {CSSStyleDeclaration} style
   * @param {Box} box
   */
  drawBars(style, box) {
    const sizes = style.backgroundSize.split(", ");
    const layers = [...style.backgroundImage.matchAll(GRADIENTS)].map(([, first, second], i) => ({
      colour: first === second ? first : null,
      size: (sizes[i] ?? "auto").split(" "),
    }));
    for (const { colour, size } of layers.reverse()) {
      if (colour === null || size.length < 2) continue;
      const width = pixelsOf(size[0], box.right - box.left);
      const height = pixelsOf(size[1], box.bottom - box.top);
      this.add("rect", { x: box.left, y: box.bottom - height, width, height, fill: colour });
    }
  }

  /** Draws a text node line by line. @param {Text} node @param {CSSStyleDeclaration} style @param {Box} visible */
  drawText(node, style, visible) {
    const range = document.createRange();
    /** @type {{text: string, rect: DOMRect}[]} */
    const lines = [];
    for (const word of node.data.matchAll(/\S+\s*|\s+/gu)) {
      range.setStart(node, word.index);
      range.setEnd(node, word.index + word[0].length);
      const rect = range.getClientRects()[0];
      if (!rect || rect.width === 0) continue;
      const last = lines.at(-1);
      if (last && Math.abs(last.rect.top - rect.top) < 2) last.text += word[0];
      else lines.push({ text: word[0], rect });
    }
    for (const { text, rect } of lines) {
      const box = this.boxOf(rect);
      if (overlaps(box, visible)) this.drawLine(text, style, box.left, box.top);
    }
  }

  /**
   * @param {string} text
   * @param {CSSStyleDeclaration} style
   * @param {number} left
   * @param {number} top
   * @param {Element} [parent]
   */
  drawLine(text, style, left, top, parent = this.svg) {
    this.context.font = style.font;
    const attributes = {
      x: left,
      y: top + this.context.measureText(text).fontBoundingBoxAscent,
      "xml:space": "preserve",
      "font-family": style.fontFamily,
      "font-size": style.fontSize,
      "font-weight": style.fontWeight,
      fill: style.color,
    };
    parent.append(svgElement("text", attributes, text.replaceAll("\n", " ")));
  }

  /**
   * Draws a turned label: its text, turned around the middle.
   * @param {HTMLElement} node
   * @param {CSSStyleDeclaration} style
   * @param {Box} box
   */
  drawTurned(node, style, box) {
    const [a, b, c, d] = (style.transform.match(NUMBERS) ?? []).map(Number);
    const middle = `translate(${(box.left + box.right) / 2} ${(box.top + box.bottom) / 2})`;
    const corner = `translate(${-node.offsetWidth / 2} ${-node.offsetHeight / 2})`;
    const group = svgElement("g", { transform: `${middle} matrix(${a} ${b} ${c} ${d} 0 0) ${corner}` });
    const leaf = [...node.querySelectorAll("*")].find(({ childElementCount }) => childElementCount === 0) ?? node;
    this.drawLine(node.textContent ?? "", getComputedStyle(leaf), 0, 0, group);
    this.svg.append(group);
  }

  /** @param {HTMLCanvasElement|HTMLImageElement} node @param {CSSStyleDeclaration} style @param {Box} box */
  drawImage(node, style, box) {
    const isEmptyCanvas = node instanceof HTMLCanvasElement && node.width * node.height === 0;
    if (box.right <= box.left || isEmptyCanvas) return;
    this.add("image", {
      x: box.left,
      y: box.top,
      width: box.right - box.left,
      height: box.bottom - box.top,
      href: node instanceof HTMLCanvasElement ? node.toDataURL() : node.src,
      preserveAspectRatio: "none",
      "image-rendering": style.imageRendering,
    });
  }

  /** Copies inner SVG with its computed colours. @param {SVGElement} node @param {Box} box */
  drawSvg(node, box) {
    const copy = /** @type {SVGElement} */ (node.cloneNode(true));
    const [originals, copies] = [node, copy].map((root) => [root, ...root.querySelectorAll("*")]);
    originals.forEach((original, i) => {
      const style = getComputedStyle(original);
      for (const name of PAINT) copies[i].setAttribute(name, style.getPropertyValue(name));
    });
    copy.setAttribute("x", String(box.left));
    copy.setAttribute("y", String(box.top));
    copy.setAttribute("width", String(box.right - box.left));
    copy.setAttribute("height", String(box.bottom - box.top));
    this.svg.append(copy);
  }

  /** Draws the value of a control. @param {Control} node @param {CSSStyleDeclaration} style @param {Box} box */
  drawControl(node, style, box) {
    const { left, top, right, bottom } = box;
    const middle = (top + bottom) / 2;
    if (node instanceof HTMLInputElement && node.type === "range") {
      const [value, min, max] = [node.value, node.min, node.max].map(Number);
      const x = left + ((value - min) / (max - min || 1)) * (right - left);
      const track = { stroke: style.color, "stroke-opacity": "0.3", "stroke-width": 4 };
      this.add("line", { x1: left, y1: middle, x2: right, y2: middle, ...track });
      this.add("circle", { cx: x, cy: middle, r: 6, fill: style.color });
    } else if (node instanceof HTMLInputElement && node.type === "checkbox") {
      const fill = node.checked ? style.color : "none";
      this.add("rect", { x: left, y: top, width: right - left, height: bottom - top, fill, stroke: style.color });
    } else {
      const isMenu = node instanceof HTMLSelectElement;
      const text = isMenu ? (node.selectedOptions[0]?.text ?? "") : node.value || node.placeholder;
      const start = left + Number.parseFloat(style.paddingLeft) + 3;
      this.drawLine(text, style, start, middle - Number.parseFloat(style.fontSize) * 0.62);
    }
  }
}

/** @param {Element} node @returns {node is Control} */
function isControl(node) {
  return node instanceof HTMLInputElement || node instanceof HTMLSelectElement || node instanceof HTMLTextAreaElement;
}

/**
 * Returns whether a box is turned; a box that is only moved or scaled is at the position that the browser reports.
 * @param {CSSStyleDeclaration} style
 */
function isTurned({ transform }) {
  const [, b, c] = (transform.match(NUMBERS) ?? [1, 0, 0]).map(Number);
  return transform !== "none" && Math.abs(b) + Math.abs(c) > 1e-6;
}

/** @param {string} colour */
function isClear(colour) {
  return colour === "transparent" || /rgba\([^)]*, 0\)/.test(colour);
}

/** Returns a CSS size in pixels. @param {string} size @param {number} whole that a percentage refers to */
function pixelsOf(size, whole) {
  return size.endsWith("%") ? (Number.parseFloat(size) / 100) * whole : Number.parseFloat(size);
}

/** Returns whether a box can be seen within another. @param {Box} box @param {Box} visible */
function overlaps(box, visible) {
  const isBeside = box.right <= visible.left || box.left >= visible.right;
  return !isBeside && box.bottom > visible.top + 1 && box.top < visible.bottom - 1;
}

/** @param {Box} a @param {Box} b @returns {Box} */
function overlapOf(a, b) {
  return {
    left: Math.max(a.left, b.left),
    top: Math.max(a.top, b.top),
    right: Math.min(a.right, b.right),
    bottom: Math.min(a.bottom, b.bottom),
  };
}
