// @ts-check
/**
 * The prompt box. Enter runs the prompt, and every view that follows the box shows it; Shift+Enter begins a new line.
 */
import { element, form, setText } from "../shared/dom.js";
import { makeNotices, mount, whenFilled } from "../shared/frame.js";
import { ask, Lane } from "../shared/kernel.js";
import { wordsOf } from "../shared/words.js";
import { catalogue } from "./words.js";

class PromptBox {
  /** @param {import("../shared/kernel.js").Model} model */
  constructor(model) {
    const title = model.get("_title");
    this.model = model;
    this.words = wordsOf(model, catalogue);
    this.lane = new Lane();
    this.notices = makeNotices(model);
    const attributes = { rows: 1, spellcheck: "false", autocomplete: "off", "aria-label": title };
    this.field = element("textarea", attributes);
    this.sized = element("div", { class: "sized" }, this.field); // a copy of the text makes it as high as its lines
    this.status = element("span", { class: "status muted small", role: "status" });
    this.form = form({}, () => this.run(), this.sized, element("button", { type: "submit" }, this.words.run));
    this.root = element(
      "section",
      { class: "gptviz gptviz-prompt", "aria-label": title },
      this.form,
      element("p", { class: "under" }, this.status, " ", this.notices.computing),
      this.notices.problem,
    );
    this.field.addEventListener("input", () => {
      this.root.toggleAttribute("data-typing", this.field.value !== model.get("_field"));
      this.grow();
    });
    this.field.addEventListener("keydown", (event) => {
      // An input method ends a word with Enter, which is not meant for the prompt.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.form.requestSubmit();
    });
    this.resizer = new ResizeObserver(() => this.scrollToEnd());
    this.resizer.observe(this.field);
  }

  /** Makes the field as high as its lines. */
  grow() {
    this.sized.dataset.text = this.field.value;
  }

  /** Shows the end of a text that has more lines than there is room for, unless somebody types. */
  scrollToEnd() {
    if (document.activeElement !== this.field) this.field.scrollTop = this.field.scrollHeight;
  }

  /** Shows the prompt. A text that is being typed, or that was refused, stays so that it can be corrected. */
  show() {
    const { model } = this;
    if (!this.root.hasAttribute("data-typing")) this.field.value = model.get("_field");
    this.grow();
    this.scrollToEnd();
    setText(this.status, this.words.status(model.get("_gpt_name"), model.get("_token_count")));
  }

  /** Shows a prompt that was set elsewhere. */
  replace() {
    if (document.activeElement !== this.field) this.root.removeAttribute("data-typing");
    this.show();
  }

  run() {
    const prompt = this.field.value;
    this.notices.setProblem("");
    this.notices.setWaiting(this.root, true);
    this.lane.ask(
      () => ask(this.model, "run", { prompt }),
      () => {
        this.root.toggleAttribute("data-typing", this.field.value !== prompt);
        this.finish("");
      },
      (error) => this.finish(error.message),
    );
  }

  /** @param {string} problem */
  finish(problem) {
    this.notices.setProblem(problem);
    this.notices.setWaiting(this.root, false);
    this.show();
  }
}

/** @param {import("../shared/kernel.js").RenderProps} context */
function render({ model, el }) {
  const box = new PromptBox(model);
  const replace = () => box.replace();
  const unmount = mount({ model, el }, box.root, () => box.show());
  model.on("change:_field", replace);
  return () => {
    model.off("change:_field", replace);
    box.resizer.disconnect();
    unmount();
  };
}

export default { render: whenFilled(render) };
