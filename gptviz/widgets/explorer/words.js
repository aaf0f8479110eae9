// @ts-check
/** The words of the explorer, in each language. */

import { attentionRefusals } from "../shared/attention_refusals.js";
import { becomes } from "../shared/becomes_words.js";
import { ends } from "../shared/ends_words.js";
import { logitRefusals } from "../shared/logit_refusals.js";
import { grouped } from "../shared/numbers.js";
import { partRefusals } from "../shared/part_refusals.js";
import { promptRefusals } from "../shared/prompt_refusals.js";
import { addRefusals } from "../shared/words.js";

const en = {
  model: "model",
  present: "present",
  leave: "leave (Esc)",
  back: "previous step",
  forward: "next step",
  freeze: "freeze",
  freezeHint:
    "While you point and talk, the prompt and what is opened from the path take no clicks. Click again to go on.",
  restart: "start over",
  restartHint: "Closes what is open, and shows the whole picture for the last token.",
  stack: "The blocks of the model",
  block: (/** @type {number} */ layer) => `block ${layer}`,
  close: "close",
  closeStation: (/** @type {string} */ title) => `close: ${title}`,
  rail: "The path, from the text at the left to the next token at the right",
  railHint: "Point at a name to read what happens there; click it to open it.",
  stations: {
    tokens: "Text to tokens",
    embedding: "Tokens to numbers",
    attention: "Blocks",
    logits: "Scores",
    sampling: "Probabilities",
    generation: "The loop",
  },
  tokens: becomes.en,
  embedding: (/** @type {number} */ size, /** @type {number} */ id, /** @type {number} */ position) =>
    `becomes ${grouped(size)} numbers: ` +
    `row ${grouped(id)} of the token table + row ${grouped(position)} of the position table.`,
  embeddingRotary: (/** @type {number} */ size, /** @type {number} */ id) =>
    `becomes ${grouped(size)} numbers: row ${grouped(id)} of the token table. Positions enter later, in attention.`,
  blocks: (/** @type {number} */ layers, /** @type {number} */ heads) =>
    `${layers} ${layers === 1 ? "block" : "blocks"}, each with ${heads} heads and an MLP, add to these numbers.`,
  mixedBlocks: (/** @type {number} */ layers, /** @type {number} */ attending, /** @type {number} */ heads) =>
    `${layers} blocks add to these numbers: ${attending} with attention, ` +
    `of at most ${heads} heads${attending < layers ? `, and ${layers - attending} without` : ""}.`,
  lengths: (/** @type {string} */ before, /** @type {string} */ after) =>
    ` The vector’s length goes from ${before} to ${after}.`,
  head: (/** @type {number} */ layer, /** @type {number} */ head) =>
    `The last token’s largest attention weight on a token other than itself and the first is in L${layer} · H${head}:`,
  looks: "looks at",
  /** What stands before and after the last token. */
  after: ["After ", ": "],
  logits: (/** @type {number} */ vocabulary) =>
    `each of ${grouped(vocabulary)} tokens gets a score (logit). Only differences between scores matter.`,
  highest: (/** @type {string} */ logit) => `has the highest score, ${logit}.`,
  scores: (/** @type {number} */ shown, /** @type {number} */ vocabulary, /** @type {string} */ mean) =>
    `The ${shown} highest of ${grouped(vocabulary)} scores for the token after the last one. ` +
    `A bar shows how far a score is above the mean of all scores, ${mean}. ` +
    "Adding the same number to every score would change no probability.",
  probability: (/** @type {string} */ share, /** @type {string} */ bits) =>
    `leads with ${share}; the entropy is ${bits} bits (0 bits: nothing else is possible). Draw a token and append ` +
    "it: then all steps run again.",
  generation: "Draw a token, append it, repeat: the text grows token by token.",
  written: (/** @type {number} */ steps, /** @type {string} */ end) =>
    `${grouped(steps)} ${steps === 1 ? "token was" : "tokens were"} drawn and appended, ` +
    `one after the other. Then ${end}.`,
  ends: {
    stop: ends.en.itself,
    length: ends.en.length,
    interrupted: "generation was stopped by hand",
  },
  toDownload: (/** @type {string} */ name, /** @type {number} */ megabytes) =>
    `${name} · ${grouped(megabytes)} MB to download`,
};

/** @typedef {typeof en} Words */

