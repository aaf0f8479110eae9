"""The texts of still pictures and handouts in each language. A view's texts on the page are in its `words.js`."""

PHRASES = {
    "en": {
        "covered": "Covered until you answer the question about it.",
        "pooled": "Pooled from {count} to {side} cells on each side. Each cell shows the largest weight of its block.",
        "attention": "{head}. Each row is a query, the token that looks; each column is a key, a token that it looks at. "
        "The darker, the larger the weight.",
        "reads": "{model} reads {count} tokens:",
        "near": "The tokens nearest to {token} in the token table, by cosine:",
        "direction": "direction {number}: {share} % of the variance",
        "ledger": "The parts that add up to the logit of {token} ({share} %):",
        "sum": "sum: {total}",
        "block attention": "block {layer}, attention",
        "block mlp": "block {layer}, MLP",
        "token": "row of the token table",
        "position": "row of the position table",
        "embedding": "embedding",
        "edit": "edits of the stream",
        "norm_bias": "the final norm’s bias",
        "unembedding_bias": "the unembedding’s bias",
        "softcap": "the soft cap subtracts",
        "drawn": "The sampling distribution after {token}, at temperature {temperature}:",
        "next": "The most probable next token is {token}, with {share} %. The entropy is {bits} bits, as for {choices} "
        "equally likely tokens.",
        "unknown": "not in its vocabulary",
        "after": "after",
        "edits": "The next token before and after these edits: {edits}",
        "unedited": "The next token, without edits.",
        "copy": "This is a copy to read and to try out. Views, sliders and questions work here without running a cell. "
        "Anything that needs the model says so.",
    },
    "zh": {
        "covered": "在你回答关于它的问题之前，这里是盖住的。",
        "pooled": "每边由 {count} 格合并为 {side} 格。每格显示其范围内的最大权重。",
        "attention": "{head}。每一行是一个查询，即在看的词元；每一列是一个键，即被看的词元。颜色越深，权重越大。",
        "reads": "{model} 读入 {count} 个词元：",
        "near": "词元表中与 {token} 最近的词元（按余弦）：",
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
        "drawn": "{token} 之后的抽样分布，温度 {temperature}：",
        "next": "最可能的下一个词元是 {token}，概率 {share} %。熵为 {bits} 比特，相当于 {choices} 个等可能的词元。",
        "unknown": "不在它的词表中",
        "after": "改动之后",
        "edits": "以下改动前后的下一个词元：{edits}",
        "unedited": "下一个词元，没有改动。",
        "copy": "这是可以阅读和试用的副本。视图、滑块和问题在这里都能用，不必运行任何单元。需要模型的地方会说明。",
    },
}


def phrase(language: str, name: str, **values: object) -> str:
    """Returns the phrase of this name with its values filled in."""
    return PHRASES[language][name].format(**values)
