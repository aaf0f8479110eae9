"""What is drawn for a token: emoji whole, marks on a circle, codes for what cannot be seen; in Python and in the page."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

import gptviz
from gptviz.text.visible import quoted, visible_text

CHIPS = Path(gptviz.__file__).parent / "widgets" / "shared" / "chips.js"
TEXTS = {
    "👩‍🚀": "👩‍🚀", "👩🏽‍🚀": "👩🏽‍🚀", "❤️‍🔥": "❤️‍🔥", "👩‍": "👩U+200D", "‍🚀": "U+200D🚀",
    "a‍b": "aU+200Db", "\u0301": "◌\u0301", "e\u0301": "e\u0301", "\u093f": "◌\u093f", " \u0301": "␣\u0301",
    " a\n": "␣a⏎", "\u200b": "U+200B", "": "",
}  # fmt: skip


@pytest.mark.parametrize("text, drawn", TEXTS.items())
def test_python_draws_a_text_so(text, drawn):
    assert visible_text(text) == drawn


def test_the_page_draws_the_same():
    node = shutil.which("node")
    assert node, "make node"
    program = f"""import {{ chipText }} from {json.dumps(CHIPS.as_uri())};
    console.log(JSON.stringify({json.dumps(list(TEXTS))}.map((text) => chipText({{ id: 0, text }}))));"""
    done = subprocess.run([node, "--input-type=module"], input=program, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == list(TEXTS.values())


def test_a_long_text_is_quoted_by_its_ends():
    assert quoted("a 'b'\n") == repr("a 'b'\n")
    text = "".join(chr(ord("a") + i % 26) for i in range(1_498))
    assert quoted(text) == repr(f"{text[:30]}…{text[-29:]}")
    assert len(quoted(text, 20)) == 22
