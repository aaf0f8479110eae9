// @ts-check
/** The view model of the flow picture, in pages that run the model; `flow.py` is that beside a kernel. */

import { softmax } from "../../pages/engine/arithmetic.js";
import { ablateAttention, ablateMLP } from "../../pages/engine/edits.js";
import { checkIndex } from "../../pages/engine/errors.js";
import { flowShares } from "../../pages/engine/flow.js";
import { logitLens } from "../../pages/engine/lens.js";
import { describe } from "../../pages/live/describing.js";
import { LiveEdited } from "../../pages/live/edited.js";
import { columnLengths } from "../../pages/live/lengths.js";
import { likeliest } from "../../pages/live/likeliest.js";
import { THUMBNAIL, thumbnailsOf } from "../../pages/live/maps.js";
import { Reading } from "../../pages/live/reading.js";
import { Sampler } from "../sampling/math.js";
import { uniform } from "../sampling/philox.js";
import {
  columnShares,
  drawnCount,
  drawnMatrix,
  firstDrawn,
  layerRanges,
  packedKept,
  withoutFutures,
} from "./live_shares.js";

/** @typedef {import("../shared/edits.js").Edit} Spec */

const LEADERS = 8; // likeliest next tokens that have a bar and can be followed
const NEURONS = 4; // that are named
const SEED = 0; // of the draw that the player shows
const UNCUT = { temperature: 1, topK: null, topP: null, minP: null, repetitionPenalty: 1 };

export class LiveFlow extends LiveEdited {
  static answers = {
    ...LiveEdited.answers,
    cuts: "answerCuts",
    outcome: "answerOutcome",
    lens: "answerLens",
    maps: "answerMaps",
    block: "answerBlock",
    column: "answerColumn",
    heads: "answerHeads",
    attention: "answerAttention",
    draw: "answerDraw",
    next_pass: "answerNextPass",
  };

  /**
   * The shares of each block of the reading that is shown.
   * @type {import("../../pages/engine/flow.js").BlockShares[]}
   */
  blocks = [];
  /** The likeliest next tokens after each token that is drawn. @type {Map<number, number[]>} */
  leaders = new Map();

  start() {
    this.blocks = flowShares(this.reading.pass);
    this.readLeaders();
  }

  fill() {
    const { pass, tokens } = this.reading;
    const { nLayers, dModel, vocabSize } = this.model.gpt;
    this.blocks = flowShares(pass);
    this.readLeaders();
    const ranges = layerRanges(nLayers);
    const columns = columnShares(this.blocks, ranges);
    const first = firstDrawn(tokens.length);
    const hidden = first ? 1 : 0;
    const count = drawnCount(tokens.length);
    const probabilities = new Float32Array(count * LEADERS);
    const lens = new Float32Array(count * LEADERS * (nLayers + 1)).fill(NaN);
    for (const [position, ids] of this.leaders) {
      const shares = pass.probabilities(position);
      const row = position - first + hidden;
      for (const [rank, id] of ids.entries()) probabilities[row * LEADERS + rank] = shares[id];
    }
    // The page asks for those of other tokens.
    lens.set(this.early(pass.length - 1), (count - 1) * LEADERS * (nLayers + 1));
    const shown = tokens.slice(first).map((token) => describe(token));
    const leaders = [...this.leaders.values()];
    return {
      ...super.fill(),
      _carried: new DataView(withoutFutures(columns.map(({ attention }) => attention)).buffer),
      _kept: new DataView(packedKept(columns).buffer),
      _probabilities: new DataView(probabilities.buffer),
      _lens: new DataView(lens.buffer),
      _about: {
        tokens: hidden ? [{ id: -1, text: "", position: first - 1, earlier: first }, ...shown] : shown,
        layers: nLayers,
        columns: ranges,
        vocab: vocabSize,
        start: tokens[0].special && !hidden && tokens.length > 1 ? 0 : null,
        leaders: hidden ? [leaders[0], ...leaders] : leaders,
        vocabulary: Object.fromEntries(leaders.flat().map((id) => [id, describe(this.model.token(id))])),
        tied: this.model.gpt.weights.unembedding.weight === this.model.gpt.weights.tokenTable,
        attention: this.blocks.map(() => "held"),
        refusal: null,
        lensRefusal: null,
        runs: true,
        cutsHeads: true,
        byLength: this.blocks.reduce((total, { byLength }) => total + byLength, 0),
        width: dModel,
        parallel: this.blocks.map(() => false),
      },
    };
  }

