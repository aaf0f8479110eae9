// @ts-check
/**
 * The prompt box: a text, the messages of a chat, or the source and the target of an encoder-decoder. Enter runs the
 * prompt, and every view that follows the box shows it; Shift+Enter begins a new line.
 */
import { element, form, setText } from "../shared/dom.js";
import { makeNotices, mount, whenFilled } from "../shared/frame.js";
import { ask, isAnswered, Lane } from "../shared/kernel.js";
import { offer } from "../shared/offer.js";
import { wordsOf } from "../shared/words.js";
import { EarlierPrompts } from "./earlier.js";
import { GrowingField } from "./field.js";
import { MessageRows } from "./messages.js";
import { RevealedTokens } from "./revealed.js";
import { TargetField } from "./target.js";
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
    this.sourceLabel = element("span", { class: "small muted" }, words.source);
    this.target = new TargetField(words, noteTyping); // in the page only as long as the model has a target
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

  /** The prompt as it is typed. @returns {import("./earlier.js").Prompt} */
  get value() {
    if (this.isChat) return this.messages.values;
    return this.hasTarget ? { source: this.field.value, target: this.target.value } : this.field.value;
  }

  /** The same in a form that can be compared. */
  get typed() {
    return JSON.stringify(this.value);
  }

  get hasTarget() {
    return this.model.get("_has_target");
  }

  /** The prompt that is shown. @returns {import("./earlier.js").Prompt} */
  get shown() {
    const { model } = this;
    /** @type {Message[]} */
    const messages = model.get("_messages");
    if (messages.length) return messages.map(({ role, content }) => ({ role, content }));
    const text = model.get("_field");
    return this.hasTarget ? { source: text, target: model.get("_target_field") } : text;
  }

  noteTyping() {
    this.root.toggleAttribute("data-typing", this.typed !== JSON.stringify(this.shown));
    this.target.showOwn(this.model.get("_own_target"));
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
    this.showTargetField();
    const canChat = this.model.get("_has_template") && isAnswered(this.model, "chat");
    this.switchLabel.hidden = !(canChat || this.isChat);
    this.field.root.hidden = this.isChat;
    this.messages.root.hidden = !this.isChat;
    const appended = this.isChat && !this.root.hasAttribute("data-typing") ? this.model.get("_appended") : "";
    setText(this.appended, appended && `${this.words.appended} ${appended}`);
    this.appended.hidden = appended === "";
  }

  /** Adds the target's field, or removes it. One that is there stays where it is, so that it keeps the cursor. */
  showTargetField() {
    const { sourceLabel, target } = this;
    if (this.hasTarget === (target.root.parentNode !== null)) return;
    if (this.hasTarget) {
      this.field.root.before(sourceLabel);
      this.prompt.append(target.root);
    } else {
      sourceLabel.remove();
      target.root.remove();
    }
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
      this.target.show(model.get("_target_field"), model.get("_own_target"));
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
    const name = model.get("_gpt_name");
    const counted = count ? words.status(name, count) : words.uncounted(name);
    const status = this.hasTarget ? words.statusOfBoth(name, count, model.get("_target_count")) : counted;
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
    this.runPrompt(this.value);
  }

  /**
   * Runs a prompt. It takes the place of what is typed, unless somebody types on.
   * @param {import("./earlier.js").Prompt} prompt
   */
  runPrompt(prompt) {
    const { typed } = this;
    const [question, args] = questionOf(prompt);
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

/**
 * Returns the question that runs a prompt, and its arguments.
 * @param {import("./earlier.js").Prompt} prompt @returns {[string, Record<string, unknown>]}
 */
function questionOf(prompt) {
  if (typeof prompt === "string") return ["run", { prompt }];
  if (Array.isArray(prompt)) return ["chat", { messages: prompt }];
  return ["run", { prompt: prompt.source, target: prompt.target }];
}

/** Returns a text that fits into a line. @param {string} text */
function shortened(text) {
  const characters = [...text];
  return characters.length > LONGEST ? `${characters.slice(0, LONGEST).join("")}…` : text;
}

/** @param {import("../shared/kernel.js").RenderProps} context */
function render({ model, el }) {
  const box = new PromptBox(model);
  const changes = "change:_field change:_target_field change:_messages";
  const replace = () => box.replace();
  const showEarlier = () => box.showEarlier();
  const unmount = mount({ model, el }, box.root, () => box.show());
  model.on(changes, replace);
  model.on("change:_history", showEarlier);
  return () => {
    model.off(changes, replace);
    model.off("change:_history", showEarlier);
    box.resizer.disconnect();
    unmount();
  };
}

export default { render: whenFilled(render) };