/** @type {Words} */
const zh = {
  model: "模型",
  present: "演示",
  leave: "退出（Esc）",
  back: "上一步",
  forward: "下一步",
  freeze: "定格",
  freezeHint: "讲解时，提示和从路径打开的部分不接受点击。再点一次就恢复。",
  restart: "从头开始",
  restartHint: "收起打开的部分，显示最后一个词元的整张图。",
  stack: "模型的各块",
  block: (layer) => `第 ${layer} 块`,
  close: "收起",
  closeStation: (title) => `收起：${title}`,
  rail: "路径：左边是文字，右边是下一个词元",
  railHint: "指向一个名称，读那里发生什么；点击就打开。",
  stations: {
    tokens: "文字到词元",
    embedding: "词元到数字",
    attention: "各块",
    logits: "分数",
    sampling: "概率",
    generation: "循环",
  },
  tokens: becomes.zh,
  embedding: (size, id, position) =>
    `变成 ${grouped(size)} 个数：词元表第 ${grouped(id)} 行 + 位置表第 ${grouped(position)} 行。`,
  embeddingRotary: (size, id) => `变成 ${grouped(size)} 个数：词元表第 ${grouped(id)} 行。位置稍后在注意力中加入。`,
  blocks: (layers, heads) => `${layers} 块，每块有 ${heads} 个头和一个 MLP，都加到这些数上。`,
  mixedBlocks: (layers, attending, heads) =>
    `${layers} 块都加到这些数上：${attending} 块有注意力，最多 ${heads} 个头${attending < layers ? `；${layers - attending} 块没有` : ""}。`,
  lengths: (before, after) => `向量的长度从 ${before} 变为 ${after}。`,
  head: (layer, head) => `最后一个词元对自身和首词元以外的词元，最大的注意力权重在 L${layer} · H${head}：`,
  looks: "看向",
  after: ["在 ", " 之后："],
  logits: (vocabulary) => `${grouped(vocabulary)} 个词元各得一个分数（对数几率）。只有分数之差有意义。`,
  highest: (logit) => `的分数最高，为 ${logit}。`,
  scores: (shown, vocabulary, mean) =>
    `${grouped(vocabulary)} 个分数中最高的 ${shown} 个，是最后一个词元之后的分数。条形表示一个分数比全部分数的平均值 ${mean} 高出多少。所有分数加上同一个数，概率不变。`,
  probability: (share, bits) =>
    `领先，概率 ${share}；熵为 ${bits} 比特（0 比特：没有别的可能）。抽一个词元并接上，各步就再走一遍。`,
  generation: "抽一个词元，接上，如此反复：文字逐个词元变长。",
  written: (steps, end) => `逐个抽取并接上了 ${grouped(steps)} 个词元。最后${end}。`,
  ends: { stop: ends.zh.itself, length: ends.zh.length, interrupted: "生成被手动停止" },
  toDownload: (name, megabytes) => `${name} · 需下载 ${grouped(megabytes)} MB`,
};

const hubEn = {
  needs_download: (/** @type {{name: string, here: string}} */ { name, here }) =>
    "Expected a model on this machine, or a connection to download it. " +
    `Got ${name}, which needs a download, but the hub cannot be reached. ` +
    `Connect once to download it, or choose a model that is here: ${here}.`,
  not_found: (/** @type {{name: string, here: string}} */ { name, here }) =>
    "Expected a model on this machine or on the Hugging Face hub. " +
    `Got ${name}, which is not on this machine and was not found on the hub, or the hub cannot be reached. ` +
    `Check the name, or choose a model that is here: ${here}.`,
};

/** @type {typeof hubEn} */
const hubZh = {
  needs_download: ({ name, here }) =>
    `模型应在本机，或能联网下载。${name} 需要下载，而现在连不上模型库。请联网下载一次，或选用本机已有的：${here}。`,
  not_found: ({ name, here }) =>
    `模型应在本机或 Hugging Face 模型库中。找不到 ${name}：本机没有，模型库里也没有，或者连不上模型库。请检查名称，或选用本机已有的：${here}。`,
};

addRefusals({ en: hubEn, zh: hubZh });

addRefusals(promptRefusals);
addRefusals(logitRefusals);
addRefusals(attentionRefusals);
addRefusals(partRefusals);

export const catalogue = { en, zh };
