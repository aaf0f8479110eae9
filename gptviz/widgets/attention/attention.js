// @ts-check
/**
 * The attention view: the sentence with arcs, one head large, its row in bars, and the grid of all heads.
 *
 * The grid came with the view, pooled; the exact map of a head is asked for once and kept. Hovering and the keyboard
 * stay in the page.
 */

import { chip } from "../shared/chips.js";
import { colourBar, colours, diverging } from "../shared/colours.js";
import { element, setText } from "../shared/dom.js";
import { frame, notices, waits, whenFilled } from "../shared/frame.js";
import { ask, Lane, uint8 } from "../shared/kernel.js";
import { significant, weight } from "../shared/numbers.js";
import { roomOf, scrollCue } from "../shared/scrolling.js";
import { wordsOf } from "../shared/words.js";
import { CellArithmetic, isRootOf, RowMix, scaledBy } from "./cell.js";
import { AttentionMap, drawThumbnail } from "./map.js";
import { RowBars, Sentence } from "./row.js";
import { catalogue } from "./words.js";

/** @typedef {import("../shared/chips.js").PageToken} Piece */

const KEPT = 24;
const WEIGHTS = "weights"; // the last stage, which every family and route has
const MASKED = "masked";
const ARROWS = /** @type {Record<string, [number, number]>} */ ({
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
});
const headName = (/** @type {number} */ layer, /** @type {number} */ head) => `L${layer} · H${head}`;

class Attention {
  /** @param {any} model @param {any} selection @param {HTMLElement} el */
  constructor(model, selection, el) {
    this.model = model;
    this.selection = selection;
    this.words = wordsOf(model, catalogue);
    this.lane = new Lane();
    this.stageLane = new Lane();
    this.roleLane = new Lane();
    this.detailLane = new Lane();
    /** @type {Map<string, Float32Array>} */
    this.maps = new Map();
    /** @type {Float32Array|null} */
    this.weights = null;
    /** The scores that are on the cells instead of the weights. @type {Float32Array|null} */
    this.scores = null;
    this.stage = this.drawn = WEIGHTS; // the one asked for, and the one that is on the cells
    /** @type {Piece[]} */
    this.tokens = [];
    this.measured = ""; // what the map was laid out for
    this.room = Infinity; // the height there is, where it is presented
    this.stagesOf = -1; // the layer whose stages are offered
    this.scaled = "";
    this.sink = this.loaded = false;
    this.notices = notices(model);
    this.sentence = new Sentence(this.words.sentence, (query) => this.point(query, -1, true));
    this.map = new AttentionMap(
      (query, key, chosen) => this.point(query, key, chosen),
      (seen, drawn) => this.notePixels(seen, drawn),
    );
    this.bars = new RowBars(this.words);
    this.name = element("span", { class: "number" });
    this.counted = element("span", { class: "muted" });
    this.relative = element("input", { type: "checkbox" });
    this.relative.addEventListener("change", () => this.draw());
    this.scaleBar = element("canvas", { width: 128, height: 1, "aria-hidden": "true" });
    this.scaleEnds = [element("span", {}), element("span", {})];
    this.stages = element("div", { class: "stages", role: "group", "aria-label": this.words.show });
    const zoomed = (/** @type {string} */ sign, /** @type {string} */ name, /** @type {number} */ factor) => {
      const button = element("button", { type: "button", title: name, "aria-label": name }, sign);
      button.addEventListener("click", () => this.map.zoom(factor));
      return button;
    };
    this.zoom = element(
      "span",
      { class: "zoom" },
      zoomed("−", this.words.farther, 2),
      zoomed("+", this.words.nearer, 0.5),
    );
    this.cell = new CellArithmetic(this.words);
    this.mix = new RowMix(this.words);
    this.noDetail = element("p", { class: "muted" });
    this.detail = element(
      "details",
      { class: "detail numbers" },
      element("summary", {}, this.words.explain),
      this.noDetail,
      this.cell.root,
      this.mix.root,
    );
    this.detail.addEventListener("toggle", () => this.explain());
    this.waitForDetail = waits(this.detail, model);
    this.readout = element("p", { class: "readout", role: "status" });
    this.grid = element("div", { class: "grid", role: "group", "aria-label": this.words.heads });
    this.gridNote = element("p", { class: "muted small" });
    this.mapNote = element("p", { class: "caption small muted", hidden: "" });
    this.caption = element("p", { class: "caption small muted" });
    this.order = element("select", { "aria-label": this.words.order });
    this.order.append(...Object.entries(this.words.orders).map(([value, name]) => element("option", { value }, name)));
    this.order.addEventListener("change", () => this.arrange());
    this.heads = element(
      "div",
      { class: "heads" },
      element("h4", {}, this.words.heads, " ", this.order),
      this.grid,
      this.gridNote,
    );
    this.waitForRoles = waits(this.heads, model);
    /** Each head's score by role, once asked for. @type {Record<string, number[]>|null} */
    this.roles = null;
    /** @type {HTMLButtonElement[]} */
    this.buttons = [];
    this.one = element(
      "div",
      { class: "one" },
      this.stages,
      this.map.root,
      element(
        "p",
        { class: "legend small muted" },
        this.scaleEnds[0],
        this.scaleBar,
        this.scaleEnds[1],
        element("label", {}, this.relative, ` ${this.words.relative}`),
        this.zoom,
      ),
      this.mapNote,
      this.caption,
    );
    this.root = element(
      "section",
      { class: "gptviz gptviz-attention", "aria-label": model.get("_title") },
      element(
        "header",
        {},
        element("h3", {}, `${model.get("_title")} `, this.name),
        this.counted,
        this.notices.computing,
      ),
      this.notices.problem,
      this.sentence.root,
      element(
        "div",
        { class: "panes numbers" },
        this.heads,
        this.one,
        element("div", { class: "row" }, this.readout, this.bars.root),
      ),
      this.detail,
    );
    this.map.stage.addEventListener("keydown", (event) => this.move(event));
    this.grid.addEventListener("keydown", (event) => this.walk(event));
    scrollCue(this.grid, true);
    el.append(this.root);
    // A frame later: while a theme is being changed nothing has its place.
    this.stopFrame = frame(this.model, this.root, () => requestAnimationFrame(() => this.redraw()), selection);
    this.resizer = new ResizeObserver(() => this.resize());
    this.load();
    this.resizer.observe(this.root);
    this.resizer.observe(this.one); // the stages come later than the map, and push it down
    this.arcs = new ResizeObserver(() => this.tell()); // chips have no place before they are shown, and move with fonts
    this.arcs.observe(this.sentence.line);
  }

