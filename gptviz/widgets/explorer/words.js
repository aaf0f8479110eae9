// @ts-check
/** The words of the explorer, in each language. */
import { grouped } from "../shared/numbers.js";

const en = {
  model: "model",
  earlier: "earlier prompts",
  present: "present",
  leave: "leave (Esc)",
  freeze: "freeze",
  restart: "from the start",
  stack: "The blocks of the model",
  block: (/** @type {number} */ layer) => `block ${layer}`,
  open: "open",
  close: "close",
  stations: {
    tokens: "Text to tokens",
    embedding: "Tokens to numbers",
    attention: "Blocks",
    logits: "Scores",
    sampling: "Probabilities",
    generation: "Round again",
  },
  tokens: (/** @type {number} */ characters, /** @type {number} */ tokens, /** @type {number} */ marks) =>
    `${grouped(characters)} characters become ${grouped(tokens)} ${tokens === 1 ? "token" : "tokens"}${marks ? `, behind ${marks} ${marks === 1 ? "mark" : "marks"} of the tokenizer’s own` : ""}.`,
  embedding: (/** @type {number} */ size, /** @type {number} */ id, /** @type {number} */ position) =>
    `becomes ${grouped(size)} numbers: row ${grouped(id)} of the token table + row ${grouped(position)} of the position table.`,
  embeddingRotary: (/** @type {number} */ size, /** @type {number} */ id) =>
    `becomes ${grouped(size)} numbers: row ${grouped(id)} of the token table. Positions come in later, in attention.`,
  stream: (
    /** @type {number} */ layers,
    /** @type {number} */ heads,
    /** @type {string} */ before,
    /** @type {string} */ after,
  ) =>
    `${layers} blocks of ${heads} heads and an MLP each add to those numbers: their length goes from ${before} to ${after}.`,
  head: (/** @type {number} */ layer, /** @type {number} */ head) =>
    `The strongest look back is L${layer} · H${head}’s:`,
  looks: "looks at",
  logits: (/** @type {number} */ vocabulary) =>
    `Each of ${grouped(vocabulary)} tokens gets a score, of which only differences matter;`,
  highest: (/** @type {string} */ logit) => `has the highest, ${logit}.`,
  scores: (/** @type {number} */ shown, /** @type {number} */ vocabulary, /** @type {string} */ mean) =>
    `The ${shown} highest of ${grouped(vocabulary)} scores. A bar is the lead over the mean of all scores, ${mean}; adding the same number to every score would change nothing.`,
  probability: (/** @type {string} */ share, /** @type {string} */ bits) =>
    `leads with ${share}; the entropy is ${bits} bits. Draw a token and append it: the path goes round again.`,
  generation: "Drawn, appended, read again, token after token: a text.",
  written: (/** @type {number} */ steps, /** @type {string} */ end) =>
    `Drawn, appended, read again, ${steps === 1 ? "once" : `${grouped(steps)} times over`}: a text, ${end}.`,
  ends: {
    stop: "which the model ended itself",
    length: "stopped at its length limit",
    interrupted: "stopped by hand",
  },
  toDownload: (/** @type {string} */ name, /** @type {number} */ megabytes) =>
    `${name} · ${grouped(megabytes)} MB to download`,
};

/** @typedef {typeof en} Words */

/** @type {Words} */
const zh = {
  model: "模型",
  earlier: "之前的提示",
  present: "演示",
  leave: "退出（Esc）",
  freeze: "定格",
  restart: "从头开始",
  stack: "模型的各块",
  block: (layer) => `第 ${layer} 块`,
  open: "打开",
  close: "收起",
  stations: {
    tokens: "文字到词元",
    embedding: "词元到数字",
    attention: "各块",
    logits: "分数",
    sampling: "概率",
    generation: "再来一轮",
  },
  tokens: (characters, tokens, marks) =>
    `${grouped(characters)} 个字符变成 ${grouped(tokens)} 个词元${marks ? `，前面有分词器自己的标记 ${marks} 个` : ""}。`,
  embedding: (size, id, position) =>
    `变成 ${grouped(size)} 个数：词元表第 ${grouped(id)} 行 + 位置表第 ${grouped(position)} 行。`,
  embeddingRotary: (size, id) => `变成 ${grouped(size)} 个数：词元表第 ${grouped(id)} 行。位置稍后在注意力中加入。`,
  stream: (layers, heads, before, after) =>
    `${layers} 块，每块 ${heads} 个头和一个 MLP，都加到这些数上：其长度从 ${before} 变为 ${after}。`,
  head: (layer, head) => `最强的回看来自 L${layer} · H${head}：`,
  looks: "看向",
  logits: (vocabulary) => `${grouped(vocabulary)} 个词元各得一个分数，只有差值有意义；`,
  highest: (logit) => `最高，为 ${logit}。`,
  scores: (shown, vocabulary, mean) =>
    `${grouped(vocabulary)} 个分数中最高的 ${shown} 个。条形是它比全部分数的平均值 ${mean} 高出多少；所有分数加上同一个数，结果不变。`,
  probability: (share, bits) => `领先，概率 ${share}；熵为 ${bits} 比特。抽一个词元并接上：再走一轮。`,
  generation: "抽取、接上、重读，一个词元接一个词元：一段文字。",
  written: (steps, end) => `抽取、接上、重读，共 ${grouped(steps)} 次：一段文字，${end}。`,
  ends: { stop: "由模型自行结束", length: "到达长度上限而止", interrupted: "被手动停止" },
  toDownload: (name, megabytes) => `${name} · 需下载 ${grouped(megabytes)} MB`,
};

export const catalogue = { en, zh };
