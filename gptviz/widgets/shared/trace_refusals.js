// @ts-check
/** Returns whether a dtype has room for numbers above 65,504. @param {string} dtype */
const isWide = (dtype) => dtype !== "" && dtype !== "float16";

/** The texts of refusals that views meet if a model family does not have what they show. */
const en = {
  route: (/** @type {{what: string, family: string}} */ { what, family }) =>
    `Expected a model family that passes its ${what} to transformers’ AttentionInterface. ` +
    `Got ${family}, which returns only attention weights (the eager route). ` +
    "Use the attention maps, the residual stream and the logits instead.",
  no_attention: (/** @type {{layer: number, family: string}} */ { layer, family }) =>
    `Expected a layer with attention. Got layer ${layer} of ${family}, which mixes its tokens in another way. ` +
    "Choose a layer with attention.",
  streams: (/** @type {{family: string}} */ { family }) =>
    "Expected a residual stream of one vector a token. " +
    `Got ${family}, whose blocks pass on several, or other tensors. ` +
    "Attention maps, heads and logits can be read; the stream and its edits cannot.",
  undefined_logits: (/** @type {{dtype: string, weight: string}} */ { dtype, weight }) =>
    `Expected logits that are numbers. Got NaN or infinity among them${dtype && ` in ${dtype}`}. ` +
    (weight
      ? `The weight ${weight} holds NaN or infinity: load the model again, or save it anew.`
      : isWide(dtype)
        ? "A weight is probably too large, or this text leads to numbers that are: try another text."
        : 'The likely cause is the dtype. Load the model with dtype="float32".'),
};

/** The quantities of the attention interface, by their English names. @type {Record<string, string>} */
const QUANTITIES = {
  queries: "查询",
  keys: "键",
  values: "值",
  scores: "分数",
  sinks: "汇点",
  "mixed values": "混合后的值",
  "head outputs": "头的输出",
};

/** @type {typeof en} */
const zh = {
  route: ({ what, family }) =>
    `这里需要把${QUANTITIES[what] ?? ` ${what} `}交给 transformers 的 AttentionInterface 的模型。${family} 只返回注意力权重（eager 路线）。请改看注意力图、残差流和对数几率。`,
  no_attention: ({ layer, family }) =>
    `这里需要有注意力的层。${family} 的第 ${layer} 层以别的方式混合词元。请选有注意力的层。`,
  streams: ({ family }) =>
    `这里需要每个词元一个向量的残差流。${family} 的各块传递的是多个向量或别的张量。可以看注意力图、头和对数几率；残差流和对它的改动没有。`,
  undefined_logits: ({ dtype, weight }) =>
    `对数几率应该是数。其中有 NaN 或无穷大${dtype && `（以 ${dtype} 计算）`}。` +
    (weight
      ? `权重 ${weight} 中有 NaN 或无穷大。请重新加载模型，或重新保存。`
      : isWide(dtype)
        ? "多半是某个权重太大，或者这段文本使数变得太大。请换一段文本。"
        : '原因多半是数据类型。请用 dtype="float32" 加载模型。'),
};

export const traceRefusals = { en, zh };
