// @ts-check
/** Menus of numbered layers or heads. */
import { element } from "./dom.js";

/** Creates a menu of numbered layers or heads. @param {(index: number) => void} onChoose */
export function numberMenu(onChoose) {
  const menu = element("select", {});
  menu.addEventListener("change", () => onChoose(menu.selectedIndex));
  return menu;
}

/**
 * Fills a menu with as many numbers as there are layers or heads, and chooses one of them.
 * @param {HTMLSelectElement} menu
 * @param {number} count
 * @param {number} chosen the last is chosen if there are fewer
 * @param {string} letter before each number: L or H
 */
export function fillNumberMenu(menu, count, chosen, letter) {
  if (menu.length !== count) {
    const options = Array.from({ length: count }, (_, i) => element("option", { value: i }, `${letter}${i}`));
    menu.replaceChildren(...options);
  }
  menu.selectedIndex = Math.min(chosen, count - 1);
}
