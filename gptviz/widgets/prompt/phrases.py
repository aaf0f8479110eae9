"""The texts of the still picture of the prompt box, in each language."""

PHRASES = {
    "en": {
        "reads_target": "{model} reads {count} tokens of the source and {target} of the target:",
        "own": "{text} (written by the model itself)",
    },
    "zh": {
        "reads_target": "{model} 读入源文 {count} 个词元、目标 {target} 个词元：",
        "own": "{text}（模型自己写的）",
    },
}
