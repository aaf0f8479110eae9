"""The texts of the still picture of the comparison, in each language."""

PHRASES = {
    "en": {
        "next": "The most probable next token is {token}, with {share}. The entropy is {bits} bits, as for "
        "{choices} equally likely tokens.",
        "unknown": "not in the vocabulary",
    },
    "zh": {
        "next": "最可能的下一个词元是 {token}，概率 {share}。熵为 {bits} 比特，相当于 {choices} 个等可能的词元。",
        "unknown": "词表中没有",
    },
}
