"""The texts of the still picture of the flow view, in each language."""

PHRASES = {
    "en": {
        "credit": "Where the stream of {token} after the last block comes from: each token’s share at the embedding.",
        "weights": "Where {token} looks: the largest attention weight that a block gives each token, averaged over heads.",
        "attention": "The share of attention in {token}, block by block:",
        "look": "The largest attention weight of {token}, block by block:",
        "block": "block {first}",
        "blocks": "blocks {first}–{last}",
        "next": "The next token after {token}:",
        "next_cut": "The next token after {token}, in the pass with these cuts:",
        "cuts": "Cut: {edits}",
    },
    "zh": {
        "credit": "最后一块之后 {token} 处的残差流来自哪里：每个词元在嵌入处的份额。",
        "weights": "{token} 看向哪里：各块给每个词元的最大注意力权重，对各个头取平均。",
        "attention": "逐块看，{token} 处注意力的份额：",
        "look": "逐块看，{token} 的最大注意力权重：",
        "block": "第 {first} 块",
        "blocks": "第 {first}–{last} 块",
        "next": "{token} 之后的下一个词元：",
        "next_cut": "切断之后，{token} 之后的下一个词元：",
        "cuts": "切断：{edits}",
    },
}
