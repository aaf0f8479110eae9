// @ts-check
/**
 * The page side of a page that runs the model: its views' questions go to a Worker with the model. The views are the
 * same modules as in JupyterLab, and do not know what answers.
 */

import { drawViews, PageModel, questionKey, withBuffers } from "../page.js";
import { COVERED, Predict } from "./predict.js";
import { catalogue as predictWords } from "./predict_words.js";
import { catalogue } from "./words.js";

/** @typedef {import("../page.js").PageData} PageData */
/** @typedef {import("../page.js").SavedWidget} SavedWidget */
/** @typedef {"en"|"zh"} Language */
/** children: see `kernel.js`. @typedef {SavedWidget & {children: Record<string, string>}} LiveWidget */
/** titles: of each view in each language; asks: whether it begins with questions. @typedef {PageData & {titles:
 *   Record<string, Record<Language, string>>, widgets: Record<string, LiveWidget>, asks: boolean}} LiveData */
/** What the page has besides its views: the Worker's source, and the model. weights: safetensors in base64.
 * @typedef {{source: string, weights: string, model: {name: string, config: any, tokenizer: any}}} LiveParts */

const JUDGE = "predict"; // the reference of what judges the questions

/** A view's model whose questions a Worker answers; those that no text changes have their answers in the page. */
class LiveModel extends PageModel {
  /**
   * @param {string} reference
   * @param {Record<string, any>} state
   * @param {{worker: Worker, names: string[], answers: Record<string, any>}} answerer names: of the questions that the
   *   Worker answers
   */
  constructor(reference, state, { worker, names, answers }) {
    super(state, () => []);
    this.reference = reference;
    this.worker = worker;
    this.names = names;
    this.answers = answers;
    /** The traits that the page has set since it last saved them. @type {Set<string>} */
    this.unsaved = new Set();
  }

  /** @param {string} name @param {any} value */
  set(name, value) {
    if (this.state[name] !== value) this.unsaved.add(name);
    super.set(name, value);
  }

  async save_changes() {
    const state = Object.fromEntries([...this.unsaved].map((name) => [name, this.state[name]]));
    this.unsaved.clear();
    this.worker.postMessage({ kind: "set", reference: this.reference, state });
  }

  /** @param {any} message */
  async send(message) {
    const { id, name, args } = message;
    const kept = this.answers[questionKey(name, args)] ?? { error: "absent", absent: true };
    if (this.names.includes(name)) this.worker.postMessage({ kind: "ask", reference: this.reference, message });
    else this.receive([[{ kind: "answer", id, ...kept }, kept.buffer ? [kept.buffer] : []]]);
  }

  /** Returns whether a question is answered. @param {string} name @param {Record<string, any>} [args] */
  hasAnswer(name, args) {
    if (this.names.includes(name)) return true;
    return Object.keys(this.answers).some((key) =>
      args ? key === questionKey(name, args) : key.startsWith(`${name} `),
    );
  }

  /** Returns whether all questions of a name are answered. @param {string} name */
  answersAll(name) {
    return this.names.includes(name);
  }

  /** Takes traits from the Worker. @param {Record<string, any>} state */
  take(state) {
    Object.assign(this.state, state);
    for (const name of Object.keys(state)) this.emit(`change:${name}`);
  }
}

/** The views of the page, in one language at a time. */
class LivePage {
  /**
   * @param {LiveData} data
   * @param {Record<string, {render: Function}>} modules
   * @param {Worker} worker
   * @param {Record<string, string[]>} names of the questions that the Worker answers, by module
   */
  constructor(data, modules, worker, names) {
    this.data = data;
    this.modules = modules;
    this.worker = worker;
    this.names = names;
    /** @type {Map<string, LiveModel>} */
    this.models = new Map();
    for (const [reference, state] of Object.entries(data.shared)) this.add(reference, state, "", {});
    for (const [reference, { module, state, buffers, answers }] of Object.entries(data.widgets))
      this.add(reference, withBuffers({ ...state }, buffers), module, answers);
    this.add(JUDGE, { _source: 1 }, JUDGE, {});
    /** The questions that still cover views. @type {Set<import("./predict.js").Name>} */
    this.open = new Set(/** @type {import("./predict.js").Name[]} */ (data.asks ? Object.keys(COVERED) : []));
    this.questions = document.createElement("div");
    document.querySelector("[data-gptviz]")?.after(this.questions);
    this.language = /** @type {Language} */ ("en"); // in which the views are drawn
    /** Removes the views. @type {(() => void)[]} */
    this.removers = [];
  }

  /**
   * @param {string} reference
   * @param {Record<string, any>} state
   * @param {string} module
   * @param {Record<string, any>} answers
   */
  add(reference, state, module, answers) {
    const answerer = { worker: this.worker, names: this.names[module] ?? [], answers };
    this.models.set(reference, new LiveModel(reference, state, answerer));
  }

