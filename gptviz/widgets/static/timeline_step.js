// @ts-check
/**
 * One step of a generation in full: what else could have come, what the cache held, where a head looked, its bench.
 *
 * Not here: which step, and what follows from forcing another token.
 */
import { Lane, ask, chip, element, percent, setText, significant, weight } from "./common.js";

/** @typedef {import("./timeline.js").Step} Step */
/** @typedef {import("./timeline.js").Alternative} Alternative */
/** @typedef {{force: (step: number, id: number) => void, problem: (told: string) => void}} StepActions */

export class StepDetail {
  /** @param {any} model @param {any} selection @param {any} host @param {import("./words.js").Words["timeline"]} words
   * @param {string} looks @param {StepActions} actions */
  constructor(model, selection, host, words, looks, actions) {
    this.model = model;
    this.selection = selection;
    this.host = host;
    this.words = words;
    this.looks = looks;
    this.actions = actions;
    this.index = -1;
    this.choice = 0;
    this.drawnBench = "";
    this.lane = new Lane();
    this.title = element("h4", {});
    this.facts = element("p", { class: "muted small" });
    this.cache = element("p", { class: "muted small" });
    this.body = element("tbody", {});
    const column = (/** @type {string} */ name, /** @type {string} */ hint) =>
      element("th", { scope: "col" }, name, element("small", { class: "muted" }, hint));
    this.table = element("table", {}, element("thead", {}, element("tr", {}, element("th", { scope: "col", class: "token" }, words.token),
      column(words.own, words.ownHint), column(words.drawn, words.drawnHint), element("th", { scope: "col", class: "action" }, words.forcing))), this.body);
    this.layers = this.menu(words.layer, "layer");
    this.heads = this.menu(words.head, "head");
    this.row = element("ol", { class: "looked" });
    this.attention = element("details", {}, element("summary", {}, words.attention),
      element("p", { class: "muted small" }, words.attentionHint, " ", this.layers, " ", this.heads), this.row);
    this.attention.addEventListener("toggle", () => this.showAttention());
    this.benchPlace = element("div", { hidden: "" }); // beside the timeline, not in it: a view has its own styles
    this.bench = element("button", { type: "button", class: "bench", "aria-expanded": "false" }, words.bench);
    this.bench.addEventListener("click", () => {
      this.benchPlace.hidden = !this.benchPlace.hidden;
      this.bench.setAttribute("aria-expanded", String(!this.benchPlace.hidden));
      this.showBench();
    });
    this.root = element("div", { class: "detail", hidden: "" }, this.title, this.facts, this.cache, this.table, this.attention, this.bench);
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

  /** @param {Step|null} step @param {number} index @param {number} read tokens of prompt and text before it @param {number} choice */
  show(step, index, read, choice) {
    this.index = index;
    this.choice = choice;
    this.root.hidden = !step;
    if (!step) return;
    const { words } = this, { alternatives } = step, rank = alternatives.findIndex(({ token }) => token.id === step.token.id);
    this.title.replaceChildren(words.step(index), " ", chip(step.token));
    const where = rank < 0 ? words.beyond(alternatives.length) : words.rank(rank + 1);
    setText(this.facts, `${where}; ${words.facts(significant(step.entropy), step.kept)}`);
    const held = step.cached;
    setText(this.cache, held ? words.cache(held[0], bytes(held[1]), index === 0 ? read : 1, read) : words.noCache);
    const canForce = this.model.get("_can_force");
    this.table.toggleAttribute("data-forcing", canForce);
    const rows = alternatives.map((one, i) => this.alternative(one, i === rank, canForce && i !== rank));
    if (rank < 0) rows.push(this.alternative(step, true, false));
    this.body.replaceChildren(...rows);
    this.showAttention();
    this.showBench();
  }

  /** @param {Alternative} one @param {boolean} taken @param {boolean} offered */
  alternative({ token, probability, sampling }, taken, offered) {
    const cell = (/** @type {number} */ p) => {
      const fill = element("span", { class: "fill" });
      fill.style.width = `${100 * p}%`;
      return element("td", { title: `${100 * p} %` },
        element("span", { class: "track" }, fill), element("span", { class: "number" }, percent(p)));
    };
    const action = element("td", { class: "action" });
    if (offered) {
      const button = element("button", { type: "button" }, this.words.force);
      button.addEventListener("click", () => this.actions.force(this.index, token.id));
      action.append(button);
    } else if (taken) action.append(element("span", { class: "small muted" }, this.words.taken));
    const row = element("tr", {}, element("th", { scope: "row", class: "token" }, chip(token)), cell(probability), cell(sampling), action);
    row.toggleAttribute("data-taken", taken);
    row.toggleAttribute("data-removed", sampling === 0);
    return row;
  }

  showAttention() {
    const [layers, heads] = this.model.get("_heads");
    if (!this.attention.open || this.index < 0) return;
    fill(this.layers, layers, this.selection.get("layer"), "L");
    fill(this.heads, heads, this.selection.get("head"), "H");
    const question = { choice: this.choice, step: this.index, layer: this.selection.get("layer"), head: this.selection.get("head") };
    this.lane.ask(() => ask(this.model, "attention", question), ({ tokens, weights }) => {
      this.row.replaceChildren(...tokens.map((/** @type {import("./common.js").PageToken} */ token, /** @type {number} */ i) => {
        const node = chip(token);
        node.style.setProperty("--share", `${(100 * weights[i]).toFixed(2)}%`);
        return element("li", { title: String(weights[i]) }, node, element("span", { class: "number small muted" }, weight(weights[i])));
      }));
    }, (error) => this.row.replaceChildren(element("li", { class: "muted" }, error.message)));
  }

  async showBench() {
    if (this.benchPlace.hidden || this.index < 0) return;
    try {
      const reference = await ask(this.model, "bench", { step: this.index });
      if (this.drawnBench === reference) return;
      this.drawnBench = reference;
      const child = await this.host.getWidget(reference);
      this.benchPlace.replaceChildren();
      await child.render({ el: this.benchPlace });
    } catch (error) {
      this.benchPlace.hidden = true;
      this.actions.problem(/** @type {Error} */ (error).message);
    }
  }

  remove() {
    this.selection.off("change:layer change:head", this.listen);
    this.benchPlace.remove();
  }
}

/** @param {HTMLSelectElement} menu @param {number} count @param {number} chosen @param {string} letter */
function fill(menu, count, chosen, letter) {
  if (menu.length !== count) menu.replaceChildren(...Array.from({ length: count }, (_, i) => element("option", { value: i }, `${letter}${i}`)));
  menu.selectedIndex = Math.min(chosen, count - 1);
}

/** @param {number} size */
function bytes(size) {
  return size < 1e6 ? `${significant(size / 1e3)} kB` : `${significant(size / 1e6)} MB`;
}
