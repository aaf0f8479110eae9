"""The words of still pictures and of handed-out pages, in each language. The words of a view's page are in its `words.js`."""

PHRASES = {
    "en": {
        "covered": "Covered until the question about it is answered.",
        "pooled": "Pooled from {count} to {side} cells a side: each shows the largest weight of its block.",
        "attention": "{head}. Each row is a token looking; each column a token looked at; dark is a large weight.",
        "reads": "{model} reads {count} tokens:",
        "near": "Nearest to {token} in the token table, by cosine:",
        "direction": "direction {number}: {share} % of the variance",
        "ledger": "What adds up to the logit of {token} ({share} %), part by part:",
        "sum": "sum: {total}",
        "block attention": "block {layer}, attention",
        "block mlp": "block {layer}, MLP",
        "token": "row of the token table",
        "position": "row of the position table",
        "embedding": "embedding",
        "edit": "edits of the stream",
        "norm_bias": "the final norm’s bias",
        "unembedding_bias": "the unembedding’s bias",
        "softcap": "the soft cap takes",
        "drawn": "After {token}: what is drawn from, temperature {temperature}",
        "next": "Next, by its own probabilities: {token} leads with {share} %; {bits} bits, like {choices} equal choices.",
        "unknown": "none such",
        "after": "after",
        "edits": "The next token before and after: {edits}",
        "unedited": "The next token of the model as it is.",
        "copy": "A copy to read and play with: the views, sliders and questions work here, and no cell has to be run. "
        "What needs the model says so.",
    },
    "zh": {
        "covered": "回答关于它的问题之前先盖住。",
        "pooled": "由 {count} 格合并为每边 {side} 格：每格显示其范围内的最大权重。",
        "attention": "{head}。每一行是一个在看的词元，每一列是被看的词元；深色为大权重。",
        "reads": "{model} 读入 {count} 个词元：",
        "near": "词元表中与 {token} 最近的（按余弦）：",
        "direction": "方向 {number}：方差的 {share} %",
        "ledger": "{token}（{share} %）的分数由哪些部分相加而成：",
        "sum": "总和：{total}",
        "block attention": "第 {layer} 块，注意力",
        "block mlp": "第 {layer} 块，MLP",
        "token": "词元表的一行",
        "position": "位置表的一行",
        "embedding": "嵌入",
        "edit": "对残差流的改动",
        "norm_bias": "最后归一化的偏置",
        "unembedding_bias": "输出矩阵的偏置",
        "softcap": "软截断减去",
        "drawn": "在 {token} 之后：从中抽取的分布，温度 {temperature}",
        "next": "下一个词元（按模型自己的概率）：{token} 以 {share} % 领先；{bits} 比特，相当于 {choices} 个等可能的词元。",
        "unknown": "词表中无",
        "after": "改动之后",
        "edits": "改动前后的下一个词元：{edits}",
        "unedited": "未改动的模型的下一个词元。",
        "copy": "这是可以阅读和操作的副本：视图、滑块和问题在这里都能用，不必运行任何单元。需要模型的地方会说明。",
    },
}


def phrase(language: str, name: str, **values: object) -> str:
    """One phrase with its values put in."""
    return PHRASES[language][name].format(**values)
