// @ts-check
/**
 * Questions to the kernel, and their answers. A view never knows who answers: a kernel, or the data that travelled with an
 * exported page.
 */
import { sharedWords } from "./words.js";

/** @typedef {import("@anywidget/types").AnyModel<Record<string, any>>} Model the page's copy of a widget's traits */
/** @typedef {import("@anywidget/types").Host} Host what finds other widgets and models of the page */

/** @param {DataView} view @returns {Float32Array} */
export function float32(view) {
  return new Float32Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
}

/** @param {DataView} view @returns {Uint8Array} */
export function uint8(view) {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

/** @param {{dtype: string, shape: number[]}} header @param {DataView} view */
function typedArray(header, view) {
  const raw = view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength);
  if (header.dtype === "float32") return new Float32Array(raw);
  if (header.dtype === "int32") return new Int32Array(raw);
  return new Uint8Array(raw);
}

/** A refusal in the words of the view's language; one without a code is told as the kernel words it.
 * @param {import("./words.js").SharedWords} words @param {{error: string, code?: string, facts?: any, absent?: boolean}} refusal */
export function toldIn({ common, errors }, { error, code, facts, absent }) {
  const say = /** @type {Record<string, (facts: any) => string>} */ (errors.known)[code ?? ""];
  return absent ? common.absent : say ? say(facts) : errors.other(error);
}

let questions = 0;

/**
 * Ask whoever answers for this model. Arrays come back typed, with their shape.
 * @param {Model} model @param {string} name @param {Record<string, unknown>} args
 * @returns {Promise<any>} the value, or {data, shape} for an array
 */
export function ask(model, name, args) {
  const id = ++questions;
  return new Promise((resolve, reject) => {
    const hear = (/** @type {any} */ message, /** @type {DataView[]} */ buffers) => {
      if (message?.kind !== "answer" || message.id !== id) return;
      model.off("msg:custom", hear);
      if (message.error)
        reject(Object.assign(new Error(toldIn(sharedWords(model), message)), { absent: message.absent === true }));
      else if (message.array) resolve({ data: typedArray(message.array, buffers[0]), shape: message.array.shape });
      else resolve(message.value);
    };
    model.on("msg:custom", hear);
    model.send({ kind: "ask", id, name, args });
  });
}

/** At most one question under way, and only the newest waiting: what was overtaken is never answered. */
export class Lane {
  constructor() {
    this.busy = false;
    /** @type {(() => Promise<void>)|null} */
    this.waiting = null;
  }

  /** @template T @param {() => Promise<T>} question @param {(answer: T) => void} use @param {(error: Error) => void} fail */
  ask(question, use, fail) {
    this.waiting = async () => {
      try {
        const answer = await question();
        if (!this.waiting) use(answer);
      } catch (error) {
        if (!this.waiting) fail(/** @type {Error} */ (error));
      }
    };
    this.next();
  }

  async next() {
    if (this.busy || !this.waiting) return;
    const now = this.waiting;
    this.waiting = null;
    this.busy = true;
    await now();
    this.busy = false;
    this.next();
  }
}
