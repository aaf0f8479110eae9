// @ts-check
/**
 * Controls whose question may have no answer in an exported page. They are turned off there, and say why on them.
 *
 * A button that is turned off keeps its place among the keys, so that its reason is read aloud; a click on it does
 * nothing, see `addFrame`, which also says below the view what grey controls need.
 */
import { isAnswered } from "./kernel.js";
import { sharedWords } from "./words.js";

/**
 * Turns a control off or on, and returns it. Its title may have been set before.
 * @template {HTMLElement} Control
 * @param {Control} control
 * @param {import("./kernel.js").Model} model
 * @param {boolean} isOn
 * @returns {Control}
 */
export function setOffered(control, model, isOn) {
  const { absent } = sharedWords(model).common;
  const title = control.title.replace(absent, "").trim();
  control.title = isOn ? title : `${title}\n${absent}`.trim();
  control.toggleAttribute("data-absent", !isOn);
  if (control instanceof HTMLSelectElement || control instanceof HTMLOptionElement) control.disabled = !isOn;
  else if (isOn) control.removeAttribute("aria-disabled");
  else control.setAttribute("aria-disabled", "true");
  return control;
}

/**
 * Offers a control if its question has an answer here; without arguments, if any question of that name has one.
 * @template {HTMLElement} Control
 * @param {Control} control
 * @param {import("./kernel.js").Model} model
 * @param {string} name
 * @param {Record<string, unknown>} [args]
 * @returns {Control}
 */
export function offer(control, model, name, args) {
  return setOffered(control, model, isAnswered(model, name, args));
}

/**
 * Offers the options of a menu for which this returns true; the chosen one stays on.
 * @param {HTMLSelectElement} menu
 * @param {import("./kernel.js").Model} model
 * @param {(index: number) => boolean} isOn
 */
export function offerOptions(menu, model, isOn) {
  for (const option of menu.options) setOffered(option, model, option.selected || isOn(option.index));
}

/** Keeps clicks from the controls of a view that are turned off. @param {HTMLElement} root */
export function guardOffers(root) {
  const guard = (/** @type {MouseEvent} */ event) => {
    if (!(/** @type {Element} */ (event.target).closest("[data-absent]:is(button, summary)"))) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  root.addEventListener("click", guard, { capture: true });
}
