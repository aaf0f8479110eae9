// @ts-check
/**
 * One token's way through one block, step by step, and the ledger of what adds up to the next token's logit.
 *
 * Not here: where the numbers come from, and what can be had for which family; the kernel says so.
 */
import { chip } from "../shared/chips.js";
import { element, setText } from "../shared/dom.js";
import { frame, notices, whenFilled } from "../shared/frame.js";
import { ask, Lane } from "../shared/kernel.js";
import { percent, significant } from "../shared/numbers.js";
import { roomOf } from "../shared/scrolling.js";
import { sentence } from "../shared/sentence.js";
import { largestOf, lengthOf, stripRow } from "../shared/strips.js";
import { isDark } from "../shared/theme.js";
import { wordsOf } from "../shared/words.js";
import { catalogue } from "./words.js";

/** @typedef {import("../shared/chips.js").PageToken} BlockToken */
/** @typedef {{kind: string, length: number, before?: "attention"|"mlp", head?: number, neuron?: number, activation?: number, count?: number}} WayStep */
/** @typedef {{steps: WayStep[], missing: Record<string, string>, parallel: boolean|null}} Way */
/** @typedef {{part: string, value: number, layer: number|null, head: number|null}} Share */
/** @typedef {{logit: number, probability: number, shares: Share[], steps: (number|null)[]}} Shares */
/** @typedef {{token: BlockToken, probability: number}} Leader */
/** A step with its vector, and what it adds to the logit. @typedef {{step: WayStep, vector: Float32Array, share: number|null}} WayRow */

// Steps whose vectors are drawn on one scale, so that their strips can be compared.
const SCALES = {
  in: "stream",
  middle: "stream",
  out: "stream",
  norm: "norm",
  head: "attention",
  bias: "attention",
  attention: "attention",
  neuron: "mlp",
  others: "mlp",
  mlp: "mlp",
};
const COLOURS = { in: "residual", middle: "residual", out: "residual", mlp: "mlp", neuron: "mlp", others: "mlp" };
const SUM_IS_LOGIT = 1e-3;

class Block {
  /** @param {any} model @param {any} selection @param {HTMLElement} el */
  constructor(model, selection, el) {
    this.model = model;
    this.selection = selection;
    this.words = wordsOf(model, catalogue);
    this.notices = notices(model);
    this.lane = new Lane();
    this.leadersOf = -1;
    this.refused = "";
    /** @type {Leader[]} */
    this.leaders = [];
    /** @type {{way: Way, strips: {data: Float32Array, shape: number[]}, shares: Shares|null}|null} */
    this.shown = null;
    /** What is drawn of the way. @type {WayRow[]} */
    this.rows = [];
    this.neurons = Infinity; // that are drawn one by one
    this.title = element("h3", {});
    this.blocks = element("div", { class: "blocks", role: "group", "aria-label": this.words.blocks });
    this.sentence = sentence(this.words.tokens, (position) => this.choose({ query: position }));
    this.way = element("div", { class: "strips" });
    this.parallel = element("p", { class: "muted", hidden: "" }, this.words.parallel);
    this.menu = element("select", {});
    this.menu.addEventListener("change", () => this.show());
    this.ledger = element("tbody", {});
    this.caption = element("p", { class: "muted small" });
    this.refusal = element("p", { class: "muted", hidden: "" });
    this.table = element(
      "table",
      {},
      element(
        "thead",
        {},
        element("tr", {}, ...this.words.columns.map((name) => element("th", { scope: "col" }, name))),
      ),
      this.ledger,
    );
    this.root = element(
      "section",
      { class: "gptviz gptviz-block", "aria-label": model.get("_title") },
      element("header", {}, this.title, this.notices.computing, this.blocks),
      this.notices.problem,
      this.sentence.root,
      element(
        "div",
        { class: "panes numbers" },
        element(
          "div",
          { class: "journey" },
          element("h4", {}, this.words.way),
          this.parallel,
          this.way,
          element("p", { class: "muted small" }, this.words.stripCaption),
        ),
        element(
          "div",
          { class: "ledger" },
          element("h4", {}, this.words.ledger),
          element("label", {}, `${this.words.next} `, this.menu),
          this.refusal,
          this.table,
          this.caption,
        ),
      ),
    );
    this.stopFrame = frame(model, this.root, () => this.draw(), selection);
    el.append(this.root);
    this.renew();
    this.resizer = new ResizeObserver(() => this.fit());
    for (const part of [this.root, this.way]) this.resizer.observe(part);
  }

