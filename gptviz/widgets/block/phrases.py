"""The texts of the still picture of the block view, in each language."""

PHRASES = {
    "en": {
        "ledger": "The parts that add up to the logit of {token} ({share}):",
        "sum": "sum: {total}",
        "block attention": "block {layer}, attention",
        "block cross": "block {layer}, cross attention",
        "block mlp": "block {layer}, MLP",
        "token": "row of the token table",
        "position": "row of the position table",
        "embedding": "embedding",
        "edit": "added by edits",
        "norm_bias": "the final norm’s bias",
        "unembedding_bias": "the unembedding’s bias",
        "softcap": "change by the soft cap",
    },
    "zh": {
        "ledger": "{token}（{share}）的对数几率由哪些部分相加而成：",
        "sum": "总和：{total}",
        "block attention": "第 {layer} 块，注意力",
        "block cross": "第 {layer} 块，交叉注意力",
        "block mlp": "第 {layer} 块，MLP",
        "token": "词元表的一行",
        "position": "位置表的一行",
        "embedding": "嵌入",
        "edit": "改动所加",
        "norm_bias": "最后归一化的偏置",
        "unembedding_bias": "解嵌入的偏置",
        "softcap": "软截断带来的变化",
    },
}
