// @ts-check
/** The words of the prompt box, in each language. */
import { promptRefusals } from "../shared/prompt_refusals.js";
import { reads } from "../shared/reads_words.js";
import { addRefusals } from "../shared/words.js";

const en = {
  run: "Run",
  status: reads.en,
};

/** @typedef {typeof en} Words */

/** @type {Words} */
const zh = {
  run: "运行",
  status: reads.zh,
};

addRefusals(promptRefusals);

export const catalogue = { en, zh };
