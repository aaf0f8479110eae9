// @ts-check
/**
 * The intervention view: squares that switch parts off, the list of edits, and the next token before and after them.
 *
 * The list of edits is the trait `_edits`. After every change of it, from the page or from Python, the page asks for
 * the outcome of the whole list.
 */
import { chip, chipText } from "../shared/chips.js";
import { element, form, setText, textField } from "../shared/dom.js";
import { isSameEdit } from "../shared/edits.js";
import { addFrame, listen, makeNotices, whenFilled } from "../shared/frame.js";
import { ask, isAnswered, Lane } from "../shared/kernel.js";
import { percent } from "../shared/numbers.js";
import { offer, offerOptions, setOffered } from "../shared/offer.js";
import { OpeningNote } from "../shared/opening.js";
import { makeSentence } from "../shared/sentence.js";
import { aboutOf, StackMenu, stackArgument, tokensOf } from "../shared/stacks.js";
import { pageTheme } from "../shared/theme.js";
import { sharedWords, wordsOf } from "../shared/words.js";
import { CodeBox } from "./code.js";
import { EditChips, switchesOff } from "./edits.js";
import { EffectSwitch } from "./effects.js";
import { PatchForm, RowForm } from "./forms.js";
import { PartGrid } from "./grid.js";
import { MoverTable } from "./rows.js";
import { catalogue } from "./words.js";

/** @typedef {import("../shared/kernel.js").Model} Model */
/** @typedef {import("./rows.js").MoverRow} MoverRow */
/** @typedef {import("./grid.js").Part} Part */
/** @typedef {import("../shared/edits.js").Edit} Edit */
/**
 * The next token with the edits.
 * @typedef {{movers: MoverRow[], leaders: MoverRow[], leader: MoverRow, watched: MoverRow|null, moved: number,
 *   codes: string[], code: string}} Outcome
 */

class Intervention {
  /** @param {Model} model @param {Model} selection @param {HTMLElement} el */
  constructor(model, selection, el) {
    const words = wordsOf(model, catalogue);
    this.model = model;
    this.selection = selection;
    this.words = words;
    this.lane = new Lane();
    this.searchLane = new Lane();
    /** The followed token, if it is none of the leaders. @type {MoverRow|null} */
    this.other = null;
    /** The last list that Python accepted. @type {Edit[]} */
    this.accepted = [];
    this.refusal = ""; // why Python refused the list after it
    this.notices = makeNotices(model);
    this.sentence = makeSentence(words.tokens, (query) => this.select({ query }));
    this.grid = new PartGrid(words, sharedWords(model).common.noAttention, (part) => this.toggle(part));
    this.stackMenu = new StackMenu(model);
    this.opening = new OpeningNote(model);
    this.effects = new EffectSwitch(model, words, this.grid, {
      redraw: () => this.drawGrid(),
      setProblem: this.notices.setProblem,
    });
    this.chips = new EditChips(words, {
      look: (part) => this.look(part),
      remove: (index) => this.setEdits(this.edits.toSpliced(index, 1)),
      removeAll: () => this.setEdits([]),
      offer: (control, edits) => setOffered(control, model, this.hasOutcome(edits)),
    });
    this.dropped = element("p", { class: "muted small", role: "status", hidden: "" });
    this.menu = element("select", {});
    this.menu.addEventListener("change", () => this.follow(Number(this.menu.value)));
    this.field = textField({ placeholder: words.other, "aria-label": words.other });
    this.summary = element("p", { class: "summary", role: "status" });
    this.table = new MoverTable(words);
    this.moved = element("p", { class: "muted small" });
    this.code = new CodeBox(words);
    const context = {
      model,
      words,
      selected: () => this.selected(),
      select: (/** @type {Record<string, number>} */ changes) => this.select(changes),
      add: (/** @type {Edit} */ edit) => this.add(edit),
    };
    this.patch = new PatchForm(context);
    this.row = new RowForm(context);
    this.root = this.build();
    this.stopFrame = addFrame(model, this.root, () => this.drawGrid());
    el.append(this.root);
    this.load();
  }

  build() {
    const { words, model, grid, effects } = this;
    const title = model.get("_title");
    const find = offer(element("button", {}, words.otherButton), model, "watch");
    const search = form({}, () => this.search(this.field.value), this.field, find);
    const parts = element(
      "div",
      { class: "parts" },
      element("h4", {}, words.parts),
      this.stackMenu.root,
      effects.root,
      grid.root,
      grid.readout,
      effects.legend,
      effects.hint,
      this.opening.root,
    );
    const edits = element(
      "div",
      { class: "sentences" },
      this.chips.root,
      this.dropped,
      element("div", { class: "follow" }, element("label", {}, `${words.follow} `, this.menu), search),
      element("div", { class: "numbers" }, this.summary),
    );
    const outcome = element("div", { class: "outcome numbers" }, this.table.root, this.moved, this.code.root);
    return element(
      "section",
      { class: "gptviz gptviz-intervention", "aria-label": title },
      element("header", {}, element("h3", {}, title), this.notices.computing),
      this.notices.problem,
      this.sentence.root,
      element("div", { class: "panes" }, parts, edits, outcome),
      this.patch.root,
      this.row.root,
    );
  }