  /** A new trace. */
  load() {
    const about = this.model.get("_about");
    this.tokens = about.tokens;
    this.maps.clear();
    this.weights = this.scores = this.roles = null; // another model may read it
    this.stagesOf = -1;
    if (this.loaded) this.point(-1, -1, false); // a cell of the text before means nothing in this one
    this.loaded = true;
    this.root.dataset.scale = this.model.get("scale");
    this.sentence.show(this.tokens);
    this.buildGrid(about.layers, about.heads);
    this.measured = "";
    this.resize();
    this.open();
  }

  /** Which stages this family's scores have; where it has none to show, the map alone is shown. */
  askStages() {
    const { layer, head } = this.place();
    if (layer === this.stagesOf) return;
    this.stagesOf = layer;
    this.stageLane.ask(
      () => ask(this.model, "stages", { layer, head }),
      (told) => this.offer(told),
      (/** @type {Error & {absent?: boolean}} */ error) => {
        this.offer({ names: [], factor: null, width: 0, sink: false });
        if (error.absent) this.stages.append(element("p", { class: "muted small" }, error.message));
      },
    );
  }

  /** factor: what "scaled" multiplies by; width: of a query; sink: whether something beside the keys takes a share of each row.
   * @param {{names: string[], factor: number|null, width: number, sink: boolean}} told */
  offer({ names, factor, width, sink }) {
    this.sink = sink;
    this.scaled = factor === null || isRootOf(factor, width) ? "" : scaledBy(factor);
    if (this.stage !== WEIGHTS && !names.includes(this.stage)) {
      this.stage = WEIGHTS;
      this.open();
    }
    this.stages.replaceChildren(
      ...(names.length ? [...names, WEIGHTS] : []).map((name) => {
        const button = element(
          "button",
          { type: "button", "aria-pressed": String(name === this.stage) },
          this.stageName(name),
        );
        button.addEventListener("click", () => this.showStage(name));
        return button;
      }),
    );
    this.tell();
  }

