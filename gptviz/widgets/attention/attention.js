// @ts-check
/**
 * The attention view: the sentence with arcs, one head's map, its selected row as bars, and the grid of all heads.
 *
 * The grid's pooled thumbnails are sent with the view; the exact map of a head is asked for once and kept. Hovering and
 * moving by keys ask nothing.
 */
import { positionedChip } from "../shared/chips.js";
import { element, setText } from "../shared/dom.js";
import { addFrame, listen, makeNotices, whenFilled } from "../shared/frame.js";
import { ask, Lane } from "../shared/kernel.js";
import { arrowStep } from "../shared/keys.js";
import { clamp, significant, weight } from "../shared/numbers.js";
import { OpeningNote } from "../shared/opening.js";
import { availableHeight } from "../shared/scrolling.js";
import { aboutOf, headAddress, StackMenu, stackOf } from "../shared/stacks.js";
import { pageTheme } from "../shared/theme.js";
import { wordsOf } from "../shared/words.js";
import { CellDetail } from "./detail.js";
import { HeadGrid, headName } from "./grid.js";
import { indexOfLargest, rowOf, unpackMap } from "./matrix.js";
import { MapPane } from "./pane.js";
import { RowBars, Sentence } from "./row.js";
import { StageButtons, WEIGHTS } from "./stages.js";
import { catalogue } from "./words.js";

/** @typedef {import("../shared/chips.js").PageToken} PageToken */
/** @typedef {import("../shared/kernel.js").Model} Model */

const MOST_MAPS = 24; // that are kept

class Attention {
  /** @param {Model} model @param {Model} selection @param {HTMLElement} el */
  constructor(model, selection, el) {
    this.model = model;
    this.selection = selection;
    this.words = wordsOf(model, catalogue);
    this.lane = new Lane();
    /**
     * Maps by the name of their head, and of their stage if it is not the weights.
     * @type {Map<string, Float32Array>}
     */
    this.maps = new Map();
    /** The open head's weights. @type {Float32Array|null} */
    this.weights = null;
    /** The scores that the cells show instead of the weights. @type {Float32Array|null} */
    this.scores = null;
    this.drawnStage = WEIGHTS; // the stage that the cells show
    /** Those that look. @type {PageToken[]} */
    this.tokens = [];
    /** Those that are looked at: the same ones, but in cross attention. @type {PageToken[]} */
    this.keys = [];
    this.isCausal = true; // whether a token sees only itself and what stands before it
    this.laidOutFor = ""; // the sizes that the map was laid out for
    this.heightLimit = Infinity; // the view's height if it is presented
    this.isLoaded = false;
    const { words } = this;
    this.notices = makeNotices(model);
    this.sentence = new Sentence(words.sentence, (query) => this.select(query, -1, true));
    this.stages = new StageButtons(model, words, { chosen: () => this.open(), learned: () => this.showSelection() });
    this.pane = new MapPane(words, this.stages, (query, key, chosen) => this.select(query, key, chosen));
    this.map = this.pane.map;
    this.map.stage.addEventListener("keydown", (event) => this.moveCell(event));
    this.grid = new HeadGrid(model, words, {
      choose: (layer, head) => this.chooseHead(layer, head),
      setProblem: this.notices.setProblem,
    });
    this.bars = new RowBars(words);
    this.detail = new CellDetail(model, words, () => this.showDetail());
    this.stackMenu = new StackMenu(model);
    this.name = element("span", { class: "number" });
    this.counted = element("span", { class: "muted" });
    this.opening = new OpeningNote(model);
    this.readout = element("p", { class: "readout", role: "status" });
    const title = model.get("_title");
    this.root = element(
      "section",
      { class: "gptviz gptviz-attention", "aria-label": title },
      element(
        "header",
        {},
        element("h3", {}, `${title} `, this.name),
        this.counted,
        this.stackMenu.root,
        this.notices.computing,
      ),
      this.opening.root,
      this.notices.problem,
      this.sentence.root,
      element(
        "div",
        { class: "panes numbers" },
        this.grid.root,
        this.pane.root,
        element("div", { class: "row" }, this.readout, this.bars.root),
      ),
      this.detail.root,
    );
    el.append(this.root);
    // The view is drawn one frame after the theme has changed: during the change nothing has its final place.
    const redraw = () => requestAnimationFrame(() => this.redraw());
    this.stopFrame = addFrame(model, this.root, redraw, this.selection);
    this.resizer = new ResizeObserver(() => this.resize());
    this.load();
    this.resizer.observe(this.root);
    this.resizer.observe(this.pane.root); // the buttons of the stages come later than the map and move it down
    // Chips have no place before they are displayed, and move when a font has loaded.
    this.arcs = new ResizeObserver(() => this.showSelection());
    this.arcs.observe(this.sentence.line);
  }

