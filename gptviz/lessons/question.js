// @ts-check
/**
 * A question to answer before its answer is revealed: the field for its kind of answer, the reaction, and the hands
 * raised in class. The right answer comes with the reply to a guess, or when it is revealed; before that the page does
 * not have it.
 */
import { button, element, setText } from "../widgets/shared/dom.js";
import { addFrame, listen, makeNotices, whenFilled } from "../widgets/shared/frame.js";
import { ask, isExported } from "../widgets/shared/kernel.js";
import { significant } from "../widgets/shared/numbers.js";
import { wordsOf } from "../widgets/shared/words.js";
import { choiceField, choiceNode, HeadField, numberField, rankingField } from "./fields.js";
import { withChips } from "./marking.js";
import { ProgressBar } from "./progress.js";
import { catalogue } from "./question_words.js";
import { Tally } from "./tally.js";

/** @typedef {import("../widgets/shared/kernel.js").Model} Model */
/** @typedef {import("../widgets/shared/kernel.js").Host} Host */
const ASK_AGAIN_MS = 1000;
/**
 * A question as Python sends it. `instead`: another prompt to try; `has_box`: whether it follows a prompt box;
 * `covers`: references of the views that stay covered until the answer; `key`: the name of the cover; `published`:
 * where the answer is printed, "" if it is computed.
 * @typedef {{text: string, kind: "choice"|"number"|"ranking"|"head", unit: string, choices:
 *   import("./fields.js").Choice[], tally: boolean, instead: string|null, has_box: boolean, covers: string[], key:
 *   string, published: string}} QuestionAbout
 */
/**
 * Where a question stands. "close": the answer depends on too small a difference to be guessed. "noted": the answer is
 * not known yet. `direction`: where a right number is from a wrong guess.
 * @typedef {{phase: "open"|"wrong"|"noted"|"revealed"|"close"|"failed", given: any, right?: boolean, truth?: any, hint:
 *   string, direction?: ""|"higher"|"lower", explain?: string, problem: string}} QuestionState
 */

/**
 * Returns the [layer, head] that opens with the answer: of several right ones the guessed one, else the first; null if
 * the answer is no head, or not revealed.
 * @param {string} kind
 * @param {QuestionState} state
 * @returns {number[]|null}
 */
export function headToOpen(kind, { phase, right, given, truth }) {
  if (kind !== "head" || phase !== "revealed") return null;
  return right ? given : truth[0];
}

class Question {
  /**
   * @param {Model} model
   * @param {Model} selection
   * @param {Model} progress
   * @param {Host} host
   * @param {HTMLElement} el
   */
  constructor(model, selection, progress, host, el) {
    const words = wordsOf(model, catalogue);
    const title = model.get("_title");
    this.model = model;
    this.selection = selection;
    this.host = host;
    this.words = words;
    this.exported = isExported(model);
    this.notices = makeNotices(model);
    /** The wrong guesses so far, as JSON. @type {string[]} */
    this.wrongGuesses = [];
    /** @type {HeadField|null} */
    this.headField = null;
    this.timer = 0;
    this.revealButton = element("button");
    this.text = element("h3", {});
    this.fields = element("div", { class: "fields" });
    this.reaction = element("div", { class: "reaction", role: "status" });
    this.tally = new Tally(model, words);
    this.progress = new ProgressBar(progress, words);
    this.root = element(
      "section",
      { class: "gptviz gptviz-question", "aria-label": title },
      this.progress.root,
      element("p", { class: "kicker small" }, title),
      this.text,
      this.notices.problem,
      this.fields,
      this.reaction,
      this.tally.root,
    );
    this.stopFrame = addFrame(model, this.root);
    el.append(this.root);
    this.start();
  }

  /** @returns {QuestionAbout} */
  get about() {
    return this.model.get("_about");
  }

  /** Starts a new question, or the same one with a new prompt. */
  start() {
    const { text, tally, choices } = this.about;
    this.root.dataset.scale = this.model.get("scale");
    setText(this.text, text);
    this.wrongGuesses = [];
    this.buildFields();
    this.tally.build(tally ? choices : null);
    this.show(this.model.get("_state"));
  }

  buildFields() {
    this.revealButton = button(this.words.reveal, () => this.request("reveal", {}), { class: "reveal" });
    this.fields.replaceChildren(this.answerField(), this.revealButton, this.notices.computing);
  }