  /** @param {string} stage */
  stageName(stage) {
    if (stage === "scaled" && this.scaled) return this.scaled;
    return this.words.stages[/** @type {"raw"} */ (stage)] ?? stage;
  }

  /** @param {string} stage */
  showStage(stage) {
    this.stage = stage;
    for (const button of this.stages.children) {
      button.setAttribute("aria-pressed", String(button.textContent === this.stageName(stage)));
    }
    this.open();
  }

  /** @param {number} layers @param {number} heads */
  buildGrid(layers, heads) {
    /** @type {{absent: number[]}} */
    const { absent } = this.model.get("_about");
    this.grid.style.setProperty("--heads", String(heads));
    this.buttons = Array.from({ length: layers * heads }, (_, i) => {
      const layer = Math.floor(i / heads);
      const head = i % heads;
      const name = absent.includes(layer) ? `${headName(layer, head)}: ${this.words.absent}` : headName(layer, head);
      const button = element(
        "button",
        { type: "button", "aria-label": name, tabindex: -1, title: name },
        element("canvas", {}),
      );
      button.addEventListener("click", () => this.choose(layer, head));
      return button;
    });
    this.arrange();
    this.drawGrid();
  }

  /** The grid in the order asked for: by place, or by how well a head fits a role. */
  arrange() {
    const role = this.order.value;
    const { heads } = this.model.get("_about");
    const sorted = role !== "place" && this.roles;
    if (role !== "place" && !this.roles) {
      this.waitForRoles(true);
      this.roleLane.ask(
        () => ask(this.model, "roles", {}),
        (roles) => {
          this.roles = roles;
          this.waitForRoles(false);
          this.arrange();
        },
        (error) => {
          this.waitForRoles(false);
          this.notices.say(error.message);
        },
      );
    }
    this.grid.toggleAttribute("data-sorted", Boolean(sorted));
    if (sorted) this.byScore(heads, sorted[role]);
    else this.byPlace(heads);
    this.note(Boolean(sorted));
  }

  /** @param {number} heads */
  byPlace(heads) {
    const axis = (/** @type {number} */ i) => element("span", { class: "axis muted small number" }, String(i));
    const cells = this.buttons.flatMap((button, i) => (i % heads ? [button] : [axis(i / heads), button]));
    this.grid.replaceChildren(element("span"), ...Array.from({ length: heads }, (_, h) => axis(h)), ...cells);
  }

  /** @param {number} heads @param {number[]} scores */
  byScore(heads, scores) {
    const order = scores.map((_, i) => i).sort((a, b) => scores[b] - scores[a] || a - b);
    this.grid.replaceChildren(
      ...order.map((i) =>
        element(
          "span",
          { class: "scored small" },
          this.buttons[i],
          element("span", { class: "number" }, headName(Math.floor(i / heads), i % heads)),
          element("span", { class: "number muted" }, weight(scores[i])),
        ),
      ),
    );
  }

  /** What the grid's pictures are. @param {boolean} sorted */
  note(sorted) {
    const { side, absent } = this.model.get("_about");
    const what = sorted ? `${this.words.ranked(this.buttons.length)} ${this.words.scored}` : this.words.axes;
    const pooled = side < this.tokens.length ? `; ${this.words.pooled(this.tokens.length, side)}` : "";
    setText(this.gridNote, `${what}${pooled}${absent.length ? `; ${this.words.hatched}` : ""}`);
  }

  drawGrid() {
    const { side, heads, absent } = this.model.get("_about");
    const bytes = uint8(this.model.get("_thumbnails"));
    this.buttons.forEach((button, i) => {
      if (absent.includes(Math.floor(i / heads))) return; // hatched all over
      drawThumbnail(
        /** @type {HTMLCanvasElement} */ (button.firstChild),
        bytes.subarray(i * side * side, (i + 1) * side * side),
        side,
        this.theme(),
      );
    });
  }

  /** @returns {"light"|"dark"} */
  theme() {
    return this.root.dataset.theme === "dark" ? "dark" : "light";
  }

