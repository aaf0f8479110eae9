// @ts-check
/**
 * The intervention view: squares to switch off, the list of edits, and the next token before and after.
 *
 * The list of edits is the model's `_edits`; every change of it, from here or from Python, asks for the outcome of the
 * whole list. Not here: the parts of the page, in the modules that this one imports.
 */
import { chip, chipText } from "../shared/chips.js";
import { element, setText } from "../shared/dom.js";
import { frame, notices, whenFilled } from "../shared/frame.js";
import { ask, Lane } from "../shared/kernel.js";
import { percent } from "../shared/numbers.js";
import { sentence } from "../shared/sentence.js";
import { wordsOf } from "../shared/words.js";
import { EditChips, sameEdit, switchesOff } from "./edits.js";
import { EffectSwitch } from "./effects.js";
import { PatchForm, RowForm } from "./forms.js";
import { PartGrid } from "./grid.js";
import { MoverTable } from "./rows.js";
import { catalogue } from "./words.js";

/** @typedef {import("./rows.js").MoverRow} Row */
/** @typedef {import("./grid.js").Part} Part */
/** @typedef {import("./edits.js").Edit} Edit */
/** @typedef {{movers: Row[], leaders: Row[], leader: Row, watched: Row|null, moved: number, codes: string[], code: string}} Outcome */

class Intervention {
  /** @param {any} model @param {any} selection @param {HTMLElement} el */
  constructor(model, selection, el) {
    this.model = model;
    this.selection = selection;
    const words = wordsOf(model, catalogue);
    this.words = words;
    this.lane = new Lane();
    this.watchLane = new Lane();
    /** The followed token, where it is none of the leaders. @type {Row|null} */
    this.other = null;
    /** The last list that Python could do. @type {Edit[]} */
    this.accepted = [];
    /** Why the list after it was taken back. */
    this.refused = "";
    this.notices = notices(model);
    this.sentence = sentence(words.tokens, (query) => this.choose({ query }));
    this.grid = new PartGrid(words, (part) => this.toggle(part));
    this.effects = new EffectSwitch(model, words, this.grid, {
      redraw: () => this.drawGrid(),
      problem: this.notices.say,
    });
    this.chips = new EditChips(words, {
      looked: (part) => this.look(part),
      takenBack: (index) => this.set(this.edits.toSpliced(index, 1)),
      allTakenBack: () => this.set([]),
    });
    this.dropped = element("p", { class: "muted small", role: "status", hidden: "" });
    this.menu = element("select", {});
    this.menu.addEventListener("change", () => this.follow(Number(this.menu.value)));
    this.field = element("input", {
      type: "text",
      spellcheck: "false",
      autocomplete: "off",
      placeholder: words.other,
      "aria-label": words.other,
    });
    this.field.addEventListener("keydown", (event) => event.stopPropagation());
    const another = element("form", {}, this.field, element("button", {}, words.otherButton));
    another.addEventListener("submit", (event) => {
      event.preventDefault();
      this.search(this.field.value);
    });
    this.summary = element("p", { class: "summary", role: "status" });
    this.table = new MoverTable(words);
    this.moved = element("p", { class: "muted small" });
    this.code = element("pre", { class: "number", tabindex: 0, "aria-label": words.code });
    const copy = element("button", { type: "button", class: "quiet" }, words.copy);
    copy.addEventListener("click", () => this.copy());
    this.copied = element("span", { class: "muted small", role: "status" });
    this.codePart = element(
      "div",
      { class: "code", hidden: "" },
      element("h4", {}, `${words.code} `, copy, " ", this.copied),
      this.code,
    );
    const context = {
      model,
      words,
      place: () => this.place(),
      choose: (/** @type {Record<string, number>} */ what) => this.choose(what),
      add: (/** @type {Edit} */ edit) => this.add(edit),
    };
    this.patch = new PatchForm(context);
    this.row = new RowForm(context);
    this.root = element(
      "section",
      { class: "gptviz gptviz-intervention", "aria-label": model.get("_title") },
      element("header", {}, element("h3", {}, model.get("_title")), this.notices.computing),
      this.notices.problem,
      this.sentence.root,
      element(
        "div",
        { class: "panes" },
        element(
          "div",
          { class: "parts" },
          element("h4", {}, words.parts),
          this.effects.root,
          this.grid.root,
          this.grid.readout,
          this.effects.legend,
          this.effects.hint,
        ),
        element(
          "div",
          { class: "told" },
          this.chips.root,
          this.dropped,
          element("div", { class: "follow" }, element("label", {}, `${words.follow} `, this.menu), another),
          element("div", { class: "numbers" }, this.summary),
        ),
        element("div", { class: "outcome numbers" }, this.table.root, this.moved, this.codePart),
      ),
      this.patch.root,
      this.row.root,
    );
    this.stopFrame = frame(model, this.root, () => this.drawGrid());
    el.append(this.root);
    this.load();
  }

