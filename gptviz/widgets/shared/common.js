// @ts-check
/**
 * What all views share: elements and chips, numbers as text, bytes as arrays, colours by theme, and `ask`.
 *
 * Text from users and tokens only ever becomes text nodes. A view never knows who answers `ask`: a kernel, or the data
 * that travelled with an exported page.
 */

import { savePicture } from "./picture.js";
import { wordsOf } from "./words.js";

const MARKS = { " ": "␣", "\n": "⏎", "\t": "⇥" };

/** @typedef {{id: number, text: string, bytes?: string|null, position?: number, special?: boolean}} PageToken */

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, unknown>} [attributes]
 * @param {...(Node|string)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  node.append(...children);
  return node;
}

/** @param {Node} node @param {string} text */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// Characters that would be invisible, or would reorder their neighbours, are named instead of drawn.
const UNSEEN = /[\p{Cc}\u00a0\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/u;

/** A token's text in pieces: what is drawn as it is, and marks for what cannot be seen. @param {string} text
 * @returns {{text: string, mark: boolean}[]} */
export function visible(text) {
  /** @type {{text: string, mark: boolean}[]} */
  const pieces = [];
  for (const character of text) {
    const code = /** @type {number} */ (character.codePointAt(0)).toString(16).toUpperCase().padStart(4, "0");
    const mark = MARKS[/** @type {" "} */ (character)] ?? (UNSEEN.test(character) ? `U+${code}` : null);
    const last = pieces.at(-1);
    if (mark === null && last && !last.mark) last.text += character;
    else pieces.push({ text: mark ?? character, mark: mark !== null });
  }
  return pieces;
}

/** The text of a chip as plain text. @param {PageToken} token */
export function chipText(token) {
  return (
    token.bytes ??
    visible(token.text)
      .map(({ text }) => text)
      .join("")
  );
}

/** A token: hairline border, white space visible, bytes where it is no whole character. @param {PageToken} token */
export function chip(token) {
  const node = element("span", { class: "chip" });
  if (token.special) node.dataset.special = "";
  if (token.bytes) {
    node.dataset.broken = "";
    node.append(token.bytes);
  } else {
    node.append(...visible(token.text).map(({ text, mark }) => (mark ? element("i", {}, text) : text)));
  }
  return node;
}

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

/** What the bars of shares are read by, above them. */
export function percentAxis() {
  return element(
    "span",
    { class: "axis", "aria-hidden": "true" },
    ...["0", "50", "100 %"].map((tick) => element("i", {}, tick)),
  );
}

/** A weight between 0 and 1. @param {number} w */
export function weight(w) {
  if (w === 0) return "0";
  return w < 0.0005 ? "<0.001" : w.toFixed(3);
}

/** @param {DataView} view @returns {Float32Array} */
export function float32(view) {
  return new Float32Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
}

/** @param {DataView} view @returns {Uint8Array} */
export function uint8(view) {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

/** @param {{dtype: string, shape: number[]}} header @param {DataView} view */
function typedArray(header, view) {
  const raw = view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength);
  if (header.dtype === "float32") return new Float32Array(raw);
  if (header.dtype === "int32") return new Int32Array(raw);
  return new Uint8Array(raw);
}

/** Let the ends of what is scrolled sideways, or down, fade where it goes on. @param {HTMLElement} box @param {boolean} [down] */
export function scrollCue(box, down = false) {
  const tell = () => {
    const [from, seen, all] = down
      ? [box.scrollTop, box.clientHeight, box.scrollHeight]
      : [box.scrollLeft, box.clientWidth, box.scrollWidth];
    box.toggleAttribute(down ? "data-above" : "data-before", from > 1);
    box.toggleAttribute(down ? "data-below" : "data-after", from + seen < all - 1);
  };
  box.addEventListener("scroll", tell, { passive: true });
  new ResizeObserver(tell).observe(box);
  new MutationObserver(tell).observe(box, { childList: true, subtree: true });
}

/** The height that a view has where it is presented; without end elsewhere. @param {HTMLElement} root */
export function roomOf(root) {
  return Number.parseFloat(getComputedStyle(root).getPropertyValue("--gv-room")) || Infinity;
}

/** A refusal in the words of the view's language; one without a code is told as the kernel words it.
 * @param {import("./words.js").Words} words @param {{error: string, code?: string, facts?: any, absent?: boolean}} refusal */
export function toldIn({ common, errors }, { error, code, facts, absent }) {
  const say = /** @type {Record<string, (facts: any) => string>} */ (errors.known)[code ?? ""];
  return absent ? common.absent : say ? say(facts) : errors.other(error);
}

let questions = 0;

/**
 * Ask whoever answers for this model. Arrays come back typed, with their shape.
 * @param {any} model @param {string} name @param {Record<string, unknown>} args
 * @returns {Promise<any>} the value, or {data, shape} for an array
 */
export function ask(model, name, args) {
  const id = ++questions;
  return new Promise((resolve, reject) => {
    const hear = (/** @type {any} */ message, /** @type {DataView[]} */ buffers) => {
      if (message?.kind !== "answer" || message.id !== id) return;
      model.off("msg:custom", hear);
      if (message.error)
        reject(Object.assign(new Error(toldIn(wordsOf(model), message)), { absent: message.absent === true }));
      else if (message.array) resolve({ data: typedArray(message.array, buffers[0]), shape: message.array.shape });
      else resolve(message.value);
    };
    model.on("msg:custom", hear);
    model.send({ kind: "ask", id, name, args });
  });
}

/** At most one question under way, and only the newest waiting: what was overtaken is never answered. */
export class Lane {
  constructor() {
    this.busy = false;
    /** @type {(() => Promise<void>)|null} */
    this.waiting = null;
  }

  /** @template T @param {() => Promise<T>} question @param {(answer: T) => void} use @param {(error: Error) => void} fail */
  ask(question, use, fail) {
    this.waiting = async () => {
      try {
        const answer = await question();
        if (!this.waiting) use(answer);
      } catch (error) {
        if (!this.waiting) fail(/** @type {Error} */ (error));
      }
    };
    this.next();
  }

  async next() {
    if (this.busy || !this.waiting) return;
    const now = this.waiting;
    this.waiting = null;
    this.busy = true;
    await now();
    this.busy = false;
    this.next();
  }
}

/** Whether the page is dark: JupyterLab says so on its body, elsewhere the system does. */
export function isDark() {
  const said = document.body.dataset.jpThemeLight;
  return said === undefined ? matchMedia("(prefers-color-scheme: dark)").matches : said === "false";
}

/** Keep `data-theme` on the view, and call back when it changes. @param {HTMLElement} root @param {() => void} [changed]
 * @returns {() => void} stop */
function followTheme(root, changed) {
  const apply = () => {
    const theme = isDark() ? "dark" : "light";
    if (root.dataset.theme === theme) return;
    root.dataset.theme = theme;
    changed?.();
  };
  root.dataset.theme = isDark() ? "dark" : "light";
  const observer = new MutationObserver(apply);
  observer.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light"] });
  const media = matchMedia("(prefers-color-scheme: dark)");
  media.addEventListener("change", apply);
  return () => {
    observer.disconnect();
    media.removeEventListener("change", apply);
  };
}

/**
 * A view's `render`, put off until there is something to draw. A view is made, filled and shown in three messages; on a
 * slow machine it is shown first, and `_source` is 0 until it has been filled.
 * @template {{model: any}} C @param {(context: C) => any} render @returns {(context: C) => any}
 */
export function whenFilled(render) {
  return (context) => {
    const { model } = context;
    if (model.get("_source")) return render(context);
    /** @type {Promise<() => void>|undefined} */
    let drawn;
    const begin = () => {
      model.off("change:_source", begin);
      drawn = Promise.resolve(render(context));
    };
    model.on("change:_source", begin);
    return () => {
      model.off("change:_source", begin);
      drawn?.then((remove) => remove());
    };
  };
}

const EDITS_TEXT = /^([acvxyz]|Backspace|Delete|Home|End|Arrow(Left|Right|Up|Down))$/i;

/**
 * Keys are the view's own, so that a letter typed here does nothing to the notebook's cells: JupyterLab listens on the
 * document. What is pressed together with a modifier, to save or to run, is JupyterLab's, unless it edits text in a field.
 * @param {HTMLElement} root
 */
function keepKeys(root) {
  root.addEventListener("keydown", (event) => {
    if (root.parentElement?.closest(".gptviz")) return; // the view around it may have a use for the key
    const field = /** @type {Element} */ (event.target).closest("input, textarea");
    const together = event.ctrlKey || event.metaKey || event.altKey;
    if (!together || (field && EDITS_TEXT.test(event.key))) event.stopPropagation();
  });
}

/**
 * What every view has around what it shows: keys of its own, its theme, a button that saves it as a picture, a line for what the
 * kernel refused without having been asked, a word while the prompt that it follows is being read, and a cover while a
 * question waits for what the view would tell.
 * @param {any} model @param {HTMLElement} root @param {() => void} [changed] the theme @param {any} [selection] a model that
 * the view writes to, whose refusals it shows too @returns {() => void} stop
 */
export function frame(model, root, changed, selection) {
  const refusal = element("p", { class: "problem refusal", role: "alert", hidden: "" });
  const save = element(
    "button",
    { type: "button", class: "save-picture small muted", "data-no-picture": "" },
    wordsOf(model).common.savePicture,
  );
  save.addEventListener("click", () => savePicture(root, root.classList[1] ?? "gptviz"));
  const waiting = element(
    "span",
    { class: "waiting small muted", "data-no-picture": "", "aria-hidden": "true" },
    wordsOf(model).common.computing,
  );
  const waitsFor = element("span", {});
  const cover = element("p", { class: "cover", "data-no-picture": "" }, waitsFor);
  root.append(refusal, save, waiting, cover);
  keepKeys(root);
  const showWaiting = () => root.toggleAttribute("data-waiting", model.get("_waiting") === true);
  showWaiting();
  model.on("change:_waiting", showWaiting);
  const showCover = () => {
    const [question] = model.get("_covered_by") ?? [];
    cover.hidden = question === undefined;
    if (!cover.hidden) setText(waitsFor, wordsOf(model).common.covered(question));
    root.toggleAttribute("data-covered", !cover.hidden);
  };
  showCover();
  model.on("change:_covered_by", showCover);
  const hear = (/** @type {any} */ message) => {
    if (message?.kind !== "refused") return;
    refusal.textContent = toldIn(wordsOf(model), message);
    refusal.hidden = false;
  };
  for (const one of [model, selection]) one?.on("msg:custom", hear);
  const stopTheme = followTheme(root, changed);
  return () => {
    for (const one of [model, selection]) one?.off("msg:custom", hear);
    model.off("change:_waiting", showWaiting);
    model.off("change:_covered_by", showCover);
    stopTheme();
  };
}

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
    const at = (i / 255) * last,
      low = Math.min(last - 1, Math.floor(at)),
      share = at - low;
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

/** A part of a view that is asked for by itself: while it waits, it says so and its old numbers are dim.
 * @param {HTMLElement} part @param {import("./words.js").Words} words @returns {(on: boolean) => void} */
export function waits(part, words) {
  part.classList.add("part");
  part.prepend(
    element("span", { class: "computing small", "data-no-picture": "", "aria-hidden": "true" }, words.common.computing),
  );
  return (on) => {
    part.toggleAttribute("data-asking", on);
    part.setAttribute("aria-busy", String(on));
  };
}

/** What colours mean, from left to right. @param {HTMLCanvasElement} canvas 128 pixels wide, one high @param {number[][]} table 256 colours */
export function colourBar(canvas, table) {
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  table.forEach(([r, g, b], i) => {
    pen.fillStyle = `rgb(${r} ${g} ${b})`;
    pen.fillRect(i / 2, 0, 1, 1);
  });
}

/** The same act, done once for all that changes together: a head is a layer and a number. @param {() => void} act */
export function together(act) {
  let due = false;
  return () => {
    if (!due)
      queueMicrotask(() => {
        due = false;
        act();
      });
    due = true;
  };
}

/** The line in which a view says what went wrong, and the word for waiting.
 * @param {import("./words.js").Words} words */
export function notices(words) {
  const problem = element("p", { class: "problem", role: "alert", hidden: "" });
  const computing = element("span", { class: "computing small", "aria-hidden": "true" }, words.common.computing);
  return {
    problem,
    computing,
    /** @param {HTMLElement} root @param {boolean} on */
    wait(root, on) {
      root.toggleAttribute("data-computing", on);
      root.setAttribute("aria-busy", String(on));
    },
    /** @param {string} text */
    say(text) {
      problem.textContent = text;
      problem.hidden = text === "";
    },
  };
}
