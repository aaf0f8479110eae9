// @ts-check
/** The guessing game: an opening, the words that people say, and after the reveal how probable each is for the model. */
import { chip } from "../widgets/shared/chips.js";
import { element, setText } from "../widgets/shared/dom.js";
import { frame, notices, whenFilled } from "../widgets/shared/frame.js";
import { ask, Lane } from "../widgets/shared/kernel.js";
import { percent } from "../widgets/shared/numbers.js";
import { wordsOf } from "../widgets/shared/words.js";
import { catalogue } from "./guesses_words.js";

/** @typedef {{word?: string, pieces: import("../widgets/shared/chips.js").PageToken[], share: number}} Worth */

/** One row: what was said, a bar on an axis from 0 to 100 %, the share. @param {Worth} worth */
function worthRow({ pieces, share }) {
  const fill = element("span", { class: "fill" });
  fill.style.width = `${100 * share}%`;
  return element(
    "li",
    { title: String(share) },
    element("span", { class: "pieces" }, ...pieces.map((piece) => chip(piece))),
    element("span", { class: "track", "aria-hidden": "true" }, fill),
    element("span", { class: "number" }, percent(share)),
  );
}

class Game {
  /** @param {any} model @param {HTMLElement} el */
  constructor(model, el) {
    this.model = model;
    this.words = wordsOf(model, catalogue);
    this.notices = notices(model);
    this.lane = new Lane();
    this.at = 0;
    this.revealed = false;
    this.count = element("p", { class: "kicker muted small" });
    this.opening = element("p", { class: "opening" });
    this.field = element("input", {
      type: "text",
      autocomplete: "off",
      spellcheck: "false",
      maxlength: "60",
      "aria-label": this.words.field,
    });
    this.field.addEventListener("keydown", (event) => event.stopPropagation());
    this.said = element("ul", { class: "said", "aria-label": this.words.said });
    this.answers = element("div", { class: "answers numbers", role: "status" });
    const form = element(
      "form",
      {},
      this.field,
      this.button(this.words.add, "submit"),
      this.button(this.words.reveal, "button", () => this.reveal()),
      this.button(this.words.next, "button", () => this.go()),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.add(this.field.value.trim());
    });
    this.root = element(
      "section",
      { class: "gptviz gptviz-guesses", "aria-label": model.get("_title") },
      this.count,
      this.opening,
      form,
      this.notices.problem,
      this.said,
      this.notices.computing,
      this.answers,
    );
    this.stopFrame = frame(model, this.root);
    el.append(this.root);
    this.show();
  }

  /** @param {string} word @param {"submit"|"button"} type @param {() => void} [pressed] */
  button(word, type, pressed = () => {}) {
    const button = element("button", { type }, word);
    button.addEventListener("click", pressed);
    return button;
  }

  /** @returns {string[]} */
  get guesses() {
    return this.model.get("guesses")[this.at] ?? [];
  }

  /** @param {string[]} words */
  keep(words) {
    const all = [...this.model.get("guesses")];
    all[this.at] = words;
    this.model.set("guesses", all);
    this.model.save_changes();
    this.show();
  }

  /** @param {string} word */
  add(word) {
    this.field.value = "";
    if (word && !this.guesses.includes(word)) this.keep([...this.guesses, word]);
  }

  go() {
    this.at = (this.at + 1) % this.model.get("_openings").length;
    this.revealed = false;
    this.show();
  }

  reveal() {
    this.revealed = true;
    this.show();
  }

  show() {
    const openings = this.model.get("_openings");
    this.root.dataset.scale = this.model.get("scale");
    setText(this.count, this.words.count(this.at + 1, openings.length));
    this.opening.replaceChildren(openings[this.at], element("span", { class: "gap", "aria-hidden": "true" }, " ____"));
    this.said.replaceChildren(
      ...this.guesses.map((word) => {
        const remove = this.button(`${word} ×`, "button", () => this.keep(this.guesses.filter((one) => one !== word)));
        remove.setAttribute("aria-label", this.words.remove(word));
        return element("li", {}, remove);
      }),
    );
    this.notices.say("");
    if (this.revealed) this.ask();
    else this.answers.replaceChildren();
  }

  ask() {
    const opening = this.at;
    const words = this.guesses;
    this.notices.wait(this.root, true);
    const both = async () => {
      const likeliest = await ask(this.model, "likeliest", { opening });
      const shares = words.length ? await ask(this.model, "shares", { opening, words }).catch((error) => error) : [];
      return { likeliest, shares };
    };
    this.lane.ask(
      both,
      ({ likeliest, shares }) => this.draw(likeliest, shares),
      (error) => this.fail(error),
    );
  }

  /** @param {Error} error */
  fail(error) {
    this.notices.wait(this.root, false);
    this.notices.say(error.message);
  }

  /** @param {Worth[]} likeliest @param {Worth[]|Error} shares */
  draw(likeliest, shares) {
    this.notices.wait(this.root, false);
    if (shares instanceof Error) this.notices.say(shares.message);
    const yours = shares instanceof Error ? [] : [...shares].sort((a, b) => b.share - a.share);
    const column = (/** @type {string} */ title, /** @type {Worth[]} */ rows) =>
      element("div", {}, element("p", { class: "muted" }, title), element("ol", {}, ...rows.map(worthRow)));
    this.answers.replaceChildren(
      ...(yours.length ? [column(this.words.yours, yours)] : []),
      column(this.words.likeliest, likeliest),
    );
  }

  remove() {
    this.stopFrame();
    this.root.remove();
  }
}

/** @param {{model: any, el: HTMLElement}} context */
function render({ model, el }) {
  const game = new Game(model, el);
  const show = () => game.show();
  model.on("change:guesses change:scale", show);
  return () => {
    model.off("change:guesses change:scale", show);
    game.remove();
  };
}

export default { render: whenFilled(render) };
