// @ts-check
/** The view model of the embedding view, in pages that run the model; `embedding.py` is that beside a kernel. */

import { dot } from "../../pages/engine/arithmetic.js";
import { checkIndex } from "../../pages/engine/errors.js";
import { describe } from "../../pages/live/describing.js";
import { LiveView } from "../../pages/live/view.js";

const NEAREST = 8;
const PARTS = /** @type {const} */ (["token", "position", "sum"]);

export class LiveEmbedding extends LiveView {
  static answers = { ...LiveView.answers, rows: "answerRows", neighbours: "answerNeighbours" };

  fill() {
    const tokens = this.reading.tokens.map((token) => describe(token));
    return { _about: { tokens, width: this.model.gpt.dModel, parts: PARTS, heads: 0 } };
  }

  /** Returns the parts of the embedding at a token: (parts, D). @param {{position: number}} args */
  answerRows({ position }) {
    const { pass } = this.reading;
    const { dModel } = this.model.gpt;
    checkIndex(position, pass.length, "position");
    const data = new Float32Array(PARTS.length * dModel);
    PARTS.forEach((part, i) => {
      data.set(pass.embedding(part).subarray(position * dModel, (position + 1) * dModel), i * dModel);
    });
    return { data, shape: [PARTS.length, dModel] };
  }

  /** Returns the nearest rows of the token table, by the cosine. @param {{position: number}} args */
  answerNeighbours({ position }) {
    const { ids, pass } = this.reading;
    const id = ids[checkIndex(position, pass.length, "position")];
    const cosines = cosinesWith(this.model.gpt, id);
    const order = Array.from(cosines.keys()).filter((other) => other !== id);
    order.sort((a, b) => cosines[b] - cosines[a] || a - b);
    return order.slice(0, NEAREST).map((other) => {
      return { token: describe(this.model.token(other)), cosine: cosines[other] };
    });
  }
}

/**
 * Returns the cosine of each row of the token table with one of them.
 * @param {import("../../pages/engine/gpt.js").GPT} gpt
 * @param {number} id
 */
function cosinesWith({ weights, dModel, vocabSize }, id) {
  const { tokenTable: table } = weights;
  const length = (/** @type {number} */ row) =>
    Math.sqrt(dot(table, table, row * dModel, row * dModel, dModel)) || 1e-12;
  const own = length(id);
  return Float64Array.from(
    { length: vocabSize },
    (_, other) => dot(table, table, id * dModel, other * dModel, dModel) / (own * length(other)),
  );
}
