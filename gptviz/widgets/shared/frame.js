// @ts-check
/** What every view has around its content: keys, theme, a picture of itself, refusals, waiting and a cover. */
import { button, element, setText } from "./dom.js";
import { isExported, refusalText } from "./kernel.js";
import { guardOffers } from "./offer.js";
import { savePicture } from "./picture.js";
import { followTheme } from "./theme.js";
import { sharedWords } from "./words.js";

/** @typedef {import("./kernel.js").Model} Model */
/** @typedef {import("./kernel.js").RenderProps} RenderProps */

/** Shows a view without content, with the reason. @param {RenderProps} context @returns {() => void} removes it */
function showUnfilled({ model, el }) {
  const root = element(
    "section",
    { class: "gptviz gptviz-unfilled", "aria-label": model.get("_title") },
    element("h3", {}, model.get("_title")),
    element("p", { class: "reason muted" }, sharedWords(model).common.unfilled),
  );
  return mount({ model, el }, root, () => {});
}

/**
 * Delays a view's `render` until there is something to draw. A view is created, filled and displayed by three messages;
 * on a slow machine it is displayed before it is filled, and its `_source` is 0 until then. A view that cannot be
 * filled says why.
 * @param {(context: RenderProps) => any} render returns what removes the view
 * @returns {(context: RenderProps) => any}
 */
export function whenFilled(render) {
  return (context) => {
    const { model } = context;
    if (model.get("_source")) return render(context);
    /** @type {Promise<() => void>|undefined} */
    let rendered;
    let hideReason = () => {};
    const showReason = () => {
      hideReason();
      hideReason = model.get("_is_unfilled") ? showUnfilled(context) : () => {};
    };
    const stop = () => {
      model.off("change:_source", start);
      model.off("change:_is_unfilled", showReason);
      hideReason();
    };
    const start = () => {
      stop();
      rendered = Promise.resolve(render(context));
    };
    model.on("change:_source", start);
    model.on("change:_is_unfilled", showReason);
    showReason();
    return () => {
      if (!rendered) stop();
      rendered?.then((remove) => remove());
    };
  };
}

const EDITING_KEYS = /^([acvxyz]|Backspace|Delete|Home|End|Arrow(Left|Right|Up|Down))$/i;

/**
 * Keeps keys that are pressed in a view from JupyterLab, which listens on the document: a letter typed here must not
 * insert or delete a cell. Keys with a modifier, such as those that save or run, still reach JupyterLab, unless they
 * edit the text of a field.
 * @param {HTMLElement} root
 */
function keepKeys(root) {
  root.addEventListener("keydown", (event) => {
    if (root.parentElement?.closest(".gptviz")) return; // the surrounding view may use the key, and keeps it then
    const field = /** @type {Element} */ (event.target).closest("input, textarea");
    const hasModifier = event.ctrlKey || event.metaKey || event.altKey;
    if (!hasModifier || (field && EDITING_KEYS.test(event.key))) event.stopPropagation();
  });
}

/**
 * Adds to a view what all views have: its own keys, the theme, a button that saves it as a picture, a line for refused
 * messages, a text while the model reads another prompt, and a cover while a question waits for its answer.
 * @param {Model} model
 * @param {HTMLElement} root
 * @param {() => void} [onThemeChange]
 * @param {Model} [selection] a model that the view writes to, whose refusals are shown too
 * @returns {() => void} stops all of it
 */
