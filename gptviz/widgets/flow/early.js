// @ts-check
/** What the model says when it is read early, for the followed token: sent with the view, or asked for. */
import { ask, float32, isAnswered, Lane, refusalText } from "../shared/kernel.js";
import { sharedWords } from "../shared/words.js";
import { LensLine } from "./lens.js";

export class Early {
  /**
   * @param {import("../shared/kernel.js").Model} model
   * @param {import("./words.js").Words} words
   * @param {() => void} onAnswer
   */
  constructor(model, words, onAnswer) {
    this.model = model;
    this.words = words;
    this.onAnswer = onAnswer;
    this.lane = new Lane();
    this.line = new LensLine(words);
    /**
     * The likeliest next tokens' probabilities at every depth: (T, leaders, L + 1); NaN where they were not sent.
     * @type {Float32Array}
     */
    this.shares = new Float32Array();
  }

  /** Takes the numbers of a new trace. */
  load() {
    this.shares = float32(this.model.get("_lens"));
  }

  /**
   * Shows the followed next token at every depth, and asks for what was not sent.
   * @param {import("./followed.js").Followed} followed
   * @param {import("../shared/chips.js").PageToken} outcome
   * @param {[number, number][]} columns the first and the last block of each
   * @param {number[]} tracks their relative widths
   */
  show(followed, outcome, columns, tracks) {
    const { layers, tied, leaders, lensRefusal } = this.model.get("_about");
    const size = layers + 1;
    const first = (followed.index * leaders[0].length + followed.outcome) * size;
    const shares = lensRefusal === null ? this.shares.subarray(first, first + size) : null;
    const isUnread = shares !== null && Number.isNaN(shares[0]);
    const { position } = followed.token;
    const isKept = !isUnread || isAnswered(this.model, "lens", { position });
    const notKept = isKept ? "" : this.words.lens.notKept;
    const problem = lensRefusal ? refusalText(sharedWords(this.model), lensRefusal) : notKept;
    this.line.show(outcome, shares, columns, tracks, tied, problem);
    if (isUnread && isKept && followed.hovered === null) this.ask(followed.index, followed.token);
  }

  /** @param {number} index @param {import("./followed.js").FlowToken} token */
  ask(index, { position }) {
    const { shares } = this;
    this.lane.ask(
      () => ask(this.model, "lens", { position }),
      ({ data }) => {
        shares.set(data, index * data.length);
        this.onAnswer();
      },
      (error) => this.line.say(error.message),
    );
  }
}
