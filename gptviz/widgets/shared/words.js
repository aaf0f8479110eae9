// @ts-check
/**
 * The words of the modules in this folder, and the choice of a language. Each view has its own words in its own folder.
 *
 * The type of the English catalogue is the type of the Chinese one, so that `tsc` refuses a missing key. Symbols (␣, %,
 * L2 · H3) and the names of Python's settings are the same in both languages and stand in no catalogue.
 */
const en = {
  common: {
    computing: "computing…",
    savePicture: "save picture",
    covered: (/** @type {string} */ question) => `covered until you answer: ${question}`,
    absent: "Not in this page: computing this needs the notebook with its kernel.",
    grey: "Grey controls need the notebook with its kernel.",
    noAttention: "no attention in this block",
    unfilled:
      "This view is empty: the model runs on a server, which reveals tokens and probabilities, and nothing of what " +
      "is inside. Load the model here, with gptviz.load(name), to fill it.",
  },
  errors: {
    other: (/** @type {string} */ message) => message,
    known: {
      out_of_range: (
        /** @type {{what: string, least: number, last: number|null, got: number}} */ { what, least, last, got },
      ) =>
        `Expected a ${what} ${last === null ? `of at least ${least}` : `from ${least} to ${last}`}. Got ${got}. ` +
        "Choose one of those shown.",
      none_here: (/** @type {{what: string}} */ { what }) => `There is no ${what} here to choose.`,
      value: (/** @type {{name: string, got: string}} */ { name, got }) =>
        `Expected a valid value for ${name}. Got ${got}. Reload the page.`,
      interrupted: () => "Interrupted before the answer was there. Ask again.",
      message: () => "Expected an update or a question. Got another kind of message from the page. Reload the page.",
      kernels_own: (/** @type {{name: string}} */ { name }) =>
        `Expected a change that the page may make. Got a change of ${name}, which only the kernel sets. ` +
        "Reload the page.",
      arguments: (/** @type {{name: string, why: string}} */ { name, why }) =>
        `Expected the arguments of ${name}. Got other arguments: ${why}. Reload the page.`,
    },
  },
};

/** @typedef {typeof en} SharedWords */

/** What an index counts, by its English name. @type {Record<string, string>} */
const COUNTED = {
  layer: "层",
  column: "列",
  head: "头",
  neuron: "神经元",
  position: "位置",
  query: "查询位置",
  key: "键位置",
  step: "步",
  point: "曲线上的点",
  run: "训练",
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
    grey: "灰色的控件需要带内核的笔记本。",
    noAttention: "这一块没有注意力",
    unfilled:
      "这个视图是空的：模型在服务器上运行，服务器只透露词元和概率，内部的值无从得知。用 gptviz.load(name) 在这里加载模型，才能填上它。",
  },
  errors: {
    other: (message) => `出错了，原因只有英文：${message}`,
    known: {
      out_of_range: ({ what, least, last, got }) =>
        `${COUNTED[what] ?? what}应${last === null ? `不小于 ${least}` : `在 ${least} 到 ${last} 之间`}。得到的是 ${got}。请从显示的选项中选。`,
      none_here: ({ what }) => `这里没有可选的${COUNTED[what] ?? what}。`,
      value: ({ name, got }) => `${name} 需要一个有效的值。得到的是 ${got}。请重新加载页面。`,
      interrupted: () => "计算被中断，还没有结果。请再试一次。",
      message: () => "页面应发来更新或问题。发来的是别的消息。请重新加载页面。",
      kernels_own: ({ name }) => `页面只能更改允许它更改的值。${name} 只能由内核设置。请重新加载页面。`,
      arguments: ({ name, why }) => `${name} 需要它自己的参数。得到的参数不对：${why}。请重新加载页面。`,
    },
  },
};

/**
 * Returns a catalogue's words in the language of a view.
 * @template W
 * @param {{get: (trait: string) => any}} model of the view
 * @param {{en: W, zh: W}} catalogue
 * @returns {W}
 */
export function wordsOf(model, catalogue) {
  return model.get("language") === "zh" ? catalogue.zh : catalogue.en;
}

/**
 * Adds the texts of refusals that only some views can meet; each of these views calls this in its own words.
 * @template {Record<string, (facts: any) => string>} R
 * @param {{en: R, zh: R}} texts by the code of the refusal
 */
export function addRefusals(texts) {
  Object.assign(en.errors.known, texts.en);
  Object.assign(zh.errors.known, texts.zh);
}

/** Returns the shared words in the language of a view. @param {{get: (trait: string) => any}} model of the view */
export function sharedWords(model) {
  return wordsOf(model, { en, zh });
}
