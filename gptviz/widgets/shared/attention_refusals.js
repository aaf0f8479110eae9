// @ts-check
/** The texts of refusals that views meet which show what attention does. */
const en = {
  route: (/** @type {{what: string, family: string}} */ { what, family }) =>
    `Expected a model family that passes its ${what} to transformers’ AttentionInterface. ` +
    `Got ${family}, which returns only attention weights (the eager route). ` +
    "Use the attention maps, the residual stream and the logits instead.",
  no_attention: (/** @type {{layer: number, family: string}} */ { layer, family }) =>
    `Expected a layer with attention. Got layer ${layer} of ${family}, which mixes its tokens in another way. ` +
    "Choose a layer with attention.",
  no_map: (/** @type {{layer: number, family: string}} */ { layer, family }) =>
    `Expected one attention map from each layer with attention. Got none from layer ${layer} of ${family}. ` +
    "The stream and the logits can be read.",
  no_causal_map: (/** @type {{layer: number, family: string}} */ { layer, family }) =>
    "Expected attention maps whose rows sum to at most 1 and give nothing to later tokens. " +
    `Got others from layer ${layer} of ${family}. Its stream and its logits can be read.`,
  no_eager_function: (/** @type {{module: string}} */ { module }) =>
    `Expected a family with an eager attention function of its own. Got ${module}, which has none. ` +
    "Its maps cannot be computed; queries, keys and the stream can be read.",
  other_attention: (
    /** @type {{layer: number, family: string, function: string}} */ { layer, family, function: name },
  ) =>
    "Expected attention whose output is that of its family’s eager attention function. " +
    `Got another output from layer ${layer} of ${family}${name && `, with the attention function “${name}”`}. ` +
    'Load the model with attn_implementation="eager" to look into its attention.',
  other_mask: (/** @type {{module: string}} */ { module }) =>
    `Expected a mask that is a tensor. Got another kind of mask in ${module}. ` +
    'Load the model with attn_implementation="sdpa" to see its maps.',
  other_scores: (/** @type {{module: string}} */ { module }) =>
    "Expected scores whose softmax is the attention map. " +
    `Got ${module}, which does something else between scores and weights. ` +
    "Its attention weights are exact; the stages of its scores are not shown.",
  left_out: (/** @type {{layer: number, family: string}} */ { layer, family }) =>
    `Expected a block that this pass went through. Got block ${layer} of ${family}, which this pass left out. ` +
    "Choose another block, or another text.",
  not_in_file: (/** @type {{name: string, layers: number[], neurons: boolean}} */ { name, layers, neurons }) =>
    `Expected a number that this file of a trace holds. Got ${name}, which it does not hold. ` +
    `It has the attention ${neurons ? "and neurons " : ""}of layers ${layers.join(", ") || "none"}.`,
  streams: (/** @type {{family: string}} */ { family }) =>
    "Expected a residual stream of one vector a token. " +
    `Got ${family}, whose blocks pass on something else, such as several vectors a token. ` +
    "Attention maps, heads and logits can be read; the stream and its edits cannot.",
  no_parts: (/** @type {{layer: number, family: string}} */ { layer, family }) =>
    "Expected a block whose attention and MLP sum to what it adds to the stream. " +
    `Got block ${layer} of ${family}, where they do not. The stream can be read; its parts cannot.`,
  part_was_set: (/** @type {{layer: number, what: string}} */ { layer, what }) =>
    `Expected a block whose ${what} is the sum of its own parts. Got block ${layer}, where an edit has set it. ` +
    "Take that edit back to see the parts.",
  no_sum_over_heads: (/** @type {{layer: number, family: string, reason: string}} */ { layer, family, reason }) =>
    "Expected a block whose attention output is a sum over heads. " +
    `Got block ${layer} of ${family}: ${reason}. What all heads add together can be read.`,
  no_sum_over_keys: (/** @type {{layer: number, family: string, reason: string}} */ { layer, family, reason }) =>
    "Expected a block whose attention output is a sum over heads and keys. " +
    `Got block ${layer} of ${family}: ${reason}. The attention maps, the stream and the logits can be read.`,
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

/** What an edit can set, by its English name. @type {Record<string, string>} */
const SET_PARTS = { "attention output": "注意力输出", "MLP output": " MLP 输出", "head output": "头输出" };

/** Why what attention adds is no sum, by the English reason. @type {Record<string, string>} */
const REASONS = {
  "a gate multiplies what each of its heads has mixed": "每个头混合出的值还要乘上一个门",
  "what its heads give is not their values, mixed by their weights": "各头给出的不是按权重混合的值",
  "no linear projection takes the outputs of its heads side by side": "没有一个线性投影并排接收各头的输出",
  "what its heads and its bias give does not sum to what attention added": "各头与偏置之和不是注意力加入的",
  "what follows its attention is not a scaling": "注意力之后的一步不是缩放",
};

/** @type {typeof en} */
const zh = {
  route: ({ what, family }) =>
    `这里需要把${QUANTITIES[what] ?? ` ${what} `}交给 transformers 的 AttentionInterface 的模型。${family} 只返回注意力权重（eager 路线）。` +
    "请改看注意力图、残差流和对数几率。",
  no_attention: ({ layer, family }) =>
    `这里需要有注意力的层。${family} 的第 ${layer} 层以别的方式混合词元。请选有注意力的层。`,
  no_map: ({ layer, family }) =>
    `有注意力的每一层都应给出一张注意力图。${family} 的第 ${layer} 层没有。残差流和对数几率可以看。`,
  no_causal_map: ({ layer, family }) =>
    `注意力图每行之和不应超过 1，也不应看向后面的词元。${family} 的第 ${layer} 层不是这样。残差流和对数几率可以看。`,
  no_eager_function: ({ module }) =>
    `这里需要自带 eager 注意力函数的模型。${module} 没有。它的注意力图算不出来；查询、键和残差流可以看。`,
  other_attention: ({ layer, family, function: name }) =>
    `注意力的输出应与 eager 注意力函数的相同。${family} 的第 ${layer} 层${name && `用注意力函数“${name}”，`}输出不同。请用 attn_implementation="eager" ` +
    "加载模型再看它的注意力。",
  other_mask: ({ module }) =>
    `掩码应是张量。${module} 得到的是别的掩码。请用 attn_implementation="sdpa" 加载模型再看它的注意力图。`,
  other_scores: ({ module }) =>
    `分数经 softmax 应得到注意力图。${module} 在分数和权重之间还做了别的。它的注意力权重是精确的；分数的各步不显示。`,
  left_out: ({ layer, family }) =>
    `这里需要这次计算经过的块。${family} 的第 ${layer} 块这次被跳过了。请选别的块或别的文本。`,
  not_in_file: ({ name, layers, neurons }) =>
    `这份轨迹的文件里没有 ${name}。它有这些层的注意力${neurons ? "和神经元" : ""}：${layers.join("、") || "无"}。`,
  streams: ({ family }) =>
    `这里需要每个词元一个向量的残差流。${family} 的各块传递的是多个向量或别的张量。可以看注意力图、头和对数几率；残差流和对它的改动没有。`,
  no_parts: ({ layer, family }) =>
    `一块给残差流加入的应是注意力与 MLP 之和。${family} 的第 ${layer} 块不是。残差流可以看，它的各部分不能。`,
  part_was_set: ({ layer, what }) =>
    `这一块的${SET_PARTS[what] ?? ` ${what} `}应是它自己各部分之和。第 ${layer} 块的被一项改动换掉了。撤销该改动才能看各部分。`,
  no_sum_over_heads: ({ layer, family, reason }) =>
    `注意力的输出应是各头之和。${family} 的第 ${layer} 块不是：${REASONS[reason] ?? reason}。所有头一共加入的可以看。`,
  no_sum_over_keys: ({ layer, family, reason }) =>
    `注意力的输出应是各头、各键之和。${family} 的第 ${layer} 块不是：${REASONS[reason] ?? reason}。注意力图、残差流和对数几率可以看。`,
};

export const attentionRefusals = { en, zh };
