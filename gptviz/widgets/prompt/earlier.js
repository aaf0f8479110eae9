// @ts-check
/** The menu of earlier prompts, and the button that empties it. They are there as long as there are earlier prompts. */
import { button, element } from "../shared/dom.js";
import { isAnswered } from "../shared/kernel.js";
import { offer } from "../shared/offer.js";

/**
 * @typedef {{source: string, target: string}} Pair a source and its target; "" for the one that the model writes itself
 */
/** A text, the messages of a chat, or a pair. @typedef {string|import("./messages.js").Message[]|Pair} Prompt */

export class EarlierPrompts {
  /**
   * @param {import("./words.js").Words} words
   * @param {import("../shared/kernel.js").Model} model
   * @param {(prompt: Prompt) => void} run runs a prompt again
   * @param {() => void} forget empties the list
   */
  constructor(words, model, run, forget) {
    this.words = words;
    /** @type {Prompt[]} */
    this.prompts = [];
    this.menu = element("select", { "aria-label": words.earlier });
    this.menu.addEventListener("change", () => {
      if (this.menu.selectedIndex > 0) run(this.prompts[this.menu.selectedIndex - 1]);
    });
    offer(this.menu, model, "run");
    const forgetButton = button(words.forget, forget, { title: words.forgetHint });
    forgetButton.hidden = !isAnswered(model, "forget");
    this.root = element("span", { class: "earlier small" }, this.menu, " ", forgetButton);
  }

  /** @param {Prompt[]} prompts */
  show(prompts) {
    this.prompts = prompts;
    const texts = [this.words.earlier, ...prompts.map(inOneLine)];
    this.menu.replaceChildren(...texts.map((text) => element("option", {}, text)));
    this.root.hidden = prompts.length === 0;
  }
}

/** @param {Prompt} prompt */
function inOneLine(prompt) {
  if (typeof prompt === "string") return prompt;
  if (Array.isArray(prompt)) return prompt.map(({ role, content }) => `${role}: ${content}`).join(" · ");
  return prompt.target === "" ? prompt.source : `${prompt.source} → ${prompt.target}`;
}
