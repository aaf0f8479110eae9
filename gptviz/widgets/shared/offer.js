// @ts-check
/**
 * Controls whose question may have no answer in an exported page. They are turned off there, and say why on them.
 *
 * A button that is turned off keeps its place among the keys, so that its reason is read aloud; a click on it does nothing,
 * see `addFrame`.
 */
import { isAnswered } from "./kernel.js";
import { sharedWords } from "./words.js";

/**
 * Turns a control off or on, and returns it. Its title may have been set before.
 * @template {HTMLButtonElement|HTMLSelectElement} Control
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
  if (control instanceof HTMLSelectElement) control.disabled = !isOn;
  else if (isOn) control.removeAttribute("aria-disabled");
  else control.setAttribute("aria-disabled", "true");
  return control;
}

/**
 * Offers a control if its question has an answer here; without arguments, if any question of that name has one.
 * @template {HTMLButtonElement|HTMLSelectElement} Control
 * @param {Control} control
 * @param {import("./kernel.js").Model} model
 * @param {string} name
 * @param {Record<string, unknown>} [args]
 * @returns {Control}
 */
export function offer(control, model, name, args) {
  return setOffered(control, model, isAnswered(model, name, args));
}

/** Keeps clicks from the controls of a view that are turned off. @param {HTMLElement} root */
export function guardOffers(root) {
  const guard = (/** @type {MouseEvent} */ event) => {
    if (!(/** @type {Element} */ (event.target).closest("button[data-absent]"))) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  root.addEventListener("click", guard, { capture: true });
}
