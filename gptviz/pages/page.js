// @ts-check
/**
 * Stands in for the notebook in an exported page: models that views read, write and listen to, and a host that finds
 * them. The views are the same modules as in JupyterLab; what answers their questions is passed in.
 */

/**
 * A widget as the page keeps it: its view's name, its traits, its traits of bytes in base64, and its answers by
 * question.
 * @typedef {{module: string, state: Record<string, any>, buffers: Record<string, string>, answers: Record<string,
 *   any>}} SavedWidget
 */
/**
 * `root`: the references of the views that stand in the page; `widgets`, and `shared` models without a view: by
 * reference.
 * @typedef {{root: string[], widgets: Record<string, SavedWidget>, shared: Record<string, Record<string, any>>}}
 *   PageData
 */
/** A message with its buffers in base64. @typedef {[any, string[]]} Reply */
/** @typedef {(message: any) => Promise<Reply[]>|Reply[]} Answerer */

/** The part of anywidget's model that views use. */
export class PageModel {
  /**
   * @param {Record<string, any>} state
   * @param {Answerer} answer answers the messages of views
   * @param {Answerer} [save] takes the state when a view saves it
   */
  constructor(state, answer, save = () => []) {
    this.state = state;
    this.answer = answer;
    this.save = save;
    /** The callbacks for each event. @type {Map<string, Function[]>} */
    this.listeners = new Map();
    this.sent = 0; // messages
  }

  /** @param {string} name */
  get(name) {
    return this.state[name];
  }

  /** @param {string} name @param {any} value */
  set(name, value) {
    if (this.state[name] === value) return;
    this.state[name] = value;
    this.emit(`change:${name}`);
  }

  /** @param {string} events @param {Function} callback */
  on(events, callback) {
    for (const event of events.split(" ")) {
      this.listeners.set(event, [...(this.listeners.get(event) ?? []), callback]);
    }
  }

  /** @param {string} events @param {Function} callback */
  off(events, callback) {
    for (const event of events.split(" ")) {
      const others = (this.listeners.get(event) ?? []).filter((other) => other !== callback);
      this.listeners.set(event, others);
    }
  }

  /** Calls the listeners of an event. @param {string} event @param {...any} args */
  emit(event, ...args) {
    for (const callback of this.listeners.get(event) ?? []) callback(...args);
  }

  async save_changes() {
    this.receive(await this.save(this.state));
  }

  /** @param {any} message */
  async send(message) {
    this.sent += 1;
    this.receive(await this.answer(message));
  }

  /** @param {Reply[]} replies */
  receive(replies) {
    for (const [message, buffers] of replies) this.emit("msg:custom", message, buffers.map(decodeBytes));
  }
}

/** Decodes bytes from base64. @param {string} base64 */
export function decodeBytes(base64) {
  return new DataView(Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)).buffer);
}

/**
 * Returns a state with its traits of bytes.
 * @param {Record<string, any>} state
 * @param {Record<string, string>} buffers
 */
export function withBuffers(state, buffers) {
  for (const [name, base64] of Object.entries(buffers)) state[name] = decodeBytes(base64);
  return state;
}

/**
 * Returns the key of a question's answer; `question_key` in Python makes the same.
 * @param {string} name
 * @param {Record<string, any>} args
 */
export function questionKey(name, args) {
  return `${name} ${JSON.stringify(Object.entries(args).sort(([a], [b]) => (a < b ? -1 : 1)))}`;
}

/**
 * What a widget is at a frame of a film: the traits that differ from the saved ones, and its answers.
 * @typedef {{state: Record<string, any>, buffers: Record<string, string>, answers: Record<string, any>}} Change
 */

/** A widget's model in a saved page: it answers what the page was saved with. */
class SavedModel extends PageModel {
  /** @param {SavedWidget} saved @param {(frame: Record<string, Change>) => void} showFrame changes all widgets */
  constructor({ state, buffers, answers }, showFrame) {
    super(withBuffers(state, buffers), (message) => this.reply(message));
    this.answers = answers;
    this.showFrame = showFrame;
    this.savedState = { ...this.state };
    this.savedAnswers = answers;
    this.filmed = /** @type {Set<string>} */ (new Set()); // the traits that a frame has changed
  }

  /** Becomes what the widget is at a frame; without a change, what was saved. @param {Change} [change] */
  become(change) {
    const next = change ? withBuffers({ ...change.state }, change.buffers) : {};
    for (const name of this.filmed) if (!(name in next)) next[name] = this.savedState[name];
    for (const name of Object.keys(next)) this.filmed.add(name);
    this.answers = change?.answers ?? this.savedAnswers;
    const changed = Object.keys(next).filter((name) => next[name] !== this.state[name]);
    Object.assign(this.state, next);
    for (const name of changed) this.emit(`change:${name}`);
  }

  /**
   * Returns whether the page has the answer to a question; without arguments, to any question of that name. Views look
   * at this before they offer a control.
   * @param {string} name
   * @param {Record<string, any>} [args]
   */
  hasAnswer(name, args) {
    if (args) return questionKey(name, args) in this.answers;
    return Object.keys(this.answers).some((key) => key.startsWith(`${name} `));
  }

  /** Returns whether all questions of a name are answered: a page is saved with some answers. */
  answersAll() {
    return false;
  }

  /** @param {any} message @returns {Reply[]} */
  reply({ id, name, args }) {
    const key = questionKey(name, args);
    if (!(key in this.answers)) console.debug(`gptviz: this page has no answer to ${key}`);
    const kept = this.answers[key] ?? { error: "absent", absent: true };
    const answer = kept.sealed ? JSON.parse(new TextDecoder().decode(decodeBytes(kept.sealed))) : kept;
    if (answer.frame) this.showFrame(answer.frame);
    return [[{ kind: "answer", id, ...answer }, answer.buffer === undefined ? [] : [answer.buffer]]];
  }
}

/**
 * Draws the views of a saved page, each in its own element.
 * @param {PageData} data
 * @param {Record<string, {render: Function}>} modules the views' modules by name
 */
export async function openPage(data, modules) {
  /** @type {Map<string, PageModel>} */
  const models = new Map();
  for (const [reference, state] of Object.entries(data.shared)) {
    models.set(reference, new PageModel(state, () => []));
  }
  for (const [reference, saved] of Object.entries(data.widgets)) {
    const showFrame = (/** @type {Record<string, Change>} */ frame) => {
      for (const [other, model] of models) {
        if (other !== reference && model instanceof SavedModel) model.become(frame[other]);
      }
    };
    models.set(reference, new SavedModel(saved, showFrame));
  }
  await drawViews(models, data, modules);
}

/**
 * Draws the views of a page, each in its own element; returns what removes them.
 * @param {Map<string, PageModel>} models by reference
 * @param {PageData} data
 * @param {Record<string, {render: Function}>} modules the views' modules by name
 * @returns {Promise<(() => void)[]>}
 */
export async function drawViews(models, data, modules) {
  const host = {
    getModel: async (/** @type {string} */ reference) => models.get(reference),
    getWidget: async (/** @type {string} */ reference) => ({
      render: (/** @type {{el: HTMLElement}} */ { el }) =>
        modules[data.widgets[reference].module].render({ model: models.get(reference), el, host }),
    }),
  };
  const removers = [];
  for (const container of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-gptviz]"))) {
    const widget = await host.getWidget(/** @type {string} */ (container.dataset.gptviz));
    removers.push(await widget.render({ el: container }));
  }
  return removers;
}
