// @ts-check
/** The key to the picture: what the shapes are, and how to read the widths. */
import { element } from "../shared/dom.js";

/** @param {import("./words.js").Words} words @param {boolean} areWeights @returns {Node[]} */
export function makeLegend(words, areWeights) {
  const { legend } = words;
  const kinds = /** @type {("stream"|"attention"|"mlp"|"cut")[]} */ (
    areWeights ? ["attention", "cut"] : ["stream", "attention", "mlp", "cut"]
  );
  const items = kinds.map((kind) => {
    const swatch = element("span", { class: "swatch", "data-kind": kind, "aria-hidden": "true" });
    return element("li", {}, swatch, legend[kind]);
  });
  return [element("ul", {}, ...items), element("p", { class: "small" }, areWeights ? legend.weights : legend.read)];
}
