"""Charts draw the numbers that they are given, show texts as text, and refuse arguments that do not fit together."""

import itertools
import re

import numpy as np
import plotly.graph_objects as go
import pytest
from close import assert_softmax_close
from contrast import contrast

import gptviz
from gptviz import figures
from gptviz.errors import GPTVizError, OutOfRange

HOSTILE = ["<b>bold</b>", "<a href='javascript:alert(1)'>x</a>", "&lt; & \n\u202e", "plain"]
SHOWN = [
    "&lt;b&gt;bold&lt;/b&gt;",
    "&lt;a␣href='javascript:alert(1)'&gt;x&lt;/a&gt;",
    "&amp;lt;␣&amp;␣⏎U+202E",
    "plain",
]


def test_bars_are_the_probabilities_on_an_axis_from_0_to_100():
    figure = figures.probabilities(HOSTILE, [0.5, 0.25, 0.125, 0.0625])
    (bars,) = figure.data
    assert list(bars.x) == [50, 25, 12.5, 6.25]
    assert list(bars.text) == ["50.0 %", "25.0 %", "12.5 %", "6.25 %"]
    assert list(figure.layout.xaxis.range) == [0, 100]
    assert list(figure.layout.yaxis.ticktext) == SHOWN
    assert figure.layout.yaxis.autorange == "reversed", "the largest stands on top"


def test_the_logit_lens_is_drawn_as_the_softmax_at_the_given_tokens():
    lens = np.log([[0.1, 0.2, 0.7], [0.6, 0.3, 0.1]]) + 1000  # large logits: exp of them would overflow
    figure = figures.logit_lens(lens, ["b", "<i>c"], ids=[1, 2])
    (heat,) = figure.data
    assert_softmax_close(heat.z, [[20, 70], [30, 10]], lens, dtype=np.float64)
    assert (heat.zmin, heat.zmax) == (0, 100)
    assert list(figure.layout.xaxis.ticktext) == ["b", "&lt;i&gt;c"]
    assert list(figure.layout.yaxis.ticktext) == ["before block 0", "after the last block"]


def test_effects_have_one_colour_scale_symmetric_about_zero():
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


@pytest.mark.parametrize("theme", ["light", "dark", None])
def test_numbers_can_be_read_on_their_colour(theme):
    """Their contrast is at least 4.5 to 1 at the stops of the colour scales."""
    stops = np.linspace(0, 1, 5)
    effects = figures.effects([4 * stops - 2], ["L0"], list("abcde"), theme=theme).data[0]
    logits = np.log([stops + 1e-300, 1 - stops + 1e-300]).T
    lens = figures.logit_lens(logits, ["a"], ids=[0], theme=theme).data[0]
    for texts, scale in ((effects.text[0], effects.colorscale), ([row[0] for row in lens.text], lens.colorscale)):
        for text, (_, colour) in zip(texts, scale, strict=True):
            assert contrast(re.findall("#[0-9a-f]{6}", text)[0], colour) > 4.5
    ends = [colour for _, colour in lens.colorscale]
    page = "#111317" if theme == "dark" else "#ffffff"
    assert contrast(ends[0], page) < 1.1 and contrast(ends[-1], page) > 10, "more is more contrast with the page"


def test_per_cents_are_never_written_as_0_or_100():
    shares = np.array([[0.00031, 0.031, 0.96869], [0.99999, 0.00001, 1e-12]])
    (heat,) = figures.logit_lens(np.log(shares), list("abc"), ids=[0, 1, 2]).data
    assert [[re.findall(">(.*)<", text)[0] for text in row] for row in heat.text] == [
        ["&lt;0.1 %", "3.1 %", "96.9 %"], ["&gt;99.9 %", "&lt;0.1 %", "&lt;0.1 %"]]  # fmt: skip
    (bars,) = figures.probabilities(list("abc"), [0.99999, 1e-7, 0.5]).data
    assert list(bars.text) == [">99.99 %", "<0.001 %", "50.0 %"]


@pytest.mark.parametrize("scale", ["screen", "projector"])
def test_the_size_of_type_follows_the_scale(scale):
    sizes = {"screen": (11, 13, 16), "projector": (16.5, 19.5, 24)}[scale]
    gptviz.set_scale(scale)
    try:
        drawn = [
            figures.probabilities(["a"], [0.5]), figures.logit_lens([[0.0, 1.0]], ["a"], ids=[0]),
            figures.effects([[1.0]], ["a"], ["b"], scale="what the colours measure"), figures.entropy(["a"], [1.0]),
            figures.embedding_map(np.eye(2), ["a", "b"], marked=[0]),
        ]  # fmt: skip
        named = figures.embedding_map(np.eye(2), ["a", "b"], scale="screen")
    finally:
        gptviz.set_scale("screen")
    for figure in drawn:
        assert (figure.layout.font.size, figure.layout.title.font.size) == sizes[1:]
    assert [figure.data[0].textfont.size for figure in drawn[1:3]] == [sizes[0]] * 2
    assert drawn[2].data[0].colorbar.title.text == "what the colours<br>measure"
    assert named.layout.font.size == 13, "a scale that is named comes first"


def test_labels_with_room_are_not_turned():
    def angle(columns, **more):
        return figures.effects(np.zeros((1, len(columns))), ["L0"], columns, **more).layout.xaxis.tickangle

    assert angle([f"H{head}" for head in range(8)]) == angle([f"H{head}" for head in range(16)]) == 0
    assert angle([f"H{head}" for head in range(25)]) == angle(["<|endoftext|>", *["house"] * 12]) == -50


def test_a_long_title_is_wrapped_and_has_room():
    long, short = (figures.entropy(["a"], [1.0], title=title).layout for title in ("word " * 20, "word"))
    assert long.title.text.count("<br>") == 1 and long.margin.t > short.margin.t


