// @ts-check
/**
 * The stack that the view shows: an encoder-decoder has three, which a menu offers, and other models have the decoder.
 */
import { element } from "./dom.js";
import { stackWords } from "./stack_words.js";
import { wordsOf } from "./words.js";

/** @typedef {import("./chips.js").PageToken} PageToken */
/** @typedef {import("./kernel.js").Model} Model */
/**
 * What a view knows of a stack. tokens: those that look. keys: those that are looked at; null for the same ones.
 * causal: whether a token sees only itself and what stands before it. heads: of the layer with the most. heads_in: of
 * each layer, 0 without attention. side, columns: cells of a thumbnail. start: of its first thumbnail. absent: layers
 * without maps.
 * @typedef {{tokens: PageToken[], keys: PageToken[]|null, causal: boolean, layers: number, heads: number,
 *   heads_in: number[], side: number, columns: number, start: number, absent: number[], opening: any}} StackAbout
 */

/** Returns the name of the stack that is shown. @param {Model} model @returns {"encoder"|"decoder"|"cross"} */
export function stackOf(model) {
  return model.get("_about").stacks ? model.get("_stack") : "decoder";
}

/** Returns what is known of the stack that is shown. @param {Model} model @returns {StackAbout} */
export function aboutOf(model) {
  const about = model.get("_about");
  return about.stacks ? about.stacks[model.get("_stack")] : about;
}

/** Returns the tokens of a stack. @param {Model} model @param {string} [stack] @returns {PageToken[]} */
export function tokensOf(model, stack = "decoder") {
  const about = model.get("_about");
  return (about.stacks?.[stack] ?? about).tokens;
}

/**
 * Returns how the stack that is shown is named in a question or an edit: not at all if it is the decoder.
 * @param {Model} model
 */
export function stackArgument(model) {
  const stack = stackOf(model);
  return stack === "decoder" ? {} : { stack };
}

/** Returns how a head is named in a question. @param {Model} model @param {number} layer @param {number} head */
export function headAddress(model, layer, head) {
  return { layer, head, ...stackArgument(model) };
}

export class StackMenu {
  /** @param {Model} model */
  constructor(model) {
    this.model = model;
    this.words = wordsOf(model, stackWords);
    this.menu = element("select", {});
    this.menu.addEventListener("change", () => {
      model.set("_stack", this.menu.value);
      model.save_changes();
    });
    this.root = element("label", { class: "stack" }, `${this.words.stack} `, this.menu);
  }

  /** Shows the stacks of the trace; no menu if there is one only. */
  show() {
    const { stacks } = this.model.get("_about");
    this.root.hidden = !stacks;
    const options = Object.keys(stacks ?? {}).map((value) =>
      element("option", { value }, this.words.stacks[/** @type {"cross"} */ (value)]),
    );
    this.menu.replaceChildren(...options);
    this.menu.value = stackOf(this.model);
  }
}
