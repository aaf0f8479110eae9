// @ts-check
/**
 * One step of a generation in full: what else could have come, what the cache held, where a head looked, its bench.
 *
 * It is built once, and another step only changes what differs. What the kernel is asked for, a head's row and the
 * bench, waits until scrubbing rests. Not here: which step, and what follows from forcing another token.
 */
import { percentAxis } from "../shared/bars.js";
import { chip } from "../shared/chips.js";
import { element, setText } from "../shared/dom.js";
import { notices, waits } from "../shared/frame.js";
import { ask, Lane } from "../shared/kernel.js";
import { significant, weight } from "../shared/numbers.js";
import { AlternativeRow, ShareCell } from "./alternatives.js";

/** @typedef {import("./timeline.js").Step} Step */
/** @typedef {import("../shared/chips.js").PageToken} Token */

const REST_MS = 120;

export class StepDetail {
  /** @param {any} model @param {any} selection @param {any} host @param {import("./words.js").Words} words
   * @param {(step: number, id: number) => Promise<unknown>} force */
  constructor(model, selection, host, words, force) {
    this.model = model;
    this.selection = selection;
    this.host = host;
    this.words = words;
    this.force = force;
    this.refused = { force: notices(model), bench: notices(model) }; // each said beside its buttons
    /** @type {Step|null} */
    this.step = null;
    /** The tokens that were read before it. @type {Token[]} */
    this.read = [];
    this.index = -1;
    this.choice = this.timer = 0;
    this.drawnBench = "";
    this.looks = new Lane();
    this.benches = new Lane();
    /** @type {AlternativeRow[]} */
    this.alternatives = [];
    this.name = element("span", {});
    this.token = element("span", {});
    this.title = element("h4", {}, this.name, " ", this.token);
    this.facts = element("p", { class: "muted small" });
    this.cache = element("p", { class: "muted small" });
    this.body = element("tbody", {});
    this.others = { probability: new ShareCell(), sampling: new ShareCell() };
    const column = (/** @type {string} */ name, /** @type {string} */ hint) =>
      element("th", { scope: "col" }, name, element("small", { class: "muted" }, hint), percentAxis());
    this.table = element(
      "table",
      {},
      element(
        "thead",
        {},
        element(
          "tr",
          {},
          element("th", { scope: "col", class: "token" }, words.token),
          column(words.own, words.ownHint),
          column(words.drawn, words.drawnHint),
          element("th", { scope: "col", class: "action" }, words.forcing),
        ),
      ),
      this.body,
      element(
        "tfoot",
        {},
        element(
          "tr",
          {},
          element("th", { scope: "row", class: "token" }, words.others),
          ...Object.values(this.others).map(({ root }) => root),
          element("td", { class: "action" }),
        ),
      ),
    );
    this.layers = this.menu(words.layer, "layer");
    this.heads = this.menu(words.head, "head");
    this.row = element("ol", { class: "looked" });
    this.attention = element(
      "details",
      { class: "attention" },
      element("summary", {}, words.attention),
      element("p", { class: "muted small" }, words.attentionHint, " ", this.layers, " ", this.heads),
      this.row,
    );
    this.attention.addEventListener("toggle", () => this.showAttention());
    this.rowWaits = waits(this.attention, model);
    this.benchPlace = element("div", { class: "gptviz-timeline-bench", hidden: "" }); // beside the timeline, not in it: a view has its own styles
    this.bench = element("button", { type: "button", class: "bench", "aria-expanded": "false" }, words.bench);
    this.bench.addEventListener("click", () => {
      this.benchPlace.hidden = !this.benchPlace.hidden;
      this.bench.setAttribute("aria-expanded", String(!this.benchPlace.hidden));
      this.showBench();
    });
    this.root = element(
      "div",
      { class: "detail", hidden: "" },
      this.title,
      this.facts,
      this.cache,
      this.refused.force.problem,
      this.table,
      this.attention,
      this.bench,
      this.refused.bench.problem,
    );
    this.listen = () => this.showAttention();
    selection.on("change:layer change:head", this.listen);
  }

  /** @param {string} word @param {"layer"|"head"} what */
  menu(word, what) {
    const menu = element("select", { "aria-label": word });
    menu.addEventListener("change", () => {
      this.selection.set(what, menu.selectedIndex);
      this.selection.save_changes();
    });
    return menu;
  }

