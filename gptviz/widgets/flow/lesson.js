// @ts-check
/**
 * Says what a picture of shares cannot show: that of two blocks one has the larger share and the other the larger
 * effect, and that the cut of one ribbon can change more than the cut of all.
 */
import { chipText } from "../shared/chips.js";
import { percent } from "../shared/numbers.js";

/** @typedef {import("./table.js").Cells} Cells */
/** @typedef {import("./table.js").Effect} Effect */
/** @typedef {{column: number, attention: number, effect: Effect}} Known */

const LEAST = 0.01; // a difference of shares or of probabilities below this is not worth a sentence

/** Returns by how much a cut changes the probability. @param {Known} block */
function change({ effect }) {
  return Math.abs(effect.after - effect.before);
}

/**
 * Returns the two blocks that disagree most: the one with the larger effect first, then the one with the larger share.
 * @param {Pick<Cells, "attention"|"cutAttention">[]} cells
 * @returns {[Known, Known]|"none"|"still"|null} "none" if no two blocks disagree, "still" if no cut changes the
 *   probability; null while the effects are not known
 */
export function disagreement(cells) {
  const blocks = cells.flatMap(({ attention, cutAttention: effect }, column) =>
    effect && !Number.isNaN(effect.before) ? [{ column, attention, effect }] : [],
  );
  if (!blocks.length) return null;
  if (blocks.every((block) => change(block) < LEAST)) return "still";
  /** @type {[Known, Known]|"none"} */
  let pair = "none";
  let most = 0;
  for (const strong of blocks) {
    for (const wide of blocks) {
      const [share, effect] = [wide.attention - strong.attention, change(strong) - change(wide)];
      if (share < LEAST || effect < LEAST || share * effect <= most) continue;
      most = share * effect;
      pair = [strong, wide];
    }
  }
  return pair;
}

/**
 * Says where a share and the effect of a cut disagree; nothing while the effects are not known.
 * @param {Pick<Cells, "attention"|"cutAttention">[]} cells
 * @param {{names: string[], columns: [number, number][]}} picture
 * @param {import("./words.js").Words["lesson"]} words
 */
export function lessonText(cells, { names, columns }, words) {
  const result = disagreement(cells);
  if (result === null) return "";
  if (typeof result === "string") return words[result];
  const before = percent(result[0].effect.before);
  const [strong, wide] = result.map(({ attention, effect, column }) => ({
    name: names[column],
    cut: columns[column][0] === columns[column][1] ? names[column] : words.alone(effect.layer),
    share: percent(attention),
    after: percent(effect.after),
    raises: effect.after > effect.before && percent(effect.after) !== before,
  }));
  const raising = [strong, wide].filter(({ raises }) => raises).map(({ cut }) => cut);
  const end = raising.length ? words.raises(raising) : words.amount;
  return `${words.differ(strong, wide, before)} ${end}`;
}

/**
 * Says what the cut of one ribbon does here, if it changes more than the cut of all attention of its block.
 * @param {import("../shared/edits.js").Edit[]} edits that are made
 * @param {number} position of the followed token
 * @param {import("./next.js").Outcome} next the followed next token
 * @param {(layer: number) => number|null|undefined} afterAll its probability after the cut of all attention of a block
 * @param {import("./words.js").Words["cuts"]} words
 */
export function replacedText([edit, ...others], position, { token, before, after }, afterAll, words) {
  const isOneRibbon = edit?.kind === "ablate_key" && edit.renormalise !== false && !others.length;
  if (!isOneRibbon || edit.query !== position || after === null) return "";
  const all = afterAll(edit.layer);
  if (typeof all !== "number" || Math.abs(after - before) - Math.abs(all - before) < LEAST) return "";
  const [was, is, withAll] = [before, after, all].map(percent);
  return words.replaced({ layer: edit.layer, token: chipText(token), before: was, after: is, afterAll: withAll });
}
