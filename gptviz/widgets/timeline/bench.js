// @ts-check
/** A step of the generation on a sampling bench, which opens below a button. */
import { element } from "../shared/dom.js";
import { makeNotices } from "../shared/frame.js";
import { ask, Lane } from "../shared/kernel.js";
import { offer } from "../shared/offer.js";

/** @typedef {import("../shared/kernel.js").Model} Model */
/** @typedef {import("./head_row.js").ShownStep} ShownStep */

export class StepBench {
  /** @param {Model} model @param {import("../shared/kernel.js").Host} host @param {import("./words.js").Words} words */
  constructor(model, host, words) {
    this.model = model;
    this.host = host;
    this.lane = new Lane();
    this.notices = makeNotices(model);
    this.drawnReference = ""; // of the bench that is shown
    /** @type {ShownStep|null} */
    this.shown = null;
    this.button = element("button", { type: "button", class: "bench", "aria-expanded": "false" }, words.bench);
    offer(this.button, model, "bench");
    this.button.addEventListener("click", () => {
      this.setOpen(this.container.hidden);
      this.load();
    });
    // The bench stands beside the timeline and not inside it, since a view has styles of its own.
    this.container = element("div", { class: "gptviz-timeline-bench", hidden: "" });
  }

  /** @param {boolean} isOpen */
  setOpen(isOpen) {
    this.container.hidden = !isOpen;
    this.button.setAttribute("aria-expanded", String(isOpen));
  }

  /** Makes the bench of the step before dim. @param {ShownStep|null} shown */
  setStep(shown) {
    this.shown = shown;
    this.notices.setProblem("");
    if (shown) this.container.toggleAttribute("data-asking", !this.container.hidden);
  }

  /** Lets the kernel put the step on the bench, if the bench is open. */
  load() {
    const { shown, container } = this;
    if (container.hidden || !shown) return;
    const isShown = () => this.shown?.step === shown.step;
    this.lane.ask(
      () => this.draw(shown.index),
      () => container.toggleAttribute("data-asking", !isShown()),
      (error) => {
        this.setOpen(false);
        container.toggleAttribute("data-asking", !isShown());
        if (isShown()) this.notices.revealProblem(error.message);
      },
    );
  }

  /** The bench is drawn once; the kernel changes its content. @param {number} step */
  async draw(step) {
    const reference = await ask(this.model, "bench", { step });
    if (this.drawnReference === reference) return;
    this.drawnReference = reference;
    const child = await this.host.getWidget(reference);
    this.container.replaceChildren();
    await child.render({ el: this.container });
  }
}