def test_the_map_names_the_marked_tokens_and_thins_a_large_table():
    points = np.random.default_rng(1).normal(size=(9000, 2))
    labels = [f"t{i}" for i in range(9000)]
    labels[8001] = HOSTILE[0]
    figure = figures.embedding_map(points, labels, marked=[8001, 3, 8001], shares=[0.25, 0.125])
    cloud, named = figure.data
    assert len(cloud.x) <= 4000
    np.testing.assert_array_equal(np.column_stack([cloud.x, cloud.y]), points[::3])
    np.testing.assert_array_equal(np.column_stack([named.x, named.y]), points[[8001, 3]])
    assert [one.text for one in figure.layout.annotations] == [SHOWN[0], "t3"]
    assert list(named.text) == [SHOWN[0], "t3"], "pointing at a point says its name"
    assert "3,000 of 9,000 tokens" in figure.layout.title.text
    assert "25.0 % of the variance" in figure.layout.xaxis.title.text
    assert "12.5 % of the variance" in figure.layout.yaxis.title.text


def boxes(figure, width, height):
    """Yields where names are drawn on a map of this size: left, right, top, bottom."""
    (left, right), (low, high) = figure.layout.xaxis.range, figure.layout.yaxis.range
    for one in figure.layout.annotations:
        x = (one.x - left) / (right - left) * width + one.ax
        y = (high - one.y) / (high - low) * height + one.ay
        long, tall = 0.6 * figure.layout.font.size * len(one.text), 1.3 * figure.layout.font.size
        start = x if one.xanchor == "left" else x - long
        yield start, start + long, y - tall / 2, y + tall / 2


@pytest.mark.parametrize("scale", ["screen", "projector"])
def test_no_name_on_the_map_covers_another_at_any_width(scale):
    points = np.random.default_rng(2).normal(size=(300, 2)) * [0.1, 0.3]
    points[:2] = [-3, 0], [1, 1]
    figure = figures.embedding_map(points, [f"name{i}" for i in range(300)], marked=range(2, 22), scale=scale)
    assert len(figure.layout.annotations) > 10
    height = figure.layout.height - figure.layout.margin.t - figure.layout.margin.b
    for width in (380, 500, 700, 1100):
        for one, other in itertools.combinations(boxes(figure, width, height), 2):
            assert one[1] <= other[0] or other[1] <= one[0] or one[3] <= other[2] or other[3] <= one[2]


def test_entropy_along_a_text_is_drawn():
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
def test_themes_have_contrast_and_titles_are_escaped(draw):
    dark, light, either = draw(theme="dark", title="<script>"), draw(theme="light"), draw()
    assert dark.layout.title.text == "&lt;script&gt;"
    clear = "rgba(0,0,0,0)"
    assert (either.layout.paper_bgcolor, either.layout.plot_bgcolor) == (clear, clear)
    own = [figure.layout.paper_bgcolor for figure in (dark, light)]
    grounds = [(dark, own[0], 4.5), (light, own[1], 4.5), (either, "#ffffff", 4.3), (either, "#111111", 4.3)]
    for figure, ground, read in grounds:  # no colour has more than 4.35 on white and on JupyterLab's #111
        layout, trace = figure.layout, figure.data[0]
        assert contrast(layout.font.color, ground) > read
        for axis in (layout.xaxis, layout.yaxis):
            for line in (axis.gridcolor, axis.linecolor, axis.zerolinecolor, axis.tickcolor):
                assert contrast(line, ground) > 3
        if trace.type != "heatmap":  # whose squares are a ground of their own
            assert contrast(trace.line.color if trace.type == "scatter" else trace.marker.color, ground) > 3
    with pytest.raises(GPTVizError, match="light or dark"):
        draw(theme="blue")


def test_a_users_own_chart_has_contrast_on_every_background():
    figure = figures.chart(go.Scatter(y=[1, 2]), go.Scatter(y=[2, 1]), title="a & b", height=400)
    assert [trace.y for trace in figure.data] == [(1, 2), (2, 1)]
    assert (figure.layout.title.text, figure.layout.height) == ("a &amp; b", 400)
    for ground in ("#ffffff", "#111111"):
        assert all(contrast(colour, ground) > 3 for colour in figure.layout.colorway)


def test_arguments_that_do_not_fit_together_are_refused():
    with pytest.raises(GPTVizError, match=r"one probability for each label: shape \(2,\)"):
        figures.probabilities(["a", "b"], [0.5])
    with pytest.raises(GPTVizError, match=r"logits \(depths, vocab\)"):
        figures.logit_lens([0.0, 1.0], ["a"], ids=[0])
    with pytest.raises(OutOfRange, match="token id from 0 to 1"):
        figures.logit_lens([[0.0, 1.0]], ["a"], ids=[2])
    with pytest.raises(GPTVizError, match="a label for each of the ids"):
        figures.logit_lens([[0.0, 1.0]], ["a", "b"], ids=[0])
    with pytest.raises(GPTVizError, match="one value for each row and column"):
        figures.effects([[1.0, 2.0]], ["a"], ["b"])
    with pytest.raises(GPTVizError, match="one for each label"):
        figures.embedding_map(np.zeros((3, 3)), ["a", "b", "c"])
    with pytest.raises(OutOfRange, match="token id from 0 to 1"):
        figures.embedding_map(np.zeros((2, 2)), ["a", "b"], marked=[5])
    with pytest.raises(GPTVizError, match="one entropy for each label"):
        figures.entropy(["a"], [1.0, 2.0])
    for bad in (float("nan"), float("inf")):
        with pytest.raises(GPTVizError, match="finite"):
            figures.probabilities(["a"], [bad])
