// @ts-check
/** The next token's probabilities as bars from 0 to 100 %, before and after the cuts. One of the tokens is followed. */
import { percentAxis } from "../shared/bars.js";
import { chip } from "../shared/chips.js";
import { button, element, setText } from "../shared/dom.js";
import { arrowStep } from "../shared/keys.js";
import { allDigits, clamp, percent } from "../shared/numbers.js";

/** @typedef {import("../shared/chips.js").PageToken} PageToken */
/**
 * after: null without cuts; leadsNow: whether it leads only after the cuts, so that nothing else is known of it.
 * @typedef {{token: PageToken, before: number, after: number|null, leadsNow?: boolean}} Outcome
 */

export class NextBars {
  /**
   * @param {import("./words.js").Words} words
   * @param {{follow: (index: number) => void, offer: (bar: HTMLButtonElement) => HTMLButtonElement}} actions `offer`:
   *   turns a bar off if nothing more is known of its token
   */
  constructor(words, actions) {
    this.words = words;
    this.actions = actions;
    this.title = element("h4", {});
    this.list = element("ol", { class: "bars" });
    this.hint = element("p", { class: "muted small" });
    const axis = element("div", { class: "bar-row axis" }, element("span", {}), percentAxis(), element("span", {}));
    this.root = element("div", { class: "next numbers" }, this.title, this.hint, axis, this.list);
    this.list.addEventListener("keydown", (event) => this.moveFocus(event));
  }

  /**
   * @param {PageToken} token the followed token
   * @param {Outcome[]} outcomes the likeliest before the cuts; one that leads only after them comes last
   * @param {number} followed
   * @param {number} vocabulary its size
   */
  show(token, outcomes, followed, vocabulary) {
    const { words } = this;
    this.title.replaceChildren(`${words.next} `, chip(token));
    const isCut = outcomes.some(({ after }) => after !== null);
    const rows = outcomes.map((outcome, i) => {
      const name = outcome.leadsNow
        ? element("span", { class: "leads-now" })
        : this.actions.offer(button("", () => this.actions.follow(i), { "aria-pressed": String(i === followed) }));
      name.append(chip(outcome.token));
      return this.row(name, outcome.before, outcome.after);
    });
    const left = (/** @type {"before"|"after"} */ when) =>
      Math.max(
        0,
        outcomes.reduce((share, outcome) => share - (outcome[when] ?? 0), 1),
      );
    const others = element("span", { class: "muted" }, words.others(vocabulary - outcomes.length));
    if (vocabulary > outcomes.length) rows.push(this.row(others, left("before"), isCut ? left("after") : null));
    const focused = [...this.list.querySelectorAll("button")].indexOf(/** @type {any} */ (document.activeElement));
    this.list.replaceChildren(...rows);
    setText(this.hint, this.list.querySelector("[data-absent]") ? words.nextNotKept : words.nextHint);
    if (focused >= 0) this.list.querySelectorAll("button")[focused]?.focus();
  }

  /** @param {HTMLElement} name @param {number} before @param {number|null} after */
  row(name, before, after) {
    const bar = element("span", { class: "bar" });
    bar.style.width = `${100 * (after ?? before)}%`;
    const track = element("span", { class: "track", "aria-hidden": "true" }, bar);
    if (after !== null) {
      const ghost = element("span", { class: "ghost" });
      ghost.style.width = `${100 * before}%`;
      track.prepend(ghost);
    }
    const was = percent(before).replace(" %", "");
    const text = after === null ? percent(before) : this.words.effect(was, percent(after));
    const title = after === null ? allDigits(before) : this.words.effect(allDigits(before), allDigits(after));
    return element("li", { class: "bar-row" }, name, track, element("span", { class: "number", title }, text));
  }

  /** Moves the focus to the next bar in the direction of an arrow key. @param {KeyboardEvent} event */
  moveFocus(event) {
    const buttons = [...this.list.querySelectorAll("button")];
    const focused = buttons.indexOf(/** @type {HTMLButtonElement} */ (event.target));
    const step = focused < 0 ? undefined : arrowStep(event);
    if (!step) return;
    const next = clamp(focused + step[0] + step[1], 0, buttons.length - 1);
    buttons[next].focus();
    buttons[next].click();
  }
}
