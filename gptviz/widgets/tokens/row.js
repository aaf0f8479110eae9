// @ts-check
/** A row of the token view: the tokens of one text as buttons, with how many characters they are of. */
import { chip } from "../shared/chips.js";
import { element, setText } from "../shared/dom.js";
import { offer } from "../shared/offer.js";
import { addScrollCues } from "../shared/scrolling.js";
import { wordsOf } from "../shared/words.js";
import { catalogue } from "./words.js";

/** @typedef {import("../shared/chips.js").PageToken} PageToken */
/** A token with its bytes in hexadecimal. @typedef {PageToken & {hex: string, position: number}} FullToken */
/** What a row tells its view. @typedef {{describe: (token: FullToken, row: TokenRow) => void,
 *   choose: (token: FullToken, row: TokenRow, button: Element) => void}} Listener */

export class TokenRow {
  /**
   * @param {import("../shared/kernel.js").Model} model
   * @param {"encoder"|"decoder"} stack which reads the text
   * @param {Listener} listener
   */
  constructor(model, stack, listener) {
    this.model = model;
    this.stack = stack;
    this.listener = listener;
    this.words = wordsOf(model, catalogue);
    /** @type {FullToken[]} */
    this.tokens = [];
    this.characters = 0;
    this.count = element("p", { class: "muted becomes" });
    this.list = element("ol", { class: "row numbers" });
    addScrollCues(this.list, true);
    this.root = element("div", { class: "text" }, this.count, this.list);
  }

  /** Whether the text is a chat, whose tokens have roles. */
  get isChat() {
    return this.tokens.some(({ role }) => role);
  }

  /** Whether the tokens are frames of a sound. */
  get isSound() {
    return this.tokens.some(({ id }) => id < 0);
  }

  /** @param {FullToken[]} tokens @param {number} characters @param {string} name of the text, where there are two */
  show(tokens, characters, name) {
    this.tokens = tokens;
    this.characters = characters;
    setText(this.count, name && `${name}${this.words.space}${this.becomes()}`);
    this.count.hidden = name === "";
    this.list.toggleAttribute("data-roles", this.isChat);
    this.list.replaceChildren(...tokens.map((token, i) => this.item(token, tokens[i - 1], tokens[i + 1])));
  }

  /** Returns the sentence that says how many tokens the text becomes. */
  becomes() {
    const { tokens, words } = this;
    if (this.isSound) return words.frames(tokens.length);
    const marks = tokens.filter(({ special }) => special).length;
    return words.becomes(this.characters, tokens.length - marks, marks, tokens[0]?.special === true);
  }

  /** Returns how a token is named in a question. @param {FullToken} token @returns {Record<string, unknown>} */
  questionAbout({ position }) {
    return this.stack === "decoder" ? { position } : { position, stack: this.stack };
  }

  /**
   * Creates the item of a token. In a chat, the tokens of one message are under a bracket, which has the role's name.
   * @param {FullToken} token
   * @param {FullToken|undefined} before
   * @param {FullToken|undefined} after
   */
  item(token, before, after) {
    const id = element("span", { class: "id number small muted" }, String(token.id));
    const button = element("button", { type: "button" }, chip(token));
    button.addEventListener("pointerenter", () => this.listener.describe(token, this));
    button.addEventListener("focus", () => this.listener.describe(token, this));
    if (!this.isSound) {
      button.append(id);
      button.setAttribute("aria-pressed", "false");
      button.addEventListener("click", () => this.listener.choose(token, this, button));
      offer(button, this.model, "merges", this.questionAbout(token));
    }
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
}