  readLeaders() {
    const { pass } = this.reading;
    this.leaders = new Map();
    for (let position = firstDrawn(pass.length); position < pass.length; position++)
      this.leaders.set(position, likeliest(pass.probabilities(position), LEADERS));
  }

  /** Returns the likeliest next tokens after a position. @param {number} position */
  leadersAt(position) {
    const { pass } = this.reading;
    checkIndex(position, pass.length, "position");
    return this.leaders.get(position) ?? likeliest(pass.probabilities(position), LEADERS);
  }

  /** Returns the likeliest next tokens' probabilities at every depth: (leaders, L + 1). @param {number} position */
  early(position) {
    const ids = this.leadersAt(position);
    const { vocabSize, nLayers } = this.model.gpt;
    const logits = logitLens(this.reading.pass, position);
    const shares = new Float32Array(ids.length * (nLayers + 1));
    for (let depth = 0; depth <= nLayers; depth++) {
      const row = softmax(Float64Array.from(logits.subarray(depth * vocabSize, (depth + 1) * vocabSize)));
      for (const [rank, id] of ids.entries()) shares[rank * (nLayers + 1) + depth] = row[id];
    }
    return shares;
  }

  /** @param {{position: number}} args */
  answerLens({ position }) {
    const data = this.early(position);
    return { data, shape: [data.length / (this.model.gpt.nLayers + 1), this.model.gpt.nLayers + 1] };
  }

  /**
   * Returns what the probability of each of the likeliest next tokens is with a block's part cut at a token.
   * @param {{position: number}} args
   */
  answerCuts({ position }) {
    const ids = this.leadersAt(position);
    const layers = Array.from({ length: this.model.gpt.nLayers }, (_, layer) => layer);
    const [attention, mlp] = [ablateAttention, ablateMLP].map((cut) =>
      layers.map((layer) => this.probabilitiesWith(cut(layer, position), position)),
    );
    return ids.map((id) => ({
      attention: attention.map((shares) => shares[id]),
      mlp: mlp.map((shares) => shares[id]),
    }));
  }

  /**
   * Returns the probabilities of the next token after a position with an edit that acts there only. Tokens before are
   * taken from the cache.
   * @param {import("../../pages/engine/edits.js").Edit} edit
   * @param {number} position
   */
  probabilitiesWith(edit, position) {
    const { gpt } = this.model;
    const { ids, pass } = this.reading;
    const cache = pass.cache.fork(position + 1, position);
    const again = position ? gpt.run([ids[position]], { edits: [edit], cache }) : gpt.run([ids[0]], { edits: [edit] });
    return softmax(Float64Array.from(again.logits()));
  }

  /**
   * Returns the next token's probabilities after a position with these cuts.
   * @param {{edits: Spec[], position: number}} args
   */
  answerOutcome({ edits, position }) {
    const ids = this.leadersAt(position);
    const before = this.reading.pass.probabilities(position);
    const after = this.edited(edits).pass.probabilities(position);
    const [id] = likeliest(after, 1);
    return {
      leaders: ids.map((leader) => after[leader]),
      leader: { token: describe(this.model.token(id)), before: before[id], after: after[id] },
    };
  }

  /** Returns the maps of a block's heads, pooled: (H, side, side). @param {{layer: number}} args */
  answerMaps({ layer }) {
    const { pass } = this.reading;
    const side = Math.min(pass.length, THUMBNAIL);
    return { data: thumbnailsOf(pass, layer), shape: [this.model.gpt.nHeads, side, side] };
  }