  /** @param {number} layer @param {number} head */
  choose(layer, head) {
    this.selection.set("layer", layer);
    this.selection.set("head", head);
    this.selection.save_changes();
  }

  /** Show the chosen head: at once if it was seen before, else when its numbers have come. */
  open() {
    const { layer, head } = this.place();
    const name = headName(layer, head);
    const { heads } = this.model.get("_about");
    setText(this.name, name);
    setText(this.counted, this.words.counted(layer, head));
    this.map.stage.setAttribute("aria-label", this.words.map(name));
    this.buttons.forEach((button, i) => {
      const current = i === layer * heads + head;
      button.toggleAttribute("data-open", current);
      button.setAttribute("aria-pressed", String(current));
      button.tabIndex = current ? 0 : -1;
    });
    const weights = this.maps.get(name);
    const stage = this.stage;
    const scores = this.maps.get(name + stage);
    if (weights && (stage === WEIGHTS || scores)) return this.take(name, weights, stage, scores ?? null);
    this.notices.wait(this.root, true);
    /** @returns {Promise<[Float32Array, Float32Array|null]>} */
    const question = async () => [
      weights ?? whole(await ask(this.model, "head", { layer, head })),
      stage === WEIGHTS ? null : (scores ?? whole(await ask(this.model, "stage", { layer, head, stage }))),
    ];
    this.lane.ask(
      question,
      ([map, score]) => this.take(name, map, stage, score),
      (error) => {
        this.notices.wait(this.root, false);
        this.root.dataset.refused = ""; // what is still drawn is another head's
        this.notices.say(error.message);
      },
    );
  }

  /** @param {string} name @param {Float32Array} weights (T, T) @param {string} stage @param {Float32Array|null} scores */
  take(name, weights, stage, scores) {
    if (weights.length !== this.tokens.length ** 2) return; // of the trace before
    this.keep(name, weights);
    if (scores) this.keep(name + stage, scores);
    this.weights = weights;
    this.scores = scores;
    this.drawn = stage;
    delete this.root.dataset.refused;
    this.notices.wait(this.root, false);
    this.notices.say("");
    this.draw();
    this.tell();
    this.askStages();
  }

  /** @param {string} name @param {Float32Array} numbers */
  keep(name, numbers) {
    this.maps.delete(name);
    this.maps.set(name, numbers);
    if (this.maps.size > KEPT) this.maps.delete(/** @type {string} */ (this.maps.keys().next().value));
  }

  /** The cells and the bar that says what their colours mean. */
  draw() {
    if (!this.weights) return;
    const { scores } = this;
    const theme = this.theme();
    const relative = this.relative.checked;
    const limit = scores ? scores.reduce((most, x) => (Number.isFinite(x) ? Math.max(most, Math.abs(x)) : most), 0) : 1;
    /** @type {HTMLElement} */ (this.relative.parentElement).hidden = scores !== null;
    this.map.draw(
      scores ?? (relative ? rowsScaled(this.weights, this.tokens.length) : this.weights),
      theme,
      scores ? limit : 0,
    );
    setText(this.scaleEnds[0], scores ? significant(-limit) : this.words.first);
    setText(this.scaleEnds[1], scores ? significant(limit) : relative ? this.words.rowLargest : this.words.last);
    colourBar(this.scaleBar, scores ? diverging(theme) : colours(theme));
  }

  /** Where a cell is smaller than a pixel, what a pixel shows. @param {number} seen cells a side @param {number} drawn as many pixels */
  notePixels(seen, drawn) {
    this.mapNote.hidden = drawn >= seen;
    setText(this.mapNote, this.scores ? this.words.pooledScores(seen, drawn) : this.words.pooled(seen, drawn));
  }

  resize() {
    const style = getComputedStyle(this.root);
    const scale = Number(style.getPropertyValue("--gv-scale")) || 1;
    const room = roomOf(this.root);
    const left = Math.round(room - this.below(this.map.stage, "top"));
    const pane = this.one.clientWidth;
    const measured = `${pane} ${scale} ${left}`;
    if (measured === this.measured || !pane) return;
    this.measured = measured;
    this.room = room;
    this.map.layOut(this.tokens, Math.max(160, Math.min(pane - 150 * scale, 560 * scale, left - 50 * scale)), scale);
    this.redraw();
  }

