"""Sentences that people had to read twice, and that were rewritten, stand nowhere on screen any more."""

import json
from functools import cache
from pathlib import Path

import pytest

import gptviz
from gptviz._paths import notebooks_dir

REWRITTEN = [
    "start anew with every prompt",
    "folded away, since it would tell",
    "Notice how little even the first may have",
    "Near 0 it takes all; high up, all come closer",
    "The model says",
    "hangs by too little to be worth a guess",
    "too close to guess",
    "of the tokenizer's own.",
    "Drawn, appended, read again",
    "of which only differences matter",
    ": only differences matter",
    "Open in the view beside",
    "a way to write it",
    "there a softmax hardly reacts any more",
    "training has nothing to go by",
    "some heads have something else to do",
    "only how its numbers stand to each other",
    "Does any token that could come become impossible",
    "restore more at the last token than at the token of the one who tells",
    "falls, but keeps more than two thirds",
    "changes little, by less than a tenth",
    "comes closer to the sum than zeros do",
    "How surprising each token is, is not known",
    "scores of seen tokens ÷ or ×",
    "so nothing after a setting is known",
]


@cache
def texts():
    """Returns the text of each notebook, and of each file of the package that has words for the screen."""
    folder = Path(gptviz.__file__).parent
    files = [*folder.rglob("*words.js"), *folder.rglob("*phrases.py"), *folder.glob("lessons/*.py")]
    shown = {path.name: path.read_text("utf-8") for path in files}
    for path in notebooks_dir().glob("*.ipynb"):
        cells = json.loads(path.read_text("utf-8"))["cells"]
        shown[path.name] = "\n".join("".join(cell["source"]) for cell in cells)
    return {name: " ".join(text.split()) for name, text in shown.items()}


@pytest.mark.parametrize("old", REWRITTEN)
def test_no_text_on_screen_has_the_old_sentence(old):
    assert len(texts()) > 30, "texts are read"
    assert not [name for name, text in texts().items() if old in text]
