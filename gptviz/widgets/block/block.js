// @ts-check
/**
 * The block view: one token's path through one block, step by step, and the ledger of what adds up to the logit of the
 * next token. The kernel says which numbers a model family has.
 */
import { chip, chipText } from "../shared/chips.js";
import { button, element, setText } from "../shared/dom.js";
import { addFrame, listen, makeNotices, whenFilled } from "../shared/frame.js";
import { ask, isAnswered, Lane, refusalText } from "../shared/kernel.js";
import { percent } from "../shared/numbers.js";
import { offer, offerOptions } from "../shared/offer.js";
import { availableHeight } from "../shared/scrolling.js";
import { makeSentence } from "../shared/sentence.js";
import { sharedWords, wordsOf } from "../shared/words.js";
import { Journey } from "./journey.js";
import { Ledger, largestInLedger } from "./ledger.js";
import { catalogue } from "./words.js";

/** @typedef {import("../shared/kernel.js").Model} Model */
/** @typedef {import("./ledger.js").Shares} Shares */
/** @typedef {import("../shared/kernel.js").Refusal} Refusal */
/**
 * @typedef {{steps: import("./journey.js").PathStep[], missing: Record<string, Refusal>, parallel: boolean|null}} Path
 */
/** A likely next token. @typedef {{token: import("../shared/chips.js").PageToken, probability: number}} Leader */

class Block {
  /** @param {Model} model @param {Model} selection @param {HTMLElement} el */
  constructor(model, selection, el) {
    const words = wordsOf(model, catalogue);
    this.model = model;
    this.selection = selection;
    this.words = words;
    this.notices = makeNotices(model);
    this.lane = new Lane();
    this.leadersPosition = -1; // the position whose leaders are in the menu
    /** @type {Leader[]} */
    this.leaders = [];
    /** @type {{path: Path, strips: {data: Float32Array, shape: number[]}, shares: Shares|null}|null} */
    this.content = null;
    this.refusal = ""; // why there are no shares
    this.title = element("h3", {});
    this.blocks = element("div", { class: "blocks", role: "group", "aria-label": words.blocks });
    this.sentence = makeSentence(words.tokens, (position) => this.select({ query: position }));
    this.journey = new Journey(words, (head) => this.select({ head }));
    this.stackNote = element("p", { class: "muted small", hidden: "" }, words.cross.note); // of an encoder-decoder
    this.parallelNote = element("p", { class: "muted", hidden: "" }, words.parallel);
    this.menu = element("select", {});
    this.menu.addEventListener("change", () => this.show());
    this.ledger = new Ledger(words, (layer) => this.select({ layer }));
    this.caption = element("p", { class: "muted small" });
    this.refusalNote = element("p", { class: "muted", hidden: "" });
    this.root = this.build();
    this.stopFrame = addFrame(model, this.root, () => this.draw(), selection);
    el.append(this.root);
    this.load();
    this.resizer = new ResizeObserver(() => this.fit());
    for (const part of [this.root, this.journey.root]) this.resizer.observe(part);
  }

  build() {
    const { words } = this;
    const journey = element(
      "div",
      { class: "journey" },
      element("h4", {}, words.path),
      this.parallelNote,
      this.journey.root,
      element("p", { class: "muted small" }, words.stripCaption),
    );
    const ledger = element(
      "div",
      { class: "ledger" },
      element("h4", {}, words.ledger),
      element("label", {}, `${words.next} `, this.menu),
      this.refusalNote,
      this.ledger.root,
      this.caption,
    );
    return element(
      "section",
      { class: "gptviz gptviz-block", "aria-label": this.model.get("_title") },
      element("header", {}, this.title, this.notices.computing, this.blocks),
      this.notices.problem,
      this.stackNote,
      this.sentence.root,
      element("div", { class: "panes numbers" }, journey, ledger),
    );
  }

  get layers() {
    return this.model.get("_about").layers;
  }

  /** Whether the blocks have cross attention. @returns {boolean} */
  get hasCross() {
    return this.model.get("_about").has_cross;
  }

  get layer() {
    return Math.min(this.selection.get("layer"), this.layers - 1);
  }

  get position() {
    const last = this.model.get("_about").tokens.length - 1;
    const query = this.selection.get("query");
    return query < 0 ? last : Math.min(query, last);
  }

  /** @param {Record<string, number>} changes */
  select(changes) {
    for (const [name, value] of Object.entries(changes)) this.selection.set(name, value);
    this.selection.save_changes();
  }

  /** Shows a new trace. */
  load() {
    this.root.dataset.scale = this.model.get("scale");
    this.sentence.show(this.model.get("_about").tokens);
    this.stackNote.hidden = !this.hasCross;
    const buttons = Array.from({ length: this.layers }, (_, layer) =>
      button(String(layer), () => this.select({ layer }), { "aria-label": this.words.block(layer) }),
    );
    this.blocks.replaceChildren(...buttons);
    this.leadersPosition = -1;
    this.show();
  }

