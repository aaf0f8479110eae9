// @ts-check
import { grouped } from "./numbers.js";

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
  not_rotated: (/** @type {{family: string}} */ { family }) =>
    "Expected a family that rotates its queries and keys by their positions. " +
    `Got ${family}, which does not. Queries and keys can be seen as attention receives them.`,
  no_sum_over_keys: (/** @type {{layer: number, family: string, reason: string}} */ { layer, family, reason }) =>
    "Expected a block whose attention output is a sum over heads and keys. " +
    `Got block ${layer} of ${family}: ${reason}. The attention maps, the stream and the logits can be read.`,
  no_sum_over_heads: (/** @type {{layer: number, family: string, reason: string}} */ { layer, family, reason }) =>
    "Expected a block whose attention output is a sum over heads. " +
    `Got block ${layer} of ${family}: ${reason}. What all heads add together can be read.`,
  left_out: (/** @type {{layer: number, family: string}} */ { layer, family }) =>
    `Expected a block that this pass went through. Got block ${layer} of ${family}, which this pass left out. ` +
    "Choose another block, or another text.",
  no_parts: (/** @type {{layer: number, family: string}} */ { layer, family }) =>
    "Expected a block whose attention and MLP sum to what it adds to the stream. " +
    `Got block ${layer} of ${family}, where they do not. The stream can be read; its parts cannot.`,
  part_was_set: (/** @type {{layer: number, what: string}} */ { layer, what }) =>
    `Expected a block whose ${what} is the sum of its own parts. Got block ${layer}, where an edit has set it. ` +
    "Take that edit back to see the parts.",
  no_position_part: (/** @type {{family: string, rotary: boolean}} */ { family, rotary }) =>
    "Expected a family that adds position embeddings to its token embeddings. " +
    `Got ${family}, where positions enter inside attention, ` +
    `by ${rotary ? "rotating queries and keys" : "what attention does with distance"}. ` +
    "What enters block 0 is the token embedding.",
  no_embedding_parts: (/** @type {{family: string}} */ { family }) =>
    "Expected an embedding that is the sum of a token’s and a position’s row. " +
    `Got ${family}, where the two do not sum to what enters block 0. The sum is exact; its parts are not shown.`,
  no_neurons: (/** @type {{layer: number, family: string}} */ { layer, family }) =>
    "Expected an MLP whose neurons and bias sum to what it adds to the stream. " +
    `Got block ${layer} of ${family}. What the MLP adds can be read; its neurons cannot.`,
  no_input: (/** @type {{layer: number, family: string, part: string}} */ { layer, family, part }) =>
    `Expected a block whose ${part} reads the stream through one norm. ` +
    `Got block ${layer} of ${family}, where something else lies between the two. What it adds can be read.`,
  no_readout: (/** @type {{family: string}} */ { family }) =>
    "Expected a model whose logits are one norm and one unembedding of the last stream. " +
    `Got ${family}, where something else lies between them. The logits are exact; how they are read is not shown.`,
  no_model: () =>
    "Expected a trace whose model is loaded. Got one that was opened from a file. " +
    "Load the model and trace the text again.",
  encoder_decoder: (/** @type {{model: string}} */ { model }) =>
    `Expected a decoder-only model. Got ${model}, an encoder-decoder. Its numbers can be read in Python; ` +
    "most views and the flow of credit are for decoder-only models so far.",
  not_in_file: (/** @type {{name: string, layers: number[], neurons: boolean}} */ { name, layers, neurons }) =>
    `Expected a number that this file of a trace holds. Got ${name}, which it does not hold. ` +
    `It has the attention ${neurons ? "and neurons " : ""}of layers ${layers.join(", ") || "none"}.`,
  older_file: () =>
    "Expected a file that holds what each head adds to the stream from each key. " +
    "Got one that an earlier gptviz saved. Trace the text again with the model, and save that.",
  no_lens_in_file: (/** @type {{first: number, position: number}} */ { first, position }) =>
    `Expected a position of at least ${first}, where the logit lens of this file begins. Got ${position}. ` +
    "Choose a later token.",
  no_row_in_file: (/** @type {{id: number}} */ { id }) =>
    `Expected a likely next token of this saved trace. Got token ${id}, whose row of the unembedding the file does not ` +
    "hold. Trace the text again with the model.",
  no_edit: (/** @type {{edit: string, family: string}} */ { edit, family }) =>
    `Expected a block in which this edit is possible. Got ${edit} in ${family}. ` +
    "Other edits, such as those of the stream (steer), may be possible.",
  undefined_table: (/** @type {{id: number}} */ { id }) =>
    `Expected a token table of finite numbers. Got NaN or infinity in the row of token id ${id}. ` +
    "Load the model again, or save it anew.",
  no_sum_of_shares: () =>
    "Expected parts whose shares sum to the logit. Got parts that do not. " +
    "The logits are exact; what each part contributed is not shown.",
  no_row: (/** @type {{id: number, rows: number}} */ { id, rows }) =>
    `Expected a token among the ${grouped(rows)} rows of the token table. Got id ${id}, which only the output head has. ` +
    "Choose another token.",
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

/** Why what attention adds is no sum, by the English reason. @type {Record<string, string>} */
const REASONS = {
  "a gate multiplies what each of its heads has mixed": "每个头混合出的值还要乘上一个门",
  "what its heads give is not their values, mixed by their weights": "各头给出的不是按权重混合的值",
  "no linear projection takes the outputs of its heads side by side": "没有一个线性投影并排接收各头的输出",
  "what its heads and its bias give does not sum to what attention added": "各头与偏置之和不是注意力加入的",
  "what follows its attention is not a scaling": "注意力之后的一步不是缩放",
};

