"""The texts of the still picture of the sampling bench, in each language."""

PHRASES = {
    "en": {
        "drawn": "The sampling distribution after {token}, at temperature {temperature}:",
        "revealed": "What the server reveals of the next token, at temperature {temperature}:",
        "unrevealed": "not revealed",
    },
    "zh": {
        "drawn": "{token} 之后的采样分布，温度 {temperature}：",
        "revealed": "服务器透露的下一个词元，温度 {temperature}：",
        "unrevealed": "未透露",
    },
}