  /** How far below the view's own top a part of it begins, or ends. @param {HTMLElement} part @param {"top"|"bottom"} edge */
  below(part, edge) {
    return part.getBoundingClientRect()[edge] - this.root.getBoundingClientRect().top;
  }

  redraw() {
    this.drawGrid();
    this.draw();
    this.tell();
  }

  /** What is selected, as far as this trace has it. */
  place() {
    const { layers, heads } = this.model.get("_about");
    const last = this.tokens.length - 1;
    const at = (/** @type {string} */ name, /** @type {number} */ most) => Math.min(this.selection.get(name), most);
    const query = this.selection.get("query") < 0 ? last : at("query", last);
    const key = this.selection.get("key");
    return {
      layer: at("layer", layers - 1),
      head: at("head", heads - 1),
      query,
      key: key > this.reach(query) ? -1 : key,
    };
  }

  /** The last key that a query's row has: scores have the future too. @param {number} query */
  reach(query) {
    return this.drawn === WEIGHTS ? query : this.tokens.length - 1;
  }

  /** The cell that is told of: the selected one, else the largest weight of its row. @param {Float32Array} weights */
  looked(weights) {
    const { query, key } = this.place();
    const row = rowOf(weights, query, this.tokens.length);
    return { query, row, key: key < 0 ? strongest(row) : key };
  }

  /** Look at a cell, here and in every view that shares the selection. A choice is told to the kernel, a glance is not.
   * @param {number} query @param {number} key -1, or beyond reach: the largest of the row @param {boolean} chosen */
  point(query, key, chosen) {
    this.selection.set("query", query);
    this.selection.set("key", key > this.reach(query) ? -1 : key);
    if (chosen) this.selection.save_changes();
  }

  /** The selection in words, arcs and bars. */
  tell() {
    const { weights, tokens } = this;
    if (!weights) return;
    const { query, key, row } = this.looked(weights);
    const share = row[key] || 0; // none of the future, NaN where the mask hides the past
    this.map.select(query, key);
    this.sentence.arcs(row, query);
    this.sayWhat();
    this.readout.replaceChildren(
      element("span", { class: "query nowrap" }, chip(tokens[query]), element("sub", {}, String(query))),
      ` ${row[key] >= 0 ? this.words.looks : this.words.blind} `,
      element("span", { class: "key nowrap" }, chip(tokens[key]), element("sub", {}, String(key))),
      ` · ${this.words.weight} `,
      element("strong", { class: "number", title: String(share) }, weight(share)),
    );
    if (this.scores) {
      const score = this.scores[query * tokens.length + key];
      this.readout.append(
        element(
          "span",
          { class: "number muted", title: String(score) },
          ` · ${this.words.stage(this.stageName(this.drawn), significant(score))}`,
        ),
      );
    }
    this.showBars(row, query, key);
    this.explain();
  }

  /** The row in bars; where they have not enough room, the weakest of them join the others. @param {Float32Array} row @param {number} query @param {number} key */
  showBars(row, query, key) {
    const { bars, tokens, room, sink } = this;
    bars.show(row, query, tokens, key, sink);
    const over = room < Infinity ? this.below(bars.root, "bottom") - room : 0;
    if (over > 0) bars.show(row, query, tokens, key, sink, bars.fewer(over));
  }

  /** What the cells are, under the map. */
  sayWhat() {
    const { caption, unmasked, masked, hatching, sums, sumsSink } = this.words;
    const what =
      this.drawn === WEIGHTS ? `${hatching} ${this.sink ? sumsSink : sums}` : this.drawn === MASKED ? masked : unmasked;
    setText(this.caption, `${caption} ${what}`);
  }

  /** The arithmetic of the selected cell, where it is open. */
  explain() {
    if (!this.detail.open || !this.weights) return;
    const { layer, head } = this.place();
    const { query, key } = this.looked(this.weights);
    const question = async () => [
      await ask(this.model, "cell", { layer, head, query, key }),
      await ask(this.model, "mix", { layer, head, query }),
    ];
    const place = { tokens: this.tokens, query, key, layer, theme: this.theme() };
    const shown = (/** @type {boolean} */ on) => {
      this.cell.root.hidden = this.mix.root.hidden = !on;
      this.noDetail.hidden = on;
    };
    this.waitForDetail(true);
    this.detailLane.ask(
      question,
      ([cell, mix]) => {
        this.cell.show(cell, place);
        this.mix.show(mix, place);
        shown(true);
        this.waitForDetail(false);
      },
      (error) => {
        setText(this.noDetail, error.message);
        shown(false);
        this.waitForDetail(false);
      },
    );
  }

