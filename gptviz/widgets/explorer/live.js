// @ts-check
/**
 * The view model of the explorer, in pages that run the model; `explorer.py` and `stations.py` are that beside a
 * kernel.
 */

import { sum } from "../../pages/engine/arithmetic.js";
import { describe, writtenCharacters } from "../../pages/live/describing.js";
import { likeliest } from "../../pages/live/likeliest.js";
import { openingHead } from "../../pages/live/opening.js";
import { LiveView } from "../../pages/live/view.js";

/** @typedef {import("../../pages/live/reading.js").Reading} Reading */

const HIGHEST = 10; // logits that the station of the logits draws

export class LiveExplorer extends LiveView {
  static answers = { ...LiveView.answers, written: "answerWritten" };

  start() {
    this.timeline.observers.push((changed) => {
      if ("_source" in changed) this.set({ _written: this.state._written + 1 });
    });
  }

  get timeline() {
    return /** @type {import("../timeline/live.js").LiveTimeline} */ (this.kernel.viewOf("timeline"));
  }

  fill() {
    return { _about: stationNumbers(this.reading) };
  }

  /** Returns how many tokens the last station has generated, and how the text ended; null while it is generated. */
  answerWritten() {
    const { steps, finishReason, problem } = this.timeline.shownRun.branches[0];
    return { steps: steps.length, done: finishReason !== null || problem !== "", finish_reason: finishReason };
  }
}

/** Returns the numbers of each station's sentence; see `station_numbers` in Python. @param {Reading} reading */
function stationNumbers({ model, pass, tokens, text, ids }) {
  const { nLayers, nHeads, dModel, vocabSize } = model.gpt;
  const last = ids.length - 1;
  const logits = pass.logits();
  const probabilities = pass.probabilities();
  const highest = likeliest(probabilities, HIGHEST);
  const leader = describe(model.token(highest[0]));
  const marks = tokens.filter(({ special }) => special).length;
  const opening = openingHead(pass);
  const length = (/** @type {Float32Array} */ stream) => Math.sqrt(stream.reduce((total, x) => total + x * x, 0));
  return {
    tokens: {
      characters: writtenCharacters(text, tokens),
      tokens: tokens.length - marks,
      marks,
      start_mark: tokens[0].special,
    },
    embedding: { token: describe(tokens[last]), id: ids[last], position: last, numbers: dModel },
    attention: {
      layers: nLayers,
      heads: nHeads,
      heads_in: Array(nLayers).fill(nHeads),
      stream: [0, nLayers].map((depth) => length(pass.streamAt(depth, last))),
      ...opening,
      of_all: true,
      looking: describe(tokens[opening.query]),
      looked: opening.key === null ? null : describe(tokens[opening.key]),
    },
    logits: {
      vocabulary: vocabSize,
      leader,
      logit: logits[highest[0]],
      mean: sum(logits) / vocabSize,
      highest: highest.map((id) => ({ token: describe(model.token(id)), logit: logits[id] })),
    },
    sampling: { leader, probability: probabilities[highest[0]], entropy: entropy(probabilities) },
  };
}

/** Returns the entropy of probabilities in bits. @param {Float32Array} probabilities */
function entropy(probabilities) {
  return Math.max(
    0,
    probabilities.reduce((total, share) => (share > 0 ? total - share * Math.log2(share) : total), 0),
  );
}
