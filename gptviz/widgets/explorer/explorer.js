// @ts-check
/**
 * The explorer: the path from a text to its next token as one picture. The stations' names stand under the parts of the
 * picture that they are about. One station opens at a time, below the picture, and shows its views, which the host
 * draws when the station is first opened.
 */
import { button, element } from "../shared/dom.js";
import { addFrame, listen, makeNotices, whenFilled } from "../shared/frame.js";
import { ask, isExported, Lane } from "../shared/kernel.js";
import { setOffered } from "../shared/offer.js";
import { sharedWords, wordsOf } from "../shared/words.js";
import { Presenter } from "./presenter.js";
import { Rail } from "./rail.js";
import { Station } from "./stations.js";
import { catalogue } from "./words.js";

/** @typedef {import("../shared/kernel.js").Model} Model */
/** @typedef {import("../shared/kernel.js").Host} Host */

const ASK_AGAIN_MS = 300; // while the last station still generates

/** The stations in the order of the path. @type {import("./stations.js").StationKind[]} */
const PATH = [
  { name: "tokens", views: ["tokens"] },
  { name: "embedding", views: ["embedding"] },
  { name: "attention", views: ["attention", "block"] },
  { name: "logits", views: [] },
  { name: "sampling", views: ["sampling"] },
  { name: "generation", views: ["generation"] },
];

/** @type {import("./stations.js").StationKind} */
const PICTURE = { name: "flow", views: ["flow"] };

class Explorer {
  /** @param {Model} model @param {Model} selection @param {Host} host @param {HTMLElement} el */
  constructor(model, selection, host, el) {
    const words = wordsOf(model, catalogue);
    this.model = model;
    this.selection = selection;
    this.host = host;
    this.words = words;
    this.notices = makeNotices(model);
    this.useLane = new Lane();
    this.writtenLane = new Lane();
    /** How the text of the last station was generated. @type {{steps: number, end: string}|null} */
    this.generation = null;
    this.timer = 0;
    this.prompt = element("div", { class: "box" });
    this.models = element("select", { "aria-label": words.model });
    this.models.addEventListener("change", () => this.useModel(this.models.value));
    setOffered(this.models, model, !isExported(model));
    this.stack = element("ol", { class: "stack", "aria-label": words.stack });
    this.stations = PATH.map((kind) => new Station(kind, words, () => this.toggle(kind.name, false)));
    this.rail = new Rail(words, this.stations, ({ kind }) => this.toggle(kind.name));
    // The picture's view gives the names their place
    this.picture = element("div", { class: "view-flow" }, this.rail.root);
    /** @type {HTMLButtonElement[]} */
    this.blocks = [];
    const scale = () => this.model.get("scale");
    const picture = { kind: PICTURE, root: this.picture, body: this.picture, containers: new Map() };
    const stops = [picture, ...this.stations];
    const open = (/** @type {import("./presenter.js").Stop} */ stop) => {
      this.endPlaying(); // it would cover what the next step shows
      return this.openOnly(this.stations.find((station) => station === stop) ?? null);
    };
    this.presenter = new Presenter(words, stops, open, scale);
    this.root = this.build();
    this.stopFrame = addFrame(model, this.root);
    el.append(this.root);
    this.boxSize = new ResizeObserver(() => {
      this.root.style.setProperty("--gv-box", `${this.prompt.offsetHeight}px`);
      this.presenter.fit();
    });
    this.boxSize.observe(this.prompt);
    this.draw("prompt", this.prompt);
    this.draw("flow", this.picture);
    this.show();
    this.askGeneration();
  }

  build() {
    const { words, presenter } = this;
    const title = this.model.get("_title");
    const restart = button(words.restart, () => this.startOver(), { title: words.restartHint });
    const tools = element("span", { class: "tools" }, this.models, restart, presenter.tools);
    const header = element("header", {}, element("h3", {}, title), this.notices.computing, tools);
    const side = element("div", { class: "side" }, this.stack);
    const stations = element("div", { class: "stations" }, ...this.stations.map(({ root }) => root));
    const root = element(
      "section",
      { class: "gptviz gptviz-explorer", "aria-label": title, tabindex: -1, "data-open": "" },
      header,
      this.notices.problem,
      this.prompt,
      element("div", { class: "way" }, this.picture, side, stations),
    );
    presenter.attach(root, (on) => (on ? side : header).append(tools)); // beside the presented view, not above it
    return root;
  }

  /** Lets the host draw a child view. @param {string} name @param {HTMLElement} el */
  async draw(name, el) {
    const child = await this.host.getWidget(this.model.get("_children")[name]);
    await child.render({ el });
  }

