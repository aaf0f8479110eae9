// @ts-check
/** What the squares show: attention maps, or what each part's absence alone does to the followed token, swept on demand. */
import { ask, chip, colourBar, colours, diverging, element, Lane, setText, significant } from "../shared/common.js";

export class EffectSwitch {
  /** @param {any} model @param {import("../shared/words.js").Words["intervention"]} words @param {string} computing
   * @param {import("./grid.js").PartGrid} grid @param {{redraw: () => void, problem: (text: string) => void}} actions */
  constructor(model, words, computing, grid, actions) {
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
    this.waiting = element("span", { class: "muted", hidden: "" }, computing);
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

  /** Another token is followed, or the same one in another prompt. @param {number} id @param {import("../shared/common.js").PageToken|null} token */
  follow(id, token) {
    this.watched = id;
    this.name(token);
    this.show(this.on);
  }

  /** @param {import("../shared/common.js").PageToken|null} token */
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
