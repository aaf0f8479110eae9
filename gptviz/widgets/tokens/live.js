// @ts-check
/** The view model of the token view, in pages that run the model; `tokens.py` is that beside a kernel. */

import { fail } from "../../pages/engine/errors.js";
import { pairKey } from "../../pages/engine/merging.js";
import { words } from "../../pages/engine/tokenizer.js";
import { describe, hex, writtenCharacters } from "../../pages/live/describing.js";
import { LiveView } from "../../pages/live/view.js";

/** @typedef {import("../../pages/engine/tokenizer.js").Tokenizer} Tokenizer */

const LONGEST = 64; // characters of a word, as in `merges.py`
const REMEDY = "The tokens are exact; the steps that led to them are not shown.";

export class LiveTokens extends LiveView {
  static answers = { ...LiveView.answers, merges: "answerMerges" };

  fill() {
    const { tokens, text } = this.reading;
    return {
      _tokens: tokens.map((token) => ({ ...describe(token), hex: hex(token.bytes) })),
      _characters: writtenCharacters(text, tokens),
    };
  }

  /**
   * Returns the stages of byte-pair encoding for the token's word: its pieces, and the rank of the merge applied.
   * @param {{position: number}} args
   */
  answerMerges({ position }) {
    const { tokenizer } = this.model;
    const bytes = wordAt(tokenizer, this.reading, position);
    if (bytes.length > LONGEST)
      throw fail(`a word of at most ${LONGEST} characters`, `one of ${bytes.length}`, REMEDY, "merges_other");
    return stagesOf(tokenizer, bytes).map(({ rank, ids }) => ({
      rank,
      pieces: ids.map((id) => describe({ ...this.model.token(id), id: -1 })),
    }));
  }
}

/**
 * Returns the bytes of the word that a token belongs to.
 * @param {Tokenizer} tokenizer
 * @param {{text: string, ids: number[]}} reading
 * @param {number} position
 */
function wordAt(tokenizer, { text, ids }, position) {
  if (`${tokenizer.encode(text)}` !== `${ids}`)
    throw fail(
      "tokens that the tokenizer makes of this text",
      "others, given as ids or cut off",
      REMEDY,
      "merges_other",
    );
  let end = tokenizer.template.before.length;
  if (position < end || position >= ids.length - tokenizer.template.after.length) throw noWord();
  for (const part of text.split(tokenizer.addedPattern)) {
    const added = tokenizer.added.get(part);
    for (const word of added ? [part] : words(part)) {
      end += added ? 1 : tokenizer.encodePlain(word).length;
      if (position >= end) continue;
      if (added)
        throw fail(
          "a word whose merges lead to its tokens",
          `${part}, which is split in another way`,
          REMEDY,
          "merges_other",
        );
      return Array.from(new TextEncoder().encode(word));
    }
  }
  throw noWord();
}

function noWord() {
  return fail("a token of the text", "a mark of the tokenizer's own", REMEDY, "merges_mark");
}

/**
 * Returns the ids of a word's pieces after each merge, from single bytes on. Of the merges that are possible, the one
 * with the lowest rank comes first, and of equal ones the leftmost.
 * @param {Tokenizer} tokenizer
 * @param {number[]} bytes
 */
function stagesOf({ byteIds, merges }, bytes) {
  let ids = bytes.map((byte) => byteIds[byte]);
  /** @type {{rank: number|null, ids: number[]}[]} */
  const stages = [{ rank: null, ids }];
  for (;;) {
    let best = null;
    let left = 0;
    for (let i = 0; i + 1 < ids.length; i++) {
      const merge = merges.get(pairKey(ids[i], ids[i + 1]));
      if (merge && (!best || merge.rank < best.rank)) {
        best = merge;
        left = i;
      }
    }
    if (!best) return stages;
    ids = [...ids.slice(0, left), best.id, ...ids.slice(left + 2)];
    stages.push({ rank: best.rank, ids });
  }
}
