// @ts-check
/** The view model of the attention view, in pages that run the model; `attention.py` is that beside a kernel. */

import { fail } from "../../pages/engine/errors.js";
import { describe } from "../../pages/live/describing.js";
import { thumbnails, withoutFuture } from "../../pages/live/maps.js";
import { LiveView } from "../../pages/live/view.js";
import { HeadArithmetic } from "./live_arithmetic.js";

/** @typedef {{layer: number, head: number}} Head */

export class LiveAttention extends LiveView {
  static answers = {
    ...LiveView.answers,
    head: "answerHead",
    stages: "answerStages",
    stage: "answerStage",
    cell: "answerCell",
    mix: "answerMix",
  };

  /** The arithmetic of the head that was asked about last. @type {HeadArithmetic|null} */
  latest = null;

  fill() {
    const { pass, tokens } = this.reading;
    const { nLayers, nHeads } = this.model.gpt;
    const { bytes, side } = thumbnails(pass);
    this.latest = null;
    // A cell of the text before has no meaning here
    this.kernel.setShared(this.state._selection, { query: -1, key: -1 });
    return {
      _thumbnails: bytes,
      _about: {
        tokens: tokens.map((token) => describe(token)),
        keys: null,
        causal: true,
        layers: nLayers,
        heads: nHeads,
        heads_in: Array(nLayers).fill(nHeads),
        side,
        columns: side,
        absent: [],
        opening: null,
        start: 0,
      },
    };
  }

  /** Returns the head's map without the future: (T (T + 1) / 2,). @param {Head} where */
  answerHead({ layer, head }) {
    const { pass } = this.reading;
    const cells = withoutFuture(pass.attention(layer, head), pass.length);
    return { data: cells, shape: [cells.length] };
  }

  /** @param {Head} where */
  answerStages({ layer, head }) {
    const numbers = this.arithmetic(layer, head);
    return { names: Object.keys(numbers.stages), factor: numbers.factor, width: this.model.gpt.dHead, sink: false };
  }

  /**
   * Returns the scores of one stage (T, T), without the future if all of it is −∞.
   * @param {Head & {stage: string}} args
   */
  answerStage({ layer, head, stage }) {
    const { length: size } = this.reading.pass;
    const { stages } = this.arithmetic(layer, head);
    if (!Object.hasOwn(stages, stage))
      throw fail(`a stage among ${Object.keys(stages).join(", ")}`, stage, "Choose one of those.");
    const scores = stages[/** @type {"raw"} */ (stage)];
    const isMasked = scores.every((score, i) => i % size <= Math.floor(i / size) || score === -Infinity);
    const data = isMasked ? withoutFuture(scores, size) : scores;
    return { data, shape: isMasked ? [data.length] : [size, size] };
  }

  /** @param {Head & {query: number, key: number}} args */
  answerCell({ layer, head, query, key }) {
    return this.arithmetic(layer, head).cell(query, key);
  }

  /** @param {Head & {query: number}} args */
  answerMix({ layer, head, query }) {
    return this.arithmetic(layer, head).mix(query);
  }

  /** @param {number} layer @param {number} head */
  arithmetic(layer, head) {
    const { latest } = this;
    if (latest?.pass === this.reading.pass && latest.layer === layer && latest.head === head) return latest;
    this.latest = new HeadArithmetic(this.reading.pass, layer, head);
    return this.latest;
  }
}
