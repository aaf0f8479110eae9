// @ts-check
/**
 * The row of names under the picture, each below the part of the picture that it is about: a click opens the station,
 * and pointing at a name shows its sentence.
 */
import { button, element } from "../shared/dom.js";

/** @typedef {import("./stations.js").Station} Station */

export class Rail {
  /**
   * @param {import("./words.js").Words} words
   * @param {Station[]} stations
   * @param {(station: Station) => void} onToggle
   */
  constructor(words, stations, onToggle) {
    this.words = words;
    this.stations = stations;
    /** The station whose sentence is shown. @type {Station|null} */
    this.pointed = null;
    this.sentence = element("p", { class: "sentence numbers", role: "status" });
    this.buttons = stations.map((station, index) => {
      const node = button("", () => onToggle(station), { "aria-expanded": "false" });
      const number = element("span", { class: "muted", "aria-hidden": "true" }, `${index + 1}`);
      node.append(number, element("span", {}, station.title));
      node.addEventListener("mouseenter", () => this.point(station));
      node.addEventListener("mouseleave", () => this.point(null));
      node.addEventListener("focus", () => this.point(station));
      node.addEventListener("blur", () => this.point(null));
      return node;
    });
    const names = stations.map(({ kind }, i) => element("li", { class: `at-${kind.name}` }, this.buttons[i]));
    const list = element("ol", { class: "places" }, ...names);
    this.root = element("nav", { class: "rail", "aria-label": words.rail }, list, this.sentence);
    this.show();
  }

  /** @param {Station|null} station */
  point(station) {
    this.pointed = station;
    this.show();
  }

  /** Shows which station is open, and the sentence of the one that is pointed at. */
  show() {
    this.stations.forEach((station, i) => {
      this.buttons[i].setAttribute("aria-expanded", String(station.isOpen));
    });
    const { pointed, words } = this;
    const isRead = pointed?.isOpen === false; // an open station has its sentence beside its title
    const text = isRead ? [...pointed.sentence.cloneNode(true).childNodes] : [words.railHint];
    this.sentence.classList.toggle("muted", !isRead);
    this.sentence.replaceChildren(...text);
  }
}
