// @ts-check
/** The tokens of a prompt as the server of a model reveals them, coloured by how surprising each is. */
import { chip } from "../shared/chips.js";
import { cssColour, drawColourBar, inkOn, weightColours } from "../shared/colours.js";
import { element, setText } from "../shared/dom.js";
import { exactText, shareText, surprise } from "../shared/shares.js";
import { pageTheme } from "../shared/theme.js";

/** @typedef {{token: import("../shared/chips.js").PageToken, probability: number|null}} RevealedToken */

export class RevealedTokens {
  /** @param {import("./words.js").Words} words */
  constructor(words) {
    this.words = words;
    this.list = element("ol", { class: "revealed numbers", "aria-label": words.revealed });
    this.scale = element("canvas", { width: 256, height: 1, class: "scale", "aria-hidden": "true" });
    const scale = element("span", { class: "nowrap" }, "100 % ", this.scale, ` ${words.rarest}`);
    this.hint = element("p", { class: "muted small" }, `${words.revealedHint} `, scale);
    this.reason = element("p", { class: "muted small" });
    this.root = element("div", { class: "served", hidden: "" }, this.hint, this.list, this.reason);
  }

  /** @param {import("../shared/kernel.js").Model} model */
  show(model) {
    /** @type {RevealedToken[]} */
    const tokens = model.get("_revealed") ?? [];
    const without = model.get("_without_steps") ?? "";
    this.root.hidden = tokens.length === 0 && without === "";
    this.hint.hidden = this.list.hidden = tokens.length === 0;
    this.reason.hidden = without === "";
    if (without) setText(this.reason, this.words.without[/** @type {"echo"} */ (without)]);
    const colours = weightColours(pageTheme());
    drawColourBar(this.scale, colours);
    this.list.replaceChildren(...tokens.map((token, i) => this.item(token, i === 0, colours)));
  }

  /** @param {RevealedToken} revealed @param {boolean} isFirst @param {ReturnType<typeof weightColours>} colours */
  item({ token, probability }, isFirst, colours) {
    const title = exactText(probability, isFirst ? this.words.first : this.words.unrevealed);
    const number = element("span", { class: "number small muted" }, shareText(probability));
    const item = element("li", { title }, chip(token), number);
    if (probability === null) return item;
    const colour = colours[Math.round(255 * surprise(probability))];
    item.style.setProperty("--heat", cssColour(colour));
    item.style.setProperty("--ink", inkOn(colour));
    return item;
  }
}
