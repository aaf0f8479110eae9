// @ts-check
/**
 * The path from a text to its next token: one station below the other, each a sentence that opens in place.
 *
 * What a station shows is a view of its own, which the host draws when the station opens. Not here: what views draw.
 */
import { element } from "../shared/dom.js";
import { frame, notices, whenFilled } from "../shared/frame.js";
import { ask, Lane } from "../shared/kernel.js";
import { wordsOf } from "../shared/words.js";
import { Presenter, scrollerOf } from "./presenter.js";
import { explorerButton, Station } from "./stations.js";
import { catalogue } from "./words.js";

const LOOK_AGAIN_MS = 300; // while the last station still writes

/** The order of the path; `views`: which children open there. @type {import("./stations.js").StationKind[]} */
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
    const words = wordsOf(model, catalogue);
    this.words = words;
    this.notices = notices(model);
    /** What overtakes only its own kind: another model, another prompt. @type {Record<string, Lane>} */
    this.lanes = { use: new Lane(), run: new Lane(), written: new Lane() };
    /** @type {Set<string>} */
    this.asked = new Set();
    /** @type {{steps: number, end: string}|null} */
    this.written = null;
    this.timer = 0;
    this.prompt = element("div", { class: "box" });
    this.menu = element("select", { "aria-label": words.model });
    this.menu.addEventListener("change", () => this.request("use", { name: this.menu.value }));
    this.history = element("select", { "aria-label": words.earlier });
    this.history.addEventListener(
      "change",
      () => this.history.value && this.request("run", { prompt: this.history.value }),
    );
    this.restart = explorerButton(words.restart, () => (this.presenter.on ? this.presenter.go(0) : this.only(null)));
    this.stack = element("ol", { class: "stack", "aria-label": words.stack });
    this.stations = PATH.map((kind) => new Station(kind, words, () => this.toggle(kind.name)));
    /** @type {HTMLButtonElement[]} */
    this.blocks = [];
    this.presenter = new Presenter(
      words,
      this.stations,
      (station) => this.only(station),
      () => this.model.get("scale"),
    );
    const tools = element("span", { class: "tools" }, this.menu, this.history, this.restart, this.presenter.tools);
    const header = element("header", {}, element("h3", {}, model.get("_title")), this.notices.computing, tools);
    const side = element("div", { class: "side" }, this.stack);
    this.root = element(
      "section",
      { class: "gptviz gptviz-explorer", "aria-label": model.get("_title"), tabindex: -1 },
      header,
      this.notices.problem,
      this.prompt,
      element(
        "div",
        { class: "way" },
        side,
        element("ol", { class: "stations" }, ...this.stations.map(({ root }) => root)),
      ),
    );
    this.stopFrame = frame(this.model, this.root);
    el.append(this.root);
    this.presenter.stand(this.root, (on) => (on ? side : header).append(tools)); // beside what is presented, not above it
    this.boxSize = new ResizeObserver(() => {
      this.root.style.setProperty("--gv-box", `${this.prompt.offsetHeight}px`);
      this.presenter.fit();
    });
    this.boxSize.observe(this.prompt);
    this.draw("prompt", this.prompt);
    this.show();
    this.askWritten();
  }

  /** Let the host draw a child view here. @param {string} name @param {HTMLElement} el */
  async draw(name, el) {
    const child = await this.host.getWidget(this.model.get("_children")[name]);
    await child.render({ el });
  }

  /** New numbers: the sentences, the menu, the stack. */
  show() {
    this.root.dataset.scale = this.presenter.on ? "projector" : this.model.get("scale");
    this.tell();
    fillMenu(
      this.menu,
      this.model.get("_models").map((/** @type {{name: string, download: number}} */ { name, download }) => ({
        value: name,
        text: download ? this.words.toDownload(name, download) : name,
      })),
    );
    fillMenu(this.history, [
      { value: "", text: this.words.earlier },
      ...this.model
        .get("_history")
        .slice(1)
        .map((/** @type {string} */ text) => ({ value: text, text })),
    ]);
    this.showStack();
  }

  tell() {
    const about = { ...this.model.get("_about"), generation: this.written };
    this.stations.forEach((station) => station.tell(about));
  }

  /** The blocks of the model, the open one marked, the last above as in the papers' pictures. */
  showStack() {
    const { layers } = this.model.get("_about").attention;
    const open = Math.min(this.selection.get("layer"), layers - 1);
    if (this.blocks.length !== layers) this.buildStack(layers);
    this.blocks.forEach((block, layer) => {
      block.toggleAttribute("data-open", layer === open);
      block.setAttribute("aria-current", String(layer === open));
    });
  }

  /** @param {number} layers */
  buildStack(layers) {
    this.blocks = Array.from({ length: layers }, (_, layer) =>
      explorerButton(this.words.block(layer), () => {
        this.selection.set("layer", layer);
        this.selection.save_changes();
        this.toggle("attention", true);
      }),
    );
    this.stack.replaceChildren(...this.blocks.map((block) => element("li", {}, block)).reverse());
  }

  /** @param {"use"|"run"} question @param {Record<string, unknown>} args */
  request(question, args) {
    const done = (/** @type {string} */ problem) => {
      this.asked.delete(question);
      this.notices.say(problem);
      this.notices.wait(this.root, this.asked.size > 0);
    };
    this.asked.add(question);
    this.notices.say("");
    this.notices.wait(this.root, true);
    this.lanes[question].ask(
      () => ask(this.model, question, args),
      () => done(""),
      (error) => {
        done(error.message);
        this.show();
      },
    );
  }

  /** How the text of the last station came about, once it is there. */
  askWritten() {
    clearTimeout(this.timer);
    this.lanes.written.ask(
      () => ask(this.model, "written", {}),
      ({ steps, done, finish_reason: reason }) => {
        this.written = reason && { steps, end: this.words.ends[/** @type {"stop"} */ (reason)] };
        this.tell();
        if (!done) this.timer = window.setTimeout(() => this.askWritten(), LOOK_AGAIN_MS);
      },
      () => {},
    ); // the sentence then says no number
  }

  /** @param {string} name @param {boolean} [on] */
  toggle(name, on) {
    const station = this.stations.find(({ kind }) => kind.name === name);
    if (!station) return;
    if (this.presenter.on) return this.presenter.at(station);
    const before = station.root.getBoundingClientRect().top;
    this.only((on ?? !station.isOpen) ? station : null);
    scrollerOf(this.root).scrollTop += station.root.getBoundingClientRect().top - before; // it stays where it was clicked
  }

  /** One station is open; the others are their sentences. @param {Station|null} open */
  async only(open) {
    for (const station of this.stations) station.setOpen(station === open);
    if (!open) return;
    open.drawn ??= Promise.all([...open.places].map(([name, place]) => this.draw(name, place)));
    await open.drawn;
  }

  remove() {
    clearTimeout(this.timer);
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
  const show = () => path.show();
  const stack = () => path.showStack();
  const written = () => path.askWritten();
  model.on("change:_source change:scale", show);
  model.on("change:_written", written);
  selection.on("change:layer", stack);
  return () => {
    model.off("change:_source change:scale", show);
    model.off("change:_written", written);
    selection.off("change:layer", stack);
    path.remove();
  };
}

export default { render: whenFilled(render) };