  get layer() {
    return Math.min(this.selection.get("layer"), this.model.get("_about").layers - 1);
  }

  get position() {
    const last = this.model.get("_about").tokens.length - 1;
    const query = this.selection.get("query");
    return query < 0 ? last : Math.min(query, last);
  }

  /** @param {Record<string, number>} what */
  choose(what) {
    for (const [name, value] of Object.entries(what)) this.selection.set(name, value);
    this.selection.save_changes();
  }

  /** Another trace: its tokens, its blocks. */
  renew() {
    const { tokens, layers } = this.model.get("_about");
    this.root.dataset.scale = this.model.get("scale");
    this.sentence.show(tokens);
    this.blocks.replaceChildren(
      ...Array.from({ length: layers }, (_, layer) => {
        const button = element("button", { type: "button", "aria-label": this.words.block(layer) }, String(layer));
        button.addEventListener("click", () => this.choose({ layer }));
        return button;
      }),
    );
    this.leadersOf = -1;
    this.show();
  }

  /** Ask for what is to be seen, and draw it when it is there. */
  show() {
    const { layer, position } = this;
    setText(this.title, this.words.heading(layer));
    [...this.blocks.children].forEach((button, i) => button.setAttribute("aria-pressed", String(i === layer)));
    this.sentence.mark(position);
    this.notices.wait(this.root, true);
    this.lane.ask(
      () => this.gather(layer, position),
      () => {
        this.notices.wait(this.root, false);
        this.notices.say("");
        this.draw();
      },
      (error) => {
        this.notices.wait(this.root, false);
        this.notices.say(error.message);
      },
    );
  }

  /** @param {number} layer @param {number} position */
  async gather(layer, position) {
    if (this.leadersOf !== position) {
      this.leaders = await ask(this.model, "leaders", { position });
      this.leadersOf = position;
      this.menu.replaceChildren(
        ...this.leaders.map(({ token, probability }, i) =>
          element(
            "option",
            { value: i },
            `${token.bytes ?? JSON.stringify(token.text).slice(1, -1).replaceAll(" ", "␣")} · ${percent(probability)}`,
          ),
        ),
      );
    }
    const way = await ask(this.model, "way", { layer, position });
    const strips = await ask(this.model, "strips", { layer, position });
    const { id } = this.leaders[Math.max(0, this.menu.selectedIndex)].token;
    const shares = await ask(this.model, "shares", { layer, position, id }).catch(
      (/** @type {Error} */ error) => error,
    );
    this.refused = shares instanceof Error ? shares.message : "";
    this.shown = { way, strips, shares: shares instanceof Error ? null : shares };
  }

  draw() {
    if (!this.shown) return;
    const { way, strips, shares } = this.shown;
    const width = strips.shape[1];
    const theme = isDark() ? "dark" : "light";
    this.rows = withNeurons(
      way.steps.map((step, i) => ({
        step,
        vector: strips.data.subarray(i * width, (i + 1) * width),
        share: shares?.steps[i] ?? null,
      })),
      this.neurons,
    );
    /** @type {Record<string, number>} */
    const most = {};
    for (const { step, vector } of this.rows) {
      const scale = SCALES[/** @type {"in"} */ (step.kind)];
      most[scale] = Math.max(most[scale] ?? 0, largestOf(vector));
    }
    const rows = this.rows.map(({ step, vector, share }) => {
      const name = element("span", { class: COLOURS[/** @type {"in"} */ (step.kind)] ?? "" }, this.name(step));
      const sums = ["attention", "mlp", "middle", "out"].includes(step.kind);
      const row = stripRow(
        name,
        vector,
        most[SCALES[/** @type {"in"} */ (step.kind)]],
        theme,
        significant(step.length),
        sums ? "sum" : "",
      );
      row.append(
        element(
          "span",
          { class: "share" },
          ...(share === null ? [] : [signedBar(share, this.largest()), signedNumber(share)]),
        ),
      );
      row.dataset.step = step.kind;
      if (step.kind === "head") {
        row.toggleAttribute("data-chosen", step.head === this.selection.get("head"));
        row.addEventListener("click", () => this.choose({ head: /** @type {number} */ (step.head) }));
      }
      return row;
    });
    const head = element(
      "div",
      { class: "strip titles muted small" },
      element("span", {}),
      element("span", {}),
      element("span", { class: "number" }, this.words.length),
      element("span", { class: "share" }, this.words.share),
    );
    const missing = [...new Set(Object.values(way.missing))].map((told) => element("p", { class: "muted" }, told));
    this.way.replaceChildren(head, ...rows, ...missing);
    this.parallel.hidden = !way.parallel;
    this.drawLedger(shares);
  }