/** What an edit can set, by its English name. @type {Record<string, string>} */
const SET_PARTS = { "attention output": "注意力输出", "MLP output": " MLP 输出", "head output": "头输出" };

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
  no_map: ({ layer, family }) =>
    `有注意力的每一层都应给出一张注意力图。${family} 的第 ${layer} 层没有。残差流和对数几率可以看。`,
  no_causal_map: ({ layer, family }) =>
    `注意力图每行之和不应超过 1，也不应看向后面的词元。${family} 的第 ${layer} 层不是这样。残差流和对数几率可以看。`,
  no_eager_function: ({ module }) =>
    `这里需要自带 eager 注意力函数的模型。${module} 没有。它的注意力图算不出来；查询、键和残差流可以看。`,
  other_attention: ({ layer, family, function: name }) =>
    `注意力的输出应与 eager 注意力函数的相同。${family} 的第 ${layer} 层${name && `用注意力函数“${name}”，`}输出不同。请用 attn_implementation="eager" 加载模型再看它的注意力。`,
  other_mask: ({ module }) =>
    `掩码应是张量。${module} 得到的是别的掩码。请用 attn_implementation="sdpa" 加载模型再看它的注意力图。`,
  other_scores: ({ module }) =>
    `分数经 softmax 应得到注意力图。${module} 在分数和权重之间还做了别的。它的注意力权重是精确的；分数的各步不显示。`,
  not_rotated: ({ family }) => `这里需要按位置旋转查询和键的模型。${family} 不这样做。可以看注意力收到的查询和键。`,
  no_sum_over_keys: ({ layer, family, reason }) =>
    `注意力的输出应是各头、各键之和。${family} 的第 ${layer} 块不是：${REASONS[reason] ?? reason}。注意力图、残差流和对数几率可以看。`,
  no_sum_over_heads: ({ layer, family, reason }) =>
    `注意力的输出应是各头之和。${family} 的第 ${layer} 块不是：${REASONS[reason] ?? reason}。所有头一共加入的可以看。`,
  left_out: ({ layer, family }) =>
    `这里需要这次计算经过的块。${family} 的第 ${layer} 块这次被跳过了。请选别的块或别的文本。`,
  no_parts: ({ layer, family }) =>
    `一块给残差流加入的应是注意力与 MLP 之和。${family} 的第 ${layer} 块不是。残差流可以看，它的各部分不能。`,
  part_was_set: ({ layer, what }) =>
    `这一块的${SET_PARTS[what] ?? ` ${what} `}应是它自己各部分之和。第 ${layer} 块的被一项改动换掉了。撤销该改动才能看各部分。`,
  no_position_part: ({ family, rotary }) =>
    `这里需要把位置嵌入加到词元嵌入上的模型。${family} 的位置在注意力里起作用：${rotary ? "旋转查询和键" : "注意力按距离处理"}。进入第 0 块的是词元嵌入。`,
  no_embedding_parts: ({ family }) =>
    `嵌入应是词元一行与位置一行之和。${family} 的两者之和不是进入第 0 块的内容。总和是精确的；各部分不显示。`,
  no_neurons: ({ layer, family }) =>
    `MLP 给残差流加入的应是各神经元与偏置之和。${family} 的第 ${layer} 块不是。MLP 加入的可以看，它的神经元不能。`,
  no_input: ({ layer, family, part }) =>
    `${part === "attention" ? "注意力" : part} 应经过一个归一化读取残差流。${family} 的第 ${layer} 块在两者之间还有别的。它加入的可以看。`,
  no_readout: ({ family }) =>
    `对数几率应由最后的残差流经一个归一化和一个输出矩阵得到。${family} 在两者之间还有别的。对数几率是精确的；读法不显示。`,
  no_model: () => "这里需要已加载的模型。这份轨迹是从文件打开的。请加载模型，重新计算这段文本。",
  encoder_decoder: ({ model }) =>
    `这里需要只有解码器的模型。${model} 是编码器加解码器。它的数值可以在 Python 中读取；大多数视图和信息流目前只适用于只有解码器的模型。`,
  not_in_file: ({ name, layers, neurons }) =>
    `这份轨迹的文件里没有 ${name}。它有这些层的注意力${neurons ? "和神经元" : ""}：${layers.join("、") || "无"}。`,
  older_file: () =>
    "文件里应有每个头从每个键取来并加入残差流的内容。这份是较早的 gptviz 保存的。请用模型重新计算并保存。",
  no_lens_in_file: ({ first, position }) =>
    `这份文件从位置 ${first} 起才有提前读出的数值。得到的是 ${position}。请选后面的词元。`,
  no_row_in_file: ({ id }) =>
    `这里需要这份轨迹里较可能的下一个词元。文件里没有词元 ${id} 在输出矩阵中的那一行。请用模型重新计算。`,
  no_edit: ({ edit, family }) =>
    `这项改动在 ${family} 中做不了：${edit}。别的改动，例如对残差流的（steer），也许可以。`,
  undefined_table: ({ id }) => `词元表应是有限的数。词元 ${id} 的一行里有 NaN 或无穷大。请重新加载模型，或重新保存。`,
  no_sum_of_shares: () => "各部分的份额之和应是对数几率，这里不是。对数几率是精确的；各部分的份额不显示。",
  no_row: ({ id, rows }) => `词元应在词元表的 ${grouped(rows)} 行之内。${id} 只在输出矩阵里有。请选别的词元。`,
};

export const traceRefusals = { en, zh };
