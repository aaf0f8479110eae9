// @ts-check
/**
 * The stations of the path: a title, a sentence with this prompt's numbers, and the views that open below the picture.
 */
import { shareBar } from "../shared/bars.js";
import { chip, positionedChip } from "../shared/chips.js";
import { button, element, setText } from "../shared/dom.js";
import { percent, significant, weight } from "../shared/numbers.js";

/** @typedef {import("../shared/chips.js").PageToken} PageToken */
/** @typedef {import("./words.js").Words} Words */
/**
 * A station's name, and the names of the views that it opens.
 * @typedef {{name: string, views: string[]}} StationKind
 */
/** @typedef {{vocabulary: number, mean: number, highest: {token: PageToken, logit: number}[]}} Scores */

export class Station {
  /** @param {StationKind} kind @param {Words} words @param {() => void} onClose */
  constructor(kind, words, onClose) {
    this.kind = kind;
    this.words = words;
    this.isOpen = false;
    /** Resolves when its views are drawn; undefined before it was first opened. @type {Promise<unknown>|undefined} */
    this.drawn = undefined;
    /** The element for each view. @type {Map<string, HTMLElement>} */
    this.containers = new Map(kind.views.map((name) => [name, element("div", { class: `view-${name}` })]));
    this.title = words.stations[/** @type {"tokens"} */ (kind.name)];
    this.sentence = element("p", { class: "sentence numbers" });
    this.scores = new HighestScores(words);
    const close = button(words.close, onClose, { "aria-label": words.closeStation(this.title) });
    const content = kind.name === "logits" ? [this.scores.root] : [...this.containers.values()];
    this.body = element("div", { class: "body", hidden: "" }, ...content);
    const head = element("div", { class: "head" }, element("h4", {}, this.title), this.sentence, close);
    this.root = element(
      "section",
      { class: `station station-${kind.name}`, "aria-label": this.title },
      head,
      this.body,
    );
  }

  /** @param {boolean} isOpen */
  setOpen(isOpen) {
    this.isOpen = isOpen;
    this.body.hidden = !isOpen;
    this.root.toggleAttribute("data-open", isOpen);
  }

  /** Shows the numbers of a prompt. @param {any} about `_about` of the explorer */
  show(about) {
    this.sentence.replaceChildren(...stationSentence(this.kind.name, about, this.words));
    if (this.kind.name === "logits") this.scores.show(about.logits);
  }
}

/**
 * Returns a station's sentence: words of the catalogue with chips and numbers between them.
 * @param {string} name
 * @param {any} about
 * @param {Words} words
 * @returns {(Node|string)[]}
 */
function stationSentence(name, about, words) {
  switch (name) {
    case "tokens": {
      const { characters, tokens, marks, start_mark } = about.tokens;
      return [words.tokens(characters, tokens, marks, start_mark)];
    }
    case "embedding": {
      const { token, numbers, id, position } = about.embedding;
      const last = about.tokens.tokens + about.tokens.marks - 1;
      const text = position === null ? words.embeddingRotary(numbers, id) : words.embedding(numbers, id, position);
      return [positionedChip(token, last), " ", text];
    }
    case "attention":
      return attentionSentence(about.attention, words);
    case "logits": {
      const { vocabulary, leader, logit } = about.logits;
      return [
        ...afterLast(about, words),
        words.logits(vocabulary),
        " ",
        chip(leader),
        ` ${words.highest(significant(logit))}`,
      ];
    }
    case "sampling": {
      const { leader, probability, entropy } = about.sampling;
      return [
        ...afterLast(about, words),
        chip(leader),
        ` ${words.probability(percent(probability), significant(entropy))}`,
      ];
    }
    default:
      return [about.generation ? words.written(about.generation.steps, about.generation.end) : words.generation];
  }
}

/** Says after which token the prediction is made. @param {any} about @param {Words} words @returns {(Node|string)[]} */
function afterLast({ tokens, embedding }, words) {
  const last = tokens.tokens + tokens.marks - 1;
  return [words.after[0], positionedChip(embedding.token, last), words.after[1]];
}

/** @param {any} numbers @param {Words} words @returns {(Node|string)[]} */
function attentionSentence(numbers, words) {
  const { layers, heads, stream, layer, head, looking, query, looked, key } = numbers;
  /** @type {number[]} */
  const headsIn = numbers.heads_in;
  const attending = headsIn.filter((count) => count > 0).length;
  const isEven = headsIn.every((count) => count === heads);
  const blocks = isEven ? words.blocks(layers, heads) : words.mixedBlocks(layers, attending, heads);
  const lengths = stream ? words.lengths(significant(stream[0]), significant(stream[1])) : "";
  if (!looked) return [blocks, lengths];
  return [
    blocks,
    lengths,
    " ",
    words.head(layer, head),
    " ",
    positionedChip(looking, query),
    ` ${words.looks} `,
    positionedChip(looked, key),
    `: ${weight(numbers.weight)}.`,
  ];
}

/** The highest scores as bars, which show how much higher each is than the mean of the whole vocabulary. */
class HighestScores {
  /** @param {Words} words */
  constructor(words) {
    this.words = words;
    this.list = element("ol", { class: "scores" });
    this.caption = element("p", { class: "small muted" });
    this.root = element("div", { class: "highest numbers" }, this.list, this.caption);
  }

  /** @param {Scores} scores */
  show({ vocabulary, mean, highest }) {
    const largest = highest[0].logit - mean || 1;
    const items = highest.map(({ token, logit }) =>
      element(
        "li",
        { title: String(logit) },
        element("span", { class: "name" }, chip(token)),
        shareBar((logit - mean) / largest),
        element("span", { class: "number" }, significant(logit)),
      ),
    );
    this.list.replaceChildren(...items);
    setText(this.caption, this.words.scores(highest.length, vocabulary, significant(mean)));
  }
}