  /** Returns the share of each head at a token, and the neurons that add the longest vectors.
   * @param {{layer: number, position: number}} args */
  answerBlock({ layer, position }) {
    const { pass } = this.reading;
    const { dMLP, dModel, weights } = this.model.gpt;
    const size = checkIndex(position, pass.length, "position") * pass.length;
    const heads = this.blockOf(layer).heads.map((shares) =>
      shares.subarray(size, size + pass.length).reduce((total, share) => total + share, 0),
    );
    const activations = pass.mlpActivations(layer).subarray(position * dMLP, (position + 1) * dMLP);
    const rows = columnLengths(weights.blocks[layer].down.weight, dMLP, dModel);
    const lengths = Float64Array.from(activations, (activation, neuron) => Math.abs(activation) * rows[neuron]);
    const strongest = Array.from(lengths.keys()).sort((a, b) => lengths[b] - lengths[a] || a - b);
    return { heads, neurons: strongest.slice(0, NEURONS).map((neuron) => ({ neuron, length: lengths[neuron] })) };
  }

  /** Returns what is drawn of each block of a column: (blocks, n (n + 1) / 2 + 3 n). @param {{column: number}} args */
  answerColumn({ column }) {
    const ranges = layerRanges(this.model.gpt.nLayers);
    const [first, last] = ranges[checkIndex(column, ranges.length, "column")];
    const blocks = this.blocks.slice(first, last + 1);
    const shares = columnShares(
      blocks,
      blocks.map((_, i) => [i, i]),
    );
    const data = Float32Array.from(
      shares.flatMap((block) => [...withoutFutures([block.attention]), ...packedKept([block])]),
    );
    return { data, shape: [blocks.length, data.length / blocks.length] };
  }

  /** Returns the parts of the heads in what is drawn of a block: (H, n (n + 1) / 2). @param {{layer: number}} args */
  answerHeads({ layer }) {
    const data = withoutFutures(this.blockOf(layer).heads.map(drawnMatrix));
    return { data, shape: [this.model.gpt.nHeads, data.length / this.model.gpt.nHeads] };
  }

  /** @param {number} layer */
  blockOf(layer) {
    return this.blocks[checkIndex(layer, this.blocks.length, "layer")];
  }

  /** Returns the reference of the view of open heads. */
  answerAttention() {
    return this.kernel.viewOf("attention")?.reference;
  }

  /** Returns the token that the player draws after the last one, and how. */
  answerDraw() {
    const id = this.drawnId();
    const probability = this.reading.pass.probabilities()[id];
    return { token: describe(this.model.token(id)), probability, number: uniform(SEED, 0, 0, 0), seed: SEED };
  }

  drawnId() {
    const sampler = new Sampler(this.reading.pass.logits()).set(UNCUT);
    return sampler.order[sampler.draw(SEED)];
  }

  /** Returns the row that the drawn token adds to the pass, and the likeliest tokens after it. */
  answerNextPass() {
    const ids = [...this.reading.ids, this.drawnId()];
    const { pass, tokens } = new Reading(this.model, ids, "");
    const columns = columnShares(flowShares(pass), layerRanges(this.model.gpt.nLayers));
    const probabilities = pass.probabilities();
    const count = drawnCount(this.reading.ids.length);
    return {
      token: describe(tokens[pass.length - 1]),
      leaders: likeliest(probabilities, LEADERS).map((id) => {
        return { token: describe(this.model.token(id)), before: probabilities[id] };
      }),
      carried: columns.map(({ attention, stream }) => lastRow(attention, stream.length, count)),
      kept: columns.map(({ stream, bias, mlp }) => [stream, bias, mlp].map((shares) => shares[shares.length - 1])),
    };
  }
}

/**
 * Returns the last row of a longer pass, (count + 1,), for a page that draws `count` tokens before it.
 * @param {Float64Array} matrix (size, size)
 * @param {number} size
 * @param {number} count
 */
function lastRow(matrix, size, count) {
  const row = Array.from(matrix.subarray((size - 1) * size));
  // One more token has joined the earlier ones, which the page still draws by itself
  if (size === count) row.splice(1, 0, 0);
  return row;
}
