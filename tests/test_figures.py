"""Charts: the numbers handed in are the numbers drawn, texts stay text, what does not fit is refused in words."""

import re

import numpy as np
import pytest

from gptviz import figures
from gptviz.errors import GPTVizError, OutOfRange

HOSTILE = ["<b>bold</b>", "<a href='javascript:alert(1)'>x</a>", "&lt; & \n\u202e", "plain"]
SHOWN = [
    "&lt;b&gt;bold&lt;/b&gt;",
    "&lt;a␣href='javascript:alert(1)'&gt;x&lt;/a&gt;",
    "&amp;lt;␣&amp;␣⏎U+202E",
    "plain",
]


def test_bars_are_the_probabilities_on_an_axis_that_never_moves():
    figure = figures.probabilities(HOSTILE, [0.5, 0.25, 0.125, 0.0625])
    (bars,) = figure.data
    assert list(bars.x) == [50, 25, 12.5, 6.25]
    assert list(bars.text) == ["50 %", "25 %", "12.5 %", "6.25 %"]
    assert list(figure.layout.xaxis.range) == [0, 100]
    assert list(figure.layout.yaxis.ticktext) == SHOWN
    assert figure.layout.yaxis.autorange == "reversed", "the largest stands on top"


def test_the_lens_is_the_softmax_of_its_logits_at_the_tokens_asked_for():
    lens = np.log([[0.1, 0.2, 0.7], [0.6, 0.3, 0.1]]) + 1000  # large logits: exp of them would overflow
    figure = figures.logit_lens(lens, ["b", "<i>c"], ids=[1, 2])
    (heat,) = figure.data
    np.testing.assert_allclose(heat.z, [[20, 70], [30, 10]], rtol=1e-9)
    assert (heat.zmin, heat.zmax) == (0, 100)
    assert list(figure.layout.xaxis.ticktext) == ["b", "&lt;i&gt;c"]
    assert list(figure.layout.yaxis.ticktext) == ["before block 0", "after the last"]


def test_effects_have_one_scale_about_nothing():
    values = np.array([[1.0, -3.0, 0.0], [0.5, 2.0, -0.25]])
    figure = figures.effects(values, ["L0", "<b>L1"], HOSTILE[:3])
    (heat,) = figure.data
    np.testing.assert_array_equal(heat.z, values)
    assert (heat.zmin, heat.zmax) == (-3, 3)
    assert list(figure.layout.yaxis.ticktext) == ["L0", "&lt;b&gt;L1"]
    assert heat.customdata[1][0] == f"&lt;b&gt;L1, {SHOWN[0]}"
    assert [["".join(re.findall(">(.*)<", text)) for text in row] for row in heat.text] == [
        ["+1.0", "−3.0", "0"], ["+0.5", "+2.0", "−0.2"]]  # fmt: skip
    still = figures.effects(np.zeros((1, 1)), ["a"], ["b"]).data[0]
    assert (still.zmin, still.zmax) == (-1, 1)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_numbers_are_read_on_their_colour(theme):
    """Contrast by WCAG 2 with the colours that the scale has at its stops: at least 4.5 to 1."""
    stops = figures._SIGNED[theme]
    (heat,) = figures.effects([[-2.0, -1.0, 0.0, 1.0, 2.0]], ["L0"], list("abcde"), theme=theme).data

    def luminance(colour):
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for text, (_, colour) in zip(heat.text[0], stops, strict=True):
        dim, light = sorted([luminance(re.findall("#[0-9a-f]{6}", text)[0]), luminance(colour)])
        assert (light + 0.05) / (dim + 0.05) > 4.5


def test_the_map_marks_what_is_asked_for_by_name_and_thins_a_large_table():
    points = np.random.default_rng(1).normal(size=(9000, 2))
    labels = [f"t{i}" for i in range(9000)]
    labels[8001] = HOSTILE[0]
    figure = figures.embedding_map(points, labels, marked=[8001, 3, 8001], shares=[0.25, 0.125])
    cloud, named = figure.data
    assert len(cloud.x) <= 4000
    np.testing.assert_array_equal(np.column_stack([cloud.x, cloud.y]), points[::3])
    np.testing.assert_array_equal(np.column_stack([named.x, named.y]), points[[8001, 3]])
    assert [one.text for one in figure.layout.annotations] == [SHOWN[0], "t3"]
    assert "3,000 of 9,000 tokens" in figure.layout.title.text
    assert "25.0 % of the variance" in figure.layout.xaxis.title.text
    assert "12.5 % of the variance" in figure.layout.yaxis.title.text


def test_entropy_along_a_text():
    figure = figures.entropy(HOSTILE, [3.5, 0.0, 1.25, 2.0])
    (line,) = figure.data
    assert list(line.y) == [3.5, 0.0, 1.25, 2.0]
    assert list(figure.layout.xaxis.ticktext) == SHOWN
    assert figure.layout.yaxis.rangemode == "tozero"


@pytest.mark.parametrize(
    "draw",
    [
        lambda **more: figures.probabilities(["a"], [0.5], **more),
        lambda **more: figures.logit_lens([[0.0, 1.0]], ["a"], ids=[0], **more),
        lambda **more: figures.effects([[1.0]], ["a"], ["b"], **more),
        lambda **more: figures.entropy(["a"], [1.0], **more),
    ],
)
def test_themes_and_titles(draw):
    dark, light = draw(theme="dark", title="<script>"), draw()
    assert dark.layout.paper_bgcolor == "#111317" and light.layout.paper_bgcolor == "#ffffff"
    assert dark.layout.title.text == "&lt;script&gt;"
    with pytest.raises(GPTVizError, match="light or dark"):
        draw(theme="blue")


def test_what_does_not_fit_is_refused_in_words():
    with pytest.raises(GPTVizError, match=r"one probability a label: shape \(2,\)"):
        figures.probabilities(["a", "b"], [0.5])
    with pytest.raises(GPTVizError, match=r"logits \(depths, vocab\)"):
        figures.logit_lens([0.0, 1.0], ["a"], ids=[0])
    with pytest.raises(OutOfRange, match="ids of the lens's 2 tokens"):
        figures.logit_lens([[0.0, 1.0]], ["a"], ids=[2])
    with pytest.raises(GPTVizError, match="a label for each of the ids"):
        figures.logit_lens([[0.0, 1.0]], ["a", "b"], ids=[0])
    with pytest.raises(GPTVizError, match="one value for each row and column"):
        figures.effects([[1.0, 2.0]], ["a"], ["b"])
    with pytest.raises(GPTVizError, match="one a label"):
        figures.embedding_map(np.zeros((3, 3)), ["a", "b", "c"])
    with pytest.raises(OutOfRange, match="ids of the table's 2 tokens"):
        figures.embedding_map(np.zeros((2, 2)), ["a", "b"], marked=[5])
    with pytest.raises(GPTVizError, match="one entropy a label"):
        figures.entropy(["a"], [1.0, 2.0])
    for bad in (float("nan"), float("inf")):
        with pytest.raises(GPTVizError, match="finite"):
            figures.probabilities(["a"], [bad])
