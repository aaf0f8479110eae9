// @ts-check
/** The prompt's tokens as chips to choose one from, in a few lines; every view that hangs from a token uses it. */
import { chip } from "./chips.js";
import { element } from "./dom.js";
import { scrollCue } from "./scrolling.js";

/**
 * @param {string} label @param {(position: number) => void} chosen
 * @returns {{root: HTMLElement, show: (tokens: import("./chips.js").PageToken[]) => void, mark: (position: number) => void}}
 */
export function sentence(label, chosen) {
  const root = element("ol", { class: "sentence-row", "aria-label": label });
  scrollCue(root, true);
  const buttons = () => [...root.querySelectorAll("button")];
  root.addEventListener("click", (event) => {
    const button = /** @type {Element} */ (event.target).closest("button");
    if (button) chosen(buttons().indexOf(button));
  });
  return {
    root,
    show(tokens) {
      root.replaceChildren(
        ...tokens.map((token) => element("li", {}, element("button", { type: "button" }, chip(token)))),
      );
    },
    mark(position) {
      buttons().forEach((button, i) => button.setAttribute("aria-pressed", String(i === position)));
      const item = root.children[position];
      if (item instanceof HTMLElement) root.scrollTop = item.offsetTop + 2 * item.offsetHeight - root.clientHeight; // a line below it as well
    },
  };
}
