// @ts-check
/**
 * The timeline of a generation: its text, its tokens with their probabilities, and one step's alternatives.
 *
 * While tokens come, the page asks for what is new, one question at a time. Not here: how a token is chosen.
 */
import { Lane, ask, chip, element, frame, notices, percent, setText, significant } from "./common.js";
import { wordsOf } from "./words.js";

/** @typedef {import("./common.js").PageToken} Token */
/** @typedef {{token: Token, index: number, probability: number, sampling: number, entropy: number, kept: number, mass: number}} Step */
/** @typedef {{token: Token, probability: number, sampling: number}} Alternative */
/** @typedef {{source: number, from: number, steps: Step[], prompt: string, text: string, finish_reason: string|null, choices: number,
 *   seed: number, settings: Record<string, number|null>, done: boolean, problem: string}} News */

const ASK_AGAIN_MS = 80;

/** @param {{model: any, el: HTMLElement}} context */
function render({ model, el }) {
  const catalogue = wordsOf(model), words = catalogue.timeline;
  const status = element("p", { class: "muted", role: "status" });
  const again = timelineButton(words.again), stop = timelineButton(words.stop);
  const choices = element("span", { class: "choices", role: "group" });
  const given = element("span", { class: "muted" }), written = element("span", { class: "written" });
  const text = element("p", { class: "text" }, given, written);
  const hint = element("p", { class: "muted small" }, words.hint);
  const list = element("ol", { class: "steps", "aria-label": words.tokens });
  const detail = new StepDetail(words);
  const { problem, say } = notices(catalogue);
  const root = element("section", { class: "gptviz gptviz-timeline", "aria-label": words.title },
    element("header", {}, element("h3", {}, words.title), status, element("span", { class: "buttons" }, choices, again, stop)),
    problem, text, hint, list, detail.root);
  const stopFrame = frame(model, root);
  const lane = new Lane(), news = new Lane();
  /** @type {Step[]} */
  let steps = [];
  let source = -1, chosen = -1, followed = true, timer = 0;

  /** Show one step and what else could have come there. @param {number} index */
  const choose = (index) => {
    chosen = index;
    [...list.children].forEach((item, i) => {
      item.toggleAttribute("data-chosen", i === index);
      item.setAttribute("tabindex", i === index ? "0" : "-1");
    });
    detail.root.hidden = index < 0;
    if (index < 0) return;
    const step = steps[index];
    detail.tell(step);
    lane.ask(() => ask(model, "alternatives", { step: index }), (alternatives) => detail.show(step, alternatives), (error) => say(error.message));
  };

  /** @param {News} told */
  const take = (told) => {
    if (told.source !== source || told.from !== steps.length) restart(told.source);
    if (told.from !== steps.length) return refresh(); // it was answered for another state of the page
    for (const step of told.steps) {
      steps.push(step);
      list.append(stepItem(step));
    }
    setText(given, told.prompt);
    setText(written, told.text);
    say(told.problem);
    const parts = [words.count(steps.length), ...timelineSettings(told.settings, words.settings), words.seed(told.seed)];
    const why = told.finish_reason === "stop" && steps.at(-1)?.token.special ? "itself" : told.finish_reason;
    const end = why === null ? null : words.ends[/** @type {"stop"} */ (why)];
    if (!told.done || end) parts.push(end ?? words.going);
    setText(status, parts.join(" · "));
    stop.hidden = told.done || !model.get("_can_generate");
    root.setAttribute("aria-busy", String(!told.done));
    showChoices(told.choices);
    if (followed && steps.length) choose(told.done ? 0 : steps.length - 1);
    if (!told.done) timer = window.setTimeout(refresh, ASK_AGAIN_MS);
  };
  const refresh = () => {
    clearTimeout(timer);
    news.ask(() => ask(model, "news", { source, have: steps.length }), take, (error) => say(error.message));
  };
  /** @param {number} from */
  const restart = (from) => {
    source = from;
    steps = [];
    followed = true;
    list.replaceChildren();
    choose(-1);
  };
  /** @param {number} count */
  const showChoices = (count) => {
    choices.replaceChildren(...Array.from({ length: count > 1 ? count : 0 }, (_, index) => {
      const button = timelineButton(words.choice(index));
      button.setAttribute("aria-pressed", String(index === model.get("choice")));
      button.addEventListener("click", () => {
        model.set("choice", index);
        model.save_changes();
      });
      return button;
    }));
  };

  list.addEventListener("click", (event) => {
    const item = /** @type {Element} */ (event.target).closest("li");
    if (!item) return;
    followed = false;
    choose([...list.children].indexOf(item));
  });
  list.addEventListener("keydown", (event) => {
    const last = steps.length - 1;
    const to = { ArrowRight: Math.min(last, chosen + 1), ArrowLeft: Math.max(0, chosen - 1), Home: 0, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    followed = false;
    choose(to);
    /** @type {HTMLElement} */ (list.children[to]).focus();
  });
  again.addEventListener("click", () => ask(model, "again", {}).catch((error) => say(error.message)));
  stop.addEventListener("click", () => ask(model, "stop", {}).catch((error) => say(error.message)));
  const show = () => {
    root.dataset.scale = model.get("scale");
    again.hidden = !model.get("_can_generate");
    refresh();
  };
  const otherChoice = () => {
    restart(-1);
    refresh();
  };
  model.on("change:_source change:scale", show);
  model.on("change:choice", otherChoice);
  show();
  el.append(root);
  return () => {
    clearTimeout(timer);
    model.off("change:_source change:scale", show);
    model.off("change:choice", otherChoice);
    stopFrame();
    root.remove();
  };
}

/** What one step's draw looked like. */
class StepDetail {
  /** @param {import("./words.js").Words["timeline"]} words */
  constructor(words) {
    this.words = words;
    this.title = element("h4", {});
    this.facts = element("p", { class: "muted small" });
    this.body = element("tbody", {});
    const column = (/** @type {string} */ name, /** @type {string} */ hint) =>
      element("th", { scope: "col" }, name, element("small", { class: "muted" }, hint));
    this.root = element("div", { class: "detail", hidden: "" }, this.title, this.facts,
      element("table", {}, element("thead", {}, element("tr", {}, element("th", { scope: "col", class: "token" }, this.words.token),
        column(this.words.own, this.words.ownHint), column(this.words.drawn, this.words.drawnHint))), this.body));
  }

  /** @param {Step} step */
  tell(step) {
    this.title.replaceChildren(this.words.step(step.index), " ", chip(step.token));
    setText(this.facts, this.words.facts(significant(step.entropy), step.kept));
  }

  /** @param {Step} step @param {Alternative[]} alternatives */
  show(step, alternatives) {
    const rank = alternatives.findIndex(({ token }) => token.id === step.token.id);
    const where = rank < 0 ? this.words.beyond(alternatives.length) : this.words.rank(rank + 1);
    setText(this.facts, `${where}; ${this.words.facts(significant(step.entropy), step.kept)}`);
    const rows = alternatives.map((one, i) => alternativeRow(one, i === rank));
    if (rank < 0) rows.push(alternativeRow(step, true));
    this.body.replaceChildren(...rows);
  }
}

/** @param {{token: Token, probability: number, sampling: number}} one @param {boolean} taken */
function alternativeRow({ token, probability, sampling }, taken) {
  const cell = (/** @type {number} */ p) => {
    const fill = element("span", { class: "fill" });
    fill.style.width = `${100 * p}%`;
    return element("td", { title: `${100 * p} %` },
      element("span", { class: "track" }, fill), element("span", { class: "number" }, percent(p)));
  };
  const row = element("tr", {}, element("th", { scope: "row", class: "token" }, chip(token)), cell(probability), cell(sampling));
  row.toggleAttribute("data-taken", taken);
  row.toggleAttribute("data-removed", sampling === 0);
  return row;
}

/** @param {Step} step */
function stepItem(step) {
  const node = chip(step.token);
  node.style.setProperty("--share", `${(100 * step.probability).toFixed(2)}%`);
  return element("li", { tabindex: -1, title: `${100 * step.probability} %`, "data-lm-suppress-shortcuts": "true" }, node,
    element("span", { class: "number small muted" }, step.probability < 0.01 ? "<1 %" : `${Math.round(100 * step.probability)} %`));
}

/** Those that differ from doing nothing, and the temperature. @param {Record<string, number|null>} settings
 * @param {Record<string, string>} names */
function timelineSettings(settings, names) {
  return Object.entries(names)
    .filter(([name]) => settings[name] != null && !(name === "repetition_penalty" && settings[name] === 1))
    .map(([name, word]) => `${word} ${settings[name]}`);
}

/** @param {string} word */
function timelineButton(word) {
  return element("button", { type: "button", "data-lm-suppress-shortcuts": "true" }, word);
}

export default { render };
