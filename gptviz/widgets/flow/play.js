// @ts-check
/**
 * The player: shows one pass step by step, from the tokens to the prediction, the credit back, a draw and the next
 * pass.
 *
 * The steps are data, see `play_steps.js`; `play_clock.js` goes through them. Here is what puts a state on the page.
 */
import { chip } from "../shared/chips.js";
import { element } from "../shared/dom.js";
import { ask } from "../shared/kernel.js";
import { allDigits, percent, significant } from "../shared/numbers.js";
import { Clock } from "./play_clock.js";
import { Controls, onlyPlayer } from "./play_controls.js";
import { nextRow, rowOf } from "./play_facts.js";
import { Flight } from "./play_flight.js";
import { Scene, uncover } from "./play_scene.js";
import { makeSteps } from "./play_steps.js";
import { roomForPlay } from "./room.js";

/** @typedef {import("./play_steps.js").Play} Play */
/** @typedef {import("./next.js").Outcome} Outcome */

/**
 * What the player reads and moves in the view around it. `chosen`: the token whose credit is shown; `fold`: puts the
 * blocks of a pooled column together; `holdKeys`: runs when the play begins and ends.
 * @typedef {{root: HTMLElement, picture: import("./picture.js").Picture, sentence: HTMLElement,
 *   bars: import("./next.js").NextBars, chosen: () => number, hasCuts: () => boolean,
 *   outcomesAt: (token: number) => Outcome[], holdKeys: () => void, fold: () => void,
 *   ended: () => void}} Around
 */

export class Player {
  /**
   * @param {import("../shared/kernel.js").Model} model
   * @param {import("./words.js").Words} words
   * @param {() => Around} around
   */
  constructor(model, words, around) {
    this.model = model;
    this.words = words.play;
    this.around = around;
    this.isOn = false;
    this.shows = "";
    /** The answers about this trace. @type {Pick<Play, "draw"|"next"|"problem">} */
    this.answers = { draw: null, next: null, problem: [] };
    /** @type {Play|null} */
    this.play = null;
    this.controls = new Controls(words.play, {
      toggle: () => this.toggle(),
      step: (steps) => this.clock.go(steps),
      restart: () => this.clock.start(),
      end: () => this.end(),
      useCache: (isCached) => this.useCache(isCached),
      changeSpeed: () => this.clock.changeSpeed(),
    });
    this.clock = new Clock({
      entered: () => this.enter(),
      moved: () => this.show(),
      changed: () => this.showControls(),
    });
    this.says = element("p", { class: "play-says", role: "status", "aria-live": "polite" });
    this.scene = new Scene(words);
    this.flight = new Flight();
  }

  // What the buttons and keys do

  toggle() {
    if (this.isOn) this.clock.toggle();
    else this.start();
  }

  start() {
    const { root, picture, sentence, holdKeys, fold } = this.around();
    fold(); // the next pass comes with the columns that were sent
    this.isOn = true;
    this.clock.isPending = false;
    this.shows = "";
    root.dataset.playing = "";
    onlyPlayer(root, sentence, true);
    holdKeys();
    if (picture.opened !== null) picture.open(null);
    picture.stage.append(this.scene.root);
    root.append(this.flight.root);
    sentence.scrollTop = sentence.scrollHeight;
    this.prepare();
    this.clock.start();
    this.controls.play.focus();
    this.inquire();
  }

  /** Plays the next pass with or without a cache. @param {boolean} isCached */
  useCache(isCached) {
    if (!this.play) return;
    this.play.isCached = isCached;
    const { clock } = this;
    clock.steps = makeSteps(this.play, this.words.sentences);
    const next = clock.steps.findIndex(({ kind }) => kind === "next");
    if (clock.index < next) this.showControls();
    else clock.playFrom(next);
  }

  /** Ends the play: the ordinary picture with its numbers is there again. */
  end() {
    if (!this.isOn) return;
    this.close();
    this.around().ended();
  }

  /** Ends the play and forgets the answers about the previous trace. */
  forget() {
    this.close();
    this.answers = { draw: null, next: null, problem: [] };
  }

  /** Ends the play in a view that is drawn again, with its bars. */
  close() {
    if (!this.isOn) return;
    const { root, picture, sentence, holdKeys } = this.around();
    const hadFocus = root === document.activeElement || this.controls.root.contains(document.activeElement);
    this.stop();
    onlyPlayer(root, sentence, false);
    holdKeys();
    for (const name of ["playing", "step"]) delete root.dataset[name];
    this.scene.root.remove();
    this.flight.remove();
    picture.stage.style.minHeight = "";
    for (const node of [picture.canvas, picture.labels.root, picture.drawing.root]) node.style.cssText = "";
    for (const head of picture.headings.root.children) head.removeAttribute("data-now");
    this.bars(1);
    this.says.replaceChildren();
    this.showControls();
    if (hadFocus) this.controls.play.focus();
  }

  /** Stops the clock; nothing is shown any more. */
  stop() {
    this.clock.stop();
    this.isOn = false;
    this.play = null;
  }

  // What is played

  /** Makes the steps from the numbers of the view, and draws all rows. */
  prepare() {
    const { picture, chosen, hasCuts, outcomesAt } = this.around();
    const about = this.model.get("_about");
    const last = about.tokens.length - 1;
    this.play = {
      shares: picture.shares,
      tokens: about.tokens,
      names: picture.names,
      isPooled: picture.columns.map(([first, end]) => end > first),
      parallel: picture.parallel,
      kinds: picture.kinds,
      count: about.tokens[last].position + 1,
      width: about.width,
      chosen: chosen(),
      outcomes: outcomesAt(last),
      hasCuts: hasCuts(),
      ...this.answers,
      isCached: true,
    };
    this.refresh();
  }

