// @ts-check
/**
 * A token as numbers: its row of the table, its position's, their sum; what lies near it; the table from afar.
 *
 * The map is another widget, a plotly figure, which the host draws; where it cannot, its picture stands there.
 */
import { chip } from "../shared/chips.js";
import { element, setText } from "../shared/dom.js";
import { frame, notices, whenFilled } from "../shared/frame.js";
import { ask, Lane } from "../shared/kernel.js";
import { significant } from "../shared/numbers.js";
import { sentence } from "../shared/sentence.js";
import { largestOf, lengthOf, stripRow } from "../shared/strips.js";
import { isDark } from "../shared/theme.js";
import { wordsOf } from "../shared/words.js";
import { catalogue } from "./words.js";

/** @typedef {import("../shared/chips.js").PageToken} EmbeddedToken */
/** @typedef {{tokens: EmbeddedToken[], width: number, parts: string[], heads: number}} EmbeddingAbout */
/** @typedef {{data: Float32Array, shape: number[]}} Rows */

class Embedding {
  /** @param {any} model @param {any} selection @param {any} host @param {HTMLElement} el */
  constructor(model, selection, host, el) {
    this.model = model;
    this.selection = selection;
    this.host = host;
    this.words = wordsOf(model, catalogue);
    this.notices = notices(model);
    this.lane = new Lane();
    this.mapLane = new Lane();
    this.head = 0;
    this.drawn = "";
    /** @type {{rows: Rows, near: {token: EmbeddedToken, cosine: number}[], turned: Rows|null}|null} */
    this.shown = null;
    this.sentence = sentence(this.words.tokens, (position) => {
      this.selection.set("query", position);
      this.selection.save_changes();
    });
    this.strips = element("div", { class: "strips" });
    this.why = element("p", { class: "muted", hidden: "" });
    this.near = element("ol", { class: "near" });
    this.turned = element("div", { class: "strips" });
    this.heads = element("select", { "aria-label": this.words.head });
    this.heads.addEventListener("change", () => {
      this.head = this.heads.selectedIndex;
      this.show();
    });
    this.turnedHint = element("p", { class: "muted small" });
    this.rotation = element(
      "div",
      { class: "rotation", hidden: "" },
      element("h4", {}, this.words.rotation, " ", this.heads),
      this.turned,
      this.turnedHint,
    );
    this.map = element("div", { class: "map" });
    this.caption = element("p", { class: "muted small" });
    this.root = element(
      "section",
      { class: "gptviz gptviz-embedding", "aria-label": model.get("_title") },
      element("header", {}, element("h3", {}, model.get("_title")), this.notices.computing),
      this.notices.problem,
      this.sentence.root,
      element("div", { class: "numbers" }, this.strips, this.caption, this.why, this.rotation),
      element(
        "div",
        { class: "panes numbers" },
        element(
          "div",
          {},
          element("h4", {}, this.words.neighbours),
          element("p", { class: "muted small" }, this.words.cosine),
          this.near,
        ),
        element(
          "div",
          {},
          element("h4", {}, this.words.map),
          element("p", { class: "muted small" }, this.words.mapHint),
          this.map,
        ),
      ),
    );
    this.stopFrame = frame(model, this.root, () => {
      this.draw();
      this.askForMap();
    });
    el.append(this.root);
    this.renew();
  }

  /** @returns {EmbeddingAbout} */
  get about() {
    return this.model.get("_about");
  }

  get position() {
    const last = this.about.tokens.length - 1;
    const query = this.selection.get("query");
    return query < 0 ? last : Math.min(query, last);
  }

  renew() {
    const { tokens, width, heads, parts } = this.about;
    this.root.dataset.scale = this.model.get("scale");
    this.sentence.show(tokens);
    setText(this.caption, this.words.caption(width));
    setText(this.why, heads ? this.words.turned : this.words.whole);
    this.why.hidden = parts.length > 1;
    this.rotation.hidden = heads === 0;
    this.heads.replaceChildren(
      ...Array.from({ length: heads }, (_, head) => element("option", { value: head }, `L0 · H${head}`)),
    );
    this.head = Math.min(this.head, Math.max(0, heads - 1));
    this.heads.selectedIndex = this.head;
    this.askForMap();
    this.show();
  }

  askForMap() {
    this.mapLane.ask(
      () => ask(this.model, "map", { theme: isDark() ? "dark" : "light" }),
      (map) => this.drawMap(map),
      (error) => setText(this.map, error.message),
    );
  }

