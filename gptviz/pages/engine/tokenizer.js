// @ts-check
/**
 * GPT-2's tokenizer, from the tokenizer.json that transformers saves: text → ids → text, exactly.
 *
 * A text is cut at special tokens, then into words; each word's UTF-8 bytes are joined to tokens by `merging.js`. The
 * vocabulary writes each byte as a printable character. Source: Radford et al. 2019, with Sennrich et al. 2016.
 */

import { fail } from "./errors.js";
import { mergeWord, pairKey } from "./merging.js";

/** @typedef {{id: number, content: string, special: boolean, single_word: boolean, lstrip: boolean, rstrip: boolean}}
 *   AddedToken */
/** @typedef {{SpecialToken?: {id: string}, Sequence?: {id: string}}} TemplatePart */
/** @typedef {{type: string, processors?: Processor[], single?: TemplatePart[],
 *   special_tokens?: Record<string, {ids: number[]}>}} Processor */
/**
 * @typedef {{normalizer: unknown, pre_tokenizer: {type: string, add_prefix_space: boolean, use_regex?: boolean}|null,
 *   post_processor: Processor|null, decoder: {type: string}|null, added_tokens: AddedToken[],
 *   model: {type: string, vocab: Record<string, number>, merges: (string|[string, string])[], [name: string]:
 *   unknown}}} TokenizerFile the parsed tokenizer.json
 */
/** text: what the bytes say; bytes of an incomplete character are written `\xf0`.
 * @typedef {{id: number, text: string, bytes: Uint8Array, special: boolean}} Token */

/**
 * The words of a text: a contraction; letters, digits or other characters, with one space before them; white space. \p
 * classes are Unicode's. JavaScript's \s would differ from them in U+0085 and U+FEFF.
 */
const WORDS = new RegExp(
  "'(?:s|t|re|ve|m|ll|d)| ?\\p{L}+| ?\\p{N}+| ?[^\\p{White_Space}\\p{L}\\p{N}]+" +
    "|\\p{White_Space}+(?!\\P{White_Space})|\\p{White_Space}+",
  "gu",
);

export class Tokenizer {
  /** @param {TokenizerFile} file */
  constructor(file) {
    checkFile(file);
    const { vocab, merges } = file.model;
    /** How the vocabulary writes each id. @type {Map<number, string>} */
    this.written = new Map(Object.entries(vocab).map(([piece, id]) => [id, piece]));
    /** The id of each byte. */
    this.byteIds = ALPHABET.map((character) => vocab[character]);
    if (this.byteIds.includes(/** @type {never} */ (undefined)))
      throw fail("a vocabulary with each of the 256 bytes", "one without some", "Use a byte-level tokenizer.");
    this.merges = new Map(
      merges.map((merge, rank) => {
        const [left, right] = typeof merge === "string" ? merge.split(" ") : merge;
        return [pairKey(vocab[left], vocab[right]), { rank, id: vocab[left + right] }];
      }),
    );
    /** Tokens that are found in a text before it is cut into words, by their text. @type {Map<string, AddedToken>} */
    this.added = new Map(file.added_tokens.map((token) => [token.content, token]));
    for (const { id, content } of file.added_tokens) this.written.set(id, content);
    this.special = new Set(file.added_tokens.filter(({ special }) => special).map(({ id }) => id));
    const longestFirst = [...this.added.keys()].sort((a, b) => b.length - a.length);
    this.addedPattern = new RegExp(`(${longestFirst.map(escaped).join("|") || "(?!)"})`, "u");
    /** The ids that come before and after each text. */
    this.template = template(file.post_processor);
  }

  /**
   * Returns the ids of a text. Throws an EngineError for a text that cannot be written in UTF-8.
   * @param {string} text
   * @param {boolean} [special] whether the tokenizer adds its start token, if it has one
   */
  encode(text, special = true) {
    const lone = text.search(/\p{Surrogate}/u);
    if (lone >= 0)
      throw fail(
        "text that can be written in UTF-8",
        `a lone surrogate at ${[...text.slice(0, lone)].length}`,
        "Remove it.",
      );
    const ids = text.split(this.addedPattern).flatMap((part) => this.added.get(part)?.id ?? this.encodePlain(part));
    return special ? [...this.template.before, ...ids, ...this.template.after] : ids;
  }