  /** Shows a new trace. */
  load() {
    const { tokens, keys, causal, opening } = aboutOf(this.model);
    this.tokens = tokens;
    this.keys = keys ?? tokens;
    this.isCausal = causal;
    this.maps.clear();
    this.weights = null;
    this.scores = null;
    this.pane.clear();
    this.stages.reset();
    if (this.isLoaded) this.select(-1, -1, false); // a cell of the previous text has no meaning in this one
    this.isLoaded = true;
    this.root.dataset.scale = this.model.get("scale");
    this.stackMenu.show();
    this.sentence.show(tokens, keys);
    this.opening.write(opening, tokens, this.keys);
    this.grid.build();
    this.grid.draw(pageTheme());
    this.laidOutFor = "";
    this.resize();
    this.open();
  }

  // The open head

  /** @param {number} layer @param {number} head */
  chooseHead(layer, head) {
    this.selection.set("layer", layer);
    this.selection.set("head", head);
    this.selection.save_changes();
  }

  /** Opens the selected head in the chosen stage: at once if its numbers are kept, else when they have come. */
  open() {
    const { layer, head } = this.selectedCell();
    const name = headName(layer, head);
    setText(this.name, name);
    setText(this.counted, this.words.counted(layer, head));
    this.map.stage.setAttribute("aria-label", this.words.map(name));
    this.opening.show(layer, head);
    this.grid.mark(layer, head);
    const stage = this.stages.stageOf(layer, head);
    const weights = this.maps.get(name);
    const scores = stage === WEIGHTS ? null : this.maps.get(name + stage);
    if (weights && scores !== undefined) return this.showMap(name, weights, stage, scores);
    this.notices.setWaiting(this.root, true);
    const address = headAddress(this.model, layer, head);
    /** @returns {Promise<[Float32Array, Float32Array|null]>} */
    const question = async () => [
      weights ?? unpackMap(await ask(this.model, "head", address)),
      scores === undefined ? unpackMap(await ask(this.model, "stage", { ...address, stage })) : scores,
    ];
    this.lane.ask(
      question,
      ([map, score]) => this.showMap(name, map, stage, score),
      (error) => {
        this.notices.setWaiting(this.root, false);
        this.root.dataset.refused = ""; // the cells still show another head
        this.notices.setProblem(error.message);
      },
    );
  }

  /**
   * Shows a head's numbers, unless they belong to a previous trace.
   * @param {string} name
   * @param {Float32Array} weights (queries, keys)
   * @param {string} stage
   * @param {Float32Array|null} scores (queries, keys) at that stage; null for the weights
   */
  showMap(name, weights, stage, scores) {
    if (weights.length !== this.tokens.length * this.keys.length) return;
    this.keep(name, weights);
    if (scores) this.keep(name + stage, scores);
    this.weights = weights;
    this.scores = scores;
    this.drawnStage = stage;
    delete this.root.dataset.refused;
    this.notices.setWaiting(this.root, false);
    this.notices.setProblem("");
    this.draw();
    this.showSelection();
    const { layer, head } = this.selectedCell();
    this.stages.load(layer, head);
  }

  /** Keeps a map as the newest, and forgets the oldest of too many. @param {string} name @param {Float32Array} map */
  keep(name, map) {
    this.maps.delete(name);
    this.maps.set(name, map);
    if (this.maps.size > MOST_MAPS) this.maps.delete(/** @type {string} */ (this.maps.keys().next().value));
  }

  draw() {
    if (this.weights) this.pane.draw(this.weights, this.scores, this.keys.length, this.isCausal);
  }

  /** Lays the map out again if the room for it has changed. */
  resize() {
    const scale = Number(getComputedStyle(this.root).getPropertyValue("--gv-scale")) || 1;
    const limit = availableHeight(this.root);
    const left = Math.round(limit - this.offsetOf(this.map.stage, "top"));
    const width = this.pane.root.clientWidth;
    const sizes = `${width} ${scale} ${left}`;
    if (sizes === this.laidOutFor || !width) return;
    this.laidOutFor = sizes;
    this.heightLimit = limit;
    const side = Math.max(160, Math.min(width - 150 * scale, 560 * scale, left - 50 * scale));
    this.map.layOut(this.tokens, this.keys, side, scale);
    this.redraw();
  }

  /**
   * Returns how far an edge of a part is below the top of the view.
   * @param {HTMLElement} part
   * @param {"top"|"bottom"} edge
   */
  offsetOf(part, edge) {
    return part.getBoundingClientRect()[edge] - this.root.getBoundingClientRect().top;
  }

  redraw() {
    this.grid.draw(pageTheme());
    this.draw();
    this.showSelection();
  }

  // The selected cell

  /** Returns the selection, limited to what this trace has; a key of -1 stands for the largest weight of the row. */
  selectedCell() {
    const last = this.tokens.length - 1;
    const [chosenLayer, head, chosenQuery, key] = ["layer", "head", "query", "key"].map((name) =>
      this.selection.get(name),
    );
    const layer = Math.min(chosenLayer, aboutOf(this.model).layers - 1);
    const query = chosenQuery < 0 ? last : Math.min(chosenQuery, last);
    return {
      layer,
      head: Math.min(head, this.grid.lastHead(layer)),
      query,
      key: key > this.lastKey(query) ? -1 : key,
    };
  }

