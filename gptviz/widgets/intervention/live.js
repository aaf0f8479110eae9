// @ts-check
/** The view model of the intervention view, in pages that run the model; `intervention.py` is that beside a kernel. */

import { softmax } from "../../pages/engine/arithmetic.js";
import { ablateHead, ablateMLP } from "../../pages/engine/edits.js";
import { checkIndex, fail } from "../../pages/engine/errors.js";
import { describe } from "../../pages/live/describing.js";
import { LiveEdited } from "../../pages/live/edited.js";
import { likeliest } from "../../pages/live/likeliest.js";
import { thumbnails } from "../../pages/live/maps.js";

/** @typedef {import("../shared/edits.js").Edit} Spec */
/** @typedef {import("../../pages/live/reading.js").Reading} Reading */

const MOVERS = 12; // tokens that have a row, as in `intervention.py`

export class LiveIntervention extends LiveEdited {
  static answers = {
    ...LiveEdited.answers,
    outcome: "answerOutcome",
    sweep: "answerSweep",
    watch: "answerWatch",
    source: "answerSource",
    row: "answerRow",
  };

  /** What each part adds to the probabilities of the next tokens, for the reading that is shown.
   * @type {{reading: Reading, changes: Promise<Float64Array[]>}|null} */
  swept = null;

  fill() {
    const { pass, tokens } = this.reading;
    const { nLayers, nHeads, vocabSize } = this.model.gpt;
    const { bytes, side } = thumbnails(pass);
    const probabilities = pass.probabilities();
    return {
      ...super.fill(),
      _thumbnails: bytes,
      _about: {
        tokens: tokens.map((token) => describe(token)),
        layers: nLayers,
        heads: nHeads,
        vocab: vocabSize,
        heads_in: Array(nLayers).fill(nHeads),
        keys: null,
        causal: true,
        side,
        columns: side,
        start: 0,
        absent: [],
        opening: null,
        leaders: likeliest(probabilities, MOVERS).map((id) => {
          return { token: describe(this.model.token(id)), before: probabilities[id] };
        }),
      },
    };
  }

  /**
   * Returns the next token's probabilities before and after edits, and the code that makes them; see `intervention.py`.
   * @param {{edits: Spec[], watched?: number|null}} args
   */
  answerOutcome({ edits, watched = null }) {
    const { editList } = this.kernel;
    const before = this.reading.pass.probabilities();
    const after = this.edited(edits).pass.probabilities();
    const row = (/** @type {number} */ id) => {
      return { token: describe(this.model.token(id)), before: before[id], after: after[id] };
    };
    const differences = Float64Array.from(after, (share, id) => Math.abs(share - before[id]));
    const ids = Array.from(differences.keys());
    ids.sort((a, b) => differences[b] - differences[a] || before[b] - before[a] || a - b);
    return {
      movers: ids.slice(0, MOVERS).map(row),
      leaders: likeliest(before, MOVERS).map(row),
      leader: row(likeliest(after, 1)[0]),
      watched: watched === null ? null : row(checkIndex(watched, before.length, "token id")),
      moved: differences.reduce((total, difference) => total + difference) / 2,
      codes: edits.map((spec) => editList.code(spec)),
      code: edits.length ? editList.codeOfPass(this.reading, edits) : "",
    };
  }

  /**
   * Returns what switching off each head or MLP alone adds to the token's probability: (L, H + 1), MLPs last.
   * @param {{watched: number}} args
   */
  async answerSweep({ watched }) {
    const { reading } = this;
    const { nLayers, nHeads, vocabSize } = this.model.gpt;
    checkIndex(watched, vocabSize, "token id");
    if (this.swept?.reading !== reading) this.swept = { reading, changes: this.switchOffEach(reading) };
    const changes = await this.swept.changes;
    if (reading !== this.reading)
      throw fail("the text that the question was about", "another one", "Ask again.", "interrupted");
    return { data: Float32Array.from(changes, (added) => added[watched]), shape: [nLayers, nHeads + 1] };
  }

  /** Returns what switching off each part alone adds to every probability. @param {Reading} reading */
  switchOffEach(reading) {
    const { gpt } = this.model;
    const { pass } = reading;
    const before = pass.probabilities();
    /** @type {Float64Array[]} */
    const changes = [];
    const isShown = () => this.reading === reading;
    function* work() {
      for (let layer = 0; layer < gpt.nLayers; layer++)
        for (let column = 0; column <= gpt.nHeads && isShown(); column++) {
          const edit = column < gpt.nHeads ? ablateHead(layer, column) : ablateMLP(layer);
          const after = softmax(Float64Array.from(gpt.rerun(pass, layer, [edit]).logits()));
          changes.push(after.map((share, id) => share - before[id]));
          yield;
        }
    }
    return this.kernel.tasks.done(work()).then(() => changes);
  }

  /** Returns the id of a text that is one token. @param {{text: string}} args */
  answerWatch({ text }) {
    const { tokenizer } = this.model;
    const ids = tokenizer.encode(text, false);
    if (ids.length === 1) return ids[0];
    const pieces = ids.map((id) => JSON.stringify(this.model.token(id).text)).join(", ");
    throw fail(
      "a text that is one token",
      `${ids.length}: ${pieces}`,
      "Most words begin with their space, as in ' king'.",
    );
  }

  /** Reads another prompt to patch from; returns its number and its tokens. @param {{prompt: string}} args */
  answerSource({ prompt }) {
    const source = this.model.read(prompt);
    const count = this.reading.ids.length;
    if (source.ids.length !== count)
      throw fail(
        `a text of ${count} tokens, as the prompt has`,
        `one of ${source.ids.length}`,
        "A patch goes from one position to the same position: write a text with the same number of tokens.",
      );
    return { ...this.kernel.editList.hold(source), tokens: source.tokens.map((token) => describe(token)) };
  }

  /** Returns the head's weights of one query before any edit: (query + 1,).
   * @param {{layer: number, head: number, query: number}} args */
  answerRow({ layer, head, query }) {
    const { pass } = this.reading;
    checkIndex(query, pass.length, "position");
    const data = pass.attention(layer, head).slice(query * pass.length, query * pass.length + query + 1);
    return { data, shape: [query + 1] };
  }
}
