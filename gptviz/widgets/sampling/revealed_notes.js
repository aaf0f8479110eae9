// @ts-check
/** What the bench says of a served model: what the server reveals, and what a setting makes impossible to know. */
import { element, setText } from "../shared/dom.js";
import { percent } from "../shared/numbers.js";
import { RevealedSampler } from "./revealed.js";

/** @typedef {"raw"|"processed"|"unknown"} Kind */

export class RevealedNotes {
  /** @param {import("./words.js").Words} words */
  constructor(words) {
    this.words = words;
    this.revealed = element("p", { class: "small muted" });
    this.unknown = element("p", { class: "unknown", hidden: "" });
    this.root = element("div", { class: "notes", hidden: "" }, this.revealed, this.unknown);
  }

  /** Whether what is shown is what a server reveals. */
  get isShown() {
    return !this.root.hidden;
  }

  /**
   * @param {{kind: Kind, complete: boolean, logprobs: (number|null)[]}|null} revealed null for a model with all logits
   */
  load(revealed) {
    this.root.hidden = !revealed;
    this.unknown.hidden = true;
    if (!revealed) return;
    const { words } = this;
    const missing = revealed.complete ? "" : ` ${words.incomplete}`;
    setText(this.revealed, `${words.reveals(revealed.logprobs.length)} ${words.kinds[revealed.kind]}${missing}`);
  }

  /** Says what the present settings make impossible to know. @param {import("./table.js").Sampler} sampler */
  write(sampler) {
    if (!(sampler instanceof RevealedSampler)) return;
    const { words } = this;
    const stage = sampler.firstUnknown();
    this.unknown.hidden = stage === null;
    if (stage === null) return;
    const isFinal = Number.isNaN(sampler.at("min_p", 0));
    const reason = words.unknown[stage](percent(sampler.unrevealed), sampler.size);
    const remedy = stage === "repetition_penalty" || !sampler.complete ? "" : words.remedy(sampler.size);
    setText(this.unknown, `${reason} ${isFinal ? remedy : words.knownAfter}`.trim());
  }
}
