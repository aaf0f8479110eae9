// @ts-check
/**
 * The token view: the prompt's tokens as chips with their ids, one of them described in full, and the merges of the
 * chosen one.
 */
import { chip } from "../shared/chips.js";
import { element, setText } from "../shared/dom.js";
import { addWaitingMark, mount, whenFilled } from "../shared/frame.js";
import { ask, Lane } from "../shared/kernel.js";
import { offer } from "../shared/offer.js";
import { addScrollCues } from "../shared/scrolling.js";
import { wordsOf } from "../shared/words.js";
import { catalogue } from "./words.js";

/** @typedef {import("../shared/chips.js").PageToken} PageToken */
/** A token with its bytes in hexadecimal. @typedef {PageToken & {hex: string, position: number}} FullToken */
/** How a word is split after each merge. @typedef {{rank: number|null, pieces: PageToken[]}[]} Merges */

class Tokens {
  /** @param {import("../shared/kernel.js").Model} model */
  constructor(model) {
    const title = model.get("_title");
    this.model = model;
    this.words = wordsOf(model, catalogue);
    this.lane = new Lane();
    this.isChat = false;
    this.count = element("p", { class: "muted" });
    this.list = element("ol", { class: "row numbers" });
    addScrollCues(this.list, true);
    this.description = element("p", { class: "about number numbers", role: "status" });
    this.mergeContent = element("div", {});
    this.merges = element("div", { class: "merges numbers", hidden: "" }, this.mergeContent);
    this.setWaiting = addWaitingMark(this.merges, model);
    this.root = element(
      "section",
      { class: "gptviz gptviz-tokens", "aria-label": title },
      element("header", {}, element("h3", {}, title), this.count),
      this.list,
      this.description,
      this.merges,
    );
  }

  /** Shows a trace. */
  show() {
    /** @type {FullToken[]} */
    const tokens = this.model.get("_tokens");
    const marks = tokens.filter(({ special }) => special).length;
    const startMark = tokens[0]?.special === true;
    setText(this.count, this.words.count(this.model.get("_characters"), tokens.length - marks, marks, startMark));
    this.isChat = tokens.some(({ role }) => role);
    this.list.toggleAttribute("data-roles", this.isChat);
    this.list.replaceChildren(...tokens.map((token, i) => this.item(token, tokens[i - 1], tokens[i + 1])));
    this.merges.hidden = true;
    this.mergeContent.replaceChildren();
    const last = tokens.at(-1);
    if (last) this.describe(last);
  }

  /**
   * Creates the item of a token. In a chat, the tokens of one message are under a bracket, which has the role's name.
   * @param {FullToken} token
   * @param {FullToken|undefined} before
   * @param {FullToken|undefined} after
   */
  item(token, before, after) {
    const id = element("span", { class: "id number small muted" }, String(token.id));
    const button = element("button", { type: "button", "aria-pressed": "false" }, chip(token), id);
    button.addEventListener("pointerenter", () => this.describe(token));
    button.addEventListener("focus", () => this.describe(token));
    button.addEventListener("click", () => this.askMerges(token, button));
    offer(button, this.model, "merges", { position: token.position });
    if (!token.role) return element("li", {}, button);
    const isFirst = before?.role !== token.role;
    const bracket = element("span", { class: "role small" }, isFirst ? this.roleName(token.role) : "");
    const item = element("li", {}, bracket, button);
    item.toggleAttribute("data-first", isFirst);
    item.toggleAttribute("data-last", after?.role !== token.role);
    return item;
  }

  /** @param {string} role */
  roleName(role) {
    return this.words.roles[role] ?? role;
  }

  /** Describes a token in full. @param {FullToken} token */
  describe(token) {
    const { words } = this;
    const facts = [
      `${words.position} ${token.position}`,
      `${words.id} ${token.id}`,
      `${words.bytes} ${token.hex}`,
      ...(token.role ? [words.role(this.roleName(token.role))] : []),
      ...(this.isChat && !token.role ? [words.noRole] : []),
      ...(token.special ? [words.special] : []),
      ...(token.bytes ? [words.broken] : []),
    ];
    this.description.replaceChildren(chip(token), ` ${facts.join(" · ")}`);
  }

  /** Asks how a token's word was put together. @param {FullToken} token @param {Element} chosen its button */
  askMerges(token, chosen) {
    for (const button of this.list.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(button === chosen));
    }
    this.merges.hidden = false;
    this.setWaiting(true);
    this.lane.ask(
      () => ask(this.model, "merges", { position: token.position }),
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