  /** @param {Step|null} step @param {number} index @param {Token[]} read the tokens of prompt and text before it @param {number} choice */
  show(step, index, read, choice) {
    this.index = index;
    this.choice = choice;
    this.read = read;
    this.root.hidden = !step;
    if (step === this.step) return;
    this.step = step;
    for (const refused of Object.values(this.refused)) refused.say("");
    this.settle();
    if (!step) return;
    const { words } = this;
    const { alternatives } = step;
    const rank = alternatives.findIndex(({ token }) => token.id === step.token.id);
    setText(this.name, words.step(index));
    this.token.replaceChildren(chip(step.token));
    const where = rank < 0 ? words.beyond(alternatives.length) : words.rank(rank + 1);
    setText(this.facts, `${where}; ${words.facts(significant(step.entropy), step.kept)}`);
    const held = step.cached;
    setText(
      this.cache,
      held ? words.cache(held[0], bytes(held[1]), index === 0 ? read.length : 1, read.length) : words.noCache,
    );
    const canForce = this.model.get("_can_force");
    this.table.toggleAttribute("data-forcing", canForce);
    const shown = rank < 0 ? [...alternatives, step] : alternatives;
    const taken = rank < 0 ? alternatives.length : rank;
    this.resize(shown.length);
    shown.forEach((one, i) => this.alternatives[i].show(one, i === taken, canForce && i !== taken));
    const left = (/** @type {"probability"|"sampling"} */ what) =>
      Math.max(
        0,
        shown.reduce((rest, one) => rest - one[what], 1),
      );
    this.others.probability.show(left("probability"));
    this.others.sampling.show(shown.filter(({ sampling }) => sampling > 0).length === step.kept ? 0 : left("sampling"));
  }

  /** @param {number} count rows of the table */
  resize(count) {
    while (this.alternatives.length > count) this.alternatives.pop()?.root.remove();
    while (this.alternatives.length < count) {
      const row = new AlternativeRow(this.words, (id) => this.forceInstead(id));
      this.alternatives.push(row);
      this.body.append(row.root);
    }
  }

  /** @param {number} id */
  forceInstead(id) {
    const { step } = this;
    this.force(this.index, id).catch((/** @type {Error} */ error) => this.refuse("force", step, error));
  }

  /** Said in sight, unless the reader has gone on. @param {"force"|"bench"} what @param {Step|null} step @param {Error} error */
  refuse(what, step, error) {
    if (this.step !== step) return;
    this.refused[what].say(error.message);
    this.refused[what].problem.scrollIntoView({ block: "nearest" });
  }

  /** Ask once scrubbing rests; until then what was told of another step is dim. */
  settle() {
    clearTimeout(this.timer);
    if (!this.step) return;
    this.rowWaits(this.attention.open);
    this.benchPlace.toggleAttribute("data-asking", !this.benchPlace.hidden);
    this.timer = window.setTimeout(() => {
      this.showAttention();
      this.showBench();
    }, REST_MS);
  }

  showAttention() {
    const [layers, heads] = this.model.get("_heads");
    const { step, read } = this;
    if (!this.attention.open || !step) return;
    fill(this.layers, layers, this.selection.get("layer"), "L");
    fill(this.heads, heads, this.selection.get("head"), "H");
    const question = {
      choice: this.choice,
      step: this.index,
      layer: this.selection.get("layer"),
      head: this.selection.get("head"),
    };
    const tell = (/** @type {HTMLElement[]} */ items) => {
      if (this.step !== step) return; // the reader has gone on
      this.row.replaceChildren(...items);
      this.rowWaits(false);
    };
    this.rowWaits(true);
    this.looks.ask(
      () => ask(this.model, "attention", question),
      ({ data }) => tell(read.map((token, i) => lookedAt(token, data[i]))),
      (error) => tell([element("li", { class: "muted" }, error.message)]),
    );
  }

  showBench() {
    const { step } = this;
    const place = this.benchPlace;
    if (place.hidden || !step) return;
    const done = () => place.toggleAttribute("data-asking", this.step !== step);
    this.benches.ask(
      () => this.drawBench(),
      done,
      (error) => {
        place.hidden = true;
        this.bench.setAttribute("aria-expanded", "false");
        done();
        this.refuse("bench", step, error);
      },
    );
  }

  /** The kernel puts the step on its bench, which is drawn once. */
  async drawBench() {
    const reference = await ask(this.model, "bench", { step: this.index });
    if (this.drawnBench === reference) return;
    this.drawnBench = reference;
    const child = await this.host.getWidget(reference);
    this.benchPlace.replaceChildren();
    await child.render({ el: this.benchPlace });
  }

  remove() {
    clearTimeout(this.timer);
    this.selection.off("change:layer change:head", this.listen);
    this.benchPlace.remove();
  }
}

/** @param {Token} token @param {number} share */
function lookedAt(token, share) {
  const item = element(
    "li",
    { title: String(share) },
    chip(token),
    element("span", { class: "number small muted" }, weight(share)),
  );
  item.style.setProperty("--share", `${(100 * share).toFixed(2)}%`);
  return item;
}

/** @param {HTMLSelectElement} menu @param {number} count @param {number} chosen @param {string} letter */
function fill(menu, count, chosen, letter) {
  if (menu.length !== count)
    menu.replaceChildren(...Array.from({ length: count }, (_, i) => element("option", { value: i }, `${letter}${i}`)));
  menu.selectedIndex = Math.min(chosen, count - 1);
}

/** @param {number} size */
function bytes(size) {
  return size < 1e6 ? `${significant(size / 1e3)} kB` : `${significant(size / 1e6)} MB`;
}