  /** Asks for the numbers of the selection, and draws them when they have come. */
  show() {
    const { layer, position } = this;
    setText(this.title, this.words.heading(layer));
    [...this.blocks.children].forEach((node, i) => {
      node.setAttribute("aria-pressed", String(i === layer));
      offer(/** @type {HTMLElement} */ (node), this.model, "path", { layer: i, position });
    });
    this.sentence.mark(position);
    this.sentence.offer(this.model, (i) => isAnswered(this.model, "path", { layer, position: i }));
    this.notices.setWaiting(this.root, true);
    this.lane.ask(
      () => this.gather(layer, position),
      () => {
        this.notices.setWaiting(this.root, false);
        this.notices.setProblem("");
        this.draw();
      },
      (error) => {
        this.notices.setWaiting(this.root, false);
        this.notices.setProblem(error.message);
      },
    );
  }

  /** Asks for the leaders, the steps and the shares. @param {number} layer @param {number} position */
  async gather(layer, position) {
    if (this.leadersPosition !== position) {
      this.leaders = await ask(this.model, "leaders", { position });
      this.leadersPosition = position;
      this.fillMenu();
    }
    const isExplained = (/** @type {number} */ i) =>
      isAnswered(this.model, "shares", { layer, position, id: this.leaders[i].token.id });
    offerOptions(this.menu, this.model, isExplained);
    const path = await ask(this.model, "path", { layer, position });
    const strips = await ask(this.model, "strips", { layer, position });
    /** @type {Shares|Error} */
    const shares = await ask(this.model, "shares", { layer, position, id: this.explained().id }).catch(
      (error) => error,
    );
    const isRefused = shares instanceof Error;
    this.refusal = isRefused ? shares.message : "";
    this.content = { path, strips, shares: isRefused ? null : shares };
  }

  fillMenu() {
    const options = this.leaders.map(({ token, probability }, i) =>
      element("option", { value: i }, `${chipText(token)} · ${percent(probability)}`),
    );
    this.menu.replaceChildren(...options);
  }

  /** Returns the token whose logit is explained. */
  explained() {
    return this.leaders[Math.max(0, this.menu.selectedIndex)].token;
  }

  draw() {
    if (!this.content) return;
    const { path, strips, shares } = this.content;
    const width = strips.shape[1];
    const rows = path.steps.map((step, i) => ({
      step,
      vector: strips.data.subarray(i * width, (i + 1) * width),
      share: shares?.steps[i] ?? null,
    }));
    this.journey.setRows(rows);
    const largest = this.largestShare();
    const selected = { layer: this.layer, head: this.selection.get("head") };
    const reasons = Object.values(path.missing).map((refusal) => refusalText(sharedWords(this.model), refusal));
    this.journey.draw(selected, reasons, largest);
    this.parallelNote.hidden = !path.parallel;
    this.drawLedger(shares, largest);
  }

  /** @param {Shares|null} shares @param {number} largest */
  drawLedger(shares, largest) {
    this.ledger.root.hidden = !shares;
    this.caption.hidden = !shares;
    this.refusalNote.hidden = shares !== null;
    setText(this.refusalNote, this.refusal);
    if (!shares) return;
    this.ledger.show(shares, this.layers, this.layer, largest, this.hasCross);
    this.caption.replaceChildren(chip(this.explained()), " ", this.words.caption(percent(shares.probability)));
  }

  /** Returns the largest share that is drawn, in the ledger or on the path; it fills a bar. */
  largestShare() {
    const shares = this.content?.shares;
    if (!shares) return 1;
    const ofSteps = this.journey.rows.map(({ share }) => Math.abs(share ?? 0));
    return Math.max(largestInLedger(shares, this.layers), ...ofSteps, 1e-9);
  }

  /** Draws only so many neurons one by one that the last step of a presented view is on the screen. */
  fit() {
    const height = this.journey.neuronHeight();
    if (!height || !this.content) return;
    const drawn = this.journey.neuronCount();
    const all = this.content.path.steps.filter(({ kind }) => kind === "neuron").length;
    const bottom = this.journey.root.getBoundingClientRect().bottom - this.root.getBoundingClientRect().top;
    const left = availableHeight(this.root) - bottom;
    const fitting = Math.max(1, Math.min(all, drawn + Math.floor(left / height)));
    this.journey.mostNeurons = fitting < all ? fitting : Infinity;
    if (fitting !== drawn) this.draw();
  }

  remove() {
    this.stopFrame();
    this.resizer.disconnect();
    this.root.remove();
  }
}

/** @param {import("../shared/kernel.js").RenderProps} context */
async function render({ model, el, host }) {
  const selection = await host.getModel(model.get("_selection"));
  const block = new Block(model, selection, el);
  return listen(
    block,
    [model, "change:_source change:scale", () => block.load()],
    [selection, "change:layer change:query", () => block.show()],
    [selection, "change:head", () => block.draw()],
  );
}

export default { render: whenFilled(render) };
