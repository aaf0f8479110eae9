// @ts-check
/**
 * The texts of refusals that views meet which take the stream apart: embeddings, neurons, shares, and edits of them.
 */
const en = {
  not_rotated: (/** @type {{family: string}} */ { family }) =>
    "Expected a family that rotates its queries and keys by their positions. " +
    `Got ${family}, which does not. Queries and keys can be seen as attention receives them.`,
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
  older_file: () =>
    "Expected a file that holds what each head adds to the stream from each key. " +
    "Got one that an earlier gptviz saved. Trace the text again with the model, and save that.",
  no_lens_in_file: (/** @type {{first: number, position: number}} */ { first, position }) =>
    `Expected a position of at least ${first}, where the logit lens of this file begins. Got ${position}. ` +
    "Choose a later token.",
  no_row_in_file: (/** @type {{id: number}} */ { id }) =>
    `Expected a likely next token of this saved trace. Got token ${id}, whose row of the unembedding the file does ` +
    "not hold. Trace the text again with the model.",
  no_edit: (/** @type {{edit: string, family: string}} */ { edit, family }) =>
    `Expected a block in which this edit is possible. Got ${edit} in ${family}. ` +
    "Other edits, such as those of the stream (steer), may be possible.",
  undefined_table: (/** @type {{id: number}} */ { id }) =>
    `Expected a token table of finite numbers. Got NaN or infinity in the row of token id ${id}. ` +
    "Load the model again, or save it anew.",
  no_sum_of_shares: () =>
    "Expected parts whose shares sum to the logit. Got parts that do not. " +
    "The logits are exact; what each part contributed is not shown.",
};

/** @type {typeof en} */
const zh = {
  not_rotated: ({ family }) => `这里需要按位置旋转查询和键的模型。${family} 不这样做。可以看注意力收到的查询和键。`,
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
};

export const partRefusals = { en, zh };