  /** @returns {Edit[]} */
  get edits() {
    return this.model.get("_edits");
  }

  /** The likeliest next tokens of the plain pass. @returns {Row[]} */
  get leaders() {
    return this.model.get("_about").leaders;
  }

  /** The id of the followed token. */
  get watched() {
    const chosen = this.model.get("_watched");
    return chosen < 0 ? this.leaders[0].token.id : chosen;
  }

  /** What is selected, as far as this trace has it. */
  place() {
    const { tokens, layers, heads } = this.model.get("_about");
    const query = this.selection.get("query");
    return {
      layer: Math.min(this.selection.get("layer"), layers - 1),
      head: Math.min(this.selection.get("head"), heads - 1),
      query: query < 0 ? tokens.length - 1 : Math.min(query, tokens.length - 1),
    };
  }

  /** @param {Record<string, number>} what */
  choose(what) {
    for (const [name, value] of Object.entries(what)) this.selection.set(name, value);
    this.selection.save_changes();
  }

  /** @param {Part} part */
  look({ layer, head }) {
    this.choose(head === null ? { layer } : { layer, head });
  }

  /** @param {Edit[]} edits */
  set(edits) {
    this.model.set("_edits", edits);
    this.model.save_changes();
  }

  /** One more edit; one that is there already is not made twice. @param {Edit} edit */
  add(edit) {
    if (!this.edits.some((one) => sameEdit(one, edit))) this.set([...this.edits, edit]);
  }

  /** @param {Part} part */
  toggle(part) {
    this.look(part);
    const kept = this.edits.filter((edit) => !switchesOff(edit, part));
    const { layer, head } = part;
    const edit = head === null ? { kind: "ablate_mlp", layer } : { kind: "ablate_head", layer, head };
    this.set(kept.length < this.edits.length ? kept : [...kept, edit]);
  }

  /** Another trace. */
  load() {
    const about = this.model.get("_about");
    const dropped = this.model.get("_dropped");
    this.root.dataset.scale = this.model.get("scale");
    this.sentence.show(about.tokens);
    this.grid.build(about, this.model.get("_thumbnails"));
    this.other = null;
    this.accepted = this.edits;
    this.patch.renew();
    this.dropped.hidden = dropped.length === 0;
    this.dropped.replaceChildren(this.words.dropped, " ", element("span", { class: "number" }, dropped.join("; ")));
    this.mark();
    this.watch();
  }

  /** Another selection. */
  mark() {
    this.sentence.mark(this.place().query);
    this.drawGrid();
    this.patch.mark();
    this.row.mark();
  }

  /** Another token is followed. */
  watch() {
    this.effects.follow(this.watched, null);
    this.change();
  }

  /** Another list of edits: what is shown of the one before dims until the answer comes. */
  change() {
    const { edits, watched, refused } = this;
    const leads = this.leaders.some(({ token }) => token.id === watched);
    this.drawGrid();
    this.chips.show(edits, [], this.model.get("_about").tokens);
    this.notices.wait(this.root, true);
    const question = { edits, ...(leads ? {} : { watched }) };
    /** @returns {Promise<Outcome>} */
    const answer = async () => (edits.length || !leads ? ask(this.model, "outcome", question) : this.plain());
    this.lane.ask(
      answer,
      (outcome) => {
        this.accepted = edits;
        this.take(outcome, edits.length > 0);
        this.notices.say(refused);
      },
      (error) => {
        this.take(this.plain(), false);
        this.notices.say(error.message);
        this.refused = error.message;
        this.set(this.accepted); // what is shown is what Python has
        this.refused = "";
      },
    );
  }

  /** What is known without a question: the leaders of the plain pass. @returns {Outcome} */
  plain() {
    const rows = this.leaders.map(({ token, before }) => ({ token, before, after: before }));
    const followed = this.other;
    const other = followed && followed.token.id === this.watched ? { ...followed, after: followed.before } : null;
    return { movers: rows, leaders: rows, leader: rows[0], watched: other, moved: 0, codes: [], code: "" };
  }

