"""The texts of the still picture of the token view, in each language."""

PHRASES = {
    "en": {"encoder": "Source: {text}", "decoder": "Target: {text}"},
    "zh": {"encoder": "源文：{text}", "decoder": "目标：{text}"},
}
