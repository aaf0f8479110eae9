// @ts-check
/** The prompt's tokens as a row of chips to choose one from; every view that hangs from a token uses it. */
import { chip, element, scrollCue } from "./common.js";

/**
 * @param {string} label @param {(position: number) => void} chosen
 * @returns {{root: HTMLElement, show: (tokens: import("./common.js").PageToken[]) => void, mark: (position: number) => void}}
 */
export function sentence(label, chosen) {
  const root = element("ol", { class: "sentence-row", "aria-label": label });
  scrollCue(root);
  const buttons = () => [...root.querySelectorAll("button")];
  root.addEventListener("click", (event) => {
    const button = /** @type {Element} */ (event.target).closest("button");
    if (button) chosen(buttons().indexOf(button));
  });
  return {
    root,
    show(tokens) {
      root.replaceChildren(...tokens.map((token) => element("li", {},
        element("button", { type: "button" }, chip(token)))));
    },
    mark(position) {
      buttons().forEach((button, i) => button.setAttribute("aria-pressed", String(i === position)));
      const item = root.children[position];
      if (item instanceof HTMLElement) root.scrollLeft = item.offsetLeft + item.offsetWidth - root.clientWidth;
    },
  };
}
