// @ts-check
/**
 * The embedding view: a token as numbers (its row of the token table, the row of its position, their sum), the nearest
 * rows of the token table, and a map of the whole table.
 *
 * The map is another widget, a plotly figure, which the host draws. Where it cannot, a picture of the map is shown.
 */
import { shareBar } from "../shared/bars.js";
import { chip } from "../shared/chips.js";
import { element, setText } from "../shared/dom.js";
import { addFrame, listen, makeNotices, whenFilled } from "../shared/frame.js";
import { ask, isAnswered, Lane } from "../shared/kernel.js";
import { fixed, significant } from "../shared/numbers.js";
import { offerOptions } from "../shared/offer.js";
import { makeSentence } from "../shared/sentence.js";
import { largestMagnitude, stripRow, vectorLength } from "../shared/strips.js";
import { pageTheme } from "../shared/theme.js";
import { wordsOf } from "../shared/words.js";
import { catalogue } from "./words.js";

/** @typedef {import("../shared/kernel.js").Model} Model */
/** @typedef {import("../shared/kernel.js").Host} Host */
/** @typedef {import("../shared/chips.js").PageToken} PageToken */
/**
 * `parts`: what the vector is the sum of.
 * @typedef {{tokens: PageToken[], width: number, parts: string[], heads: number}} About
 */
/** Vectors, one a row. @typedef {{data: Float32Array, shape: number[]}} Rows */
/** @typedef {{token: PageToken, cosine: number}} Neighbour */

class Embedding {
  /** @param {Model} model @param {Model} selection @param {Host} host @param {HTMLElement} el */
  constructor(model, selection, host, el) {
    const words = wordsOf(model, catalogue);
    this.model = model;
    this.selection = selection;
    this.host = host;
    this.words = words;
    this.notices = makeNotices(model);
    this.lane = new Lane();
    this.mapLane = new Lane();
    this.head = 0; // whose rotation is shown
    this.drawnMap = ""; // the reference of the figure that is shown, or the picture
    /** @type {{rows: Rows, near: Neighbour[], rotated: Rows|null}|null} */
    this.content = null;
    this.sentence = makeSentence(words.tokens, (position) => {
      this.selection.set("query", position);
      this.selection.save_changes();
    });
    this.strips = element("div", { class: "strips" });
    this.caption = element("p", { class: "muted small" });
    this.reason = element("p", { class: "muted", hidden: "" }); // why there is only one strip
    this.neighbours = element("ol", { class: "near" });
    this.rotatedStrips = element("div", { class: "strips" });
    this.headMenu = element("select", { "aria-label": words.head });
    this.headMenu.addEventListener("change", () => {
      this.head = this.headMenu.selectedIndex;
      this.show();
    });
    this.rotationHint = element("p", { class: "muted small" });
    this.rotation = element(
      "div",
      { class: "rotation", hidden: "" },
      element("h4", {}, words.rotation, " ", this.headMenu),
      this.rotatedStrips,
      this.rotationHint,
    );
    this.map = element("div", { class: "map" });
    this.root = this.build();
    this.stopFrame = addFrame(model, this.root, () => {
      this.draw();
      this.askMap();
    });
    el.append(this.root);
    this.load();
  }

  build() {
    const { words } = this;
    const title = this.model.get("_title");
    const panel = (/** @type {string} */ name, /** @type {string} */ hint, /** @type {Node} */ content) =>
      element("div", {}, element("h4", {}, name), element("p", { class: "muted small" }, hint), content);
    return element(
      "section",
      { class: "gptviz gptviz-embedding", "aria-label": title },
      element("header", {}, element("h3", {}, title), this.notices.computing),
      this.notices.problem,
      this.sentence.root,
      element("div", { class: "numbers" }, this.strips, this.caption, this.reason, this.rotation),
      element(
        "div",
        { class: "panes numbers" },
        panel(words.neighbours, words.cosine, this.neighbours),
        panel(words.map, words.mapHint, this.map),
      ),
    );
  }

  /** @returns {About} */
  get about() {
    return this.model.get("_about");
  }

  get position() {
    const last = this.about.tokens.length - 1;
    const query = this.selection.get("query");
    return query < 0 ? last : Math.min(query, last);
  }

  /** Shows a new trace. */
  load() {
    const { tokens, width, heads, parts } = this.about;
    this.root.dataset.scale = this.model.get("scale");
    this.sentence.show(tokens);
    setText(this.caption, this.words.caption(width));
    setText(this.reason, heads ? this.words.turned : this.words.whole);
    this.reason.hidden = parts.length > 1;
    this.rotation.hidden = heads === 0;
    const options = Array.from({ length: heads }, (_, head) => element("option", { value: head }, `L0 · H${head}`));
    this.headMenu.replaceChildren(...options);
    this.head = Math.min(this.head, Math.max(0, heads - 1));
    this.headMenu.selectedIndex = this.head;
    this.askMap();
    this.show();
  }

  askMap() {
    this.mapLane.ask(
      () => ask(this.model, "map", { theme: pageTheme() }),
      (map) => this.drawMap(map),
      (error) => setText(this.map, error.message),
    );
  }

