// @ts-check
/** What every view has around its content: keys, theme, a button for a picture, problems, waiting and a cover. */
import { element, setText } from "./dom.js";
import { toldIn } from "./kernel.js";
import { savePicture } from "./picture.js";
import { followTheme } from "./theme.js";
import { sharedWords } from "./words.js";

/** @typedef {import("./kernel.js").Model} Model */

/**
 * A view's `render`, put off until there is something to draw. A view is made, filled and shown in three messages; on a
 * slow machine it is shown first, and `_source` is 0 until it has been filled.
 * @template {{model: Model}} C @param {(context: C) => any} render @returns {(context: C) => any}
 */
export function whenFilled(render) {
  return (context) => {
    const { model } = context;
    if (model.get("_source")) return render(context);
    /** @type {Promise<() => void>|undefined} */
    let drawn;
    const begin = () => {
      model.off("change:_source", begin);
      drawn = Promise.resolve(render(context));
    };
    model.on("change:_source", begin);
    return () => {
      model.off("change:_source", begin);
      drawn?.then((remove) => remove());
    };
  };
}

const EDITS_TEXT = /^([acvxyz]|Backspace|Delete|Home|End|Arrow(Left|Right|Up|Down))$/i;

/**
 * Keys are the view's own, so that a letter typed here does nothing to the notebook's cells: JupyterLab listens on the
 * document. What is pressed together with a modifier, to save or to run, is JupyterLab's, unless it edits text in a field.
 * @param {HTMLElement} root
 */
function keepKeys(root) {
  root.addEventListener("keydown", (event) => {
    if (root.parentElement?.closest(".gptviz")) return; // the view around it may have a use for the key
    const field = /** @type {Element} */ (event.target).closest("input, textarea");
    const together = event.ctrlKey || event.metaKey || event.altKey;
    if (!together || (field && EDITS_TEXT.test(event.key))) event.stopPropagation();
  });
}

/**
 * What every view has around what it shows: keys of its own, its theme, a button that saves it as a picture, a line for what the
 * kernel refused without having been asked, a word while the prompt that it follows is being read, and a cover while a
 * question waits for what the view would tell.
 * @param {Model} model @param {HTMLElement} root @param {() => void} [changed] the theme @param {Model} [selection] a model that
 * the view writes to, whose refusals it shows too @returns {() => void} stop
 */
export function frame(model, root, changed, selection) {
  const refusal = element("p", { class: "problem refusal", role: "alert", hidden: "" });
  const save = element(
    "button",
    { type: "button", class: "save-picture small muted", "data-no-picture": "" },
    sharedWords(model).common.savePicture,
  );
  save.addEventListener("click", () => savePicture(root, root.classList[1] ?? "gptviz"));
  const waiting = element(
    "span",
    { class: "waiting small muted", "data-no-picture": "", "aria-hidden": "true" },
    sharedWords(model).common.computing,
  );
  const waitsFor = element("span", {});
  const cover = element("p", { class: "cover", "data-no-picture": "" }, waitsFor);
  root.append(refusal, save, waiting, cover);
  keepKeys(root);
  const showWaiting = () => root.toggleAttribute("data-waiting", model.get("_waiting") === true);
  showWaiting();
  model.on("change:_waiting", showWaiting);
  const showCover = () => {
    const [question] = model.get("_covered_by") ?? [];
    cover.hidden = question === undefined;
    if (!cover.hidden) setText(waitsFor, sharedWords(model).common.covered(question));
    root.toggleAttribute("data-covered", !cover.hidden);
  };
  showCover();
  model.on("change:_covered_by", showCover);
  const hear = (/** @type {any} */ message) => {
    if (message?.kind !== "refused") return;
    refusal.textContent = toldIn(sharedWords(model), message);
    refusal.hidden = false;
  };
  for (const one of [model, selection]) one?.on("msg:custom", hear);
  const stopTheme = followTheme(root, changed);
  return () => {
    for (const one of [model, selection]) one?.off("msg:custom", hear);
    model.off("change:_waiting", showWaiting);
    model.off("change:_covered_by", showCover);
    stopTheme();
  };
}

/**
 * Puts a view with its frame into the page. Draws it now, and again after each of the events and after a change of scale.
 * @param {{model: Model, el: HTMLElement}} context
 * @param {HTMLElement} root
 * @param {() => void} draw
 * @param {string} [events]
 * @returns {() => void} removes the view
 */
export function mount({ model, el }, root, draw, events = "change:_source") {
  const stopFrame = frame(model, root);
  const redraw = () => {
    root.dataset.scale = model.get("scale");
    draw();
  };
  model.on(`${events} change:scale`, redraw);
  redraw();
  el.append(root);
  return () => {
    model.off(`${events} change:scale`, redraw);
    stopFrame();
    root.remove();
  };
}

/** A part of a view that is asked for by itself: while it waits, it says so and its old numbers are dim.
 * @param {HTMLElement} part @param {Model} model @returns {(on: boolean) => void} */
export function waits(part, model) {
  part.classList.add("part");
  part.prepend(
    element(
      "span",
      { class: "computing small", "data-no-picture": "", "aria-hidden": "true" },
      sharedWords(model).common.computing,
    ),
  );
  return (on) => {
    part.toggleAttribute("data-asking", on);
    part.setAttribute("aria-busy", String(on));
  };
}

/** The line in which a view says what went wrong, and the word for waiting.
 * @param {Model} model */
export function notices(model) {
  const problem = element("p", { class: "problem", role: "alert", hidden: "" });
  const computing = element(
    "span",
    { class: "computing small", "aria-hidden": "true" },
    sharedWords(model).common.computing,
  );
  return {
    problem,
    computing,
    /** @param {HTMLElement} root @param {boolean} on */
    wait(root, on) {
      root.toggleAttribute("data-computing", on);
      root.setAttribute("aria-busy", String(on));
    },
    /** @param {string} text */
    say(text) {
      problem.textContent = text;
      problem.hidden = text === "";
    },
  };
}