  /** Draws all views anew in a language. @param {Language} language */
  async draw(language) {
    for (const remove of this.removers) remove();
    for (const [reference, { state, answers }] of this.models) {
      const saved = this.data.widgets[reference];
      if (!saved) continue;
      const inLanguage = { language, _title: this.data.titles[reference][language] };
      this.add(reference, { ...state, ...inLanguage, ...this.cover(saved.module, language) }, saved.module, answers);
    }
    const judge = /** @type {LiveModel} */ (this.models.get(JUDGE));
    this.add(JUDGE, { ...judge.state, language }, JUDGE, {});
    this.language = language;
    document.documentElement.lang = language === "zh" ? "zh-Hans" : "en";
    this.removers = await drawViews(this.models, this.data, this.modules);
    if (this.data.asks) this.removers.push(this.drawQuestions());
  }

  /** Draws the questions; returns what removes them. */
  drawQuestions() {
    const model = /** @type {LiveModel} */ (this.models.get(JUDGE));
    const predict = new Predict(/** @type {any} */ (model), this.questions, (name) => this.uncover(name));
    model.on("change:_head", () => predict.renew());
    return () => predict.remove();
  }

  /** Returns the trait by which a view is covered. @param {string} module @param {Language} language */
  cover(module, language) {
    const covering = [...this.open].filter((name) => COVERED[name].includes(module));
    return { _covered_by: covering.map((name) => predictWords[language].covers[name]) };
  }

  /** Shows the views that a question has covered. @param {import("./predict.js").Name} name */
  uncover(name) {
    this.open.delete(name);
    for (const [reference, { module }] of Object.entries(this.data.widgets))
      if (COVERED[name].includes(module)) this.models.get(reference)?.take(this.cover(module, this.language));
  }

  /** Takes a message of the Worker. @param {any} sent */
  take(sent) {
    const model = this.models.get(sent.reference);
    if (sent.kind === "update") model?.take(sent.state);
    if (sent.kind === "answer")
      model?.emit(
        "msg:custom",
        sent.message,
        sent.buffers.map((/** @type {ArrayBuffer} */ buffer) => new DataView(buffer)),
      );
  }
}

/**
 * Opens the page: draws its views as they were saved, and starts the model beside them.
 * @param {LiveData} data
 * @param {Record<string, {render: Function}>} modules the views' modules by name
 * @param {LiveParts} parts
 */
export function openLivePage(data, modules, { source, weights, model }) {
  const worker = new Worker(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
  const opened = data.root[0];
  let language = /** @type {Language} */ (data.widgets[opened].state.language);
  /** @type {LivePage|undefined} */
  let page;
  const bar = makeBar(language, async (chosen) => {
    language = chosen;
    bar.show(language);
    await page?.draw(language);
  });
  worker.addEventListener("error", () => bar.showProblem());
  worker.addEventListener("message", async ({ data: sent }) => {
    if (sent.kind === "answers") {
      page = new LivePage(data, modules, worker, sent.names);
      await page.draw(language);
      // After the first picture is on screen, since the weights take the most time.
      requestAnimationFrame(() =>
        setTimeout(() => worker.postMessage({ kind: "open", model, weights, page: withoutBytes(data) })),
      );
    } else if (sent.kind === "failed") bar.showProblem();
    else if (sent.kind === "opened") document.documentElement.dataset.live = "";
    else page?.take(sent);
  });
}

/** Returns the state of the views for the Worker, without bytes. @param {LiveData} data */
function withoutBytes({ widgets, shared }) {
  const states = Object.entries(widgets).map(([reference, { module, state, children }]) => {
    return [reference, { module, state, children }];
  });
  states.push([JUDGE, { module: JUDGE, state: { _source: 1 }, children: {} }]);
  return { widgets: Object.fromEntries(states), shared };
}

/**
 * Makes the line above the views: what the page is, and the choice of a language.
 * @param {Language} language
 * @param {(language: Language) => void} choose
 */
function makeBar(language, choose) {
  const text = document.createElement("p");
  const problem = document.createElement("p");
  problem.setAttribute("role", "alert");
  const buttons = /** @type {[Language, string][]} */ ([
    ["en", "English"],
    ["zh", "中文"],
  ]).map(([code, name]) => {
    const button = document.createElement("button");
    button.type = "button";
    button.lang = code;
    button.textContent = name;
    button.addEventListener("click", () => choose(code));
    return { code, button };
  });
  const choice = document.createElement("p");
  choice.append(...buttons.flatMap(({ button }) => [button, " "]));
  const bar = document.createElement("header");
  bar.className = "live-bar";
  bar.append(text, choice, problem);
  document.querySelector("main")?.prepend(bar);
  const show = (/** @type {Language} */ shown) => {
    language = shown;
    text.textContent = catalogue[shown].about;
    for (const { code, button } of buttons) button.setAttribute("aria-pressed", String(code === shown));
  };
  show(language);
  return {
    show,
    showProblem: () => {
      problem.textContent = catalogue[language].problem;
    },
  };
}