  answerField() {
    const { words } = this;
    const { kind, choices, unit } = this.about;
    const guess = (/** @type {any} */ value) => this.request("guess", { value });
    switch (kind) {
      case "choice":
        return choiceField(words, choices, guess);
      case "number":
        return numberField(words, unit, (text) => {
          if (text.trim() === "") this.notices.setProblem(words.empty);
          else guess(text);
        });
      case "ranking":
        return rankingField(words, choices, guess);
      case "head":
        this.headField = new HeadField(words, this.selection, guess);
        return this.headField.root;
    }
  }

  /** @param {"guess"|"reveal"|"instead"} name @param {Record<string, unknown>} args */
  async request(name, args) {
    if (this.isWaiting) return; // the answer to the click before is being computed
    this.notices.setProblem("");
    this.setWaiting(true);
    try {
      const state = await ask(this.model, name, args);
      if (name !== "instead") this.conclude(state);
    } catch (error) {
      const { message, absent } = /** @type {Error & {absent: boolean}} */ (error);
      if (absent && name === "guess") await this.revealInPage(args.value);
      else this.notices.setProblem(message);
    }
    this.setWaiting(false);
  }

  get isWaiting() {
    return this.root.hasAttribute("data-computing");
  }

  /** Shows that an answer is being computed; nothing else can be asked meanwhile. @param {boolean} waiting */
  setWaiting(waiting) {
    this.notices.setWaiting(this.root, waiting);
    this.revealButton.disabled = waiting || this.isDone;
  }

  /** Whether nothing is left to guess or reveal. */
  get isDone() {
    return ["revealed", "close"].includes(this.root.dataset.phase ?? "");
  }

  /** An exported page cannot judge every guess; it shows the right answer beside the guess then. @param {any} given */
  async revealInPage(given) {
    try {
      this.conclude({ ...(await ask(this.model, "reveal", {})), given });
      this.reaction.prepend(element("p", { class: "muted small" }, this.words.notHere));
    } catch (error) {
      this.notices.setProblem(/** @type {Error} */ (error).message);
    }
  }

  /**
   * Shows the state after a guess or a reveal, and opens the right head in the views that share the selection. The
   * kernel does the same; an exported page has none.
   * @param {QuestionState} state
   */
  conclude(state) {
    this.show(state);
    const head = headToOpen(this.about.kind, state);
    if (head === null || !this.exported) return;
    this.selection.set("layer", head[0]);
    this.selection.set("head", head[1]);
  }

  /** @param {QuestionState} state */
  show(state) {
    const { phase, given, truth, problem } = state;
    if (phase === "wrong" && given !== null) this.wrongGuesses.push(JSON.stringify(given));
    this.root.dataset.phase = phase;
    for (const node of this.fields.querySelectorAll("button")) {
      if (this.isDone || !node.classList.contains("move")) node.disabled = this.isDone;
    }
    this.notices.setProblem(phase === "failed" ? `${this.words.failed} ${problem}` : "");
    this.markChoices(state);
    this.reaction.replaceChildren(...this.reactionTo(state));
    this.tally.markTruth(phase === "revealed" ? truth : null);
    if (phase === "revealed") this.uncover();
    clearTimeout(this.timer);
    if (phase === "noted" && !this.exported) this.timer = window.setTimeout(() => this.askAgain(), ASK_AGAIN_MS);
  }

  /** Asks whether the answer to a noted guess is known by now. */
  async askAgain() {
    try {
      const state = await ask(this.model, "again", {});
      if (this.root.isConnected && !this.isWaiting) this.conclude(state);
    } catch (error) {
      this.notices.setProblem(/** @type {Error} */ (error).message);
    }
  }

  /** Strikes out wrong guesses and marks the right answer. @param {QuestionState} state */
  markChoices({ phase, given, truth }) {
    if (this.about.kind !== "choice") return;
    [...this.fields.querySelectorAll(".choices button")].forEach((node, i) => {
      const isWrong = this.wrongGuesses.includes(JSON.stringify(i));
      node.toggleAttribute("data-wrong", isWrong);
      node.setAttribute("aria-pressed", String(isWrong || (phase === "noted" && given === i)));
      node.toggleAttribute("data-right", phase === "revealed" && truth === i);
    });
  }

