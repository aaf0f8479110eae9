// @ts-check
/** The view model of a view that edits a pass: one list of edits, which all such views share, as in `edited.py`. */

import { keptEdits } from "./edit_list.js";
import { Reading } from "./reading.js";
import { LiveView } from "./view.js";

/** @typedef {import("../../widgets/shared/edits.js").Edit} Spec */

export class LiveEdited extends LiveView {
  /** The edited pass that was asked for last. @type {{key: string, plain: Reading, reading: Reading}|null} */
  latest = null;

  fill() {
    this.latest = null;
    return keptEdits(this.kernel.editList, this.state._edits);
  }

  /** @param {Record<string, any>} traits */
  receive(traits) {
    super.receive(traits);
    if (!traits._edits) return;
    for (const view of this.kernel.followers)
      if (view !== this && view instanceof LiveEdited)
        view.set({ _edits: traits._edits.map((/** @type {Spec} */ spec) => this.kernel.editList.sent(spec)) });
  }

  /** Returns the pass with these edits; the plain one without any. @param {Spec[]} specs */
  edited(specs) {
    const { reading: plain, latest, model } = this;
    if (!specs.length) return plain;
    const key = JSON.stringify(specs);
    if (latest?.key === key && latest.plain === plain) return latest.reading;
    const reading = new Reading(model, plain.ids, plain.text, this.kernel.editList.edits(specs));
    reading.pass.logits(); // refuses edits that leave them infinite
    this.latest = { key, plain, reading };
    return reading;
  }
}