  /** @returns {Edit[]} */
  get edits() {
    return this.model.get("_edits");
  }

  /** The likeliest next tokens without edits. @returns {MoverRow[]} */
  get leaders() {
    return this.model.get("_about").leaders;
  }

  /** The id of the followed token. */
  get followedId() {
    const id = this.model.get("_watched");
    return id < 0 ? this.leaders[0].token.id : id;
  }

  /** Returns the selection, limited to what this trace has. */
  selected() {
    const { tokens, layers, heads, heads_in } = aboutOf(this.model);
    const query = this.selection.get("query");
    const layer = Math.min(this.selection.get("layer"), layers - 1);
    return {
      layer,
      head: Math.min(this.selection.get("head"), (heads_in[layer] || heads) - 1),
      query: query < 0 ? tokens.length - 1 : Math.min(query, tokens.length - 1),
    };
  }

  /** @param {Record<string, number>} changes */
  select(changes) {
    for (const [name, value] of Object.entries(changes)) this.selection.set(name, value);
    this.selection.save_changes();
  }

  /** Shows a part in linked views. @param {Part} part */
  look({ layer, head }) {
    this.select(head === null ? { layer } : { layer, head });
  }

  /** @param {Edit[]} edits */
  setEdits(edits) {
    this.model.set("_edits", edits);
    this.model.save_changes();
  }

  /** Adds an edit, unless the list has it. @param {Edit} edit */
  add(edit) {
    if (!this.edits.some((other) => isSameEdit(other, edit))) this.setEdits([...this.edits, edit]);
  }

  /** Switches a part off, or on again. @param {Part} part */
  toggle(part) {
    this.look(part);
    this.setEdits(this.toggled(part));
  }

  /** Returns the list with a part switched off, or on again. @param {Part} part */
  toggled(part) {
    const others = this.edits.filter((edit) => !switchesOff(edit, part));
    const { layer, head, stack } = part;
    const ofStack = stack ? { stack } : {};
    const edit =
      head === null ? { kind: "ablate_mlp", layer, ...ofStack } : { kind: "ablate_head", layer, head, ...ofStack };
    return others.length < this.edits.length ? others : [...others, edit];
  }

  /** Returns the arguments of the question for a list's outcome. @param {Edit[]} edits @param {number} id followed */
  questionAbout(edits, id) {
    const isLeader = this.leaders.some(({ token }) => token.id === id);
    return { edits, ...(isLeader ? {} : { watched: id }) };
  }

  /**
   * Returns whether the outcome of a list is known here, or can be computed.
   * @param {Edit[]} edits
   * @param {number} [id] of the followed token
   */
  hasOutcome(edits, id = this.followedId) {
    const question = this.questionAbout(edits, id);
    return (!edits.length && !("watched" in question)) || isAnswered(this.model, "outcome", question);
  }

  /** Shows a new trace. */
  load() {
    /** @type {import("../shared/edits.js").Edit[]} */
    const edits = this.model.get("_dropped");
    const dropped = edits.map(({ code }) => code).join("; ");
    this.root.dataset.scale = this.model.get("scale");
    this.showParts();
    this.other = null;
    this.accepted = this.edits;
    this.patch.renew();
    this.dropped.hidden = !dropped;
    this.dropped.replaceChildren(this.words.dropped, " ", element("span", { class: "number" }, dropped));
    this.mark();
    this.showFollowed();
  }

  /** Shows the text and the parts of the stack that is shown. */
  showParts() {
    const about = aboutOf(this.model);
    this.stackMenu.show();
    this.sentence.show(about.tokens);
    this.grid.build(about, this.model.get("_thumbnails"), stackArgument(this.model));
    this.opening.write(about.opening, about.tokens, about.keys ?? about.tokens);
  }

  /** Shows another stack of an encoder-decoder. */
  showStack() {
    this.showParts();
    this.patch.renew();
    this.mark();
    this.showFollowed();
  }

  /** Shows the selection. */
  mark() {
    const { layer, head, query } = this.selected();
    this.sentence.mark(query);
    this.opening.show(layer, head);
    this.drawGrid();
    this.patch.mark();
    this.row.mark();
  }

  /** Shows the numbers of another followed token. */
  showFollowed() {
    this.effects.follow(this.followedId, null);
    this.update();
  }

  /** Asks for the outcome of the present list; until it comes, the numbers of the list before are dim. */
  update() {
    const { edits, refusal } = this;
    this.drawGrid();
    this.chips.show(edits, [], ({ stack }) => tokensOf(this.model, stack));
    this.notices.setWaiting(this.root, true);
    const args = this.questionAbout(edits, this.followedId);
    /** @returns {Promise<Outcome>} */
    const question = async () =>
      edits.length || "watched" in args ? ask(this.model, "outcome", args) : this.outcomeWithoutEdits();
    this.lane.ask(
      question,
      (outcome) => {
        this.accepted = edits;
        this.showOutcome(outcome, edits.length > 0);
        this.notices.setProblem(refusal);
      },
      (error) => {
        this.showOutcome(this.outcomeWithoutEdits(), false);
        this.notices.setProblem(error.message);
        this.refusal = error.message; // stays in sight while the accepted list is shown again
        this.setEdits(this.accepted);
        this.refusal = "";
      },
    );
  }

