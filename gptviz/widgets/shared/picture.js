// @ts-check
/**
 * A view as one SVG picture: what the browser has laid out, copied box by box, text as text.
 *
 * Boxes with their grounds and borders, lines of text, canvases as images, inner SVG with its computed paint. Everything
 * is put in as nodes and attributes and written by the browser's serializer, so that no text becomes markup.
 */

const NS = "http://www.w3.org/2000/svg";
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

/** @typedef {{left: number, top: number, right: number, bottom: number}} Box */

/** @param {string} tag @param {Record<string, string|number>} attributes @param {...(Node|string)} children */
function shape(tag, attributes, ...children) {
  const node = document.createElementNS(NS, tag);
  for (const [name, value] of Object.entries(attributes))
    node.setAttribute(name, typeof value === "number" ? String(Math.round(value * 100) / 100) : value);
  node.append(...children);
  return node;
}

/** The view as the text of an SVG file. @param {HTMLElement} root */
export function pictureOf(root) {
  const frame = root.getBoundingClientRect();
  const svg = shape("svg", {
    xmlns: NS,
    width: frame.width,
    height: frame.height,
    viewBox: `0 0 ${frame.width} ${frame.height}`,
  });
  svg.append(
    shape("defs", {}, hatch(root)),
    shape("rect", { width: frame.width, height: frame.height, fill: paper(root) }),
  );
  new Painter(svg, frame).element(root, { left: 0, top: 0, right: frame.width, bottom: frame.height });
  return new XMLSerializer().serializeToString(svg);
}

/** Hand a picture over as a file. @param {HTMLElement} root @param {string} name */
export function savePicture(root, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([pictureOf(root)], { type: "image/svg+xml" }));
  link.download = `${name}.svg`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** @param {HTMLElement} root */
function paper(root) {
  return getComputedStyle(root).getPropertyValue("--gv-bg").trim() || "#ffffff";
}

