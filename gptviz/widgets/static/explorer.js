// @ts-check
/**
 * The path from a text to its next token: one station below the other, each a sentence that opens in place.
 *
 * What a station shows is a view of its own, which the host draws when the station opens. Not here: what views draw.
 */
import { ask, chip, element, frame, notices, percent, setText, significant, weight, whenFilled } from "./common.js";
import { wordsOf } from "./words.js";

/** @typedef {import("./common.js").PageToken} StationToken */
/** @typedef {{name: string, views: string[]}} StationKind */

/** The order of the path; `views`: which children open there. @type {StationKind[]} */
const PATH = [
  { name: "tokens", views: ["tokens"] },
  { name: "embedding", views: ["embedding"] },
  { name: "attention", views: ["attention", "block"] },
  { name: "logits", views: [] },
  { name: "sampling", views: ["sampling"] },
  { name: "generation", views: ["generation"] },
];
const NEXT_KEYS = [" ", "ArrowRight", "PageDown"], BACK_KEYS = ["ArrowLeft", "PageUp"];

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
    this.menu = element("select", { "aria-label": words.model, "data-lm-suppress-shortcuts": "true" });
    this.menu.addEventListener("change", () => this.request("use", { name: this.menu.value }));
    this.history = element("select", { "aria-label": words.earlier, "data-lm-suppress-shortcuts": "true" });
    this.history.addEventListener("change", () => this.history.value && this.request("run", { prompt: this.history.value }));
    this.present = explorerButton(words.present, () => this.setPresenting(!this.presenting));
    this.freeze = explorerButton(words.freeze, () => this.setFrozen(!this.root.hasAttribute("data-frozen")));
    this.restart = explorerButton(words.restart, () => this.go(0));
    this.stack = element("ol", { class: "stack", "aria-label": words.stack });
    this.stations = PATH.map((kind) => new Station(kind, words, () => this.toggle(kind.name)));
    this.presenting = false;
    this.current = 0;
    this.root = element("section", { class: "gptviz gptviz-explorer", "aria-label": words.title, tabindex: -1 },
      element("header", {}, element("h3", {}, words.title), this.notices.computing,
        element("span", { class: "tools" }, this.menu, this.history, this.restart, this.freeze, this.present)),
      this.notices.problem, this.prompt,
      element("div", { class: "way" }, this.stack, element("ol", { class: "stations" }, ...this.stations.map(({ root }) => root))));
    this.root.addEventListener("keydown", (event) => this.key(event));
    this.stopFrame = frame(this.model, this.root);
    el.append(this.root);
    this.draw("prompt", this.prompt);
    this.show();
  }

  /** Let the host draw a child view here. @param {string} name @param {HTMLElement} el */
  async draw(name, el) {
    const child = await this.host.getWidget(this.model.get("_children")[name]);
    await child.render({ el });
  }

  /** One below the other, in their order. @param {string[]} names @param {HTMLElement} el */
  async drawAll(names, el) {
    for (const name of names) await this.draw(name, el);
  }

  /** New numbers: the sentences, the menu, the stack. */
  show() {
    const about = this.model.get("_about");
    this.root.dataset.scale = this.model.get("scale");
    this.stations.forEach((station) => station.tell(about));
    fillMenu(this.menu, this.model.get("_models").map((/** @type {string} */ name) => ({ value: name, text: name })));
    fillMenu(this.history, [{ value: "", text: this.words.earlier },
      ...this.model.get("_history").slice(1).map((/** @type {string} */ text) => ({ value: text, text }))]);
    this.showStack();
  }

  /** The blocks of the model, the open one marked, the last above as in the papers' pictures. */
  showStack() {
    const { layers } = this.model.get("_about").attention, open = Math.min(this.selection.get("layer"), layers - 1);
    const blocks = Array.from({ length: layers }, (_, layer) => {
      const block = explorerButton(this.words.block(layer), () => {
        this.selection.set("layer", layer);
        this.selection.save_changes();
        this.open("attention", true);
      });
      block.toggleAttribute("data-open", layer === open);
      block.setAttribute("aria-current", String(layer === open));
      return element("li", {}, block);
    });
    this.stack.replaceChildren(...blocks.reverse());
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

  /** @param {string} name */
  toggle(name) {
    const station = this.stations.find((one) => one.kind.name === name);
    if (station) this.open(name, !station.isOpen);
  }

  /** @param {string} name @param {boolean} on */
  open(name, on) {
    const index = PATH.findIndex((kind) => kind.name === name), station = this.stations[index];
    station.setOpen(on);
    if (on && !station.drawn) {
      station.drawn = true;
      this.drawAll(station.kind.views, station.body);
    }
    if (this.presenting && index !== this.current) this.go(index);
  }

  // Presenting: one station at a time

  /** @param {boolean} on */
  setPresenting(on) {
    this.presenting = on;
    this.root.toggleAttribute("data-presenting", on);
    this.root.dataset.scale = on ? "projector" : this.model.get("scale");
    setText(this.present, on ? this.words.leave : this.words.present);
    if (!on) this.setFrozen(false);
    this.go(on ? this.current : -1);
    this.root.focus({ preventScroll: true });
  }

  /** The station that is presented; -1: all are shown. @param {number} index */
  go(index) {
    if (index >= 0) this.current = Math.min(index, PATH.length - 1);
    this.stations.forEach((station, i) => {
      station.root.hidden = this.presenting && i !== this.current;
    });
    if (this.presenting) this.open(PATH[this.current].name, true);
    else if (index === 0) this.stations.forEach(({ kind }) => this.open(kind.name, false));
  }

  /** Nothing moves while somebody points and talks. @param {boolean} on */
  setFrozen(on) {
    this.root.toggleAttribute("data-frozen", on);
    this.freeze.setAttribute("aria-pressed", String(on));
    this.root.querySelector(".way")?.toggleAttribute("inert", on);
    this.prompt.toggleAttribute("inert", on);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const target = /** @type {HTMLElement} */ (event.target);
    if (!this.presenting || target.closest("input, select, button, summary, [role=application], li[tabindex]")) return;
    const step = NEXT_KEYS.includes(event.key) ? 1 : BACK_KEYS.includes(event.key) ? -1 : 0;
    if (event.key === "Escape") this.setPresenting(false);
    else if (step) this.go(Math.max(0, this.current + step));
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  remove() {
    this.stopFrame();
    this.root.remove();
  }
}

/** One station: a title, a sentence in numbers, and a view that opens below. */
class Station {
  /** @param {StationKind} kind @param {import("./words.js").Words["explorer"]} words @param {() => void} toggled */
  constructor(kind, words, toggled) {
    this.kind = kind;
    this.words = words;
    this.drawn = this.isOpen = false;
    this.sentence = element("p", { class: "sentence numbers" });
    this.body = element("div", { class: "body", hidden: "" });
    const title = words.stations[/** @type {"tokens"} */ (kind.name)];
    this.button = kind.views.length ? explorerButton(words.open, toggled) : null;
    this.title = title;
    this.name(false);
    this.root = element("li", { class: `station station-${kind.name}` },
      element("div", { class: "head" }, element("h4", {}, title), this.sentence, ...(this.button ? [this.button] : [])), this.body);
  }

  /** @param {boolean} on */
  setOpen(on) {
    this.isOpen = on;
    this.body.hidden = !on;
    this.root.toggleAttribute("data-open", on);
    this.name(on);
  }

  /** @param {boolean} on */
  name(on) {
    if (!this.button) return;
    const word = on ? this.words.close : this.words.open;
    setText(this.button, word);
    this.button.setAttribute("aria-label", `${word}: ${this.title}`);
    this.button.setAttribute("aria-expanded", String(on));
  }

  /** @param {any} about */
  tell(about) {
    this.sentence.replaceChildren(...sentenceOf(this.kind.name, about, this.words));
  }
}

/** A station's sentence: words from the catalogue, chips and numbers between them.
 * @param {string} name @param {any} about @param {import("./words.js").Words["explorer"]} words @returns {(Node|string)[]} */
function sentenceOf(name, about, words) {
  const numbers = about[name === "generation" ? "sampling" : name];
  const at = (/** @type {StationToken} */ token, /** @type {number} */ position) =>
    element("span", { class: "nowrap" }, chip(token), element("sub", {}, String(position)));
  switch (name) {
    case "tokens":
      return [words.tokens(numbers.characters, numbers.tokens, numbers.marks)];
    case "embedding":
      return [at(numbers.token, about.tokens.tokens + about.tokens.marks - 1), " ", numbers.position === null
        ? words.embeddingRotary(numbers.numbers, numbers.id) : words.embedding(numbers.numbers, numbers.id, numbers.position)];
    case "attention": {
      const stream = words.stream(numbers.layers, numbers.heads, significant(numbers.stream[0]), significant(numbers.stream[1]));
      if (!numbers.looked) return [stream];
      return [stream, " ", words.head(numbers.layer, numbers.head), " ", at(numbers.looking, numbers.query), ` ${words.looks} `,
        at(numbers.looked, numbers.key), `: ${weight(numbers.weight)}.`];
    }
    case "logits":
      return [words.logits(numbers.vocabulary), " ", chip(numbers.leader), ` ${words.highest(significant(numbers.logit))}`];
    case "sampling":
      return [chip(numbers.leader), ` ${words.probability(percent(numbers.probability), significant(numbers.entropy))}`];
    default:
      return [words.generation];
  }
}

/** @param {HTMLSelectElement} menu @param {{value: string, text: string}[]} options the first is the chosen one */
function fillMenu(menu, options) {
  menu.replaceChildren(...options.map(({ value, text }) => element("option", { value }, text)));
  menu.selectedIndex = 0;
}

/** @param {string} word @param {() => void} pressed */
function explorerButton(word, pressed) {
  const button = element("button", { type: "button", "data-lm-suppress-shortcuts": "true" }, word);
  button.addEventListener("click", pressed);
  return button;
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
