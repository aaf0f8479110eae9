"""The texts of the still picture of the intervention view, in each language."""

PHRASES = {
    "en": {
        "after": "after",
        "edits": "The next token before and after these edits: {edits}",
        "unedited": "The next token, without edits.",
    },
    "zh": {
        "after": "改动之后",
        "edits": "以下改动前后的下一个词元：{edits}",
        "unedited": "下一个词元，没有改动。",
    },
}
