// @ts-check
/**
 * Questions of a view and their answers. A view does not know what answers: a kernel, or the data inside an exported
 * page.
 */
import { sharedWords } from "./words.js";

/** The traits of a widget on its page. @typedef {import("@anywidget/types").AnyModel<Record<string, any>>} Model */
/** Finds other models and widgets of the page. @typedef {import("@anywidget/types").Host} Host */
/** @typedef {import("@anywidget/types").RenderProps<Record<string, any>>} RenderProps */
/** @typedef {{error: string, code?: string, facts?: any, absent?: boolean}} Refusal as `refusal` in Python writes it */

/** Reads a trait of bytes as numbers. @param {DataView} view @returns {Float32Array} */
export function float32(view) {
  return new Float32Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
}

/** Reads a trait of bytes as bytes. @param {DataView} view @returns {Uint8Array} */
export function uint8(view) {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

/** Reads the bytes of an answer. @param {{dtype: string}} header @param {DataView} view */
function typedArray({ dtype }, view) {
  const raw = view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength);
  if (dtype === "float32") return new Float32Array(raw);
  if (dtype === "int32") return new Int32Array(raw);
  return new Uint8Array(raw);
}

/**
 * Returns why something was refused, in the language of the view; a refusal without a code has the kernel's own text.
 * @param {import("./words.js").SharedWords} words
 * @param {Refusal} refusal
 */
export function refusalText({ common, errors }, { error, code, facts, absent }) {
  if (absent) return common.absent;
  const write = /** @type {Record<string, (facts: any) => string>} */ (errors.known)[code ?? ""];
  return write ? write(facts) : errors.other(error);
}

/**
 * Returns whether a question has an answer here: a kernel answers all of them, an exported page those that it was saved
 * with. Without arguments: whether any question of that name has one.
 * @param {Model} model
 * @param {string} name
 * @param {Record<string, unknown>} [args]
 */
export function isAnswered(model, name, args) {
  return savedModel(model)?.hasAnswer(name, args) ?? true;
}

/**
 * Returns whether all questions of a name are answered here: by a kernel, or by a model in the page. A page that was
 * saved with answers has some.
 * @param {Model} model
 * @param {string} name
 */
export function answersAll(model, name) {
  return savedModel(model)?.answersAll(name) ?? true;
}

/** Returns whether a view is in an exported page, where no kernel answers. @param {Model} model */
export function isExported(model) {
  return savedModel(model) !== null;
}

/**
 * What only a model of an exported page has.
 * @typedef {{hasAnswer?: (name: string, args?: Record<string, unknown>) => boolean,
 *   answersAll?: (name: string) => boolean}} SavedAnswers
 */

/**
 * Returns a model of an exported page with what only such a model has, see `page.js`; null for another.
 * @param {Model} model
 */
function savedModel(model) {
  const saved = /** @type {SavedAnswers} */ (model);
  return saved.hasAnswer ? /** @type {Required<typeof saved>} */ (saved) : null;
}

let questionCount = 0;

/**
 * Asks a question by its name in `_answers` of the view's class.
 * @param {Model} model
 * @param {string} name
 * @param {Record<string, unknown>} args
 * @returns {Promise<any>} the value, or {data, shape} for an array; rejected with an Error whose `absent` tells that an
 * exported page has no answer
 */
export function ask(model, name, args) {
  const id = ++questionCount;
  return new Promise((resolve, reject) => {
    const onMessage = (/** @type {any} */ message, /** @type {DataView[]} */ buffers) => {
      if (message?.kind !== "answer" || message.id !== id) return;
      model.off("msg:custom", onMessage);
      const { error, array, value } = message;
      if (error) {
        const text = refusalText(sharedWords(model), message);
        reject(Object.assign(new Error(text), { absent: message.absent === true }));
      } else resolve(array ? { data: typedArray(array, buffers[0]), shape: array.shape } : value);
    };
    model.on("msg:custom", onMessage);
    model.send({ kind: "ask", id, name, args });
  });
}

/**
 * Asks one question at a time. Of the questions that wait, only the newest is asked; only the newest answer is used.
 */
export class Lane {
  constructor() {
    this.busy = false;
    /** @type {(() => Promise<void>)|null} */
    this.waiting = null;
  }

  /**
   * @template T
   * @param {() => Promise<T>} question
   * @param {(answer: T) => void} onAnswer
   * @param {(error: Error) => void} onError
   */
  ask(question, onAnswer, onError) {
    this.waiting = async () => {
      try {
        const answer = await question();
        if (!this.waiting) onAnswer(answer);
      } catch (error) {
        if (!this.waiting) onError(/** @type {Error} */ (error));
      }
    };
    this.next();
  }

  async next() {
    if (this.busy || !this.waiting) return;
    const question = this.waiting;
    this.waiting = null;
    this.busy = true;
    await question();
    this.busy = false;
    this.next();
  }
}
