// @ts-check
/**
 * A field of several lines that is as high as its text. Enter submits the form around it; Shift+Enter begins a new
 * line.
 */
import { element } from "../shared/dom.js";

export class GrowingField {
  /** @param {string} label @param {() => void} onInput somebody typed */
  constructor(label, onInput) {
    const attributes = { rows: 1, spellcheck: "false", autocomplete: "off", "aria-label": label };
    this.input = element("textarea", attributes);
    this.root = element("div", { class: "sized" }, this.input); // a copy of the text makes it as high as its lines
    this.input.addEventListener("input", () => {
      onInput();
      this.grow();
    });
    this.input.addEventListener("keydown", (event) => {
      // An input method ends a word with Enter, which is not meant for the prompt.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.input.form?.requestSubmit();
    });
  }

  get value() {
    return this.input.value;
  }

  set value(text) {
    if (this.input.value !== text) this.input.value = text;
    this.grow();
  }

  grow() {
    this.root.dataset.text = this.input.value;
  }

  /** Shows the end of a text that has more lines than there is room for, unless somebody types. */
  scrollToEnd() {
    if (document.activeElement !== this.input) this.input.scrollTop = this.input.scrollHeight;
  }
}
