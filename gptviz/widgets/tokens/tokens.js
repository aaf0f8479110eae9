// @ts-check
/**
 * The token view: the prompt's tokens as chips with their ids, one of them described in full, and the merges of the
 * chosen one. Of an encoder-decoder, there is a row for the source and one for the target.
 */
import { chip } from "../shared/chips.js";
import { element, setText } from "../shared/dom.js";
import { addWaitingMark, mount, whenFilled } from "../shared/frame.js";
import { ask, Lane } from "../shared/kernel.js";
import { wordsOf } from "../shared/words.js";
import { TokenRow } from "./row.js";
import { catalogue } from "./words.js";

/** @typedef {import("./row.js").FullToken} FullToken */
/** @typedef {import("../shared/chips.js").PageToken} PageToken */
/** How a word is split after each merge. @typedef {{rank: number|null, pieces: PageToken[]}[]} Merges */

class Tokens {
  /** @param {import("../shared/kernel.js").Model} model */
  constructor(model) {
    const title = model.get("_title");
    this.model = model;
    this.words = wordsOf(model, catalogue);
    this.lane = new Lane();
    this.source = new TokenRow(model, "encoder", this);
    this.text = new TokenRow(model, "decoder", this);
    this.hint = element("p", { class: "muted" });
    this.description = element("p", { class: "about number numbers", role: "status" });
    this.mergeContent = element("div", {});
    this.merges = element("div", { class: "merges numbers", hidden: "" }, this.mergeContent);
    this.setWaiting = addWaitingMark(this.merges, model);
    this.root = element(
      "section",
      { class: "gptviz gptviz-tokens", "aria-label": title },
      element("header", {}, element("h3", {}, title), this.hint),
      this.text.root,
      this.description,
      this.merges,
    );
  }

  /** Shows a trace. */
  show() {
    const { model, words, source, text } = this;
    const hasSource = model.get("_source_tokens").length > 0;
    const title = hasSource ? words.target : "";
    if (hasSource) text.root.before(source.root);
    else source.root.remove();
    source.show(model.get("_source_tokens"), model.get("_source_characters"), words.source);
    text.show(model.get("_tokens"), model.get("_characters"), title);
    const becomes = hasSource ? "" : text.becomes();
    setText(this.hint, `${becomes}${becomes && words.space}${words.hint}`);
    this.merges.hidden = true;
    this.mergeContent.replaceChildren();
    const last = text.tokens.at(-1);
    if (last) this.describe(last, text);
  }

  /** Describes a token in full. @param {FullToken} token @param {TokenRow} row where it stands */
  describe(token, row) {
    const { words } = this;
    const frame = [`${words.position} ${token.position}`, words.frame];
    const facts = row.isSound ? frame : this.factsOf(token, row);
    this.description.replaceChildren(chip(token), ` ${facts.join(" · ")}`);
  }

  /** @param {FullToken} token @param {TokenRow} row @returns {string[]} */
  factsOf(token, row) {
    const { words } = this;
    return [
      `${words.position} ${token.position}`,
      `${words.id} ${token.id}`,
      `${words.bytes} ${token.hex}`,
      ...(token.role ? [words.role(row.roleName(token.role))] : []),
      ...(row.isChat && !token.role ? [words.noRole] : []),
      ...(token.special ? [words.special] : []),
      ...(token.bytes ? [words.broken] : []),
    ];
  }

  /**
   * Asks how a token's word was put together.
   * @param {FullToken} token
   * @param {TokenRow} row
   * @param {Element} chosen its button
   */
  choose(token, row, chosen) {
    for (const button of this.root.querySelectorAll(".row button")) {
      button.setAttribute("aria-pressed", String(button === chosen));
    }
    this.merges.hidden = false;
    this.setWaiting(true);
    this.lane.ask(
      () => ask(this.model, "merges", row.questionAbout(token)),
      (merges) => this.showMerges(token, merges),
      (error) => this.setMerges(element("p", { class: "muted" }, error.message)),
    );
  }

  /** @param {FullToken} token @param {Merges} merges */
  showMerges(token, merges) {
    const { words } = this;
    const lines = merges.map(({ rank, pieces }) => {
      const name = element("span", { class: "muted small" }, rank === null ? words.apart : words.merge(rank + 1));
      return element("li", {}, name, ...pieces.map((piece) => chip(piece)));
    });
    const title = element("p", { class: "muted" }, chip(token), ` ${words.merges(token.position)}`);
    this.setMerges(title, element("ol", {}, ...lines));
  }

  /** @param {...Node} nodes */
  setMerges(...nodes) {
    this.mergeContent.replaceChildren(...nodes);
    this.setWaiting(false);
  }
}

/** @param {import("../shared/kernel.js").RenderProps} context */
function render({ model, el }) {
  const view = new Tokens(model);
  return mount({ model, el }, view.root, () => view.show());
}

export default { render: whenFilled(render) };
