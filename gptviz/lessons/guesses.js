// @ts-check
/** The guessing game: the beginning of a text, the words that people guess, and how probable the model holds each. */
import { shareBar } from "../widgets/shared/bars.js";
import { chip } from "../widgets/shared/chips.js";
import { button, element, form, setText, textField } from "../widgets/shared/dom.js";
import { makeNotices, mount, whenFilled } from "../widgets/shared/frame.js";
import { ask, Lane } from "../widgets/shared/kernel.js";
import { percent } from "../widgets/shared/numbers.js";
import { wordsOf } from "../widgets/shared/words.js";
import { catalogue } from "./guesses_words.js";

/**
 * A word's tokens and its probability. `word`: of a guess, the word; of a token, the word that it most likely becomes.
 * @typedef {{word: string, pieces: import("../widgets/shared/chips.js").PageToken[], share: number}} GuessShare
 */

class GuessingGame {
  /** @param {import("../widgets/shared/kernel.js").Model} model */
  constructor(model) {
    const words = wordsOf(model, catalogue);
    this.model = model;
    this.words = words;
    this.notices = makeNotices(model);
    this.lane = new Lane();
    this.index = 0; // of the opening that is shown
    this.isRevealed = false;
    this.count = element("p", { class: "kicker muted small" });
    this.opening = element("p", { class: "opening" });
    this.field = textField({ maxlength: "60", "aria-label": words.field });
    this.guessList = element("ul", { class: "guessed", "aria-label": words.guessed });
    this.answers = element("div", { class: "answers numbers", role: "status" });
    this.root = element(
      "section",
      { class: "gptviz gptviz-guesses", "aria-label": model.get("_title") },
      this.count,
      this.opening,
      form(
        {},
        () => this.add(this.field.value.trim()),
        this.field,
        element("button", { type: "submit" }, words.add),
        button(words.reveal, () => this.reveal()),
        button(words.next, () => this.showNext()),
      ),
      this.notices.problem,
      this.guessList,
      this.notices.computing,
      this.answers,
    );
  }

  /** The guesses for the opening that is shown. @returns {string[]} */
  get guesses() {
    return this.model.get("guesses")[this.index] ?? [];
  }

  /** @param {string[]} guesses for the opening that is shown */
  setGuesses(guesses) {
    const all = [...this.model.get("guesses")];
    all[this.index] = guesses;
    this.model.set("guesses", all);
    this.model.save_changes();
    this.show();
  }

  /** @param {string} word */
  add(word) {
    this.field.value = "";
    if (word && !this.guesses.includes(word)) this.setGuesses([...this.guesses, word]);
  }

  showNext() {
    this.index = (this.index + 1) % this.model.get("_openings").length;
    this.isRevealed = false;
    this.show();
  }

  reveal() {
    this.isRevealed = true;
    this.show();
  }

  show() {
    const openings = this.model.get("_openings");
    setText(this.count, this.words.count(this.index + 1, openings.length));
    const gap = element("span", { class: "gap", "aria-hidden": "true" }, " ____");
    this.opening.replaceChildren(openings[this.index], gap);
    const items = this.guesses.map((word) => {
      const remove = () => this.setGuesses(this.guesses.filter((other) => other !== word));
      return element("li", {}, button(`${word} ×`, remove, { "aria-label": this.words.remove(word) }));
    });
    this.guessList.replaceChildren(...items);
    this.notices.setProblem("");
    if (this.isRevealed) this.askShares();
    else this.answers.replaceChildren();
  }

  /**
   * Asks for the likeliest tokens, and for the probabilities of the guesses; a refusal of these is shown beside them.
   */
  askShares() {
    const opening = this.index;
    const words = this.guesses;
    const question = async () => {
      const likeliest = await ask(this.model, "likeliest", { opening });
      const shares = words.length ? await ask(this.model, "shares", { opening, words }).catch((error) => error) : [];
      return { likeliest, shares };
    };
    this.notices.setWaiting(this.root, true);
    this.lane.ask(
      question,
      ({ likeliest, shares }) => this.showShares(likeliest, shares),
      (error) => {
        this.notices.setWaiting(this.root, false);
        this.notices.setProblem(error.message);
      },
    );
  }

  /** @param {GuessShare[]} likeliest @param {GuessShare[]|Error} shares of the guesses */
  showShares(likeliest, shares) {
    const isRefused = shares instanceof Error;
    this.notices.setWaiting(this.root, false);
    if (isRefused) this.notices.setProblem(shares.message);
    const guesses = isRefused ? [] : [...shares].sort((a, b) => b.share - a.share);
    const column = (/** @type {string} */ title, /** @type {GuessShare[]} */ rows) =>
      element("div", {}, element("p", { class: "muted" }, title), element("ol", {}, ...rows.map(shareItem)));
    const tokens = column(this.words.likeliest, likeliest);
    if (likeliest.some(isPiece)) tokens.append(element("p", { class: "muted small" }, this.words.becomes));
    this.answers.replaceChildren(...(guesses.length ? [column(this.words.yours, guesses)] : []), tokens);
  }
}

/** Whether a single token is only the beginning of a word. @param {GuessShare} share */
function isPiece({ pieces, word }) {
  return pieces.length === 1 && pieces[0].text.trim() !== word.trim();
}

/** @param {GuessShare} guess */
function shareItem(guess) {
  const { pieces, share, word } = guess;
  const becomes = isPiece(guess) ? [element("span", { class: "becomes muted" }, `→ ${word}`)] : [];
  return element(
    "li",
    { title: String(share) },
    element("span", { class: "pieces" }, ...pieces.map((piece) => chip(piece)), ...becomes),
    shareBar(share, { "aria-hidden": "true" }),
    element("span", { class: "number" }, percent(share)),
  );
}

/** @param {import("../widgets/shared/kernel.js").RenderProps} context */
function render({ model, el }) {
  const game = new GuessingGame(model);
  return mount({ model, el }, game.root, () => game.show(), "change:guesses");
}

export default { render: whenFilled(render) };
