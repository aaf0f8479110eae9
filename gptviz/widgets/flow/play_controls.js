// @ts-check
/** The player's buttons: play, back, forward, restart, end, a switch for the cache, and how many steps are done. */
import { button, element, setText } from "../shared/dom.js";

const ICONS = { play: "▶", pause: "❚❚", restart: "↺", back: "◀", forward: "▶", end: "✕" };

export class Controls {
  /**
   * @param {import("./words.js").Words["play"]} words
   * @param {{toggle: () => void, step: (steps: number) => void, restart: () => void, end: () => void,
   *   useCache: (isCached: boolean) => void, changeSpeed: () => void}} actions
   */
  constructor(words, actions) {
    this.words = words;
    this.actions = actions;
    this.icon = element("span", { "aria-hidden": "true" }, ICONS.play);
    this.name = element("span", {}, words.start);
    this.play = button("", actions.toggle, { class: "play" });
    this.play.append(this.icon, this.name);
    const small = (/** @type {"restart"|"back"|"forward"|"end"} */ name, /** @type {() => void} */ onClick) =>
      button(ICONS[name], onClick, { "aria-label": words[name], title: words[name], "data-action": name });
    this.done = element("progress", { "aria-label": words.steps, value: 0, max: 1 });
    this.count = element("span", { class: "number small muted" });
    this.speed = button("", actions.changeSpeed, { class: "number", "data-action": "speed" });
    this.switch = element("input", { type: "checkbox", role: "switch" });
    this.switch.addEventListener("change", () => actions.useCache(!this.switch.checked));
    this.cache = element("label", { hidden: "" }, this.switch, ` ${words.uncached}`);
    this.end = small("end", actions.end);
    this.steering = element(
      "span",
      { class: "steering", hidden: "" },
      small("restart", actions.restart),
      small("back", () => actions.step(-1)),
      small("forward", () => actions.step(1)),
      this.done,
      this.count,
      this.speed,
      this.cache,
      this.end,
    );
    const group = { class: "player", role: "group", "aria-label": words.player, tabindex: -1, "data-no-picture": "" };
    this.root = element("div", group, this.play, this.steering);
  }

  /** Steers the play by a key that is pressed anywhere in the view. @param {KeyboardEvent} event */
  onKey(event) {
    if (this.steering.hidden) return;
    const { actions } = this;
    const step = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    const isSpace = event.key === " ";
    if (!step && !isSpace) return;
    event.stopPropagation();
    const control = /** @type {Element} */ (event.target).closest("button, input");
    if (isSpace && control) return; // it does its own
    event.preventDefault();
    if (step) actions.step(step);
    else actions.toggle();
  }

  /**
   * Shows where the player is.
   * @param {import("./play_clock.js").Clock} clock
   * @param {boolean} isOn
   * @param {{hasNext: boolean, isCached: boolean}} next the next pass
   */
  show(clock, isOn, { hasNext, isCached }) {
    const { words } = this;
    const { isPlaying, index, steps, speed } = clock;
    const isAtEnd = isOn && clock.isAtEnd;
    setText(this.icon, isPlaying ? ICONS.pause : ICONS.play);
    setText(this.name, isPlaying ? words.pause : isAtEnd ? words.again : isOn ? words.resume : words.start);
    this.steering.hidden = !isOn;
    setText(this.end, isAtEnd ? `${ICONS.end} ${words.finish}` : ICONS.end);
    this.end.setAttribute("aria-label", isAtEnd ? words.finish : words.end);
    this.done.max = steps.length;
    this.done.value = index + 1;
    setText(this.count, `${index + 1} / ${steps.length}`);
    const times = speed < 1 ? "½" : String(speed);
    setText(this.speed, `${times} ×`);
    for (const name of ["aria-label", "title"]) this.speed.setAttribute(name, words.speed(times));
    this.cache.hidden = !hasNext;
    this.switch.checked = !isCached;
  }
}

/**
 * Leaves only the player to the mouse of a view, or ends that.
 * @param {HTMLElement} view
 * @param {HTMLElement} sentence
 * @param {boolean} isOn
 */
export function onlyPlayer(view, sentence, isOn) {
  for (const part of [sentence, ...view.querySelectorAll(":scope > .panes")]) part.toggleAttribute("inert", isOn);
}