export function addFrame(model, root, onThemeChange, selection) {
  const { common } = sharedWords(model);
  const refused = element("p", { class: "problem refusal", role: "alert", hidden: "" });
  const save = button(common.savePicture, () => savePicture(root, root.classList[1] ?? "gptviz"), {
    class: "save-picture small muted",
    "data-no-picture": "",
  });
  const waiting = element(
    "span",
    { class: "waiting small muted", "data-no-picture": "", "aria-hidden": "true" },
    common.computing,
  );
  const coverText = element("span", {});
  const cover = element("p", { class: "cover", "data-no-picture": "" }, coverText);
  const grey = element("p", { class: "grey small muted", "data-no-picture": "" }, common.grey);
  root.append(refused, grey, save, waiting, cover);
  root.toggleAttribute("data-exported", isExported(model));
  keepKeys(root);
  guardOffers(root);
  const showWaiting = () => root.toggleAttribute("data-waiting", model.get("_waiting") === true);
  const showCover = () => {
    const [question] = model.get("_covered_by") ?? [];
    cover.hidden = question === undefined;
    if (!cover.hidden) setText(coverText, common.covered(question));
    root.toggleAttribute("data-covered", !cover.hidden);
  };
  const onMessage = (/** @type {any} */ message) => {
    if (message?.kind !== "refused") return;
    refused.textContent = refusalText(sharedWords(model), message);
    refused.hidden = false;
  };
  showWaiting();
  showCover();
  model.on("change:_waiting", showWaiting);
  model.on("change:_covered_by", showCover);
  for (const sender of [model, selection]) sender?.on("msg:custom", onMessage);
  const stopTheme = followTheme(root, onThemeChange);
  return () => {
    for (const sender of [model, selection]) sender?.off("msg:custom", onMessage);
    model.off("change:_waiting", showWaiting);
    model.off("change:_covered_by", showCover);
    stopTheme();
  };
}

/**
 * Puts a view with its frame into the page, draws it, and draws it again after each of the events and a change of
 * scale.
 * @param {Pick<RenderProps, "model"|"el">} context
 * @param {HTMLElement} root
 * @param {() => void} draw
 * @param {string} [events]
 * @returns {() => void} removes the view
 */
export function mount({ model, el }, root, draw, events = "change:_source") {
  const stopFrame = addFrame(model, root);
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

/**
 * Calls listeners at events of models until the view is removed; returns what removes it.
 * @param {{remove: () => void}} view
 * @param {...[Model, string, () => void]} listeners each with its model and the events
 */
export function listen(view, ...listeners) {
  for (const [model, events, listener] of listeners) model.on(events, listener);
  return () => {
    for (const [model, events, listener] of listeners) model.off(events, listener);
    view.remove();
  };
}

/**
 * Prepares a part of a view for questions of its own: while one waits, the part is dim and says "computing…".
 * @param {HTMLElement} part
 * @param {Model} model
 * @returns {(waiting: boolean) => void} sets whether it waits
 */
export function addWaitingMark(part, model) {
  part.classList.add("part");
  part.prepend(
    element(
      "span",
      { class: "computing small", "data-no-picture": "", "aria-hidden": "true" },
      sharedWords(model).common.computing,
    ),
  );
  return (waiting) => {
    part.toggleAttribute("data-asking", waiting);
    part.setAttribute("aria-busy", String(waiting));
  };
}

/**
 * Creates the line that shows what went wrong in a view, and the text "computing…".
 * @param {Model} model
 */
export function makeNotices(model) {
  const problem = element("p", { class: "problem", role: "alert", hidden: "" });
  const computing = element(
    "span",
    { class: "computing small", "aria-hidden": "true" },
    sharedWords(model).common.computing,
  );
  const setProblem = (/** @type {string} */ text) => {
    problem.textContent = text;
    problem.hidden = text === "";
  };
  return {
    problem,
    computing,
    /** Shows a problem; an empty text hides the line. */
    setProblem,
    /** Shows a problem and scrolls to it. @param {string} text */
    revealProblem(text) {
      setProblem(text);
      problem.scrollIntoView({ block: "nearest" });
    },
    /** Shows or hides "computing…". @param {HTMLElement} root @param {boolean} waiting */
    setWaiting(root, waiting) {
      root.toggleAttribute("data-computing", waiting);
      root.setAttribute("aria-busy", String(waiting));
    },
  };
}
