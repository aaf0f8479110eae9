// @ts-check
/**
 * The words of the modules in this folder, and the choice of a language. Each view has its own words in its own folder.
 *
 * The type of the English catalogue is the type of the Chinese one, so that `tsc` refuses a missing key. Symbols (␣, %,
 * L2 · H3) and the names of Python's settings are the same in both languages and stand in no catalogue.
 */
import { grouped } from "./numbers.js";

const en = {
  common: {
    computing: "computing…",
    savePicture: "save picture",
    covered: (/** @type {string} */ question) => `covered until you answer: ${question}`,
    absent: "Not in this page: it needs the notebook with its kernel.",
  },
  errors: {
    other: (/** @type {string} */ told) => told,
    known: {
      prompt_empty: () => "Expected a prompt of at least one token. Type at least one character.",
      needs_download: (/** @type {{name: string, here: string}} */ { name, here }) =>
        `Expected a model that is here, or a connection to fetch it. Got ${name}, which needs a download, while the hub cannot be reached. Here now: ${here}. Connect once to fetch it; afterwards it works offline.`,
      not_found: (/** @type {{name: string, here: string}} */ { name, here }) =>
        `Expected a model that is here or on the hub. Got ${name}, which is not here and was not found on the hub, or the hub cannot be reached. Here now: ${here}.`,
      prompt_too_long: (/** @type {{limit: number, tokens: number, model: string}} */ { limit, tokens, model }) =>
        `Expected a prompt of at most ${grouped(limit)} tokens, the context of ${model}. Got ${grouped(tokens)} tokens. Shorten it.`,
      merges_kind: (/** @type {{kind: string}} */ { kind }) =>
        `Expected a byte-pair encoding, whose merges can be followed. Got ${kind}. The tokens are as shown; how the tokenizer arrived at them is not.`,
      merges_mark: () => "A mark of the tokenizer’s own is put together from nothing: choose a token of the text.",
      merges_other: () => "How the tokenizer arrived at this token cannot be followed; the tokens are as shown.",
      route: (/** @type {{what: string, family: string}} */ { what, family }) =>
        `Expected a family that hands its ${what} to transformers’ AttentionInterface. Got ${family}, whose maps come by the eager route. On this route ${what} do not exist; attention maps, the stream and logits do.`,
      no_attention: (/** @type {{layer: number, family: string}} */ { layer, family }) =>
        `Expected a layer with attention. Got layer ${layer} of ${family}, which mixes its tokens in another way.`,
      out_of_range: (
        /** @type {{what: string, least: number, last: number|null, got: number}} */ { what, least, last, got },
      ) =>
        `Expected a ${what} from ${least} ${last === null ? "on" : `to ${last}`}. Got ${got}. Choose one that is shown.`,
      value: (/** @type {{name: string, got: string}} */ { name, got }) =>
        `Expected another kind of value as ${name}. Got ${got}. Reload the page.`,
      message: () => "Expected an update or a question. Got another message from the page. Reload the page.",
      kernels_own: (/** @type {{name: string}} */ { name }) =>
        `Expected a change that a page makes. Got another ${name}, which only the kernel sets. Reload the page.`,
      arguments: (/** @type {{name: string, why: string}} */ { name, why }) =>
        `Expected the arguments of ${name}. Got others: ${why}. Reload the page.`,
    },
  },
};

/** @typedef {typeof en} SharedWords */

/** @type {SharedWords} */
const zh = {
  common: {
    computing: "计算中…",
    savePicture: "保存图片",
    covered: (question) => `回答之前先盖住：${question}`,
    absent: "此页面中没有：需要带内核的笔记本。",
  },
  errors: {
    other: (told) => `出错了，原因只有英文：${told}`,
    known: {
      prompt_empty: () => "提示至少要有一个词元。请至少输入一个字符。",
      needs_download: ({ name, here }) =>
        `${name} 需要下载，而现在连不上模型库。本机已有：${here}。联网下载一次，以后离线也能用。`,
      not_found: ({ name, here }) => `找不到 ${name}：本机没有，模型库里也没有，或者连不上模型库。本机已有：${here}。`,
      prompt_too_long: ({ limit, tokens, model }) =>
        `提示最多 ${grouped(limit)} 个词元（${model} 的上下文长度），现有 ${grouped(tokens)} 个。请缩短。`,
      merges_kind: ({ kind }) => `只有字节对编码的合并可以追踪，这个分词器是 ${kind}。词元如图所示，来历无法显示。`,
      merges_mark: () => "这是分词器自己的标记，不由任何部分拼成：请选文字中的词元。",
      merges_other: () => "无法追踪分词器如何得到这个词元；词元如图所示。",
      route: ({ what, family }) =>
        `这里没有${{ queries: "查询", keys: "键", values: "值", scores: "分数", sinks: "汇", "mixed values": "混合后的值", "head outputs": "头的输出" }[what] ?? ` ${what} `}：${family} 的注意力图走 eager 路线，只有注意力图、残差流和对数几率可看。`,
      no_attention: ({ layer, family }) => `${family} 的第 ${layer} 层没有注意力：它以别的方式混合词元。`,
      out_of_range: ({ what, least, last, got }) =>
        `${{ layer: "层", head: "头", position: "位置", query: "查询位置", key: "键位置" }[what] ?? what}应${last === null ? `不小于 ${least}` : `在 ${least} 到 ${last} 之间`}，得到的是 ${got}。请选显示出来的。`,
      value: ({ name, got }) => `${name} 不能是 ${got}。请重新加载页面。`,
      message: () => "页面发来了无法理解的消息。请重新加载页面。",
      kernels_own: ({ name }) => `${name} 只能由内核设置，页面不能更改。请重新加载页面。`,
      arguments: ({ name, why }) => `${name} 的参数不对（${why}）。请重新加载页面。`,
    },
  },
};

/**
 * Returns a catalogue's words in the language of a view.
 * @template W
 * @param {import("./kernel.js").Model} model of the view
 * @param {{en: W, zh: W}} catalogue
 * @returns {W}
 */
export function wordsOf(model, catalogue) {
  return model.get("language") === "zh" ? catalogue.zh : catalogue.en;
}

/** Returns the shared words in the language of a view. @param {import("./kernel.js").Model} model of the view */
export function sharedWords(model) {
  return wordsOf(model, { en, zh });
}
