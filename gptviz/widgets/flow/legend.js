// @ts-check
/** The key to the picture: what the shapes are, how to read the widths, and what is drawn otherwise than usual. */
import { element } from "../shared/dom.js";
import { refusalText } from "../shared/kernel.js";
import { svgElement } from "../shared/svg.js";
import { sharedWords } from "../shared/words.js";
import { makeHatching } from "./drawing.js";

/** @typedef {"stream"|"attention"|"mlp"|"lane"|"cut"} Kind */

/**
 * @param {import("./words.js").Words} words
 * @param {boolean} areWeights
 * @param {boolean} hasLane whether the first token has a lane of its own
 * @returns {Node[]}
 */
export function makeLegend(words, areWeights, hasLane) {
  const { legend } = words;
  /** @type {Kind[]} */
  const drawn = areWeights ? ["attention"] : ["stream", "attention", "mlp"];
  /** @type {Kind[]} */
  const kinds = [...drawn, ...(hasLane ? /** @type {Kind[]} */ (["lane"]) : []), "cut"];
  const items = kinds.map((kind) => {
    return element("li", {}, kind === "cut" ? cutSwatch() : swatch(kind), legend[kind]);
  });
  return [element("ul", {}, ...items), element("p", { class: "small" }, areWeights ? legend.weights : legend.read)];
}

/** @param {string} kind */
function swatch(kind) {
  return element("span", { class: "swatch", "data-kind": kind, "aria-hidden": "true" });
}

/** Creates a piece of a cut band as the picture draws it. */
function cutSwatch() {
  const { defs, paint } = makeHatching();
  const root = svgElement("svg", { class: "swatch", "data-kind": "cut", "aria-hidden": "true" });
  const band = svgElement("rect", { class: "cut-band", width: "100%", height: "100%" });
  band.style.fill = paint;
  root.append(defs, band);
  return root;
}

/**
 * Returns what is drawn otherwise than usual, and why.
 * @param {import("../shared/kernel.js").Model} model
 * @param {import("./words.js").Words} words
 * @param {any} about
 * @returns {string[]}
 */
export function makeNotes(model, words, { columns, layers, tokens, refusal, byLength }) {
  const { earlier } = tokens[0];
  const pooled = refusal ? words.pooledWeights : words.pooled;
  return [
    refusal ? `${words.weightsBecause} ${refusalText(sharedWords(model), refusal)}` : "",
    layers > columns.length ? pooled(layers, columns.length) : "",
    earlier ? words.window(tokens.length - 1, earlier) : "",
    byLength > 0 ? words.byLength(byLength) : "",
  ].filter(Boolean);
}
