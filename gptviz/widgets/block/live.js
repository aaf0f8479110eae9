// @ts-check
/** The view model of the block view, in pages that run the model; `block.py` is that beside a kernel. */

import { dot, sum } from "../../pages/engine/arithmetic.js";
import { attribution, direction } from "../../pages/engine/lens.js";
import { describe } from "../../pages/live/describing.js";
import { likeliest } from "../../pages/live/likeliest.js";
import { LiveView } from "../../pages/live/view.js";
import { blockSteps } from "./live_steps.js";

/** @typedef {{layer: number, position: number}} TokenInBlock */

const LEADERS = 12; // next tokens that the page offers to explain
const ALWAYS_LISTED = ["token", "position", "head", "mlp"];
const ROUNDINGS = 8; // that may add up in a computation, as `checks.py` has it
const EPSILON = 2 ** -23; // of float32

export class LiveBlock extends LiveView {
  static answers = {
    ...LiveView.answers,
    path: "answerPath",
    strips: "answerStrips",
    leaders: "answerLeaders",
    shares: "answerShares",
  };

  fill() {
    const { nLayers, nHeads, dModel } = this.model.gpt;
    const tokens = this.reading.tokens.map((token) => describe(token));
    return { _about: { tokens, layers: nLayers, heads: nHeads, width: dModel, has_cross: false } };
  }

  /** Returns the steps through the block without their vectors. @param {TokenInBlock} args */
  answerPath({ layer, position }) {
    const steps = blockSteps(this.reading.pass, layer, position).map(({ vector, ...step }) => step);
    return { steps, missing: {}, parallel: false };
  }

  /** Returns the vectors of the steps: (steps, D). @param {TokenInBlock} args */
  answerStrips({ layer, position }) {
    const steps = blockSteps(this.reading.pass, layer, position);
    const { dModel } = this.model.gpt;
    const data = new Float32Array(steps.length * dModel);
    steps.forEach(({ vector }, i) => void data.set(vector, i * dModel));
    return { data, shape: [steps.length, dModel] };
  }

  /** @param {{position: number}} args */
  answerLeaders({ position }) {
    const probabilities = this.reading.pass.probabilities(position);
    return likeliest(probabilities, LEADERS).map((id) => {
      return { token: describe(this.model.token(id)), probability: probabilities[id] };
    });
  }

  /** Returns what each part of the model, and each step through one block, contributes to a next token's logit.
   * @param {TokenInBlock & {id: number}} args */
  answerShares({ layer, position, id }) {
    const { pass } = this.reading;
    const along = direction(pass, id, position);
    const stream = Float64Array.from(pass.streamAt(this.model.gpt.nLayers, position));
    const size = sum(stream.map((value, i) => Math.abs(value * along[i])));
    const shares = attribution(pass, id, position).filter(({ part, value }) => value || ALWAYS_LISTED.includes(part));
    return {
      logit: pass.logits(position)[id],
      probability: pass.probabilities(position)[id],
      rounding: ROUNDINGS * EPSILON * size,
      shares: shares.map(({ part, value, layer: block = null, head = null }) => {
        return { part, value, layer: block, head, neuron: null };
      }),
      steps: blockSteps(pass, layer, position).map(({ kind, vector }) => (kind === "norm" ? null : dot(vector, along))),
    };
  }
}