  /** Returns the last key of a query's row; scores have the future as well. @param {number} query */
  lastKey(query) {
    return this.drawnStage === WEIGHTS && this.isCausal ? query : this.keys.length - 1;
  }

  /** Returns the cell that is described, with the row of its weights. @param {Float32Array} weights */
  shownCell(weights) {
    const { query, key } = this.selectedCell();
    const row = rowOf(weights, query, this.keys.length, this.isCausal);
    return { query, row, key: key < 0 ? indexOfLargest(row) : key };
  }

  /**
   * Selects a cell in all views that share the selection. The kernel learns of a chosen cell, not of a hovered one.
   * @param {number} query
   * @param {number} key -1 for the largest weight of the row
   * @param {boolean} chosen
   */
  select(query, key, chosen) {
    this.selection.set("query", query);
    this.selection.set("key", key > this.lastKey(query) ? -1 : key);
    if (chosen) this.selection.save_changes();
  }

  /** Selects the next cell in the direction of an arrow key. @param {KeyboardEvent} event */
  moveCell(event) {
    const step = this.weights && arrowStep(event);
    if (!this.weights || !step) return;
    const cell = this.shownCell(this.weights);
    const query = clamp(cell.query + step[0], 0, this.tokens.length - 1);
    const key = clamp(cell.key + step[1], 0, this.lastKey(query));
    this.map.reveal(query, key);
    this.select(query, key, true);
  }

  /** Shows the selected cell in the map, the sentence, the text beside it and the bars. */
  showSelection() {
    if (!this.weights) return;
    const { query, key, row } = this.shownCell(this.weights);
    this.map.select(query, key);
    this.sentence.drawArcs(row, query);
    this.pane.describe(this.drawnStage, stackOf(this.model));
    this.describeCell(query, key, row);
    this.showBars(row, key);
    this.showDetail();
  }

  /** @param {number} query @param {number} key @param {Float32Array} row */
  describeCell(query, key, row) {
    const { tokens, keys, words } = this;
    const share = row[key] || 0; // the future has no weight, and a masked key has NaN
    this.readout.replaceChildren(
      positionedChip(tokens[query], query, "query"),
      ` ${row[key] >= 0 ? words.looks : words.blind} `,
      positionedChip(keys[key], key, "key"),
      ` · ${words.weight} `,
      element("strong", { class: "number", title: String(share) }, weight(share)),
    );
    if (!this.scores) return;
    const score = this.scores[query * keys.length + key];
    const text = ` · ${words.stage(this.stages.nameOf(this.drawnStage), significant(score))}`;
    this.readout.append(element("span", { class: "number muted", title: String(score) }, text));
  }

  /**
   * Shows the row as bars; if a presented view is not high enough, the smallest weights join the others.
   * @param {Float32Array} row
   * @param {number} key
   */
  showBars(row, key) {
    const { bars, keys, heightLimit } = this;
    const { hasSink } = this.stages;
    bars.show(row, keys, key, hasSink, this.isCausal);
    const excess = heightLimit < Infinity ? this.offsetOf(bars.root, "bottom") - heightLimit : 0;
    if (excess > 0) bars.show(row, keys, key, hasSink, this.isCausal, bars.countWithout(excess));
  }

  /** Shows the arithmetic of the selected cell, if it is open. */
  showDetail() {
    if (!this.weights) return;
    const { layer, head } = this.selectedCell();
    const { query, key } = this.shownCell(this.weights);
    const { tokens, keys } = this;
    this.detail.show({ tokens, keys, address: headAddress(this.model, layer, head), query, key, theme: pageTheme() });
  }

  remove() {
    this.stopFrame();
    this.resizer.disconnect();
    this.arcs.disconnect();
    this.root.remove();
  }
}

/**
 * Returns a function that runs `act` once after all changes of one turn, since a head is a layer and a number.
 * @param {() => void} act
 */
function oncePerTurn(act) {
  let isDue = false;
  return () => {
    if (isDue) return;
    isDue = true;
    queueMicrotask(() => {
      isDue = false;
      act();
    });
  };
}

/** @param {import("../shared/kernel.js").RenderProps} context */
async function render({ model, el, host }) {
  const selection = await host.getModel(model.get("_selection"));
  const view = new Attention(model, selection, el);
  return listen(
    view,
    [model, "change:_source change:_stack change:scale", () => view.load()],
    [model, "change:_explained", () => view.detail.follow()],
    [selection, "change:layer change:head", oncePerTurn(() => view.open())],
    [selection, "change:query change:key", oncePerTurn(() => view.showSelection())],
  );
}

export default { render: whenFilled(render) };