  /** Where it is presented, so few neurons one by one that the last step is on the screen. */
  fit() {
    const row = this.way.querySelector("[data-step=neuron]")?.getBoundingClientRect().height;
    if (!row || !this.shown) return;
    const drawn = this.rows.filter(isNeuron).length;
    const all = this.shown.way.steps.filter((step) => step.kind === "neuron").length;
    const left = roomOf(this.root) - (this.way.getBoundingClientRect().bottom - this.root.getBoundingClientRect().top);
    const fitting = Math.max(1, Math.min(all, drawn + Math.floor(left / row)));
    this.neurons = fitting < all ? fitting : Infinity;
    if (fitting !== drawn) this.draw();
  }

  /** The largest contribution that is drawn: what fills a bar to its end, in the ledger and on the way. */
  largest() {
    const shares = this.shown?.shares;
    if (!shares) return 1;
    return Math.max(
      ...byLedgerRow(shares.shares, this.model.get("_about").layers).flatMap(({ attention, mlp, alone }) =>
        [attention, mlp, alone].map((x) => Math.abs(x ?? 0)),
      ),
      ...this.rows.map(({ share }) => Math.abs(share ?? 0)),
      1e-9,
    );
  }

  /** @param {Shares|null} shares */
  drawLedger(shares) {
    this.table.hidden = this.caption.hidden = !shares;
    this.refusal.hidden = !!shares;
    setText(this.refusal, this.refused ?? "");
    if (!shares) return;
    const most = this.largest();
    let sum = 0;
    const rows = byLedgerRow(shares.shares, this.model.get("_about").layers).map(
      ({ part, layer, attention, mlp, alone }, i, { length }) => {
        sum += (attention ?? 0) + (mlp ?? 0) + (alone ?? 0);
        if (i === length - 1 && Math.abs(sum - shares.logit) < SUM_IS_LOGIT) sum = shares.logit; // one number, in one way rounded
        const cell = (/** @type {number|null} */ x, /** @type {number} */ span) => {
          const td = element("td", { colspan: span }, ...(x === null ? [] : [signedBar(x, most), signedNumber(x)]));
          if (x !== null) td.title = String(x);
          return td;
        };
        const name = layer === null ? this.words.row[/** @type {"token"} */ (part)] : this.words.block(layer);
        const head = element("th", { scope: "row" }, name);
        const tr = element(
          "tr",
          {},
          head,
          ...(layer === null ? [cell(alone, 2)] : [cell(attention, 1), cell(mlp, 1)]),
          element("td", { class: "number" }, significant(sum)),
        );
        if (layer !== null) {
          const button = element("button", { type: "button" }, name);
          button.addEventListener("click", () => this.choose({ layer }));
          head.replaceChildren(button);
        }
        tr.toggleAttribute("data-open", layer === this.layer);
        return tr;
      },
    );
    const last = element(
      "td",
      { class: "number total", colspan: 3, title: String(shares.logit) },
      significant(shares.logit),
    );
    this.ledger.replaceChildren(
      ...rows,
      element("tr", { class: "sum" }, element("th", { scope: "row" }, this.words.sum), last),
    );
    const { token } = this.leaders[Math.max(0, this.menu.selectedIndex)];
    this.caption.replaceChildren(chip(token), " ", this.words.caption(percent(shares.probability)));
  }

