"""The texts of the still picture of the attention view, in each language."""

PHRASES = {
    "en": {
        "attention": "{head}. Each row is a query, the token that looks; each column is a key, a token that it "
        "looks at. The darker, the larger the weight.",
        "of_decoder": "{head}",
        "of_encoder": "Encoder, {head}",
        "of_cross": "Cross attention, {head}",
        "pooled": "Pooled from {count} to {side} cells on each side. Each cell shows the largest weight of its group.",
    },
    "zh": {
        "attention": "{head}。每一行是一个查询，即在看的词元；每一列是一个键，即被看的词元。颜色越深，权重越大。",
        "of_decoder": "{head}",
        "of_encoder": "编码器 {head}",
        "of_cross": "交叉注意力 {head}",
        "pooled": "每边由 {count} 格合并为 {side} 格。每格显示所在组的最大权重。",
    },
}
