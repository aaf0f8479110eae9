// @ts-check
/** The words of the embedding view, in each language. */
import { grouped } from "../shared/numbers.js";

const en = {
  tokens: "Which token: click one",
  caption: (/** @type {number} */ width) =>
    `${grouped(width)} numbers, one a cell: blue below nothing, orange above it. Point at a cell for its number.`,
  token: (/** @type {number} */ id) => `row ${grouped(id)} of the token table`,
  position: (/** @type {number} */ position) => `+ row ${grouped(position)} of the position table`,
  sum: "= what enters block 0",
  only: "what enters block 0",
  turned:
    "Nothing is added here for the position: in this family positions come in later, inside attention, where they turn queries and keys.",
  whole:
    "In this family what enters block 0 is not the sum of a token’s row and a position’s row, so that only the whole is shown.",
  length: (/** @type {string} */ length) => `length ${length}`,
  neighbours: "Nearest in the token table",
  cosine: "cosine: 1 is the same direction, 0 a right angle",
  map: "The token table from afar",
  mapHint: "its two directions of greatest variance; the prompt’s tokens are marked",
  rotation: "Positions come in later: they turn queries and keys",
  rotationHead: (/** @type {number} */ head) =>
    `L0 · H${head}, at this token; both have the same length, so that a score depends on how far apart two tokens stand`,
  head: "head of block 0",
  q: ["query as computed", "query turned by its position"],
  k: ["key as computed", "key turned by its position"],
};

/** @typedef {typeof en} Words */

/** @type {Words} */
const zh = {
  tokens: "哪个词元：点一个",
  caption: (width) => `${grouped(width)} 个数，一格一个：负为蓝，正为橙。指向一格可见其数。`,
  token: (id) => `词元表第 ${grouped(id)} 行`,
  position: (position) => `+ 位置表第 ${grouped(position)} 行`,
  sum: "= 进入第 0 块的向量",
  only: "进入第 0 块的向量",
  turned: "这里不为位置加上任何东西：这类模型的位置稍后才在注意力里起作用，旋转查询和键。",
  whole: "这类模型中，进入第 0 块的向量不是词元一行与位置一行之和，因此只显示整体。",
  length: (length) => `长度 ${length}`,
  neighbours: "词元表中最近的",
  cosine: "余弦：1 为同向，0 为直角",
  map: "远看词元表",
  mapHint: "方差最大的两个方向；提示中的词元已标出",
  rotation: "位置稍后加入：它们旋转查询和键",
  rotationHead: (head) => `L0 · H${head}，在此词元处；旋转前后长度相同，因此分数只取决于两个词元相距多远`,
  head: "第 0 块的头",
  q: ["算出的查询", "按位置旋转后的查询"],
  k: ["算出的键", "按位置旋转后的键"],
};

export const catalogue = { en, zh };
