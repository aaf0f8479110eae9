// @ts-check
/**
 * The view models of a page that runs the model itself: what a view's Python class does for it beside a kernel.
 *
 * A view model has the traits of its view and answers the same questions by the same names. A test compares the traits
 * and the answers with those of Python, number for number. Each stands beside its Python class, as `live.js`.
 */

import { describe } from "./describing.js";

/** @typedef {import("./kernel.js").LiveKernel} LiveKernel */

export class LiveView {
  /** The questions that it answers, each with the name of a method. @type {Record<string, string>} */
  static answers = { token: "answerToken" };

  /**
   * @param {LiveKernel} kernel
   * @param {string} reference by which the page knows it
   * @param {Record<string, any>} state its traits
   * @param {Record<string, string>} children references of the views that it shows when it is asked to, by their names
   */
  constructor(kernel, reference, state, children) {
    this.kernel = kernel;
    this.reference = reference;
    this.state = state;
    this.children = children;
    /** Called with traits that have changed. @type {((changed: Record<string, any>) => void)[]} */
    this.observers = [];
  }

  /** @param {string} name */
  child(name) {
    return /** @type {LiveView} */ (this.kernel.views.get(this.children[name]));
  }

  get model() {
    return this.kernel.model;
  }

  /** What is shown. */
  get reading() {
    return this.kernel.reading;
  }

  /** Layer, head, query and key that its views share. */
  get selection() {
    return this.kernel.sharedState(this.state._selection);
  }

  /** Changes traits, here and in the page. @param {Record<string, any>} traits */
  set(traits) {
    const changed = Object.fromEntries(Object.entries(traits).filter(([name, value]) => this.state[name] !== value));
    Object.assign(this.state, changed);
    if (!Object.keys(changed).length) return;
    this.kernel.post({ kind: "update", reference: this.reference, state: changed });
    for (const observer of this.observers) observer(changed);
  }

  /** Takes traits that the page has set. @param {Record<string, any>} traits */
  receive(traits) {
    Object.assign(this.state, traits);
  }

  /** Starts from the reading whose traits the page was saved with. */
  start() {}

  /** Shows the kernel's new reading. */
  show() {
    this.set({ ...this.fill(), _source: this.state._source + 1 });
  }

  /** Returns the traits that the page draws from. @returns {Record<string, any>} */
  fill() {
    return {};
  }

  /** @param {{id: number}} args */
  answerToken({ id }) {
    return describe(this.model.token(id));
  }
}
