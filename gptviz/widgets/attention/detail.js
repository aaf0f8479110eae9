// @ts-check
/** The arithmetic of the selected cell, folded until it is opened. */
import { element, setText } from "../shared/dom.js";
import { addWaitingMark } from "../shared/frame.js";
import { ask, isAnswered, Lane } from "../shared/kernel.js";
import { setOffered } from "../shared/offer.js";
import { sharedWords } from "../shared/words.js";
import { CellArithmetic, RowMix } from "./cell.js";

/** @typedef {import("./cell.js").SelectedCell} SelectedDetail */

export class CellDetail {
  /**
   * @param {import("../shared/kernel.js").Model} model
   * @param {import("./words.js").Words} words
   * @param {() => void} onOpen
   */
  constructor(model, words, onOpen) {
    this.model = model;
    this.lane = new Lane();
    this.cell = new CellArithmetic(words);
    this.mix = new RowMix(words);
    this.problem = element("p", { class: "muted" });
    this.reason = element("span", { class: "muted small" });
    this.summary = element("summary", {}, words.explain, this.reason);
    const attributes = { class: "detail numbers" };
    this.root = element("details", attributes, this.summary, this.problem, this.cell.root, this.mix.root);
    this.root.open = model.get("_explained") === true;
    this.root.addEventListener("toggle", () => this.keepOpen(onOpen));
    this.setWaiting = addWaitingMark(this.root, model);
  }

  /** Tells whether it is open, so that a view around this one can know and change it. @param {() => void} onOpen */
  keepOpen(onOpen) {
    const { model, root } = this;
    if (model.get("_explained") !== root.open) {
      model.set("_explained", root.open);
      model.save_changes();
    }
    onOpen();
  }

  /** Opens or closes it as the model says. */
  follow() {
    this.root.open = this.model.get("_explained") === true;
  }

  /**
   * Asks for a cell's numbers and shows them, if the part is open and the page has them.
   * @param {SelectedDetail} selected
   */
  show(selected) {
    const { address, query, key } = selected;
    const isKept = isAnswered(this.model, "cell", { ...address, query, key });
    const { absent } = sharedWords(this.model).common;
    const isOffered = isKept || this.root.open; // what is open can be closed
    setOffered(this.summary, this.model, isOffered);
    setText(this.reason, isOffered ? "" : ` ${absent}`);
    if (!this.root.open) return;
    if (!isKept) return this.settle(false, absent);
    const question = async () => [
      await ask(this.model, "cell", { ...address, query, key }),
      await ask(this.model, "mix", { ...address, query }).catch((error) => error), // the cell is shown without it
    ];
    this.setWaiting(true);
    this.lane.ask(
      question,
      ([cell, mix]) => {
        this.cell.show(cell, selected);
        if (mix instanceof Error) return this.settle(true, mix.message);
        this.mix.show(mix, selected);
        this.settle(true, "");
      },
      (error) => this.settle(false, error.message),
    );
  }

  /**
   * Shows the numbers, and the reason why some are missing.
   * @param {boolean} hasCell whether the steps to the weight are known
   * @param {string} problem why what the head adds is not, or ""
   */
  settle(hasCell, problem) {
    setText(this.problem, problem);
    this.problem.hidden = problem === "";
    this.cell.root.hidden = !hasCell;
    this.mix.root.hidden = problem !== "";
    this.setWaiting(false);
  }
}
