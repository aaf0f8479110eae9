// @ts-check
/**
 * Answers the views of a page with a model: the page's own kernel. It runs in a Worker, so that the page stays quick,
 * and in Node for the tests.
 */

import { EngineError } from "../engine/errors.js";
import { EditList } from "./edit_list.js";
import { Tasks } from "./tasks.js";

/** @typedef {import("./reading.js").LanguageModel} LanguageModel */
/** @typedef {import("./reading.js").Reading} Reading */
/**
 * What the kernel asks of a view model; see `LiveView`.
 * @typedef {{reference: string, start: () => void, show: () => void, set: (traits: Record<string, any>) => void,
 *   receive: (traits: Record<string, any>) => void}} View
 */
/** An answer that is an array. @typedef {{data: Float32Array|Uint8Array|Int32Array, shape: number[]}} ArrayAnswer */
/** children: references of the views that a view shows when it is asked to, by their names.
 * @typedef {{widgets: Record<string, {module: string, state: Record<string, any>, children: Record<string, string>}>,
 *   shared: Record<string, Record<string, any>>}} PageState */
/**
 * @typedef {(new (kernel: LiveKernel, reference: string, state: Record<string, any>, children: Record<string, string>)
 *   => View) & {answers: Record<string, string>}} ViewKind
 */
/**
 * What is sent to the page: changed traits of a view or of what views share, or the answer to a question.
 * @typedef {{kind: "update", reference: string, state: Record<string, any>} |
 *   {kind: "answer", reference: string, message: any, buffers: ArrayBuffer[]}} Sent
 */

export class LiveKernel {
  /**
   * @param {LanguageModel} model
   * @param {PageState} page what the page shows when it opens
   * @param {Record<string, ViewKind>} kinds the view models by the names of their views
   * @param {(sent: Sent) => void} post sends to the page
   */
  constructor(model, page, kinds, post) {
    this.model = model;
    this.kinds = kinds;
    this.post = post;
    /** @type {Map<string, Record<string, any>>} */
    this.shared = new Map(Object.entries(page.shared));
    /** @type {Map<string, View>} */
    this.views = new Map();
    this.tasks = new Tasks();
    this.editList = new EditList();
    for (const [reference, { module, state, children }] of Object.entries(page.widgets))
      if (module in kinds) this.views.set(reference, new kinds[module](this, reference, state, children));
    const shownOnDemand = Object.values(page.widgets).flatMap(({ children }) => Object.values(children));
    /** Those that show every new reading. */
    this.followers = Object.values(kinds).flatMap((kind) =>
      [...this.views.values()].filter((view) => view instanceof kind && !shownOnDemand.includes(view.reference)),
    );
    const box = Object.values(page.widgets).find(({ module }) => module === "prompt");
    this.reading = model.read(box?.state.prompt ?? "");
    for (const view of this.followers) view.start();
  }

  /** Returns the view model of a kind; the page has one of each. @param {string} name */
  viewOf(name) {
    return [...this.views.values()].find((view) => view instanceof this.kinds[name]);
  }

  /** Shows what the model computes for another text in every view. @param {() => Reading} read */
  read(read) {
    for (const view of this.followers) view.set({ _waiting: true });
    try {
      this.reading = read();
      for (const view of this.followers) view.show();
    } finally {
      for (const view of this.followers) view.set({ _waiting: false });
    }
    return this.reading;
  }

  /** Returns the traits of what views share. @param {string} reference */
  sharedState(reference) {
    return /** @type {Record<string, any>} */ (this.shared.get(reference));
  }

  /**
   * Changes traits of what views share, here and in the page.
   * @param {string} reference
   * @param {Record<string, any>} traits
   */
  setShared(reference, traits) {
    const state = this.sharedState(reference);
    const changed = Object.fromEntries(Object.entries(traits).filter(([name, value]) => state[name] !== value));
    Object.assign(state, changed);
    if (Object.keys(changed).length) this.post({ kind: "update", reference, state: changed });
  }

  /** Takes traits that the page has set. @param {string} reference @param {Record<string, any>} traits */
  receive(reference, traits) {
    const shared = this.shared.get(reference);
    if (shared) Object.assign(shared, traits);
    else this.views.get(reference)?.receive(traits);
  }

  /**
   * Answers a question of a view, as a kernel does. An error is an answer too.
   * @param {string} reference
   * @param {{id: number, name: string, args: any}} message
   */
  async ask(reference, { id, name, args }) {
    const view = /** @type {View} */ (this.views.get(reference));
    const kind = /** @type {ViewKind} */ (/** @type {unknown} */ (view.constructor));
    try {
      if (!Object.hasOwn(kind.answers, name))
        throw new EngineError(`No question ${name} is answered here.`, "message", {});
      const started = /** @type {any} */ (view)[kind.answers[name]](args);
      const answer = started instanceof Promise ? await started : started;
      this.post({ kind: "answer", reference, ...written(id, answer) });
    } catch (error) {
      this.post({ kind: "answer", reference, message: { kind: "answer", id, ...refusal(error) }, buffers: [] });
    }
  }
}

/** Returns an answer as a kernel sends it. @param {number} id @param {any} answer */
function written(id, answer) {
  if (!ArrayBuffer.isView(answer?.data))
    return { message: { kind: "answer", id, array: null, value: answer ?? null }, buffers: [] };
  const { data, shape } = /** @type {ArrayAnswer} */ (answer);
  const dtype = data instanceof Float32Array ? "float32" : data instanceof Int32Array ? "int32" : "uint8";
  return {
    message: { kind: "answer", id, array: { dtype, shape }, value: null },
    buffers: [data.slice().buffer],
  };
}

/** Returns what is sent to the page about an error. @param {unknown} error */
export function refusal(error) {
  if (error instanceof EngineError) return { error: error.message, code: error.code, facts: error.facts };
  return { error: String(error), code: "", facts: {} };
}
