"""Python writes the keys of a page's answers exactly as JavaScript does; Node.js is the truth."""

import json
import math
import random
import shutil
import struct
import subprocess

import pytest
from families import IDS, build, tokenizer
from hypothesis import given
from hypothesis import strategies as st
from properties import ANY_MACHINE

import gptviz
from gptviz.pages.export import page
from gptviz.pages.javascript import javascript_json, javascript_number
from gptviz.pages.stored import question_key

EDGES = [0.0, -0.0, 1e-5, 1e-6, 1e-7, 1.5e-7, 123456789012345680000.0, 1e21, 1.7976931348623157e308, 5e-324, 0.1, -2.5]


@pytest.fixture(scope="module")
def stringify():
    """Returns what JSON.stringify makes of values, one string a value."""
    node = shutil.which("node")
    assert node, "make node"

    def of(values):
        program = "const values = JSON.parse(require('fs').readFileSync(0, 'utf8'));"
        program += "console.log(JSON.stringify(values.map((value) => JSON.stringify(value))))"
        done = subprocess.run(
            [node, "-e", program], input=json.dumps(values), capture_output=True, text=True, check=True
        )
        return json.loads(done.stdout)

    return of


def test_numbers_are_written_as_in_javascript(stringify):
    numbers = EDGES + [sign * digits * 10.0**power for digits in (1, 1.25, 9.999999999999998) for sign in (1, -1)
                       for power in range(-25, 26)]  # fmt: skip
    numbers += [2**53, 2**53 + 1, 10**21, 10**25, -7, 0]
    generator = random.Random(7)
    bits = (struct.unpack("<d", generator.randbytes(8))[0] for _ in range(2_000))
    numbers += [number for number in bits if math.isfinite(number)]
    assert [javascript_number(number) for number in numbers] == stringify(numbers)


def test_values_are_written_as_in_javascript(stringify):
    values = [
        None,
        True,
        False,
        "",
        'a "b" \\ \n\t\u0001\u007f é 🦉 \u2028',
        "\ud83d",
        {"a": [1.0, 2e-9], "b": {}},
        [[]],
    ]
    assert [javascript_json(value) for value in values] == stringify(values)


@ANY_MACHINE
@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53))
def test_a_written_number_reads_as_the_same_number(number):
    written = javascript_number(number)
    assert float(json.loads(written)) == number
    assert javascript_number(float(number)) == written, "one kind of number"


@pytest.mark.parametrize("factor", [1e-5, 3e-7, 0.00012, 0.5, 123456.5])
def test_a_page_finds_the_answer_to_an_edit_with_any_number(stringify, factor):
    trace = gptviz.wrap(build("gpt2"), tokenizer()).trace(IDS)
    view = gptviz.InterventionView(trace, edits=[gptviz.scale_head(0, 0, factor)])
    spec = view.get_state()["_edits"]
    (key,) = stringify([[["edits", spec]]])
    assert question_key("outcome", {"edits": spec}) == f"outcome {key}"


@pytest.mark.parametrize("text", ["Why \ud83d?", "\udc00", "a\ud800b"])
def test_half_a_character_can_be_exported(text, tmp_path):
    question = gptviz.lessons.ask(text, answer=lambda: 1, choices=[1, 2])
    question.save_html(tmp_path / "page.html", title=text)
    assert "\ufffd" in (tmp_path / "page.html").read_text(encoding="utf-8").split("</title>")[0]
    page(f"<p>{text}</p>").encode()
