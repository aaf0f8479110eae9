// @ts-check
/** Shows the prompt's tokens as chips in a few lines, one of which can be chosen. */
import { chip } from "./chips.js";
import { element } from "./dom.js";
import { isExported } from "./kernel.js";
import { setOffered } from "./offer.js";
import { addScrollCues } from "./scrolling.js";

/**
 * Creates the list of tokens.
 * @param {string} label
 * @param {(position: number) => void} onChoose
 * @returns {{root: HTMLElement, show: (tokens: import("./chips.js").PageToken[]) => void,
 *   mark: (position: number) => void,
 *   offer: (model: import("./kernel.js").Model, isOn: (position: number) => boolean) => void}} `offer`: in an exported
 *   page, offers the tokens for which this returns true
 */
export function makeSentence(label, onChoose) {
  const root = element("ol", { class: "sentence-row", "aria-label": label });
  addScrollCues(root, true);
  const buttons = () => [...root.querySelectorAll("button")];
  root.addEventListener("click", (event) => {
    const chosen = /** @type {Element} */ (event.target).closest("button");
    if (chosen) onChoose(buttons().indexOf(chosen));
  });
  return {
    root,
    show(tokens) {
      const items = tokens.map((token) => element("li", {}, element("button", { type: "button" }, chip(token))));
      root.replaceChildren(...items);
    },
    offer(model, isOn) {
      if (isExported(model)) buttons().forEach((button, i) => setOffered(button, model, isOn(i)));
    },
    mark(position) {
      buttons().forEach((button, i) => button.setAttribute("aria-pressed", String(i === position)));
      const item = root.children[position];
      // Scrolls far enough that the line below the chosen token is visible as well.
      if (item instanceof HTMLElement) root.scrollTop = item.offsetTop + 2 * item.offsetHeight - root.clientHeight;
    },
  };
}
