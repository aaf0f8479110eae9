// @ts-check
/**
 * What stands in for the notebook in a page of its own: models that views read and listen to, and a host that finds them.
 *
 * Views are the same modules as in JupyterLab and cannot tell the difference: whoever answers their questions is handed
 * in. Not here: what views draw.
 */

/** @typedef {{module: string, state: Record<string, any>, buffers: Record<string, string>, answers: Record<string, any>}} Kept */
/** @typedef {{root: string[], widgets: Record<string, Kept>, selections: Record<string, Record<string, any>>}} PageData */
/** @typedef {(message: any) => Promise<[any, string[]][]>|[any, string[]][]} Answerer replies, each with buffers in base64 */

/** The part of anywidget's model that views use. */
export class PageModel {
  /** @param {Record<string, any>} state @param {Answerer} answerer @param {Answerer} [saved] hears the state */
  constructor(state, answerer, saved = () => []) {
    this.state = state;
    this.answerer = answerer;
    this.saved = saved;
    /** @type {Map<string, Function[]>} */
    this.heard = new Map();
    this.sent = 0;
  }

  /** @param {string} name */
  get(name) {
    return this.state[name];
  }

  /** @param {string} name @param {any} value */
  set(name, value) {
    if (this.state[name] === value) return;
    this.state[name] = value;
    this.tell(`change:${name}`);
  }

  /** @param {string} names @param {Function} callback */
  on(names, callback) {
    for (const name of names.split(" ")) this.heard.set(name, [...(this.heard.get(name) ?? []), callback]);
  }

  /** @param {string} names @param {Function} callback */
  off(names, callback) {
    for (const name of names.split(" ")) {
      this.heard.set(
        name,
        (this.heard.get(name) ?? []).filter((one) => one !== callback),
      );
    }
  }

  /** @param {string} name @param {...any} what */
  tell(name, ...what) {
    for (const callback of this.heard.get(name) ?? []) callback(...what);
  }

  async save_changes() {
    this.hear(await this.saved(this.state));
  }

  /** @param {any} message */
  async send(message) {
    this.sent += 1;
    this.hear(await this.answerer(message));
  }

  /** @param {[any, string[]][]} replies */
  hear(replies) {
    for (const [reply, buffers] of replies) this.tell("msg:custom", reply, buffers.map(pageBytes));
  }
}

/** @param {string} base64 */
export function pageBytes(base64) {
  return new DataView(Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)).buffer);
}

/** The state with its bytes as bytes. @param {Record<string, any>} state @param {Record<string, string>} buffers */
export function revived(state, buffers) {
  for (const [name, text] of Object.entries(buffers)) state[name] = pageBytes(text);
  return state;
}

/** A question in the form that an exported page keeps its answers under. @param {string} name @param {Record<string, any>} args */
export function questionKey(name, args) {
  return `${name} ${JSON.stringify(Object.entries(args).sort(([a], [b]) => (a < b ? -1 : 1)))}`;
}

/** Answers that travelled with the page; what did not is absent, and whoever asked says so. @param {Kept} kept
 * @returns {Answerer} */
function fromThePage(kept) {
  return ({ id, name, args }) => {
    const found = kept.answers[questionKey(name, args)] ?? { error: "absent", absent: true };
    const answer = found.sealed ? JSON.parse(new TextDecoder().decode(pageBytes(found.sealed))) : found;
    return [[{ kind: "answer", id, ...answer }, answer.buffer === undefined ? [] : [answer.buffer]]];
  };
}

/** Draw the views that a page was saved with, each where its place is.
 * @param {PageData} data @param {Record<string, {render: Function}>} modules */
export async function openPage(data, modules) {
  const selections = new Map(
    Object.entries(data.selections).map(([reference, state]) => [reference, new PageModel(state, () => [])]),
  );
  const models = new Map(
    Object.entries(data.widgets).map(([reference, kept]) => [
      reference,
      new PageModel(revived(kept.state, kept.buffers), fromThePage(kept)),
    ]),
  );
  const host = {
    getModel: async (/** @type {string} */ reference) => selections.get(reference) ?? models.get(reference),
    getWidget: async (/** @type {string} */ reference) => ({
      render: (/** @type {{el: HTMLElement}} */ { el }) =>
        modules[data.widgets[reference].module].render({ model: models.get(reference), el, host }),
    }),
  };
  for (const place of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-gptviz]"))) {
    await (await host.getWidget(/** @type {string} */ (place.dataset.gptviz))).render({ el: place });
  }
}
