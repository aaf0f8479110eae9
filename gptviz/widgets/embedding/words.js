// @ts-check
/** The words of the embedding view, in each language. */

import { attentionRefusals } from "../shared/attention_refusals.js";
import { logitRefusals } from "../shared/logit_refusals.js";
import { grouped } from "../shared/numbers.js";
import { partRefusals } from "../shared/part_refusals.js";
import { addRefusals } from "../shared/words.js";

const en = {
  tokens: "The text: click a token to choose it",
  caption: (/** @type {number} */ width) =>
    `${grouped(width)} numbers, one per cell: blue is negative, orange is positive. Point at a cell to see its number.`,
  token: (/** @type {number} */ id) => `row ${grouped(id)} of the token table`,
  position: (/** @type {number} */ position) => `+ row ${grouped(position)} of the position table`,
  sum: "= what enters block 0",
  only: "what enters block 0",
  turned:
    "This model family adds nothing here for the position. " +
    "Positions enter later, in attention, where they rotate queries and keys.",
  whole:
    "In this model family the vector that enters block 0 is not the sum of a token row and a position row, " +
    "so only the whole vector is shown.",
  length: (/** @type {string} */ length) => `length ${length}`,
  neighbours: "Nearest in the token table",
  cosine: "cosine: 1 is the same direction, 0 is a right angle",
  map: "Map of the token table",
  mapHint: "the two directions of greatest variance; the prompt’s tokens are marked",
  rotation: "Positions rotate queries and keys",
  rotationHead: (/** @type {number} */ head) =>
    `L0 · H${head}, at this token. Rotation keeps the length, ` +
    "so positions change a score only through the distance between two tokens.",
  head: "head of block 0",
  q: ["query before rotation", "query after rotation"],
  k: ["key before rotation", "key after rotation"],
};

/** @typedef {typeof en} Words */

/** @type {Words} */
const zh = {
  tokens: "文字：点一个词元来选它",
  caption: (width) => `${grouped(width)} 个数，一格一个：负为蓝，正为橙。指向一格可见其数。`,
  token: (id) => `词元表第 ${grouped(id)} 行`,
  position: (position) => `+ 位置表第 ${grouped(position)} 行`,
  sum: "= 进入第 0 块的向量",
  only: "进入第 0 块的向量",
  turned: "这类模型在这里不为位置加任何东西。位置稍后在注意力中起作用：旋转查询和键。",
  whole: "这类模型中，进入第 0 块的向量不是词元行与位置行之和，因此只显示整个向量。",
  length: (length) => `长度 ${length}`,
  neighbours: "词元表中最近的",
  cosine: "余弦：1 为同向，0 为直角",
  map: "词元表的地图",
  mapHint: "方差最大的两个方向；提示中的词元已标出",
  rotation: "位置旋转查询和键",
  rotationHead: (head) => `L0 · H${head}，在此词元处。旋转不改变长度，因此位置只通过两个词元的距离影响分数。`,
  head: "第 0 块的头",
  q: ["旋转前的查询", "旋转后的查询"],
  k: ["旋转前的键", "旋转后的键"],
};

addRefusals(logitRefusals);
addRefusals(attentionRefusals);
addRefusals(partRefusals);

export const catalogue = { en, zh };