  /** Takes the answers that are there now. */
  refresh() {
    if (!this.play) return;
    Object.assign(this.play, this.answers);
    this.clock.steps = makeSteps(this.play, this.words.sentences);
    const { draw } = this.answers;
    if (draw) this.flight.take(draw.token, this.around().sentence);
    this.draw();
  }

  /** Asks for the draw and the next pass, unless they are known. */
  async inquire() {
    const { play, answers, model, words, clock } = this;
    if (answers.next) return;
    answers.problem = []; // what was refused before is asked again
    clock.isPending = true;
    this.showControls();
    try {
      answers.draw ??= await ask(model, "draw", {});
      if (!model.get("_about").runs) answers.problem = words.sentences.noModel();
      else answers.next = await ask(model, "next_pass", {});
    } catch (error) {
      answers.problem = words.sentences.refused(/** @type {Error} */ (error).message);
    }
    if (this.play !== play) return; // another play has begun, or none is on
    clock.isPending = false;
    this.refresh();
    this.show();
    this.shows = "";
    this.showBars();
    this.showControls();
    clock.tick();
  }

  /** Draws the rows for the present width. */
  draw() {
    const { play, scene } = this;
    const { picture } = this.around();
    if (!play || !picture.geometry) return;
    const { tokens, shares, next } = play;
    const { edges, scale } = picture.geometry;
    const rows = tokens.map((_token, i) => rowOf(shares, i));
    const added = next && { token: next.token, row: nextRow(next, tokens.length) };
    const room = roomForPlay(this.around().root, picture.stage);
    const about = { edges, scale, room, start: picture.start, areWeights: shares.areWeights };
    picture.stage.style.minHeight = `${scene.draw(tokens, rows, added, about)}px`;
  }

  /** Fits the rows to another width of the view. */
  resize() {
    if (!this.isOn) return;
    this.draw();
    this.aim();
    this.show();
  }

  // The page

  /** Shows what a step says. */
  enter() {
    const { root, picture } = this.around();
    const { kind, column, sentence } = this.clock.step;
    root.dataset.step = kind;
    this.says.replaceChildren(...sentence.map((part) => this.written(part)));
    [...picture.headings.root.children].forEach((head, i) => head.toggleAttribute("data-now", i === column));
    this.showBars();
    this.aim();
    this.showControls();
  }

  /** Writes a piece of a sentence. @param {import("./play_words.js").Part} part @returns {Node|string} */
  written(part) {
    if (typeof part === "string") return part;
    if ("token" in part) {
      const { token } = part;
      if (token.earlier) return element("span", { class: "nowrap" }, this.words.earlier(token.earlier));
      const position = token.position ?? -1;
      const index = position < 0 ? [] : [element("sub", {}, String(position))];
      return element("span", { class: "nowrap" }, chip(token), ...index);
    }
    const isShare = "share" in part;
    const value = isShare ? part.share : part.value;
    const title = isShare ? allDigits(value) : String(value);
    const text = isShare ? percent(value).replace(" ", "\u00a0") : significant(value);
    return element("strong", { class: "number", title }, text);
  }

  /** Shows the present state. */
  show() {
    const { picture } = this.around();
    const { state } = this.clock;
    this.scene.show(state);
    this.flight.show(state);
    this.bars(state.bars);
    const { edges } = this.scene;
    const column = Math.min(Math.floor(state.credit), edges.length - 2);
    const x = edges[column] + (edges[column + 1] - edges[column]) * (state.credit - column);
    uncover(picture.canvas, picture.drawing.root, x);
    fade(picture.canvas, 1 - state.forward);
    fade(picture.labels.root, 1 - 2 * state.forward); // the other names come when these are gone
  }

  /** Shows how far the bars have grown. @param {number} grown from 0 to 1 */
  bars(grown) {
    const { list } = this.around().bars;
    list.style.setProperty("--grown", String(grown));
    list.style.opacity = grown < 1 ? String(grown) : "";
    list.style.visibility = grown ? "" : "hidden";
  }

  /** Shows the next token's probabilities that belong to the step. */
  showBars() {
    const { play } = this;
    const { shows } = this.clock.step;
    if (!play || shows === this.shows) return;
    this.shows = shows;
    const { bars } = this.around();
    const { vocab } = this.model.get("_about");
    if (shows === "next" && play.next) bars.show(play.next.token, withoutCuts(play.next.leaders), -1, vocab);
    else bars.show(play.tokens[play.tokens.length - 1], withDrawn(play), -1, vocab);
  }

  /** Reads where the drawn token's bar is. */
  aim() {
    const { play } = this;
    if (!play?.draw) return;
    const { id } = play.draw.token;
    const drawn = withDrawn(play).findIndex(({ token }) => token.id === id);
    this.flight.aim(this.around().bars.list.children[drawn]);
  }

  showControls() {
    const { isOn, play } = this;
    this.controls.show(this.clock, isOn, { hasNext: play?.next != null, isCached: play?.isCached ?? true });
  }
}

/** @param {HTMLElement} node @param {number} opacity */
function fade({ style }, opacity) {
  style.opacity = String(Math.max(0, opacity));
  style.visibility = opacity > 0 ? "" : "hidden";
}

/**
 * Returns the likeliest next tokens, and the drawn one if it is none of them.
 * @param {Play} play
 * @returns {Outcome[]}
 */
function withDrawn({ outcomes, draw }) {
  const known = withoutCuts(outcomes);
  if (!draw || known.some(({ token }) => token.id === draw.token.id)) return known;
  return [...known, { token: draw.token, before: draw.probability, after: null }];
}

/** @param {Outcome[]} outcomes @returns {Outcome[]} */
function withoutCuts(outcomes) {
  return outcomes.map(({ token, before }) => ({ token, before, after: null }));
}
