// @ts-check
/** The view model of the prompt box, in pages that run the model; `prompt.py` is that beside a kernel. */

import { spelled } from "../../pages/live/describing.js";
import { Reading } from "../../pages/live/reading.js";
import { LiveView } from "../../pages/live/view.js";

const HISTORY = 12; // prompts that a box keeps, the shown one among them

export class LivePrompt extends LiveView {
  static answers = { ...LiveView.answers, run: "answerRun", forget: "answerForget" };

  start() {
    /** The prompt as it was typed, without tokens appended later. @type {string} */
    this.typed = this.reading.text;
    /** The prompts that were typed, the latest first. */
    this.typedPrompts = [this.typed];
  }

  fill() {
    const { text, ids } = this.reading;
    this.typedPrompts = different([this.typed, ...(this.typedPrompts ?? [])]).slice(0, HISTORY);
    return {
      prompt: text,
      _field: spelled(this.reading),
      _token_count: ids.length,
      _history: different([text, ...this.typedPrompts]).slice(0, HISTORY),
    };
  }

  /** Reads the prompt if it is a new one; returns its number of tokens. @param {{prompt: string}} args */
  answerRun({ prompt }) {
    const { text, ids } = this.reading;
    // The field writes bytes that cannot be typed
    if (prompt === this.state._field && prompt !== text) return ids.length;
    const next = this.model.encode(prompt);
    if (prompt === text && `${next}` === `${ids}`) return ids.length;
    return this.read(() => new Reading(this.model, next, prompt), prompt);
  }

  /** Empties the list of earlier prompts. */
  answerForget() {
    this.typedPrompts = [this.typed ?? ""];
    this.set({ _history: this.state._history.slice(0, 1) });
  }

  /** Appends a token to the text, and shows it in every view; returns the number of tokens. @param {number} id */
  append(id) {
    const ids = [...this.reading.ids, id];
    return this.read(() => new Reading(this.model, ids, this.model.textOf(ids)), this.typed ?? "");
  }

  /** @param {() => Reading} read @param {string} typed */
  read(read, typed) {
    /** @type {string|undefined} */
    const before = this.typed;
    this.typed = typed;
    try {
      return this.kernel.read(read).ids.length;
    } catch (error) {
      this.typed = before;
      throw error;
    }
  }
}

/** Returns the prompts, each once, in order. @param {(string|undefined)[]} prompts */
function different(prompts) {
  return /** @type {string[]} */ ([...new Set(prompts)]);
}
