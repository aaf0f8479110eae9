// @ts-check
/**
 * The path from a text to its next token: one station below the other, each a sentence that opens in place.
 *
 * What a station shows is a view of its own, which the host draws when the station opens. Not here: what views draw.
 */
import { ask, element, frame, notices, whenFilled } from "./common.js";
import { Presenter, scrollerOf } from "./explorer_presenter.js";
import { Station, explorerButton } from "./explorer_stations.js";
import { wordsOf } from "./words.js";

/** The order of the path; `views`: which children open there. @type {import("./explorer_stations.js").StationKind[]} */
const PATH = [
  { name: "tokens", views: ["tokens"] },
  { name: "embedding", views: ["embedding"] },
  { name: "attention", views: ["attention", "block"] },
  { name: "logits", views: [] },
  { name: "sampling", views: ["sampling"] },
  { name: "generation", views: ["generation"] },
];

class Path {
  /** @param {any} model @param {any} selection @param {any} host @param {HTMLElement} el */
  constructor(model, selection, host, el) {
    this.model = model;
    this.selection = selection;
    this.host = host;
    const catalogue = wordsOf(model), words = catalogue.explorer;
    this.words = words;
    this.notices = notices(catalogue);
    this.prompt = element("div", { class: "box" });
    this.menu = element("select", { "aria-label": words.model });
    this.menu.addEventListener("change", () => this.request("use", { name: this.menu.value }));
    this.history = element("select", { "aria-label": words.earlier });
    this.history.addEventListener("change", () => this.history.value && this.request("run", { prompt: this.history.value }));
    this.restart = explorerButton(words.restart, () => (this.presenter.on ? this.presenter.go(0) : this.only(null)));
    this.stack = element("ol", { class: "stack", "aria-label": words.stack });
    this.stations = PATH.map((kind) => new Station(kind, words, () => this.toggle(kind.name)));
    /** @type {HTMLButtonElement[]} */
    this.blocks = [];
    this.presenter = new Presenter(words, this.stations, (station) => this.only(station), () => this.model.get("scale"));
    this.root = element("section", { class: "gptviz gptviz-explorer", "aria-label": words.title, tabindex: -1 },
      element("header", {}, element("h3", {}, words.title), this.notices.computing,
        element("span", { class: "tools" }, this.menu, this.history, this.restart, this.presenter.tools)),
      this.notices.problem, this.prompt,
      element("div", { class: "way" }, this.stack, element("ol", { class: "stations" }, ...this.stations.map(({ root }) => root))));
    this.stopFrame = frame(this.model, this.root);
    el.append(this.root);
    this.presenter.stand(this.root);
    this.boxSize = new ResizeObserver(() => this.root.style.setProperty("--gv-box", `${this.prompt.offsetHeight}px`));
    this.boxSize.observe(this.prompt);
    this.draw("prompt", this.prompt);
    this.show();
  }

  /** Let the host draw a child view here. @param {string} name @param {HTMLElement} el */
  async draw(name, el) {
    const child = await this.host.getWidget(this.model.get("_children")[name]);
    await child.render({ el });
  }

  /** New numbers: the sentences, the menu, the stack. */
  show() {
    const about = this.model.get("_about");
    this.root.dataset.scale = this.presenter.on ? "projector" : this.model.get("scale");
    this.stations.forEach((station) => station.tell(about));
    fillMenu(this.menu, this.model.get("_models").map((/** @type {string} */ name) => ({ value: name, text: name })));
    fillMenu(this.history, [{ value: "", text: this.words.earlier },
      ...this.model.get("_history").slice(1).map((/** @type {string} */ text) => ({ value: text, text }))]);
    this.showStack();
  }

  /** The blocks of the model, the open one marked, the last above as in the papers' pictures. */
  showStack() {
    const { layers } = this.model.get("_about").attention, open = Math.min(this.selection.get("layer"), layers - 1);
    if (this.blocks.length !== layers) this.buildStack(layers);
    this.blocks.forEach((block, layer) => {
      block.toggleAttribute("data-open", layer === open);
      block.setAttribute("aria-current", String(layer === open));
    });
  }

  /** @param {number} layers */
  buildStack(layers) {
    this.blocks = Array.from({ length: layers }, (_, layer) => explorerButton(this.words.block(layer), () => {
      this.selection.set("layer", layer);
      this.selection.save_changes();
      this.toggle("attention", true);
    }));
    this.stack.replaceChildren(...this.blocks.map((block) => element("li", {}, block)).reverse());
  }

  /** @param {string} question @param {Record<string, unknown>} args */
  async request(question, args) {
    this.notices.say("");
    this.notices.wait(this.root, true);
    try {
      await ask(this.model, question, args);
    } catch (error) {
      this.notices.say(/** @type {Error} */ (error).message);
      this.show();
    }
    this.notices.wait(this.root, false);
  }

  /** @param {string} name @param {boolean} [on] */
  toggle(name, on) {
    const station = this.stations.find(({ kind }) => kind.name === name);
    if (!station) return;
    if (this.presenter.on) return this.presenter.at(station);
    const before = station.root.getBoundingClientRect().top;
    this.only(on ?? !station.isOpen ? station : null);
    scrollerOf(this.root).scrollTop += station.root.getBoundingClientRect().top - before; // it stays where it was clicked
  }

  /** One station is open; the others are their sentences. @param {Station|null} open */
  only(open) {
    for (const station of this.stations) station.setOpen(station === open);
    if (!open || open.drawn) return;
    open.drawn = true;
    for (const [name, place] of open.places) this.draw(name, place);
  }

  remove() {
    this.stopFrame();
    this.boxSize.disconnect();
    this.presenter.remove();
    this.root.remove();
  }
}

/** @param {HTMLSelectElement} menu @param {{value: string, text: string}[]} options the first is the chosen one */
function fillMenu(menu, options) {
  menu.replaceChildren(...options.map(({ value, text }) => element("option", { value }, text)));
  menu.selectedIndex = 0;
}

/** @param {{model: any, el: HTMLElement, host: any}} context */
async function render({ model, el, host }) {
  const selection = await host.getModel(model.get("_selection"));
  const path = new Path(model, selection, host, el);
  const show = () => path.show(), stack = () => path.showStack();
  model.on("change:_source change:scale", show);
  selection.on("change:layer", stack);
  return () => {
    model.off("change:_source change:scale", show);
    selection.off("change:layer", stack);
    path.remove();
  };
}

export default { render: whenFilled(render) };
