// @ts-check
/**
 * The choice of what the squares show: attention maps, or how switching off each part alone changes the probability of
 * the followed token. These effects are computed when they are asked for.
 */
import { chip } from "../shared/chips.js";
import { drawColourBar, signedColours, weightColours } from "../shared/colours.js";
import { button, element, setText } from "../shared/dom.js";
import { ask, Lane } from "../shared/kernel.js";
import { significant } from "../shared/numbers.js";
import { offer } from "../shared/offer.js";
import { stackArgument } from "../shared/stacks.js";
import { sharedWords } from "../shared/words.js";

/** @typedef {import("../shared/chips.js").PageToken} PageToken */

export class EffectSwitch {
  /**
   * @param {import("../shared/kernel.js").Model} model
   * @param {import("./words.js").Words} words
   * @param {import("./grid.js").PartGrid} grid
   * @param {{redraw: () => void, setProblem: (text: string) => void}} actions
   */
  constructor(model, words, grid, actions) {
    this.model = model;
    this.words = words;
    this.grid = grid;
    this.actions = actions;
    this.lane = new Lane();
    this.showsEffects = false;
    this.followedId = -1;
    this.mapButton = button(words.maps, () => this.show(false));
    this.effectButton = button("", () => this.show(true));
    this.computing = element("span", { class: "muted", hidden: "" }, sharedWords(model).common.computing);
    this.root = element(
      "p",
      { class: "show small", role: "group", "aria-label": words.show },
      element("span", { class: "muted" }, words.show),
      " ",
      this.mapButton,
      this.effectButton,
      this.computing,
    );
    this.bar = element("canvas", { width: 128, height: 1, "aria-hidden": "true" });
    this.ends = [element("span", {}), element("span", {})];
    this.legend = element("p", { class: "legend small muted" }, this.ends[0], this.bar, this.ends[1]);
    this.hint = element("p", { class: "muted small" });
  }

  /**
   * Follows a token in the present prompt.
   * @param {number} id
   * @param {PageToken|null} token null while it is not known
   */
  follow(id, token) {
    this.followedId = id;
    offer(this.effectButton, this.model, "sweep", { watched: id, ...stackArgument(this.model) });
    this.nameToken(token);
    this.show(this.showsEffects);
  }

  /** @param {PageToken|null} token */
  nameToken(token) {
    this.effectButton.replaceChildren(this.words.effect, " ", ...(token ? [chip(token)] : []));
  }

  /** Shows effects or maps. @param {boolean} effects */
  show(effects) {
    const id = this.followedId;
    const argument = stackArgument(this.model);
    this.showsEffects = effects;
    this.setEffects(null, effects);
    if (!effects) return;
    this.lane.ask(
      () => ask(this.model, "sweep", { watched: id, ...argument }),
      ({ data }) => {
        const isShown = id === this.followedId && argument.stack === stackArgument(this.model).stack;
        if (this.showsEffects && isShown) this.setEffects(data, false);
      },
      (error) => {
        this.showsEffects = false;
        this.setEffects(null, false);
        this.actions.setProblem(error.message);
      },
    );
  }

  /** @param {Float32Array|null} effects (L, H + 1) @param {boolean} waiting */
  setEffects(effects, waiting) {
    this.grid.effects = effects;
    this.computing.hidden = !waiting;
    this.grid.root.setAttribute("aria-busy", String(waiting));
    this.mapButton.setAttribute("aria-pressed", String(!this.showsEffects));
    this.effectButton.setAttribute("aria-pressed", String(this.showsEffects));
    this.actions.redraw();
  }

  /** Draws the key to the colours. @param {import("../shared/theme.js").Theme} theme */
  draw(theme) {
    const { words, grid } = this;
    const hasEffects = grid.effects !== null;
    const partsHint = grid.hasMlps ? words.partsHint : words.headsHint;
    setText(this.hint, `${partsHint}${hasEffects ? ` ${words.effectHint}` : ""}`);
    const ends = hasEffects ? words.ends(significant(100 * grid.largestEffect())) : words.mapEnds;
    ends.forEach((text, i) => setText(this.ends[i], text));
    drawColourBar(this.bar, hasEffects ? signedColours(theme) : weightColours(theme));
  }
}
