// @ts-check
/** The stages of a score on its way to a weight: one button each, and which of them is on the cells. */
import { button, element } from "../shared/dom.js";
import { ask, isAnswered, Lane } from "../shared/kernel.js";
import { offer } from "../shared/offer.js";
import { headAddress } from "../shared/stacks.js";
import { sharedWords } from "../shared/words.js";
import { isRootOf, scaleText } from "./cell.js";

export const WEIGHTS = "weights"; // the last stage, which every model family has

/**
 * What the kernel tells about a layer: the names of its stages, the factor of "scaled", the width of a query, and
 * whether a sink takes a share of each row beside the keys.
 * @typedef {{names: string[], factor: number|null, width: number, sink: boolean}} StageAnswer
 */

export class StageButtons {
  /**
   * @param {import("../shared/kernel.js").Model} model
   * @param {import("./words.js").Words} words
   * @param {{chosen: () => void, learned: () => void}} actions `chosen`: another stage; `learned`: the stages of a
   *   layer came
   */
  constructor(model, words, actions) {
    this.model = model;
    this.words = words;
    this.actions = actions;
    this.lane = new Lane();
    this.layer = -1; // the layer whose stages are shown
    this.head = 0;
    /** The stages that are shown. @type {string[]} */
    this.names = [];
    this.chosen = WEIGHTS;
    this.scaleName = ""; // the name of "scaled", if it does not divide by √d
    this.hasSink = false;
    this.root = element("div", { class: "stages", role: "group", "aria-label": words.show });
  }

  /** Forgets the stages, since another model may have read the new trace. */
  reset() {
    this.layer = -1;
  }

  /** Asks which stages a layer has, unless they are shown. @param {number} layer @param {number} head */
  load(layer, head) {
    this.head = head;
    if (layer === this.layer) return this.offer();
    this.layer = layer;
    const none = { names: [], factor: null, width: 0, sink: false };
    const address = headAddress(this.model, layer, head);
    if (isAnswered(this.model, "stages", address)) {
      this.lane.ask(
        () => ask(this.model, "stages", address),
        (answer) => this.show(answer),
        () => this.show(none),
      );
    } else {
      this.show(none);
      this.root.append(element("p", { class: "muted small" }, sharedWords(this.model).common.absent));
    }
  }

  /** Shows a button for each stage; none if the model family has the weights only. @param {StageAnswer} answer */
  show({ names, factor, width, sink }) {
    this.hasSink = sink;
    this.scaleName = factor === null || isRootOf(factor, width) ? "" : scaleText(factor);
    if (this.chosen !== WEIGHTS && !names.includes(this.chosen)) {
      this.chosen = WEIGHTS;
      this.actions.chosen();
    }
    this.names = names.length ? [...names, WEIGHTS] : [];
    const buttons = this.names.map((name) =>
      button(this.nameOf(name), () => this.choose(name), { "aria-pressed": String(name === this.chosen) }),
    );
    this.root.replaceChildren(...buttons);
    this.offer();
    this.actions.learned();
  }

  /** Offers the stages whose numbers the page has for this head. */
  offer() {
    const { layer, head, names, model } = this;
    this.root.querySelectorAll("button").forEach((node, i) => {
      if (names[i] !== WEIGHTS) offer(node, model, "stage", { ...headAddress(model, layer, head), stage: names[i] });
    });
  }

  /** Returns what a stage is called. @param {string} stage */
  nameOf(stage) {
    if (stage === "scaled" && this.scaleName) return this.scaleName;
    return this.words.stages[/** @type {"raw"} */ (stage)] ?? stage;
  }

  /**
   * Returns the chosen stage; the weights, if the page does not have that stage of a head.
   * @param {number} layer
   * @param {number} head
   */
  stageOf(layer, head) {
    const question = { ...headAddress(this.model, layer, head), stage: this.chosen };
    const isKept = this.chosen === WEIGHTS || isAnswered(this.model, "stage", question);
    if (!isKept) this.press(WEIGHTS);
    return this.chosen;
  }

  /** @param {string} stage */
  choose(stage) {
    this.press(stage);
    this.actions.chosen();
  }

  /** @param {string} stage */
  press(stage) {
    this.chosen = stage;
    for (const node of this.root.children) {
      node.setAttribute("aria-pressed", String(node.textContent === this.nameOf(stage)));
    }
  }
}