  /** @param {Outcome} outcome @param {boolean} compared whether it is of edits that were done */
  take(outcome, compared) {
    this.notices.wait(this.root, false);
    this.other = outcome.watched ?? this.other;
    const id = this.watched;
    const watched = outcome.leaders.find(({ token }) => token.id === id) ?? outcome.watched;
    this.drawMenu();
    this.effects.name(watched?.token ?? null);
    this.chips.show(this.edits, outcome.codes, this.model.get("_about").tokens);
    const others = (compared ? outcome.movers : outcome.leaders).filter(({ token }) => token.id !== id);
    this.table.show([...(watched ? [watched] : []), ...others], this.model.get("_about").vocab, id, compared);
    this.tell(watched, compared ? outcome : null);
    this.codePart.hidden = !compared;
    // A vector's hundreds of numbers are one line that the eye can pass over; what is copied has them all.
    this.code.replaceChildren(
      ...outcome.code
        .split(/(\n)/)
        .map((line) => (line.startsWith("vector") ? element("span", { class: "folded" }, line) : line)),
    );
    setText(this.copied, "");
  }

  /** The outcome in words. @param {Row|null} watched @param {Outcome|null} outcome */
  tell(watched, outcome) {
    const { words } = this;
    const told = words.summary;
    /** @type {(Node|string)[]} */
    const said = [];
    if (watched) {
      const before = unbroken(watched.before);
      const after = unbroken(watched.after);
      const changed = watched.after < watched.before ? told.fell : told.rose;
      said.push(
        chip(watched.token),
        " ",
        !outcome ? told.plain(before) : before === after ? told.stayed(before) : changed(before, after),
      );
    }
    if (outcome && outcome.leader.token.id !== this.leaders[0].token.id) {
      said.push(" ", chip(outcome.leader.token), " ", words.leads(unbroken(outcome.leader.after)));
    }
    this.summary.replaceChildren(...said);
    setText(this.moved, outcome ? words.moved(unbroken(outcome.moved)) : "");
  }

  drawMenu() {
    const { other, leaders } = this;
    const known = !other || leaders.some(({ token }) => token.id === other.token.id);
    this.menu.replaceChildren(
      ...(known ? leaders : [...leaders, other]).map(({ token, before }) =>
        element("option", { value: token.id }, `${chipText(token)} · ${percent(before)}`),
      ),
    );
    this.menu.value = String(this.watched);
  }

  /** @param {number} id */
  follow(id) {
    this.model.set("_watched", id);
    this.model.save_changes();
  }

  /** Another token to follow, by its text. @param {string} text */
  search(text) {
    this.watchLane.ask(
      () => ask(this.model, "watch", { text }),
      (id) => {
        this.notices.say("");
        this.field.value = "";
        this.follow(id);
      },
      (error) => this.notices.say(error.message),
    );
  }

  drawGrid() {
    const theme = this.root.dataset.theme === "dark" ? "dark" : "light";
    this.grid.draw((part) => this.edits.some((edit) => switchesOff(edit, part)), this.place(), theme);
    this.effects.draw(theme);
  }

  /** Onto the clipboard where the page may, and marked in any case. */
  async copy() {
    getSelection()?.selectAllChildren(this.code);
    try {
      await navigator.clipboard.writeText(this.code.textContent ?? "");
      setText(this.copied, this.words.copied);
    } catch {
      setText(this.copied, this.words.marked);
    }
  }

  remove() {
    this.stopFrame();
    this.root.remove();
  }
}

/** A share that no line break parts from its sign. @param {number} share */
function unbroken(share) {
  return percent(share).replace(" ", "\u00a0");
}

/** @param {{model: any, el: HTMLElement, host: any}} context */
async function render({ model, el, host }) {
  const selection = await host.getModel(model.get("_selection"));
  const view = new Intervention(model, selection, el);
  const load = () => view.load();
  const change = () => view.change();
  const watch = () => view.watch();
  const mark = () => view.mark();
  model.on("change:_source change:scale", load);
  model.on("change:_edits", change);
  model.on("change:_watched", watch);
  selection.on("change:layer change:head change:query", mark);
  return () => {
    model.off("change:_source change:scale", load);
    model.off("change:_edits", change);
    model.off("change:_watched", watch);
    selection.off("change:layer change:head change:query", mark);
    view.remove();
  };
}

export default { render: whenFilled(render) };
