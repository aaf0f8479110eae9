// @ts-check
/** The Python code of the edited pass, with a button that copies it. */
import { button, element, setText } from "../shared/dom.js";

export class CodeBox {
  /** @param {import("./words.js").Words} words */
  constructor(words) {
    this.words = words;
    this.code = element("pre", { class: "number", tabindex: 0, "aria-label": words.code });
    this.copied = element("span", { class: "muted small", role: "status" });
    const copy = button(words.copy, () => this.copy(), { class: "quiet" });
    const title = element("h4", {}, `${words.code} `, copy, " ", this.copied);
    this.root = element("div", { class: "code", hidden: "" }, title, this.code);
  }

  /**
   * Shows code, or nothing; a vector of hundreds of numbers is folded into one line, but copied in full.
   * @param {string} code
   */
  show(code) {
    const lines = code.split(/(\n)/);
    const nodes = lines.map((line) => (line.startsWith("vector") ? element("span", { class: "folded" }, line) : line));
    this.root.hidden = !code;
    this.code.replaceChildren(...nodes);
    setText(this.copied, "");
  }

  /** Marks the code, and copies it if the page may write to the clipboard. */
  async copy() {
    getSelection()?.selectAllChildren(this.code);
    try {
      await navigator.clipboard.writeText(this.code.textContent ?? "");
      setText(this.copied, this.words.copied);
    } catch {
      setText(this.copied, this.words.marked);
    }
  }
}
