// @ts-check
/** The words of the generation timeline, in each language. */

import { attentionRefusals } from "../shared/attention_refusals.js";
import { ends } from "../shared/ends_words.js";
import { logitRefusals } from "../shared/logit_refusals.js";
import { grouped } from "../shared/numbers.js";
import { promptRefusals } from "../shared/prompt_refusals.js";
import { servedRefusals } from "../shared/served_refusals.js";
import { addRefusals } from "../shared/words.js";

const en = {
  space: " ",
  source: "Source:",
  sourceCache: "The keys and values of the source are computed once and held beside them.",
  stacks: { decoder: "the target so far", cross: "the source (cross attention)" },
  looksAt: "looks at",
  crossHint:
    "The row shows which tokens of the source the token before it looked at: the output at that token predicted this " +
    "one. The row sums to 1.",
  play: "play",
  pause: "pause",
  back: "step back",
  forward: "step forward",
  scrub: "Choose a step",
  forced: "forced",
  force: "force",
  forcing: "instead",
  taken: "taken",
  branches: "Branches",
  compare: "compare with:",
  nothing: "nothing",
  surprise: (/** @type {number} */ tokens, /** @type {string} */ bits) =>
    `${tokens} ${tokens === 1 ? "token" : "tokens"} only in this branch; ` +
    `mean surprisal ${bits} bits per token, by the model’s own probabilities`,
  sameText: "every token is also in the other branch",
  layer: "layer",
  head: "head",
  attention: "Where a head looked when this token was chosen",
  attentionHint:
    "The row shows where the previous token looked, because its output predicted this one. The row sums to 1.",
  bench: "show this step on the sampling bench",
  cache: (
    /** @type {number} */ held,
    /** @type {string} */ size,
    /** @type {number} */ read,
    /** @type {number} */ without,
  ) =>
    `The cache held the keys and values of ${held} tokens, ${size}. ` +
    `This step read ${read} ${read === 1 ? "token" : "tokens"}` +
    `${read < without ? `; without the cache it would have read ${without}` : ""}.`,
  noCache: "This model family keeps no keys and values between steps. It reads the whole text again for each token.",
  again: "try another seed",
  stop: "stop",
  choice: (/** @type {number} */ index) => `choice ${index}`,
  count: (/** @type {number} */ tokens) => `${tokens} ${tokens === 1 ? "token" : "tokens"}`,
  seed: (/** @type {number} */ seed) => `seed ${seed}`,
  settings: {
    temperature: "temperature",
    top_k: "top-k",
    top_p: "top-p",
    min_p: "min-p",
    repetition_penalty: "repetition penalty",
  },
  ends: {
    itself: ends.en.itself,
    stop: "a stop string was reached",
    length: ends.en.length,
    interrupted: "stopped by hand",
  },
  going: "generating…",
  hint:
    "Bar and number: the model’s own probability of each token, before temperature. " +
    "A stronger colour marks a more surprising token. Click a token to see the alternatives.",
  rarest: "1 % or less",
  tokens: "generated tokens",
  step: (/** @type {number} */ index) => `Step ${index}:`,
  own: "the model’s own",
  drawn: "drawn from",
  ownHint: "softmax(logits)",
  drawnHint: "after temperature and cuts",
  token: "token",
  facts: (/** @type {string} */ bits, /** @type {number} */ kept) =>
    `drawn from ${grouped(kept)} ${kept === 1 ? "token" : "tokens"}, with an entropy of ${bits} bits`,
  rank: (/** @type {number} */ rank) => `rank ${rank} by the model’s own probabilities`,
  beyond: (/** @type {number} */ shown) => `not among the model’s ${shown} likeliest tokens`,
  others: "all other tokens",
  unrevealed: "not revealed",
  keptHidden: "the server does not reveal how many tokens this one was drawn from",
  served:
    "The model runs on a server, which reveals tokens and probabilities. Its attention and its cache are not shown.",
};

