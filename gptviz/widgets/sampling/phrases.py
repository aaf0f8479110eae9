"""The texts of the still picture of the sampling bench, in each language."""

PHRASES = {
    "en": {
        "drawn": "The sampling distribution after {token}, at temperature {temperature}:",
    },
    "zh": {
        "drawn": "{token} 之后的采样分布，温度 {temperature}：",
    },
}