  /** @param {KeyboardEvent} event */
  move(event) {
    const step = ARROWS[event.key];
    if (!step || !this.weights) return;
    event.preventDefault();
    event.stopPropagation();
    const clamp = (/** @type {number} */ x, /** @type {number} */ most) => Math.max(0, Math.min(most, x));
    const from = this.looked(this.weights);
    const query = clamp(from.query + step[0], this.tokens.length - 1);
    const key = clamp(from.key + step[1], this.reach(query));
    this.map.follow(query, key);
    this.point(query, key, true);
  }

  /** From head to head as they are shown: along a layer and no further, or on in the order of a role. @param {KeyboardEvent} event */
  walk(event) {
    const step = ARROWS[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    const { heads } = this.model.get("_about");
    const { layer, head } = this.place();
    const here = layer * heads + head;
    const shown = [...this.grid.querySelectorAll("button")];
    const sorted = this.grid.hasAttribute("data-sorted");
    const columns = sorted ? getComputedStyle(this.grid).gridTemplateColumns.split(" ").length : heads;
    if (!sorted && Math.floor((here + step[1]) / columns) !== layer) return;
    const next = shown[shown.indexOf(this.buttons[here]) + columns * step[0] + step[1]];
    if (!next) return;
    const to = this.buttons.indexOf(next);
    this.choose(Math.floor(to / heads), to % heads);
    next.focus();
  }

  remove() {
    this.stopFrame();
    this.resizer.disconnect();
    this.arcs.disconnect();
    this.root.remove();
  }
}

/** A map (T, T). Where the mask hides the future only the other half travels, row after row; the future has no number then.
 * @param {{data: Float32Array, shape: number[]}} told */
function whole({ data, shape }) {
  if (shape.length === 2) return data;
  const size = Math.round((Math.sqrt(8 * data.length + 1) - 1) / 2);
  const map = new Float32Array(size * size).fill(-Infinity);
  for (let q = 0, from = 0; q < size; from += ++q) map.set(data.subarray(from, from + q + 1), q * size);
  return map;
}

/** What a query may look at, up to itself; NaN where its mask hides a key. @param {Float32Array} map @param {number} query
 * @param {number} size */
function rowOf(map, query, size) {
  return map.subarray(query * size, query * size + query + 1);
}

/** Each row divided by its largest. @param {Float32Array} weights @param {number} size */
function rowsScaled(weights, size) {
  const scaled = new Float32Array(weights.length).fill(NaN);
  for (let query = 0; query < size; query++) {
    const row = rowOf(weights, query, size);
    const most = row[strongest(row)] || 1;
    row.forEach((x, i) => {
      scaled[query * size + i] = x / most;
    });
  }
  return scaled;
}

/** Where the largest is; the query's own weight, the last, is never hidden. @param {Float32Array} row */
function strongest(row) {
  return row.reduce((best, x, i) => (x > row[best] ? i : best), row.length - 1);
}

/** Returns a function that runs `act` once however often it is called in one turn: a head is a layer and a number. @param {() => void} act */
function together(act) {
  let due = false;
  return () => {
    if (!due)
      queueMicrotask(() => {
        due = false;
        act();
      });
    due = true;
  };
}

/** @param {{model: any, el: HTMLElement, host: any}} context */
async function render({ model, el, host }) {
  const selection = await host.getModel(model.get("_selection"));
  const view = new Attention(model, selection, el);
  const load = () => view.load();
  const open = together(() => view.open());
  const tell = together(() => view.tell());
  model.on("change:_source change:scale", load);
  selection.on("change:layer change:head", open);
  selection.on("change:query change:key", tell);
  return () => {
    model.off("change:_source change:scale", load);
    selection.off("change:layer change:head", open);
    selection.off("change:query change:key", tell);
    view.remove();
  };
}

export default { render: whenFilled(render) };
