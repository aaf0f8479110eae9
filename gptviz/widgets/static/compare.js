// @ts-check
/** Two traces side by side: the views that show them, in two columns. Not here: what the views draw. */
import { element, frame, whenFilled } from "./common.js";
import { wordsOf } from "./words.js";

/** @typedef {{traces: {model: string, text: string, tokens: number}[], linked: boolean}} CompareAbout */

/** @param {{model: any, el: HTMLElement, host: any}} context */
async function render({ model, el, host }) {
  const words = wordsOf(model).compare;
  /** @type {{maps: string[], benches: string[]}} */
  const children = model.get("_children");
  /** @type {CompareAbout} */
  const { traces, linked } = model.get("_about");
  const columns = traces.map(({ model: name, text, tokens }) => element("div", { class: "side" },
    element("p", { class: "text" }, text), element("p", { class: "muted small" }, words.reads(name, tokens))));
  const benches = children.benches.map(() => element("div", { class: "side" }));
  const root = element("section", { class: "gptviz gptviz-compare", "aria-label": words.title },
    element("header", {}, element("h3", {}, words.title), element("p", { class: "muted" }, linked ? words.linked : words.apart)),
    element("div", { class: "sides" }, ...columns),
    element("h4", {}, benches.length === 1 ? words.next : words.nextApart), element("div", { class: "sides benches" }, ...benches));
  const stopFrame = frame(model, root);
  const show = () => {
    root.dataset.scale = model.get("scale");
  };
  model.on("change:scale", show);
  show();
  el.append(root);
  const places = [...columns, ...benches], names = [...children.maps, ...children.benches];
  for (const [i, name] of names.entries()) await (await host.getWidget(name)).render({ el: places[i] });
  return () => {
    model.off("change:scale", show);
    stopFrame();
    root.remove();
  };
}

export default { render: whenFilled(render) };
