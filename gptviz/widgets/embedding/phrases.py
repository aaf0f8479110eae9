"""The texts of the still picture of the embedding view, in each language."""

PHRASES = {
    "en": {
        "near": "The tokens nearest to {token} in the token table, by cosine:",
        "direction": "direction {number}: {share} % of the variance",
    },
    "zh": {
        "near": "词元表中与 {token} 最近的词元（按余弦）：",
        "direction": "方向 {number}：方差的 {share} %",
    },
}
