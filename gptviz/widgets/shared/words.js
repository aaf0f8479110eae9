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
    absent: "Not in this page: computing this needs the notebook with its kernel.",
    noAttention: "no attention in this layer",
  },
  errors: {
    other: (/** @type {string} */ message) => message,
    known: {
      prompt_empty: () => "Expected a prompt of at least one token. Got no token. Type at least one character.",
      needs_download: (/** @type {{name: string, here: string}} */ { name, here }) =>
        `Expected a model on this machine, or a connection to download it. Got ${name}, which needs a download, but the hub cannot be reached. Connect once to download it, or choose a model that is here: ${here}.`,
      not_found: (/** @type {{name: string, here: string}} */ { name, here }) =>
        `Expected a model on this machine or on the Hugging Face hub. Got ${name}, which is not on this machine and was not found on the hub, or the hub cannot be reached. Check the name, or choose a model that is here: ${here}.`,
      prompt_too_long: (/** @type {{limit: number, tokens: number, model: string}} */ { limit, tokens, model }) =>
        `Expected a prompt of at most ${grouped(limit)} tokens, the context length of ${model}. Got ${grouped(tokens)} tokens. Shorten the prompt.`,
      merges_kind: (/** @type {{kind: string}} */ { kind }) =>
        `Expected a tokenizer with byte-pair encoding, whose merges can be shown. Got ${kind}. The tokens shown are right; only their merges are not available.`,
      merges_mark: () =>
        "Expected a token of the text. Got a special token, which is not built by merges. Choose a token of the text.",
      merges_other: () =>
        "Expected a word whose merges can be followed. Got a word whose merges cannot be followed. The tokens shown are right; only their merges are not available.",
      route: (/** @type {{what: string, family: string}} */ { what, family }) =>
        `Expected a model family that passes its ${what} to transformers’ AttentionInterface. Got ${family}, which returns only attention weights (the eager route). Use the attention maps, the residual stream and the logits instead.`,
      no_attention: (/** @type {{layer: number, family: string}} */ { layer, family }) =>
        `Expected a layer with attention. Got layer ${layer} of ${family}, which mixes its tokens in another way. Choose a layer with attention.`,
      streams: (/** @type {{family: string}} */ { family }) =>
        `Expected a residual stream of one vector a token. Got ${family}, whose blocks pass on several, or other tensors. Attention maps, heads and logits can be read; the stream and its edits cannot.`,
      undefined_logits: (/** @type {{dtype: string}} */ { dtype }) =>
        `Expected logits that are numbers. Got NaN or infinity among them${dtype && ` in ${dtype}`}. The likely cause is the dtype. Load the model with dtype="float32".`,
      out_of_range: (
        /** @type {{what: string, least: number, last: number|null, got: number}} */ { what, least, last, got },
      ) =>
        `Expected a ${what} ${last === null ? `of at least ${least}` : `from ${least} to ${last}`}. Got ${got}. Choose one of those shown.`,
      none_here: (/** @type {{what: string}} */ { what }) => `There is no ${what} here to choose.`,
      value: (/** @type {{name: string, got: string}} */ { name, got }) =>
        `Expected a valid value for ${name}. Got ${got}. Reload the page.`,
      message: () => "Expected an update or a question. Got another kind of message from the page. Reload the page.",
      kernels_own: (/** @type {{name: string}} */ { name }) =>
        `Expected a change that the page may make. Got a change of ${name}, which only the kernel sets. Reload the page.`,
      arguments: (/** @type {{name: string, why: string}} */ { name, why }) =>
        `Expected the arguments of ${name}. Got other arguments: ${why}. Reload the page.`,
    },
  },
};

/** @typedef {typeof en} SharedWords */

/** What an index counts, by its English name. @type {Record<string, string>} */
const COUNTED = {
  layer: "层",
  head: "头",
  neuron: "神经元",
  position: "位置",
  query: "查询位置",
  key: "键位置",
  step: "步",
  choice: "结果",
  draw: "抽取",
  opening: "开头",
  "token id": "词元编号",
  depth: "深度",
  "held value": "保存的值",
};

/** @type {SharedWords} */
const zh = {
  common: {
    computing: "计算中…",
    savePicture: "保存图片",
    covered: (question) => `回答这个问题后才显示：${question}`,
    absent: "此页面中没有：计算这一项需要带内核的笔记本。",
    noAttention: "这一层没有注意力",
  },
  errors: {
    other: (message) => `出错了，原因只有英文：${message}`,
    known: {
      prompt_empty: () => "提示至少要有一个词元。现在一个也没有。请至少输入一个字符。",
      needs_download: ({ name, here }) =>
        `模型应在本机，或能联网下载。${name} 需要下载，而现在连不上模型库。请联网下载一次，或选用本机已有的：${here}。`,
      not_found: ({ name, here }) =>
        `模型应在本机或 Hugging Face 模型库中。找不到 ${name}：本机没有，模型库里也没有，或者连不上模型库。请检查名称，或选用本机已有的：${here}。`,
      prompt_too_long: ({ limit, tokens, model }) =>
        `提示最多 ${grouped(limit)} 个词元（${model} 的上下文长度）。现有 ${grouped(tokens)} 个。请缩短提示。`,
      merges_kind: ({ kind }) =>
        `只能显示字节对编码的合并。这个分词器是 ${kind}。显示的词元没有错，只是看不到合并过程。`,
      merges_mark: () => "请选文字中的词元。这是特殊词元，不是由合并得到的。请另选一个。",
      merges_other: () => "这里只能显示可以追踪的合并。这个词的合并无法追踪。显示的词元没有错，只是看不到合并过程。",
      route: ({ what, family }) =>
        `这里需要把${{ queries: "查询", keys: "键", values: "值", scores: "分数", sinks: "汇点", "mixed values": "混合后的值", "head outputs": "头的输出" }[what] ?? ` ${what} `}交给 transformers 的 AttentionInterface 的模型。${family} 只返回注意力权重（eager 路线）。请改看注意力图、残差流和对数几率。`,
      no_attention: ({ layer, family }) =>
        `这里需要有注意力的层。${family} 的第 ${layer} 层以别的方式混合词元。请选有注意力的层。`,
      streams: ({ family }) =>
        `这里需要每个词元一个向量的残差流。${family} 的各块传递的是多个向量或别的张量。可以看注意力图、头和对数几率；残差流和对它的改动没有。`,
      undefined_logits: ({ dtype }) =>
        `对数几率应该是数。其中有 NaN 或无穷大${dtype && `（以 ${dtype} 计算）`}。原因多半是数据类型。请用 dtype="float32" 加载模型。`,
      out_of_range: ({ what, least, last, got }) =>
        `${COUNTED[what] ?? what}应${last === null ? `不小于 ${least}` : `在 ${least} 到 ${last} 之间`}。得到的是 ${got}。请从显示的选项中选。`,
      none_here: ({ what }) => `这里没有可选的${COUNTED[what] ?? what}。`,
      value: ({ name, got }) => `${name} 需要一个有效的值。得到的是 ${got}。请重新加载页面。`,
      message: () => "页面应发来更新或问题。发来的是别的消息。请重新加载页面。",
      kernels_own: ({ name }) => `页面只能更改允许它更改的值。${name} 只能由内核设置。请重新加载页面。`,
      arguments: ({ name, why }) => `${name} 需要它自己的参数。得到的参数不对：${why}。请重新加载页面。`,
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
