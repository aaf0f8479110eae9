// @ts-check
/** The view model of the sampling bench, in pages that run the model; `sampling.py` is that beside a kernel. */

import { describe } from "../../pages/live/describing.js";
import { LiveView } from "../../pages/live/view.js";
import { Sampler } from "./math.js";

const LABELS = 256; // tokens whose texts travel, as in `sampling.py`

export class LiveBench extends LiveView {
  static answers = { ...LiveView.answers, append: "answerAppend" };

  fill() {
    const { tokens, pass } = this.reading;
    return this.describeNext(pass.logits(), tokens);
  }

  /**
   * Returns the traits for the logits of the next token after some tokens.
   * @param {Float32Array} logits (V,)
   * @param {import("../../pages/live/reading.js").TextToken[]} before
   */
  describeNext(logits, before) {
    const previous = [...new Set(before.map(({ id }) => id))].sort((a, b) => a - b);
    const leading = new Sampler(logits).modelOrder.subarray(0, LABELS + previous.length);
    const labelled = [...new Set([...leading, ...previous])].sort((a, b) => a - b);
    return {
      _logits: new DataView(logits.slice().buffer),
      _about: {
        position: before.length - 1,
        current: describe(before[before.length - 1]),
        previous,
        labels: labelled.map((id) => describe(this.model.token(id))),
        beside: null,
        to_target: false,
        revealed: null,
      },
    };
  }

  /** Appends the drawn token to the prompt; returns the new number of tokens. @param {{id: number}} args */
  answerAppend({ id }) {
    return /** @type {import("../prompt/live.js").LivePrompt} */ (this.kernel.viewOf("prompt")).append(id);
  }
}