  /** Returns the reaction to a guess. @param {QuestionState} state @returns {Node[]} */
  reactionTo(state) {
    switch (state.phase) {
      case "close":
        return this.closeReaction();
      case "noted":
        return this.notedReaction(state);
      case "wrong":
        return this.wrongReaction(state);
      case "revealed":
        return this.revealedReaction(state);
      default:
        return [];
    }
  }

  closeReaction() {
    const { words } = this;
    const { instead, has_box: hasBox } = this.about;
    const text = element("p", {}, hasBox ? words.close : words.closeWithoutBox);
    return instead === null ? [text] : [text, button(words.other(instead), () => this.request("instead", {}))];
  }

  /** @param {QuestionState} state */
  notedReaction({ given }) {
    const { words } = this;
    const text = element("p", {});
    if (given !== null) text.append(`${words.yourGuess} `, this.answerNode(given, true), ". ");
    text.append(words.noted);
    return [text];
  }

  /** @param {QuestionState} state */
  wrongReaction({ given, hint, direction }) {
    const { words } = this;
    const verdict = element("strong", { class: "verdict wrong" }, words.wrong);
    const next = direction ? `${words[direction]} ${words.again}` : words.again;
    const text = element("p", {}, verdict, ` ${words.yourGuess} `, this.answerNode(given, true), ". ", next);
    return hint ? [text, element("p", { class: "hint" }, ...withChips(hint))] : [text];
  }

  /** @param {QuestionState} state */
  revealedReaction({ given, right, truth, explain }) {
    const { words } = this;
    const text = element("p", {});
    if (right) {
      const isNear = this.about.kind === "number" && significant(given) !== significant(truth);
      text.append(element("strong", { class: "verdict right" }, isNear ? words.near : words.right), " ");
    }
    const repeatsGuess = given !== null && (!right || this.about.kind === "number");
    if (repeatsGuess) text.append(`${words.yourGuess} `, this.answerNode(given, true), ". ");
    const computed = this.exported ? words.exported : words.revealed;
    const { published } = this.about;
    text.append(`${published ? words.published(published) : computed} `, this.answerNode(truth), ".");
    return explain ? [text, element("p", { class: "explain" }, ...withChips(explain))] : [text];
  }

  /**
   * Creates an answer as it is shown.
   * @param {any} value
   * @param {boolean} [isGuess] a guess keeps the digits that were typed
   * @returns {Node}
   */
  answerNode(value, isGuess = false) {
    const { kind, choices, unit } = this.about;
    const { words } = this;
    switch (kind) {
      case "choice":
        return choiceNode(choices[value]);
      case "number": {
        const keepsDigits = isGuess || Number.isInteger(value);
        const text = keepsDigits ? String(value).replace("-", "−") : significant(value);
        return element("strong", { class: "number", title: String(value) }, `${text}${unit ? ` ${unit}` : ""}`);
      }
      case "ranking": {
        /** @type {number[]} */
        const order = value;
        const nodes = order.flatMap((choice, i) => [...(i ? [" › "] : []), choiceNode(choices[choice])]);
        return element("span", {}, ...nodes);
      }
      case "head": {
        /** @type {number[][]} */
        const heads = Array.isArray(value[0]) ? value : [value];
        const names = heads.map(([layer, head]) => words.head(layer, head));
        return element("strong", { class: "number" }, names.join(` ${words.or} `));
      }
    }
  }

  /**
   * Uncovers the views of this question, and counts it as answered. The kernel does the same; an exported page has
   * none.
   */
  async uncover() {
    const { covers, key } = this.about;
    this.progress.note(key);
    for (const reference of covers) {
      const view = await this.host.getModel(reference);
      view?.set(
        "_covered_by",
        view.get("_covered_by").filter((/** @type {string} */ question) => question !== key),
      );
    }
  }

  remove() {
    clearTimeout(this.timer);
    this.stopFrame();
    this.root.remove();
  }
}

/** @param {import("../widgets/shared/kernel.js").RenderProps} context */
async function render({ model, el, host }) {
  const selection = await host.getModel(model.get("_selection"));
  const progress = await host.getModel(model.get("_progress"));
  const question = new Question(model, selection, progress, host, el);
  return listen(
    question,
    [model, "change:_source change:scale", () => question.start()],
    [model, "change:_state", () => question.show(model.get("_state"))],
    [selection, "change:layer change:head", () => question.headField?.show()],
    [progress, "change:_answered", () => question.progress.show()],
  );
}

export default { render: whenFilled(render) };