  /** Asks for the numbers of the selected token, and draws them when they have come. */
  show() {
    const { position, model } = this;
    this.sentence.mark(position);
    this.sentence.offer(model, (i) => isAnswered(model, "neighbours", { position: i }));
    offerOptions(this.headMenu, model, (head) => isAnswered(model, "turned", { position, head }));
    this.notices.setWaiting(this.root, true);
    this.lane.ask(
      () => this.gather(position),
      (content) => {
        this.notices.setWaiting(this.root, false);
        this.notices.setProblem("");
        this.content = content;
        this.draw();
      },
      (error) => {
        this.notices.setWaiting(this.root, false);
        this.notices.setProblem(error.message);
      },
    );
  }

  /** @param {number} position */
  async gather(position) {
    const rows = await ask(this.model, "rows", { position });
    const near = await ask(this.model, "neighbours", { position });
    const rotated = this.about.heads ? await ask(this.model, "turned", { position, head: this.head }) : null;
    return { rows, near, rotated };
  }

  draw() {
    if (!this.content) return;
    const { rows, near, rotated } = this.content;
    this.drawStrips(rows);
    this.neighbours.replaceChildren(...near.map(neighbourItem));
    if (rotated) this.drawRotation(rotated);
  }

  /** @param {Rows} rows */
  drawStrips(rows) {
    const { tokens, parts } = this.about;
    const { position, words } = this;
    const token = tokens[position];
    const isSum = parts.length > 1;
    const largest = largestMagnitude(rows.data);
    /** @type {Record<string, string>} */
    const names = {
      token: words.token(token.id),
      position: words.position(position),
      sum: isSum ? words.sum : words.only,
    };
    const strips = parts.map((part, i) => {
      const numbers = rowOf(rows, i);
      const name = element("span", { class: part === "sum" ? "residual" : "" }, names[part]);
      if (part === "token" || !isSum) name.prepend(chip(token), " ");
      const kind = part === "sum" && isSum ? "sum" : "";
      return stripRow(name, numbers, largest, pageTheme(), this.lengthText(numbers), kind);
    });
    this.strips.replaceChildren(...strips);
  }

  /** Draws a head's query and key, each before and after its rotation, on one scale. @param {Rows} rotated */
  drawRotation(rotated) {
    const names = [...this.words.q, ...this.words.k];
    const strips = names.map((name, i) => {
      const first = i < 2 ? 0 : 2;
      const largest = Math.max(largestMagnitude(rowOf(rotated, first)), largestMagnitude(rowOf(rotated, first + 1)));
      const label = element("span", { class: i < 2 ? "query" : "key" }, name);
      const numbers = rowOf(rotated, i);
      return stripRow(label, numbers, largest, pageTheme(), this.lengthText(numbers));
    });
    this.rotatedStrips.replaceChildren(...strips);
    setText(this.rotationHint, this.words.rotationHead(this.head));
  }

  /** @param {Float32Array} numbers */
  lengthText(numbers) {
    return this.words.length(significant(vectorLength(numbers)));
  }

  /**
   * Draws the figure, or its picture if there is no figure or the host cannot draw it.
   * @param {{figure: string|null, picture: string}} map
   */
  async drawMap({ figure, picture }) {
    const drawn = figure ?? picture;
    if (this.drawnMap === drawn) return;
    this.drawnMap = drawn;
    if (figure === null || !(await this.drawFigure(figure))) {
      if (this.drawnMap !== drawn) return; // another map came in the meantime
      const source = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(picture)}`;
      this.map.replaceChildren(element("img", { alt: this.words.map, src: source }));
    }
  }

  /** Draws the figure; false if the host cannot. @param {string} figure @returns {Promise<boolean>} */
  async drawFigure(figure) {
    try {
      const child = await this.host.getWidget(figure);
      if (this.drawnMap !== figure) return true; // another map came in the meantime
      this.map.replaceChildren();
      await child.render({ el: this.map });
      return true;
    } catch {
      return false;
    }
  }

  remove() {
    this.stopFrame();
    this.root.remove();
  }
}

/** @param {Neighbour} neighbour */
function neighbourItem({ token, cosine }) {
  return element(
    "li",
    { title: String(cosine) },
    element("span", { class: "name" }, chip(token)),
    shareBar(Math.max(0, cosine)),
    element("span", { class: "number" }, fixed(cosine, 3)),
  );
}

/** @param {Rows} rows @param {number} index */
function rowOf({ data, shape }, index) {
  return data.subarray(index * shape[1], (index + 1) * shape[1]);
}

/** @param {import("../shared/kernel.js").RenderProps} context */
async function render({ model, el, host }) {
  const selection = await host.getModel(model.get("_selection"));
  const embedding = new Embedding(model, selection, host, el);
  return listen(
    embedding,
    [model, "change:_source change:scale", () => embedding.load()],
    [selection, "change:query", () => embedding.show()],
  );
}

export default { render: whenFilled(render) };
