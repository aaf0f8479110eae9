// @ts-check
/**
 * The stations of the path: a title, a sentence in this prompt's numbers, and what opens below it.
 *
 * Not here: which station is open (explorer.js), and what the views in it draw.
 */
import { chip } from "../shared/chips.js";
import { element, setText } from "../shared/dom.js";
import { percent, significant, weight } from "../shared/numbers.js";

/** @typedef {import("../shared/chips.js").PageToken} StationToken */
/** @typedef {{name: string, views: string[]}} StationKind */
/** @typedef {{vocabulary: number, mean: number, highest: {token: StationToken, logit: number}[]}} Scores */

/** One station: a title, a sentence in numbers, and a view that opens below. */
export class Station {
  /** @param {StationKind} kind @param {import("./words.js").Words} words @param {() => void} toggled */
  constructor(kind, words, toggled) {
    this.kind = kind;
    this.words = words;
    this.isOpen = false;
    /** Its views, once they were asked for. @type {Promise<unknown>|undefined} */
    this.drawn = undefined;
    this.sentence = element("p", { class: "sentence numbers" });
    /** A place for each view. @type {Map<string, HTMLElement>} */
    this.places = new Map(kind.views.map((name) => [name, element("div", { class: `view-${name}` })]));
    this.scores = new HighestScores(words);
    const inside = kind.name === "logits" ? [this.scores.root] : [...this.places.values()];
    this.body = element("div", { class: "body", hidden: "" }, ...inside);
    const title = words.stations[/** @type {"tokens"} */ (kind.name)];
    this.button = explorerButton(words.open, toggled);
    this.title = title;
    this.name(false);
    this.root = element(
      "li",
      { class: `station station-${kind.name}` },
      element("div", { class: "head" }, element("h4", {}, title), this.sentence, this.button),
      this.body,
    );
  }

  /** @param {boolean} on */
  setOpen(on) {
    this.isOpen = on;
    this.body.hidden = !on;
    this.root.toggleAttribute("data-open", on);
    this.name(on);
  }

  /** @param {boolean} on */
  name(on) {
    const word = on ? this.words.close : this.words.open;
    setText(this.button, word);
    this.button.setAttribute("aria-label", `${word}: ${this.title}`);
    this.button.setAttribute("aria-expanded", String(on));
  }

  /** @param {any} about */
  tell(about) {
    this.sentence.replaceChildren(...sentenceOf(this.kind.name, about, this.words));
    if (this.kind.name === "logits") this.scores.show(about.logits);
  }
}

/** A station's sentence: words from the catalogue, chips and numbers between them.
 * @param {string} name @param {any} about @param {import("./words.js").Words} words @returns {(Node|string)[]} */
function sentenceOf(name, about, words) {
  const numbers = about[name === "generation" ? "sampling" : name];
  const at = (/** @type {StationToken} */ token, /** @type {number} */ position) =>
    element("span", { class: "nowrap" }, chip(token), element("sub", {}, String(position)));
  switch (name) {
    case "tokens":
      return [words.tokens(numbers.characters, numbers.tokens, numbers.marks)];
    case "embedding":
      return [
        at(numbers.token, about.tokens.tokens + about.tokens.marks - 1),
        " ",
        numbers.position === null
          ? words.embeddingRotary(numbers.numbers, numbers.id)
          : words.embedding(numbers.numbers, numbers.id, numbers.position),
      ];
    case "attention": {
      const stream = words.stream(
        numbers.layers,
        numbers.heads,
        significant(numbers.stream[0]),
        significant(numbers.stream[1]),
      );
      if (!numbers.looked) return [stream];
      return [
        stream,
        " ",
        words.head(numbers.layer, numbers.head),
        " ",
        at(numbers.looking, numbers.query),
        ` ${words.looks} `,
        at(numbers.looked, numbers.key),
        `: ${weight(numbers.weight)}.`,
      ];
    }
    case "logits":
      return [
        words.logits(numbers.vocabulary),
        " ",
        chip(numbers.leader),
        ` ${words.highest(significant(numbers.logit))}`,
      ];
    case "sampling":
      return [
        chip(numbers.leader),
        ` ${words.probability(percent(numbers.probability), significant(numbers.entropy))}`,
      ];
    default:
      return [about.generation ? words.written(about.generation.steps, about.generation.end) : words.generation];
  }
}

/** The highest scores as bars: how far each leads the mean of the whole vocabulary. */
class HighestScores {
  /** @param {import("./words.js").Words} words */
  constructor(words) {
    this.words = words;
    this.list = element("ol", { class: "scores" });
    this.caption = element("p", { class: "small muted" });
    this.root = element("div", { class: "highest numbers" }, this.list, this.caption);
  }

  /** @param {Scores} numbers */
  show({ vocabulary, mean, highest }) {
    this.list.replaceChildren(
      ...highest.map(({ token, logit }) => {
        const fill = element("span", { class: "fill" });
        fill.style.width = `${((100 * (logit - mean)) / (highest[0].logit - mean || 1)).toFixed(2)}%`;
        return element(
          "li",
          { title: String(logit) },
          element("span", { class: "name" }, chip(token)),
          element("span", { class: "track" }, fill),
          element("span", { class: "number" }, significant(logit)),
        );
      }),
    );
    setText(this.caption, this.words.scores(highest.length, vocabulary, significant(mean)));
  }
}

/** @param {string} word @param {() => void} pressed */
export function explorerButton(word, pressed) {
  const button = element("button", { type: "button" }, word);
  button.addEventListener("click", pressed);
  return button;
}
