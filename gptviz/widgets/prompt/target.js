// @ts-check
/** The field of the target, the second text that an encoder-decoder reads. Empty, the model writes its own. */
import { element, setText } from "../shared/dom.js";
import { GrowingField } from "./field.js";

export class TargetField {
  /** @param {import("./words.js").Words} words @param {() => void} onInput somebody typed */
  constructor(words, onInput) {
    this.words = words;
    this.field = new GrowingField(words.target, onInput);
    this.own = element("p", { class: "own muted small" });
    this.root = element("div", { class: "target" }, element("span", { class: "small muted" }, words.target));
    this.root.append(this.field.root, this.own);
  }

  get value() {
    return this.field.value;
  }

  /** @param {string} text of the field @param {string} own what the model wrote itself, where the field is empty */
  show(text, own) {
    this.field.value = text;
    this.showOwn(own);
  }

  /** @param {string} own */
  showOwn(own) {
    setText(this.own, this.value === "" ? `${this.words.own} ${own}` : "");
    this.own.hidden = this.value !== "";
  }
}