  /** Shows a trace: the sentences, the models and the stack of blocks. */
  show() {
    this.root.dataset.scale = this.presenter.on ? "projector" : this.model.get("scale");
    this.showSentences();
    /** @type {{name: string, download: number}[]} */
    const models = this.model.get("_models");
    const modelText = (/** @type {string} */ name, /** @type {number} */ megabytes) =>
      megabytes ? this.words.toDownload(name, megabytes) : name;
    fillMenu(
      this.models,
      models.map(({ name, download }) => ({ value: name, text: modelText(name, download) })),
    );
    this.showStack();
  }

  showSentences() {
    const about = { ...this.model.get("_about"), generation: this.generation };
    for (const station of this.stations) station.show(about);
    this.rail.show();
  }

  /**
   * Shows the model's blocks, the last one on top as in the pictures of papers, and marks the open one; none is open
   * while another station is.
   */
  showStack() {
    /** @type {{layers: number, heads_in: number[]}} */
    const { layers, heads_in } = this.model.get("_about").attention;
    const isAnyOpen = this.stations.some(({ kind, isOpen }) => kind.name === "attention" && isOpen);
    const openLayer = isAnyOpen ? Math.min(this.selection.get("layer"), layers - 1) : -1;
    if (this.blocks.length !== layers) this.buildStack(layers);
    this.blocks.forEach((block, layer) => {
      block.toggleAttribute("data-open", layer === openLayer);
      block.title = heads_in[layer] ? "" : sharedWords(this.model).common.noAttention;
      block.setAttribute("aria-current", String(layer === openLayer));
    });
  }

  /** @param {number} layers */
  buildStack(layers) {
    this.blocks = Array.from({ length: layers }, (_, layer) =>
      button(this.words.block(layer), () => {
        this.selection.set("layer", layer);
        this.selection.save_changes();
        this.toggle("attention", true);
      }),
    );
    this.stack.replaceChildren(...this.blocks.map((block) => element("li", {}, block)).reverse());
  }

  /** @param {string} name */
  useModel(name) {
    const finish = (/** @type {string} */ problem) => {
      this.notices.setProblem(problem);
      this.notices.setWaiting(this.root, false);
    };
    this.notices.setProblem("");
    this.notices.setWaiting(this.root, true);
    this.useLane.ask(
      () => ask(this.model, "use", { name }),
      () => finish(""),
      (error) => {
        finish(error.message);
        this.show();
      },
    );
  }

  /** Asks how the text of the last station was generated, again and again until it is complete. */
  askGeneration() {
    clearTimeout(this.timer);
    this.writtenLane.ask(
      () => ask(this.model, "written", {}),
      ({ steps, done, finish_reason: reason }) => {
        this.generation = reason && { steps, end: this.words.ends[/** @type {"stop"} */ (reason)] };
        this.showSentences();
        if (!done) this.timer = window.setTimeout(() => this.askGeneration(), ASK_AGAIN_MS);
      },
      () => {}, // the sentence has no number then
    );
  }

  /** Opens or closes a station. @param {string} name @param {boolean} [isOpen] */
  async toggle(name, isOpen) {
    const station = this.stations.find(({ kind }) => kind.name === name);
    if (!station) return;
    if (this.presenter.on) return this.presenter.goToStop(station);
    const opens = isOpen ?? !station.isOpen;
    await this.openOnly(opens ? station : null);
    const shown = opens ? station.root : this.picture;
    shown.scrollIntoView({ block: "nearest" });
  }

  /** Shows the first step, or the picture alone, as it was at the beginning. */
  startOver() {
    if (this.presenter.on) this.presenter.goTo(0);
    else this.openOnly(null);
    this.picture.querySelector(".gptviz-flow")?.dispatchEvent(new Event("startover"));
  }

  /** Ends a pass that is played in the picture. */
  endPlaying() {
    /** @type {HTMLElement|null} */
    const end = this.picture.querySelector(".gptviz-flow[data-playing] [data-action=end]");
    end?.click();
  }

  /** Opens one station and closes all others. @param {Station|null} open */
  async openOnly(open) {
    for (const station of this.stations) station.setOpen(station === open);
    this.root.dataset.open = open?.kind.name ?? "";
    this.rail.show();
    this.showStack();
    if (!open) return;
    open.drawn ??= Promise.all([...open.containers].map(([name, container]) => this.draw(name, container)));
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

/** @param {HTMLSelectElement} menu @param {{value: string, text: string}[]} options the first one is chosen */
function fillMenu(menu, options) {
  menu.replaceChildren(...options.map(({ value, text }) => element("option", { value }, text)));
  menu.selectedIndex = 0;
}

/** @param {import("../shared/kernel.js").RenderProps} context */
async function render({ model, el, host }) {
  const selection = await host.getModel(model.get("_selection"));
  const explorer = new Explorer(model, selection, host, el);
  return listen(
    explorer,
    [model, "change:_source change:scale", () => explorer.show()],
    [model, "change:_written", () => explorer.askGeneration()],
    [selection, "change:layer", () => explorer.showStack()],
  );
}

export default { render: whenFilled(render) };