  /** @param {WayStep} step */
  name(step) {
    const { words } = this;
    switch (step.kind) {
      case "norm":
        return words.norm[/** @type {"mlp"} */ (step.before)];
      case "head":
        return words.head(this.layer, /** @type {number} */ (step.head));
      case "bias":
        return words.bias;
      case "attention":
        return words.attention;
      case "neuron":
        return words.neuron(/** @type {number} */ (step.neuron), significant(/** @type {number} */ (step.activation)));
      case "others":
        return words.others(/** @type {number} */ (step.count));
      case "mlp":
        return words.mlp;
      default:
        return words.stream[/** @type {"in"} */ (step.kind)];
    }
  }

  remove() {
    this.stopFrame();
    this.resizer.disconnect();
    this.root.remove();
  }
}

/** @param {WayRow} row */
function isNeuron({ step }) {
  return step.kind === "neuron";
}

/** The way with at most so many neurons one by one, the strongest: the weaker ones join the others.
 * @param {WayRow[]} rows @param {number} most @returns {WayRow[]} */
export function withNeurons(rows, most) {
  const weaker = rows.filter(isNeuron).slice(most);
  return rows
    .filter((row) => !weaker.includes(row))
    .map((row) => (row.step.kind === "others" && weaker.length ? joined(row, weaker) : row));
}

/** @param {WayRow} others @param {WayRow[]} neurons @returns {WayRow} */
function joined({ step, vector, share }, neurons) {
  const sum = vector.map((x, i) => neurons.reduce((total, one) => total + one.vector[i], x));
  return {
    step: { ...step, count: (step.count ?? 0) + neurons.length, length: lengthOf(sum) },
    vector: sum,
    share: share === null ? null : neurons.reduce((total, one) => total + (one.share ?? 0), share),
  };
}

/** Shares gathered into the ledger's rows: the embedding's, one a block, and what comes after the last.
 * @param {Share[]} shares @param {number} layers
 * @returns {{part: string, layer: number|null, attention: number|null, mlp: number|null, alone: number|null}[]} */
export function byLedgerRow(shares, layers) {
  const alone = (/** @type {Share} */ { part, value }) => ({
    part,
    layer: null,
    attention: null,
    mlp: null,
    alone: value,
  });
  const total = (/** @type {Share[]} */ some) => some.reduce((sum, { value }) => sum + value, 0);
  const before = shares.filter(({ part }) => ["token", "position", "embedding"].includes(part));
  const after = shares.filter((share) => share.layer === null && !before.includes(share));
  const blocks = Array.from({ length: layers }, (_, layer) => {
    const own = shares.filter((share) => share.layer === layer);
    return {
      part: "block",
      layer,
      attention: total(own.filter(({ part }) => part !== "mlp")),
      mlp: total(own.filter(({ part }) => part === "mlp")),
      alone: null,
    };
  });
  return [...before.map(alone), ...blocks, ...after.map(alone)];
}

/** A bar to the right of the middle for what raises the logit, to the left for what lowers it. @param {number} x @param {number} most */
function signedBar(x, most) {
  const fill = element("span", { class: "fill" });
  fill.toggleAttribute("data-negative", x < 0);
  fill.style.width = `${(50 * Math.min(1, Math.abs(x) / most)).toFixed(2)}%`;
  return element("span", { class: "signed", "aria-hidden": "true" }, fill);
}

/** @param {number} x */
function signedNumber(x) {
  return element("span", { class: "number small", title: String(x) }, `${x > 0 ? "+" : ""}${significant(x)}`);
}

/** @param {{model: any, el: HTMLElement, host: any}} context */
async function render({ model, el, host }) {
  const selection = await host.getModel(model.get("_selection"));
  const block = new Block(model, selection, el);
  const renew = () => block.renew();
  const show = () => block.show();
  const draw = () => block.draw();
  model.on("change:_source change:scale", renew);
  selection.on("change:layer change:query", show);
  selection.on("change:head", draw);
  return () => {
    model.off("change:_source change:scale", renew);
    selection.off("change:layer change:query", show);
    selection.off("change:head", draw);
    block.remove();
  };
}

export default { render: whenFilled(render) };
