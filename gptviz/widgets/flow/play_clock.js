// @ts-check
/**
 * The clock of the player: goes through steps in time, or one by one. What a step and a state look like is not its
 * matter.
 */
import { clamp } from "../shared/numbers.js";
import { between, eased, startState } from "./play_state.js";

/** @typedef {import("./play_state.js").State} State */
/** @typedef {import("./play_steps.js").Step} Step */

const LONGEST_FRAME = 100; // milliseconds that count; a page that was hidden goes on where it was
export const SPEEDS = [1, 2, 0.5];

export class Clock {
  /**
   * @param {{entered: () => void, moved: () => void, changed: () => void}} actions `entered`: a step begins; `moved`:
   *   the state is another; `changed`: the clock goes, or stands still
   */
  constructor(actions) {
    this.actions = actions;
    this.isPlaying = false;
    this.isMoving = false; // whether the present step still moves
    this.isPending = false; // whether more steps may come
    this.speed = SPEEDS[0];
    this.frame = 0;
    this.last = 0; // the time of the last frame
    this.elapsed = 0; // milliseconds of the present step
    this.index = 0;
    /** @type {Step[]} */
    this.steps = [];
    /** @type {State} */
    this.state = startState(0);
    this.from = this.state;
  }

  get step() {
    return this.steps[this.index];
  }

  /** Whether it stands still at the last step. */
  get isAtEnd() {
    return !this.isPlaying && !this.isPending && this.index === this.steps.length - 1;
  }

  /** Plays from the first step. */
  start() {
    this.isPlaying = true;
    this.state = startState(this.steps[0].state.credit);
    this.enter(0);
  }

  toggle() {
    if (this.isAtEnd) return this.start();
    this.isPlaying = !this.isPlaying;
    this.isMoving &&= this.isPlaying;
    this.tick();
    this.actions.changed();
  }

  /** Goes some steps on or back, and pauses there. @param {number} steps */
  go(steps) {
    this.isPlaying = false;
    const index = clamp(this.index + steps, 0, this.steps.length - 1);
    if (steps < 0) this.state = this.steps[index].state;
    if (index !== this.index) this.enter(index);
    else this.finish();
  }

  /** Plays from a step on. @param {number} index */
  playFrom(index) {
    this.isPlaying = true;
    this.state = this.steps[index - 1].state;
    this.enter(index);
  }

  /** Takes the next of the speeds. */
  changeSpeed() {
    this.speed = SPEEDS[(SPEEDS.indexOf(this.speed) + 1) % SPEEDS.length];
    this.actions.changed();
  }

  stop() {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    this.isPlaying = false;
    this.isMoving = false;
  }

  /** Begins a step. @param {number} index */
  enter(index) {
    this.index = index;
    this.from = this.state;
    this.elapsed = 0;
    this.isMoving = true;
    this.actions.entered();
    const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (isStill) this.finish();
    else this.show(between(this.from, this.step.state, 0));
    this.tick();
  }

  /** Shows the end of the present step at once. */
  finish() {
    this.isMoving = false;
    this.show(this.step.state);
    this.actions.changed();
  }

  /** Asks for the next frame, if anything is to move. */
  tick() {
    if (this.frame || !(this.isPlaying || this.isMoving)) return;
    this.last = performance.now();
    this.frame = requestAnimationFrame((now) => this.advance(now));
  }

  /** @param {number} now */
  advance(now) {
    this.frame = 0;
    this.elapsed += this.speed * clamp(now - this.last, 0, LONGEST_FRAME);
    const { move, rest, state } = this.step;
    if (this.isMoving) {
      const time = Math.min(1, this.elapsed / move);
      this.show(between(this.from, state, eased(time)));
      if (time === 1) this.isMoving = false;
    }
    if (this.isPlaying && this.elapsed >= move + rest) this.goOn();
    this.tick();
  }

  /** Begins the next step, waits for it, or stops at the last one. */
  goOn() {
    if (this.index + 1 < this.steps.length) return this.enter(this.index + 1);
    if (this.isPending) return;
    this.isPlaying = false;
    this.actions.changed();
  }

  /** @param {State} state */
  show(state) {
    this.state = state;
    this.actions.moved();
  }
}