/** The hatching of what is not there. @param {HTMLElement} root */
function hatch(root) {
  const ink = getComputedStyle(root).getPropertyValue("--gv-hatch-ink").trim();
  return shape(
    "pattern",
    { id: "hatch", width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
    shape("rect", { width: 1.5, height: 6, fill: ink }),
  );
}

class Painter {
  /** @param {Element} svg @param {DOMRect} frame */
  constructor(svg, frame) {
    this.svg = svg;
    this.frame = frame;
    this.pen = /** @type {CanvasRenderingContext2D} */ (document.createElement("canvas").getContext("2d"));
  }

  /** In the picture's own coordinates. @param {DOMRect} rect @returns {Box} */
  box(rect) {
    return {
      left: rect.left - this.frame.left,
      top: rect.top - this.frame.top,
      right: rect.right - this.frame.left,
      bottom: rect.bottom - this.frame.top,
    };
  }

  /** @param {Element} node @param {Box} room what of it can be seen */
  element(node, room) {
    const style = getComputedStyle(node);
    const at = this.box(node.getBoundingClientRect());
    if (
      style.visibility === "hidden" ||
      style.display === "none" ||
      style.clipPath !== "none" ||
      node.matches("[data-no-picture]")
    )
      return;
    if (isTurned(style) && node instanceof HTMLElement) return this.turned(node, style, at);
    if (node instanceof HTMLCanvasElement || node instanceof HTMLImageElement) return this.image(node, style, at);
    if (node instanceof SVGElement) return this.drawing(node, at);
    if (style.display !== "contents" && seen(at, room)) this.ground(style, overlap(at, room));
    if (node instanceof HTMLInputElement || node instanceof HTMLSelectElement || node instanceof HTMLTextAreaElement)
      return this.control(node, style, at);
    const inside = style.overflowX === "visible" && style.overflowY === "visible" ? room : overlap(room, at);
    for (const child of node.childNodes) {
      if (child instanceof Text) this.text(child, style, inside);
      else if (child instanceof Element) this.element(child, inside);
    }
  }

  /** Ground, border and outline of a box. @param {CSSStyleDeclaration} style @param {Box} at */
  ground(style, at) {
    const [width, height] = [at.right - at.left, at.bottom - at.top];
    const radius = Number.parseFloat(style.borderTopLeftRadius) || 0;
    const add = (/** @type {Record<string, string|number>} */ attributes) =>
      this.svg.append(shape("rect", { x: at.left, y: at.top, width, height, rx: radius, ...attributes }));
    if (!clear(style.backgroundColor)) add({ fill: style.backgroundColor });
    if (style.backgroundImage.includes("repeating-linear-gradient")) add({ fill: "url(#hatch)" });
    else this.bars(style, at);
    const sides = ["Top", "Right", "Bottom", "Left"].map((side) => ({
      width: Number.parseFloat(style.getPropertyValue(`border-${side.toLowerCase()}-width`)),
      colour: style.getPropertyValue(`border-${side.toLowerCase()}-color`),
      kind: style.getPropertyValue(`border-${side.toLowerCase()}-style`),
    }));
    const drawn = sides.filter((side) => side.width > 0 && side.kind !== "none" && !clear(side.colour));
    if (drawn.length === 4)
      add({
        fill: "none",
        stroke: drawn[0].colour,
        "stroke-width": Math.min(1.5, drawn[0].width),
        "stroke-dasharray": drawn[0].kind === "dashed" ? "3 2" : "none",
      });
    else if (drawn.length) {
      const ends = [
        [at.left, at.top, at.right, at.top],
        [at.right, at.top, at.right, at.bottom],
        [at.left, at.bottom, at.right, at.bottom],
        [at.left, at.top, at.left, at.bottom],
      ];
      sides.forEach((side, i) => {
        const [x1, y1, x2, y2] = ends[i];
        if (drawn.includes(side))
          this.svg.append(shape("line", { x1, y1, x2, y2, stroke: side.colour, "stroke-width": side.width }));
      });
    }
    if (style.outlineStyle !== "none" && Number.parseFloat(style.outlineWidth) > 0) {
      add({ fill: "none", stroke: style.outlineColor, "stroke-width": Number.parseFloat(style.outlineWidth) });
    }
  }

  /** Bars that are grounds of one colour with a size of their own, the last of them lowest. @param {CSSStyleDeclaration} style @param {Box} at */
  bars(style, at) {
    const colours = [
      ...style.backgroundImage.matchAll(
        /linear-gradient\((?:[^,(]+deg, )?(rgba?\([^)]*\))[^,]*, (rgba?\([^)]*\))[^)]*\)/g,
      ),
    ];
    const sizes = style.backgroundSize.split(", ");
    colours
      .map((found, i) => ({ found, size: (sizes[i] ?? "auto").split(" ") }))
      .reverse()
      .forEach(({ found, size }) => {
        if (found[1] !== found[2] || size.length < 2) return;
        const width = length(size[0], at.right - at.left);
        const height = length(size[1], at.bottom - at.top);
        this.svg.append(shape("rect", { x: at.left, y: at.bottom - height, width, height, fill: found[1] }));
      });
  }

  /** A text node, a line at a time. @param {Text} node @param {CSSStyleDeclaration} style @param {Box} room */
  text(node, style, room) {
    const range = document.createRange();
    /** @type {{text: string, rect: DOMRect}[]} */
    const lines = [];
    for (const piece of node.data.matchAll(/\S+\s*|\s+/gu)) {
      range.setStart(node, piece.index);
      range.setEnd(node, piece.index + piece[0].length);
      const rect = range.getClientRects()[0];
      if (!rect || rect.width === 0) continue;
      const last = lines.at(-1);
      if (last && Math.abs(last.rect.top - rect.top) < 2) last.text += piece[0];
      else lines.push({ text: piece[0], rect });
    }
    for (const { text, rect } of lines) {
      const at = this.box(rect);
      if (seen(at, room)) this.words(text, style, at.left, at.top);
    }
  }

  /** @param {string} text @param {CSSStyleDeclaration} style @param {number} left @param {number} top @param {Element} [into] */
  words(text, style, left, top, into = this.svg) {
    this.pen.font = style.font;
    const baseline = top + this.pen.measureText(text).fontBoundingBoxAscent;
    into.append(
      shape(
        "text",
        {
          x: left,
          y: baseline,
          "xml:space": "preserve",
          "font-family": style.fontFamily,
          "font-size": style.fontSize,
          "font-weight": style.fontWeight,
          fill: style.color,
        },
        text.replaceAll("\n", " "),
      ),
    );
  }

  /** A label that is turned: its own box about its middle. @param {HTMLElement} node @param {CSSStyleDeclaration} style @param {Box} at */
  turned(node, style, at) {
    const [a, b, c, d] = (style.transform.match(/-?[\d.e-]+/g) ?? []).map(Number);
    const middle = `translate(${(at.left + at.right) / 2} ${(at.top + at.bottom) / 2})`;
    const group = shape("g", {
      transform: `${middle} matrix(${a} ${b} ${c} ${d} 0 0) translate(${-node.offsetWidth / 2} ${-node.offsetHeight / 2})`,
    });
    const leaf = [...node.querySelectorAll("*")].find((one) => one.childElementCount === 0) ?? node;
    this.words(node.textContent ?? "", getComputedStyle(leaf), 0, 0, group);
    this.svg.append(group);
  }

  /** @param {HTMLCanvasElement|HTMLImageElement} node @param {CSSStyleDeclaration} style @param {Box} at */
  image(node, style, at) {
    const href = node instanceof HTMLCanvasElement ? node.toDataURL() : node.src;
    if (at.right <= at.left || (node instanceof HTMLCanvasElement && node.width * node.height === 0)) return;
    this.svg.append(
      shape("image", {
        x: at.left,
        y: at.top,
        width: at.right - at.left,
        height: at.bottom - at.top,
        href,
        preserveAspectRatio: "none",
        "image-rendering": style.imageRendering,
      }),
    );
  }

  /** @param {SVGElement} node @param {Box} at */
  drawing(node, at) {
    const copy = /** @type {SVGElement} */ (node.cloneNode(true));
    const [originals, copies] = [node, copy].map((one) => [one, ...one.querySelectorAll("*")]);
    originals.forEach((original, i) => {
      const style = getComputedStyle(original);
      for (const name of PAINT) copies[i].setAttribute(name, style.getPropertyValue(name));
    });
    for (const [name, value] of Object.entries({
      x: at.left,
      y: at.top,
      width: at.right - at.left,
      height: at.bottom - at.top,
    }))
      copy.setAttribute(name, String(value));
    this.svg.append(copy);
  }

  /** What a control says. @param {HTMLInputElement|HTMLSelectElement|HTMLTextAreaElement} node @param {CSSStyleDeclaration} style @param {Box} at */
  control(node, style, at) {
    const middle = (at.top + at.bottom) / 2;
    if (node instanceof HTMLInputElement && node.type === "range") {
      const share = (Number(node.value) - Number(node.min)) / (Number(node.max) - Number(node.min) || 1);
      const x = at.left + share * (at.right - at.left);
      this.svg.append(
        shape("line", {
          x1: at.left,
          y1: middle,
          x2: at.right,
          y2: middle,
          stroke: style.color,
          "stroke-opacity": "0.3",
          "stroke-width": 4,
        }),
        shape("circle", { cx: x, cy: middle, r: 6, fill: style.color }),
      );
    } else if (node instanceof HTMLInputElement && node.type === "checkbox") {
      this.svg.append(
        shape("rect", {
          x: at.left,
          y: at.top,
          width: at.right - at.left,
          height: at.bottom - at.top,
          fill: node.checked ? style.color : "none",
          stroke: style.color,
        }),
      );
    } else {
      const said =
        node instanceof HTMLSelectElement ? (node.selectedOptions[0]?.text ?? "") : node.value || node.placeholder;
      this.words(
        said,
        style,
        at.left + Number.parseFloat(style.paddingLeft) + 3,
        middle - Number.parseFloat(style.fontSize) * 0.62,
      );
    }
  }
}

/** Shifted and scaled boxes are where the browser says; turned ones are not. @param {CSSStyleDeclaration} style */
function isTurned({ transform }) {
  const [, b, c] = (transform.match(/-?[\d.e-]+/g) ?? [1, 0, 0]).map(Number);
  return transform !== "none" && Math.abs(b) + Math.abs(c) > 1e-6;
}

/** @param {string} colour */
function clear(colour) {
  return colour === "transparent" || /rgba\([^)]*, 0\)/.test(colour);
}

/** @param {string} size @param {number} whole */
function length(size, whole) {
  return size.endsWith("%") ? (Number.parseFloat(size) / 100) * whole : Number.parseFloat(size);
}

/** @param {Box} at @param {Box} room */
function seen(at, room) {
  return at.right > room.left && at.left < room.right && at.bottom > room.top + 1 && at.top < room.bottom - 1;
}

/** @param {Box} a @param {Box} b @returns {Box} */
function overlap(a, b) {
  return {
    left: Math.max(a.left, b.left),
    top: Math.max(a.top, b.top),
    right: Math.min(a.right, b.right),
    bottom: Math.min(a.bottom, b.bottom),
  };
}