  /** Returns the ids of a text without added tokens. @param {string} text */
  encodePlain(text) {
    return words(text).flatMap((word) => {
      const bytes = Array.from(new TextEncoder().encode(word));
      return mergeWord(
        bytes.map((byte) => this.byteIds[byte]),
        this.merges,
      );
    });
  }

  /** Returns the bytes that a token stands for; those of its name if it is special. @param {number} id */
  bytes(id) {
    const written = this.written.get(id) ?? "";
    const bytes = Array.from(written, (character) => BYTE_OF.get(character) ?? -1);
    return this.special.has(id) || bytes.includes(-1) ? new TextEncoder().encode(written) : Uint8Array.from(bytes);
  }

  /**
   * Returns the text of ids without special tokens; bytes that are no character become U+FFFD.
   * @param {number[]} ids
   */
  decode(ids) {
    const bytes = ids.filter((id) => !this.special.has(id)).flatMap((id) => Array.from(this.bytes(id)));
    return decodeBytes(bytes);
  }

  /** Returns a token. @param {number} id @returns {Token} */
  token(id) {
    const bytes = this.bytes(id);
    return { id, text: readable(bytes), bytes, special: this.special.has(id) };
  }
}

/** Cuts a text into words: joined, they are the text. @param {string} text */
export function words(text) {
  return text.match(WORDS) ?? [];
}

/** Returns the text of bytes, a byte order mark included. @param {ArrayLike<number>} bytes */
export function decodeBytes(bytes) {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(Uint8Array.from(bytes));
}

/** Returns bytes as text, those that are no character as `\x..`. @param {Uint8Array} bytes */
export function readable(bytes) {
  const strict = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });
  let text = "";
  for (let i = 0; i < bytes.length; ) {
    const [lead] = bytes.subarray(i, i + 1);
    const length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    try {
      text += strict.decode(bytes.subarray(i, i + length));
      i += length;
    } catch {
      text += `\\x${lead.toString(16).padStart(2, "0")}`;
      i++;
    }
  }
  return text;
}

/** The character that GPT-2 writes for each byte: printable Latin-1 as itself, others from U+0100. */
const ALPHABET = (() => {
  let others = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
    return String.fromCharCode(printable ? byte : others++);
  });
})();
const BYTE_OF = new Map(ALPHABET.map((character, byte) => [character, byte]));

/** Throws an EngineError for a tokenizer that is not GPT-2's kind. @param {TokenizerFile} file */
function checkFile({ normalizer, pre_tokenizer: cut, decoder, model, added_tokens: added }) {
  const { unk_token, continuing_subword_prefix, end_of_word_suffix, dropout, byte_fallback, ignore_merges } = model;
  const other = [unk_token, continuing_subword_prefix, end_of_word_suffix, dropout, byte_fallback, ignore_merges];
  const strange = added.some(({ single_word, lstrip, rstrip }) => single_word || lstrip || rstrip);
  const byteLevel = cut?.type === "ByteLevel" && decoder?.type === "ByteLevel" && cut.use_regex !== false;
  if (model.type !== "BPE" || !byteLevel || cut.add_prefix_space || normalizer || other.some(Boolean) || strange)
    throw fail("a byte-level BPE tokenizer as GPT-2 has", "another kind", "Use gptviz in Python for this model.");
}

/**
 * Returns the ids that a post-processor puts before and after a text.
 * @param {Processor|null} processor
 * @returns {{before: number[], after: number[]}}
 */
function template(processor) {
  if (processor?.type === "Sequence") {
    const templates = (processor.processors ?? []).map(template);
    return {
      before: templates.toReversed().flatMap(({ before }) => before), // the last processor's are outermost
      after: templates.flatMap(({ after }) => after),
    };
  }
  if (!processor || processor.type === "ByteLevel") return { before: [], after: [] };
  if (processor.type !== "TemplateProcessing")
    throw fail("a tokenizer that adds tokens by a template", processor.type, "Use gptviz in Python for this model.");
  const { single = [], special_tokens: named = {} } = processor;
  const text = single.findIndex((part) => part.Sequence);
  const ids = (/** @type {TemplatePart[]} */ parts) =>
    parts.flatMap(({ SpecialToken }) => named[SpecialToken?.id ?? ""]?.ids ?? []);
  return { before: ids(single.slice(0, text)), after: ids(single.slice(text + 1)) };
}

/** @param {string} text */
function escaped(text) {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, (character) => `\\u{${character.charCodeAt(0).toString(16)}}`);
}