/** @typedef {typeof en} Words */

/** @type {Words} */
const zh = {
  space: "",
  source: "源文：",
  sourceCache: "源文的键和值只算一次，另外保留。",
  stacks: { decoder: "已写的目标", cross: "源文（交叉注意力）" },
  looksAt: "看向",
  crossHint: "这一行显示它前一个词元看向源文的哪些词元：那个词元的输出预测了这一个。本行之和为 1。",
  play: "播放",
  pause: "暂停",
  back: "后退一步",
  forward: "前进一步",
  scrub: "选一步",
  forced: "强制",
  force: "强制",
  forcing: "改用这个词元",
  taken: "已选",
  branches: "分支",
  compare: "比较对象：",
  nothing: "无",
  surprise: (tokens, bits) =>
    `只在这一支中的词元 ${tokens} 个；平均每个词元的惊异度为 ${bits} 比特（按模型自己的概率）`,
  sameText: "每个词元另一支也有",
  layer: "层",
  head: "头",
  attention: "选出这个词元时，一个头看向哪里",
  attentionHint: "这一行显示它前一个词元看向哪里：那个词元的输出预测了这一个。本行之和为 1。",
  bench: "在采样台上看这一步",
  cache: (held, size, read, without) =>
    `缓存中有 ${held} 个词元的键和值，共 ${size}。这一步读了 ${read} 个词元${read < without ? `；没有缓存就要读 ${without} 个` : ""}。`,
  noCache: "这类模型不在步骤之间保留键和值。每个词元都要重读全文。",
  again: "换个种子",
  stop: "停止",
  choice: (index) => `结果 ${index}`,
  count: (tokens) => `${tokens} 个词元`,
  seed: (seed) => `种子 ${seed}`,
  settings: {
    temperature: "温度",
    top_k: "top-k",
    top_p: "核采样 top-\u2060p",
    min_p: "min-p",
    repetition_penalty: "重复惩罚",
  },
  ends: { itself: ends.zh.itself, stop: "遇到停止串", length: ends.zh.length, interrupted: "手动停止" },
  going: "生成中…",
  hint: "横条和数字：温度之前模型给每个词元的概率。颜色越重，这个词元越出人意料。点一个词元，看有哪些别的可能。",
  rarest: "不超过 1 %",
  tokens: "生成的词元",
  step: (index) => `第 ${index} 步：`,
  own: "模型自己的",
  drawn: "由此抽取",
  ownHint: "softmax(logits)",
  drawnHint: "温度与截断之后",
  token: "词元",
  facts: (bits, kept) => `从 ${grouped(kept)} 个词元中抽取，熵为 ${bits} 比特`,
  rank: (rank) => `按模型自己的概率排第 ${rank}`,
  beyond: (shown) => `不在模型最可能的 ${shown} 个词元之内`,
  others: "其余全部词元",
  unrevealed: "未透露",
  keptHidden: "服务器没有透露这个词元是从多少个词元中抽取的",
  served: "模型在服务器上运行；服务器只透露词元和概率。它的注意力和缓存不显示。",
};

const refusalsEn = {
  sound_completion: (/** @type {{model: string}} */ { model }) =>
    `Expected a completion whose source is a text. Got one of a sound, which ${model} wrote down; it does not keep ` +
    "the sound. In Python, trace the sound with its text, and look at its cross attention.",
};

/** @type {typeof refusalsEn} */
const refusalsZh = {
  sound_completion: ({ model }) =>
    `这里要源文是文字的结果。这份是 ${model} 听写声音得到的，没有保存声音。请在 Python 中计算这段声音和它的文字，再看交叉注意力。`,
};

addRefusals({ en: refusalsEn, zh: refusalsZh });
addRefusals(promptRefusals);
addRefusals(logitRefusals);
addRefusals(attentionRefusals);
addRefusals(servedRefusals);

export const catalogue = { en, zh };
