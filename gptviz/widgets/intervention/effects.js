// @ts-check
/** What the squares show: attention maps, or what each part's absence alone does to the followed token, swept on demand. */
import { chip } from "../shared/chips.js";
import { colourBar, colours, diverging } from "../shared/colours.js";
import { element, setText } from "../shared/dom.js";
import { ask, Lane } from "../shared/kernel.js";
import { significant } from "../shared/numbers.js";
import { sharedWords } from "../shared/words.js";

export class EffectSwitch {
  /** @param {any} model @param {import("./words.js").Words} words
   * @param {import("./grid.js").PartGrid} grid @param {{redraw: () => void, problem: (text: string) => void}} actions */
  constructor(model, words, grid, actions) {
    this.model = model;
    this.words = words;
    this.grid = grid;
    this.actions = actions;
    this.lane = new Lane();
    this.on = false;
    this.watched = -1;
    this.maps = element("button", { type: "button" }, words.maps);
    this.maps.addEventListener("click", () => this.show(false));
    this.effect = element("button", { type: "button" });
    this.effect.addEventListener("click", () => this.show(true));
    this.waiting = element("span", { class: "muted", hidden: "" }, sharedWords(model).common.computing);
    this.root = element(
      "p",
      { class: "show small", role: "group", "aria-label": words.show },
      element("span", { class: "muted" }, words.show),
      " ",
      this.maps,
      this.effect,
      this.waiting,
    );
    this.bar = element("canvas", { width: 128, height: 1, "aria-hidden": "true" });
    this.ends = [element("span", {}), element("span", {})];
    this.legend = element("p", { class: "legend small muted" }, this.ends[0], this.bar, this.ends[1]);
    this.hint = element("p", { class: "muted small" });
  }

  /** Another token is followed, or the same one in another prompt. @param {number} id @param {import("../shared/chips.js").PageToken|null} token */
  follow(id, token) {
    this.watched = id;
    this.name(token);
    this.show(this.on);
  }

  /** @param {import("../shared/chips.js").PageToken|null} token */
  name(token) {
    this.effect.replaceChildren(this.words.effect, " ", ...(token ? [chip(token)] : []));
  }

  /** @param {boolean} on */
  show(on) {
    const { watched } = this;
    this.on = on;
    this.take(null, on);
    if (!on) return;
    this.lane.ask(
      () => ask(this.model, "sweep", { watched }),
      ({ data }) => this.on && watched === this.watched && this.take(data, false),
      (error) => {
        this.on = false;
        this.take(null, false);
        this.actions.problem(error.message);
      },
    );
  }

  /** @param {Float32Array|null} effects (L, H + 1) @param {boolean} waiting */
  take(effects, waiting) {
    this.grid.effects = effects;
    this.waiting.hidden = !waiting;
    this.grid.root.setAttribute("aria-busy", String(waiting));
    this.maps.setAttribute("aria-pressed", String(!this.on));
    this.effect.setAttribute("aria-pressed", String(this.on));
    this.actions.redraw();
  }

  /** @param {"light"|"dark"} theme */
  draw(theme) {
    const { words, grid } = this;
    setText(this.hint, `${words.partsHint}${grid.effects ? ` ${words.effectHint}` : ""}`);
    const ends = grid.effects ? words.ends(significant(100 * grid.largest())) : words.mapEnds;
    ends.forEach((text, i) => setText(this.ends[i], text));
    colourBar(this.bar, (grid.effects ? diverging : colours)(theme));
  }
}
