// @ts-check
import { grouped } from "./numbers.js";

/** Returns whether a dtype has room for numbers above 65,504. @param {string} dtype */
const isWide = (dtype) => dtype !== "" && dtype !== "float16";

/** The texts of refusals that views meet which let a model read a text, or show what it predicts. */
const en = {
  undefined_logits: (/** @type {{dtype: string, weight: string}} */ { dtype, weight }) =>
    `Expected logits that are numbers. Got NaN or infinity among them${dtype && ` in ${dtype}`}. ` +
    (weight
      ? `The weight ${weight} holds NaN or infinity: load the model again, or save it anew.`
      : isWide(dtype)
        ? "A weight is probably too large, or this text leads to numbers that are: try another text."
        : 'The likely cause is the dtype. Load the model with dtype="float32".'),
  no_model: () =>
    "Expected a trace whose model is loaded. Got one that was opened from a file. " +
    "Load the model and trace the text again.",
  encoder_decoder: (/** @type {{model: string}} */ { model }) =>
    `Expected a decoder-only model. Got ${model}, an encoder-decoder. Its numbers can be read in Python; ` +
    "some views and the flow of credit are for decoder-only models so far.",
  no_row: (/** @type {{id: number, rows: number}} */ { id, rows }) =>
    `Expected a token among the ${grouped(rows)} rows of the token table. Got id ${id}, which only the output head ` +
    "has. Choose another token.",
};

/** @type {typeof en} */
const zh = {
  undefined_logits: ({ dtype, weight }) =>
    `对数几率应该是数。其中有 NaN 或无穷大${dtype && `（以 ${dtype} 计算）`}。` +
    (weight
      ? `权重 ${weight} 中有 NaN 或无穷大。请重新加载模型，或重新保存。`
      : isWide(dtype)
        ? "多半是某个权重太大，或者这段文本使数变得太大。请换一段文本。"
        : '原因多半是数据类型。请用 dtype="float32" 加载模型。'),
  no_model: () => "这里需要已加载的模型。这份轨迹是从文件打开的。请加载模型，重新计算这段文本。",
  encoder_decoder: ({ model }) =>
    `这里需要只有解码器的模型。${model} 是编码器加解码器。它的数值可以在 Python 中读取；有些视图和信息流目前只适用于只有解码器的模型。`,
  no_row: ({ id, rows }) => `词元应在词元表的 ${grouped(rows)} 行之内。${id} 只在输出矩阵里有。请选别的词元。`,
};

export const logitRefusals = { en, zh };