  /** Returns what is known without a question: the leaders before any edit. @returns {Outcome} */
  outcomeWithoutEdits() {
    const { other } = this;
    const rows = this.leaders.map(({ token, before }) => ({ token, before, after: before }));
    const isFollowed = other !== null && other.token.id === this.followedId;
    const followed = isFollowed ? { ...other, after: other.before } : null;
    return { movers: rows, leaders: rows, leader: rows[0], watched: followed, moved: 0, codes: [], code: "" };
  }

  /** @param {Outcome} outcome @param {boolean} isCompared whether there are edits to compare with */
  showOutcome(outcome, isCompared) {
    this.notices.setWaiting(this.root, false);
    this.other = outcome.watched ?? this.other;
    const id = this.followedId;
    const followed = outcome.leaders.find(({ token }) => token.id === id) ?? outcome.watched;
    const { vocab } = this.model.get("_about");
    this.drawMenu();
    this.effects.nameToken(followed?.token ?? null);
    this.chips.show(this.edits, outcome.codes, ({ stack }) => tokensOf(this.model, stack));
    const others = (isCompared ? outcome.movers : outcome.leaders).filter(({ token }) => token.id !== id);
    this.table.show([...(followed ? [followed] : []), ...others], vocab, id, isCompared);
    this.summarise(followed, isCompared ? outcome : null);
    this.code.show(isCompared ? outcome.code : "");
  }

  /** Says what changed. @param {MoverRow|null} followed @param {Outcome|null} outcome null without edits */
  summarise(followed, outcome) {
    const { words } = this;
    /** @type {(Node|string)[]} */
    const parts = [];
    if (followed) parts.push(chip(followed.token), " ", this.changeText(followed, outcome !== null));
    if (outcome && outcome.leader.token.id !== this.leaders[0].token.id) {
      parts.push(" ", chip(outcome.leader.token), " ", words.leads(unbroken(outcome.leader.after)));
    }
    this.summary.replaceChildren(...parts);
    setText(this.moved, outcome ? words.moved(unbroken(outcome.moved)) : "");
  }

  /** @param {MoverRow} followed @param {boolean} isCompared */
  changeText(followed, isCompared) {
    const { plain, stayed, fell, rose } = this.words.summary;
    const before = unbroken(followed.before);
    const after = unbroken(followed.after);
    if (!isCompared) return plain(before);
    if (before === after) return stayed(before);
    return followed.after < followed.before ? fell(before, after) : rose(before, after);
  }

  drawMenu() {
    const { other, leaders } = this;
    const isLeader = !other || leaders.some(({ token }) => token.id === other.token.id);
    const options = (isLeader ? leaders : [...leaders, other]).map(({ token, before }) =>
      element("option", { value: token.id }, `${chipText(token)} · ${percent(before)}`),
    );
    this.menu.replaceChildren(...options);
    this.menu.value = String(this.followedId);
    offerOptions(this.menu, this.model, (i) => this.hasOutcome(this.edits, Number(this.menu.options[i].value)));
  }

  /** @param {number} id */
  follow(id) {
    this.model.set("_watched", id);
    this.model.save_changes();
  }

  /** Follows the token that a text stands for. @param {string} text */
  search(text) {
    this.searchLane.ask(
      () => ask(this.model, "watch", { text }),
      (id) => {
        this.notices.setProblem("");
        this.field.value = "";
        this.follow(id);
      },
      (error) => this.notices.setProblem(error.message),
    );
  }

  drawGrid() {
    const theme = pageTheme();
    this.grid.draw((part) => this.edits.some((edit) => switchesOff(edit, part)), this.selected(), theme);
    for (const { button, part } of this.grid.cells) {
      setOffered(button, this.model, this.hasOutcome(this.toggled(part)));
    }
    this.effects.draw(theme);
  }

  remove() {
    this.stopFrame();
    this.root.remove();
  }
}

/** Writes a share as per cent that no line break divides. @param {number} share */
function unbroken(share) {
  return percent(share).replace(" ", "\u00a0");
}

/** @param {import("../shared/kernel.js").RenderProps} context */
async function render({ model, el, host }) {
  const selection = await host.getModel(model.get("_selection"));
  const view = new Intervention(model, selection, el);
  return listen(
    view,
    [model, "change:_source change:scale", () => view.load()],
    [model, "change:_edits", () => view.update()],
    [model, "change:_watched", () => view.showFollowed()],
    [model, "change:_stack", () => view.showStack()],
    [selection, "change:layer change:head change:query", () => view.mark()],
  );
}

export default { render: whenFilled(render) };
