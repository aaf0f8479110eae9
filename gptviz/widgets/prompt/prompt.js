// @ts-check
/**
 * The prompt box: a text, or the messages of a chat. Enter runs the prompt, and every view that follows the box shows it;
 * Shift+Enter begins a new line.
 */
import { element, form, setText } from "../shared/dom.js";
import { makeNotices, mount, whenFilled } from "../shared/frame.js";
import { ask, Lane } from "../shared/kernel.js";
import { offer } from "../shared/offer.js";
import { wordsOf } from "../shared/words.js";
import { EarlierPrompts } from "./earlier.js";
import { GrowingField } from "./field.js";
import { MessageRows } from "./messages.js";
import { RevealedTokens } from "./revealed.js";
import { catalogue } from "./words.js";

/** @typedef {import("./messages.js").Message} Message */

const LONGEST = 60; // characters of a prompt that is named in the line under the field

class PromptBox {
  /** @param {import("../shared/kernel.js").Model} model */
  constructor(model) {
    const title = model.get("_title");
    const words = wordsOf(model, catalogue);
    this.model = model;
    this.words = words;
    this.lane = new Lane();
    this.forgetLane = new Lane();
    this.isRefused = false; // whether the prompt in the field could not be read, so that the one before is still shown
    this.notices = makeNotices(model);
    const noteTyping = () => this.noteTyping();
    this.field = new GrowingField(title, noteTyping);
    this.messages = new MessageRows(words, noteTyping);
    this.appended = element("p", { class: "appended muted small" });
    this.chatSwitch = element("input", { type: "checkbox" });
    this.chatSwitch.addEventListener("change", () => this.switchKind());
    this.switchLabel = element("label", { class: "as-chat small" }, this.chatSwitch, words.asChat);
    this.status = element("span", { class: "status muted small", role: "status" });
    this.earlier = new EarlierPrompts(
      words,
      model,
      (prompt) => this.runPrompt(prompt),
      () => this.forget(),
    );
    this.revealed = new RevealedTokens(words); // of a served model
    this.prompt = element("div", { class: "prompt" }, this.field.root, this.messages.root, this.appended);
    const run = offer(element("button", { type: "submit" }, words.run), model, "run");
    this.form = form({}, () => this.run(), this.prompt, run);
    this.root = element(
      "section",
      { class: "gptviz gptviz-prompt", "aria-label": title },
      this.form,
      element("p", { class: "under" }, this.switchLabel, this.status, this.earlier.root, " ", this.notices.computing),
      this.notices.problem,
      this.revealed.root,
    );
    this.resizer = new ResizeObserver(() => this.scrollToEnd());
    this.resizer.observe(this.field.input);
  }

  get isChat() {
    return this.chatSwitch.checked;
  }

  /** The prompt as it is typed, in a form that can be compared. */
  get typed() {
    return JSON.stringify(this.isChat ? this.messages.values : this.field.value);
  }

  noteTyping() {
    /** @type {Message[]} */
    const messages = this.model.get("_messages");
    const shown = messages.length ? messages.map(({ role, content }) => ({ role, content })) : this.model.get("_field");
    this.root.toggleAttribute("data-typing", this.typed !== JSON.stringify(shown));
  }

  scrollToEnd() {
    this.field.scrollToEnd();
    this.messages.scrollToEnd();
  }

  /** Goes on with a chat whose user says the text, or with the text that the user said last. */
  switchKind() {
    if (this.isChat) {
      this.messages.show([{ role: "user", content: this.field.value }]);
    } else {
      this.field.value = this.messages.values.findLast(({ role }) => role === "user")?.content ?? "";
    }
    this.noteTyping();
    this.showKind();
  }

  showKind() {
    this.switchLabel.hidden = !(this.model.get("_has_template") || this.isChat);
    this.field.root.hidden = this.isChat;
    this.messages.root.hidden = !this.isChat;
    const appended = this.isChat && !this.root.hasAttribute("data-typing") ? this.model.get("_appended") : "";
    setText(this.appended, appended && `${this.words.appended} ${appended}`);
    this.appended.hidden = appended === "";
  }

  /** Shows the prompt. What is being typed, or was refused, stays so that it can be corrected. */
  show() {
    const { model } = this;
    /** @type {Message[]} */
    const messages = model.get("_messages");
    if (!this.root.hasAttribute("data-typing")) {
      this.chatSwitch.checked = messages.length > 0;
      if (this.isChat) this.messages.show(messages);
      else this.field.value = model.get("_field");
    }
    this.showKind();
    this.scrollToEnd();
    setText(this.status, this.statusText());
    this.revealed.show(model);
    this.showEarlier();
  }

  showEarlier() {
    this.earlier.show(this.model.get("_history").slice(1)); // the first one is shown
  }

  /** Returns what the model reads: the prompt in the field, or still the one before. */
  statusText() {
    const { model, words } = this;
    const count = model.get("_token_count");
    if (this.isRefused) return words.kept(shortened(model.get("prompt")), count);
    const status = count ? words.status(model.get("_gpt_name"), count) : words.uncounted(model.get("_gpt_name"));
    if (model.get("prompt") === "") return `${status}. ${words.nothing}`;
    return model.get("_roles_known") ? status : `${status}. ${words.unknownRoles}`;
  }

  /** Shows a prompt that was set elsewhere. */
  replace() {
    if (!this.prompt.contains(document.activeElement)) this.root.removeAttribute("data-typing");
    if (!this.root.hasAttribute("data-typing")) this.isRefused = false;
    this.show();
  }

  run() {
    this.runPrompt(this.isChat ? this.messages.values : this.field.value);
  }

  /** Runs a prompt. It takes the place of what is typed, unless somebody types on. @param {string|Message[]} prompt */
  runPrompt(prompt) {
    const { typed } = this;
    const question = typeof prompt === "string" ? "run" : "chat";
    const args = typeof prompt === "string" ? { prompt } : { messages: prompt };
    this.notices.setProblem("");
    this.notices.setWaiting(this.root, true);
    this.lane.ask(
      () => ask(this.model, question, args),
      () => {
        this.root.toggleAttribute("data-typing", this.typed !== typed);
        this.finish("");
      },
      (error) => this.finish(error.message),
    );
  }

  forget() {
    this.forgetLane.ask(
      () => ask(this.model, "forget", {}),
      () => {},
      (error) => this.notices.setProblem(error.message),
    );
  }

  /** @param {string} problem */
  finish(problem) {
    this.isRefused = problem !== "";
    this.notices.setProblem(problem);
    this.notices.setWaiting(this.root, false);
    this.show();
  }
}

/** Returns a text that fits into a line. @param {string} text */
function shortened(text) {
  const characters = [...text];
  return characters.length > LONGEST ? `${characters.slice(0, LONGEST).join("")}…` : text;
}

/** @param {import("../shared/kernel.js").RenderProps} context */
function render({ model, el }) {
  const box = new PromptBox(model);
  const replace = () => box.replace();
  const showEarlier = () => box.showEarlier();
  const unmount = mount({ model, el }, box.root, () => box.show());
  model.on("change:_field change:_messages", replace);
  model.on("change:_history", showEarlier);
  return () => {
    model.off("change:_field change:_messages", replace);
    model.off("change:_history", showEarlier);
    box.resizer.disconnect();
    unmount();
  };
}

export default { render: whenFilled(render) };