  show() {
    const { position } = this;
    this.sentence.mark(position);
    this.notices.wait(this.root, true);
    this.lane.ask(
      () => this.gather(position),
      (shown) => {
        this.notices.wait(this.root, false);
        this.notices.say("");
        this.shown = shown;
        this.draw();
      },
      (error) => {
        this.notices.wait(this.root, false);
        this.notices.say(error.message);
      },
    );
  }

  /** @param {number} position */
  async gather(position) {
    const rows = await ask(this.model, "rows", { position });
    const near = await ask(this.model, "neighbours", { position });
    const turned = this.about.heads ? await ask(this.model, "turned", { position, head: this.head }) : null;
    return { rows, near, turned };
  }

  draw() {
    if (!this.shown) return;
    const { rows, near, turned } = this.shown;
    const { tokens, parts } = this.about;
    const { position, words } = this;
    const theme = isDark() ? "dark" : "light";
    const token = tokens[position];
    const most = largestOf(rows.data);
    /** @type {Record<string, string>} */
    const names = {
      token: words.token(token.id),
      position: words.position(position),
      sum: parts.length > 1 ? words.sum : words.only,
    };
    this.strips.replaceChildren(
      ...parts.map((part, i) => {
        const numbers = rowOf(rows, i);
        const name = element("span", { class: part === "sum" ? "residual" : "" }, names[part]);
        if (part === "token" || parts.length === 1) name.prepend(chip(token), " ");
        return stripRow(
          name,
          numbers,
          most,
          theme,
          words.length(significant(lengthOf(numbers))),
          part === "sum" && parts.length > 1 ? "sum" : "",
        );
      }),
    );
    this.near.replaceChildren(
      ...near.map((one) => {
        const fill = element("span", { class: "fill" });
        fill.style.width = `${100 * Math.max(0, one.cosine)}%`;
        return element(
          "li",
          { title: String(one.cosine) },
          element("span", { class: "name" }, chip(one.token)),
          element("span", { class: "track" }, fill),
          element("span", { class: "number" }, one.cosine.toFixed(3).replace("-", "−")),
        );
      }),
    );
    if (turned) this.drawTurned(turned, theme);
  }

  /** @param {Rows} turned @param {"light"|"dark"} theme */
  drawTurned(turned, theme) {
    const names = [...this.words.q, ...this.words.k];
    const scales = [0, 0, 2, 2].map((first) =>
      Math.max(largestOf(rowOf(turned, first)), largestOf(rowOf(turned, first + 1))),
    );
    this.turned.replaceChildren(
      ...names.map((name, i) =>
        stripRow(
          element("span", { class: i < 2 ? "query" : "key" }, name),
          rowOf(turned, i),
          scales[i],
          theme,
          this.words.length(significant(lengthOf(rowOf(turned, i)))),
        ),
      ),
    );
    setText(this.turnedHint, this.words.rotationHead(this.head));
  }

  /** @param {{figure: string, picture: string}} map */
  async drawMap({ figure, picture }) {
    if (this.drawn === figure) return;
    this.drawn = figure;
    try {
      const child = await this.host.getWidget(figure);
      if (this.drawn !== figure) return; // another has come meanwhile
      this.map.replaceChildren();
      await child.render({ el: this.map });
    } catch {
      if (this.drawn !== figure) return;
      const image = element("img", {
        alt: this.words.map,
        src: `data:image/svg+xml;charset=utf-8,${encodeURIComponent(picture)}`,
      });
      this.map.replaceChildren(image);
    }
  }

  remove() {
    this.stopFrame();
    this.root.remove();
  }
}

/** @param {Rows} rows @param {number} index */
function rowOf({ data, shape }, index) {
  return data.subarray(index * shape[1], (index + 1) * shape[1]);
}

/** @param {{model: any, el: HTMLElement, host: any}} context */
async function render({ model, el, host }) {
  const selection = await host.getModel(model.get("_selection"));
  const embedding = new Embedding(model, selection, host, el);
  const renew = () => embedding.renew();
  const show = () => embedding.show();
  model.on("change:_source change:scale", renew);
  selection.on("change:query", show);
  return () => {
    model.off("change:_source change:scale", renew);
    selection.off("change:query", show);
    embedding.remove();
  };
}

export default { render: whenFilled(render) };
