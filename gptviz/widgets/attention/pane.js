// @ts-check
/** One head's map with all that explains it: the stages above, the key to its colours and its notes below. */
import { drawColourBar, signedColours, weightColours } from "../shared/colours.js";
import { element, setText } from "../shared/dom.js";
import { significant } from "../shared/numbers.js";
import { pageTheme } from "../shared/theme.js";
import { AttentionMap } from "./map.js";
import { scaleRows } from "./matrix.js";
import { WEIGHTS } from "./stages.js";

const MASKED = "masked";

export class MapPane {
  /**
   * @param {import("./words.js").Words} words
   * @param {import("./stages.js").StageButtons} stages
   * @param {(query: number, key: number, chosen: boolean) => void} onSelect
   */
  constructor(words, stages, onSelect) {
    this.words = words;
    this.stages = stages;
    /** What the cells show: weights, and the scores that are drawn instead of them at an earlier stage.
     * @type {{weights: Float32Array, scores: Float32Array|null, keys: number, isCausal: boolean}|null} */
    this.content = null;
    this.map = new AttentionMap(onSelect, (cells, pixels) => this.notePooling(cells, pixels));
    this.relative = element("input", { type: "checkbox" });
    this.relative.addEventListener("change", () => this.redraw());
    this.relativeLabel = element("label", {}, this.relative, ` ${words.relative}`);
    this.colourBar = element("canvas", { width: 128, height: 1, "aria-hidden": "true" });
    this.lowest = element("span", {});
    this.highest = element("span", {});
    this.poolingNote = element("p", { class: "caption small muted", hidden: "" });
    this.caption = element("p", { class: "caption small muted" });
    const legend = element(
      "p",
      { class: "legend small muted" },
      this.lowest,
      this.colourBar,
      this.highest,
      this.relativeLabel,
      element(
        "span",
        { class: "zoom" },
        this.zoomButton("−", words.farther, 2),
        this.zoomButton("+", words.nearer, 0.5),
      ),
    );
    this.root = element("div", { class: "one" }, stages.root, this.map.root, legend, this.poolingNote, this.caption);
  }

  /** @param {string} sign @param {string} name @param {number} factor */
  zoomButton(sign, name, factor) {
    const node = element("button", { type: "button", title: name, "aria-label": name }, sign);
    node.addEventListener("click", () => this.map.zoom(factor));
    return node;
  }

  /**
   * Draws a map.
   * @param {Float32Array} weights (queries, keys)
   * @param {Float32Array|null} scores (queries, keys), which are drawn instead of the weights
   * @param {number} keys how many there are
   * @param {boolean} isCausal whether a query sees only itself and what stands before it
   */
  draw(weights, scores, keys, isCausal) {
    this.content = { weights, scores, keys, isCausal };
    this.redraw();
  }

  /** Forgets the map of a previous trace. */
  clear() {
    this.content = null;
  }

  /** Draws the cells again, and the bar that explains their colours. */
  redraw() {
    if (!this.content) return;
    const { weights, scores, keys, isCausal } = this.content;
    const { words } = this;
    const theme = pageTheme();
    const relative = this.relative.checked;
    this.relativeLabel.hidden = scores !== null;
    if (scores) {
      const largest = scores.reduce((most, x) => (Number.isFinite(x) ? Math.max(most, Math.abs(x)) : most), 0);
      this.map.draw(scores, theme, largest);
      setText(this.lowest, significant(-largest));
      setText(this.highest, significant(largest));
    } else {
      this.map.draw(relative ? scaleRows(weights, keys, isCausal) : weights, theme, 0);
      setText(this.lowest, words.first);
      setText(this.highest, relative ? words.rowLargest : words.last);
    }
    drawColourBar(this.colourBar, scores ? signedColours(theme) : weightColours(theme));
  }

  /**
   * Says what a pixel shows if several cells share it.
   * @param {number} cells a side
   * @param {number} pixels for them
   */
  notePooling(cells, pixels) {
    const { words } = this;
    this.poolingNote.hidden = pixels >= cells;
    setText(this.poolingNote, this.content?.scores ? words.pooledScores(cells, pixels) : words.pooled(cells, pixels));
  }

  /** Says what the cells are. @param {string} stage @param {"encoder"|"decoder"|"cross"} stack */
  describe(stage, stack) {
    const { caption, captionCross, unmasked, masked, hatching, seesAll, onlyScores, sums, sumsSink } = this.words;
    const isCausal = stack === "decoder";
    const ofWeights = `${isCausal ? hatching : seesAll} ${this.stages.hasSink ? sumsSink : sums}`;
    const unhidden = isCausal ? unmasked : onlyScores;
    const ofScores = stage === MASKED ? masked : unhidden;
    setText(this.caption, `${stack === "cross" ? captionCross : caption} ${stage === WEIGHTS ? ofWeights : ofScores}`);
  }
}
