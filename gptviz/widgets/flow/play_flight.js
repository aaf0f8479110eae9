// @ts-check
/** The marker that falls on the drawn token's bar, and the token that flies from there to the end of the sentence. */
import { chip } from "../shared/chips.js";
import { element } from "../shared/dom.js";

/** @typedef {import("./play_state.js").State} State */
/** @typedef {{x: number, y: number}} Point */

const FALL = 70; // pixels
const ARC = 40; // pixels above the straight way

export class Flight {
  constructor() {
    this.marker = element("span", { class: "play-marker" }, "▼");
    this.token = element("span", { class: "play-token" });
    this.root = element("div", { class: "play-flight", "aria-hidden": "true" }, this.marker, this.token);
    /** What stands at the end of the sentence when the token has arrived. */
    this.arrived = element("li", { class: "play-arrived", "aria-hidden": "true" });
    /** @type {Point} */
    this.from = { x: 0, y: 0 };
    /** @type {Point} */
    this.to = { x: 0, y: 0 };
  }

  /** Takes the drawn token. @param {import("../shared/chips.js").PageToken} token @param {HTMLElement} sentence */
  take(token, sentence) {
    this.token.replaceChildren(chip(token));
    this.arrived.replaceChildren(chip(token));
    sentence.append(this.arrived);
  }

  /** Reads where the token's bar and the end of the sentence are. @param {Element|undefined} row of the bar */
  aim(row) {
    const origin = this.root.getBoundingClientRect();
    const start = (row?.querySelector(".chip") ?? row)?.getBoundingClientRect();
    const end = this.arrived.getBoundingClientRect();
    if (start) this.from = { x: start.left - origin.left, y: start.top - origin.top };
    this.to = { x: end.left - origin.left, y: end.top - origin.top };
  }

  /** Shows a state. @param {State} state */
  show({ marker, flight }) {
    const { from, to } = this;
    this.marker.style.opacity = String(Math.min(1, 3 * marker));
    this.marker.style.transform = `translate(${from.x - 18}px, ${(from.y - FALL * (1 - marker)).toFixed(1)}px)`;
    const x = from.x + (to.x - from.x) * flight;
    const y = from.y + (to.y - from.y) * flight - ARC * 4 * flight * (1 - flight);
    this.token.style.opacity = flight > 0 && flight < 1 ? "1" : "0";
    this.token.style.transform = `translate(${x.toFixed(1)}px, ${y.toFixed(1)}px)`;
    this.arrived.style.opacity = flight < 1 ? "0" : "1";
  }

  remove() {
    this.root.remove();
    this.arrived.remove();
  }
}
