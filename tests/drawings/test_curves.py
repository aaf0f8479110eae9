"""Drawings for lessons about training: curves, what tokens cost, samples. Their marks have the numbers that were given."""

import re

import numpy as np
import pytest
from close import approx_float64, assert_close
from drawn import check_texts_are_inside, drawn, marks, share_error, texts
from shown import half_of_decimal

from gptviz.drawings import costs, curves, power_law, samples
from gptviz.errors import GPTVizError
from gptviz.text.tokens import Token

STEPS = [0, 25, 75, 100]
LOSS, SCORE, OTHER = [4.25, 4.0, np.nan, 1.5], [0.0, 0.125, 0.5, 0.75], [0.25, 0.25, 0.5, 0.125]
CURVES = curves(
    {"loss, nats": {"loss": (STEPS, LOSS)}, "score": {"one <b>": (STEPS, SCORE), "other": ([0, 100], [0.25, 1.0])}},
    "A run", marks={"begun again": 25, "faster": 26}, limit=0.3, note="First.\nSecond.",
)  # fmt: skip
TOKENS = [Token(i, text, text.encode(), i) for i, text in enumerate([" a", "b", " long", " word"])]
LOSSES = np.array([0.5, 2.25, 0.0, 9.0])
DRAWINGS = {
    "curves": CURVES,
    "long names": curves({"loss": {f"a rather long sentence, number {i}": (STEPS, OTHER) for i in range(3)}}, "Names"),
    "named mark": curves({"nats": {"loss": ([1, 2, 3, 4, 5], [9.5, 4, 0, 11, 2])}}, "Loss", marks={"said again": 3.5}),
    "below zero": curves({"gain": {"gain": ([1.5, 2.5], [-2.0, 1.0])}}, "Gain", x="rate"),
    "dots": curves({"nats": {"loss": ([1, 2, 4], [9.5, np.nan, 2])}}, "Loss", dots=True),
    "power law": power_law(
        [100, 200, 800], [8.0, 4.0, 2.5], [-1.0, np.log(800)], "A law", x="weights", y="nats", unused=1
    ),
    "costs": costs(LOSSES, TOKENS),
    "samples": samples({"step 0": "x" * 400, "step 25": "Once <b>upon</b> a time\nthere was. " * 9}, "Samples"),
}


def points(path):
    return np.array([[float(n) for n in pair.split()] for pair in re.findall(r"[\d.]+ [\d.]+", path["d"])])


def axis_of(drawing, titles):
    """Returns the heights of the ticks with these labels: {label: y}, the lowest of those with the same label."""
    found = {}
    for mark in marks(drawing, tag="text"):
        if mark["text"] in titles and mark["text-anchor"] == "end":
            found[mark["text"]] = mark["y"] - mark["font-size"] / 3
    return found


def test_curves_have_the_heights_of_their_numbers():
    """Heights are measured on the ticks of the panel, places on the labels below the last one."""
    loss, one, other = marks(CURVES, tag="path")
    at = axis_of(CURVES, {"0", "1"})  # of the second panel, which is drawn last
    heights = (at["0"] - points(one)[:, 1]) / (at["0"] - at["1"])
    bound = share_error(at["0"] - at["1"], decimals=1)
    np.testing.assert_allclose(heights, SCORE, atol=bound)
    np.testing.assert_allclose((at["0"] - points(other)[:, 1]) / (at["0"] - at["1"]), [0.25, 1], atol=bound)
    ticks = {mark["text"]: mark["x"] for mark in marks(CURVES, tag="text", **{"text-anchor": "middle"})}
    places = (points(one)[:, 0] - ticks["0"]) / (ticks["100"] - ticks["0"]) * 100
    np.testing.assert_allclose(places, STEPS, atol=0.1)
    dashed = marks(CURVES, tag="line", **{"stroke-dasharray": "6 4"})
    assert [(at["0"] - mark["y1"]) / (at["0"] - at["1"]) for mark in dashed] == [pytest.approx(0.3, abs=bound)]
    falls = np.diff(points(loss)[:, 1])
    assert falls[0] > 0 and falls[1] / falls[0] == pytest.approx(2.5 / 0.25, rel=0.05)


def test_values_that_are_all_0_lie_on_the_axis():
    drawing = curves({"share": {"share": (STEPS, [0.0, 0.0, np.nan, 0.0])}}, "None of them")
    (line,), heights = marks(drawing, tag="path"), axis_of(drawing, ["0", "0.2"])
    assert points(line)[:, 1] == pytest.approx(heights["0"], abs=2 * half_of_decimal(1))
    assert heights["0.2"] < heights["0"] - 100


def test_a_missing_value_leaves_a_gap():
    loss = marks(CURVES, tag="path")[0]
    assert [part.count("L") + 1 for part in loss["d"].split("M")[1:]] == [2, 1]


def test_curves_of_all_panels_have_different_colours_and_their_names():
    assert len({mark["stroke"] for mark in marks(CURVES, tag="path")}) == 3
    samples_of_lines = marks(CURVES, tag="line", **{"stroke-width": 3})
    names = {mark["y"]: mark["text"] for mark in marks(CURVES, tag="text", **{"font-size": 12})}
    assert [mark["stroke"] for mark in samples_of_lines] == [m["stroke"] for m in marks(CURVES, tag="path")][1:]
    assert "one <b>" in names.values() or "other" in names.values()


def test_a_name_in_two_panels_has_one_colour_and_two_columns():
    panels = {"right, %": {"b": ([0, 1], [25, 50]), "a": ([0, 1], [0, 75])}, "form, %": {"a": ([0, 2], [100, 50])}}
    drawing = curves(panels, "Two panels", x="examples")
    b, a, again = (mark["stroke"] for mark in marks(drawing, tag="path"))
    assert a == again != b
    columns = {"b": [25, 50, None], "right, %: a": [0, 75, None], "form, %: a": [100, None, 50]}
    assert drawing.to_table() == [
        {"examples": x, **{name: values[x] for name, values in columns.items()}} for x in (0, 1, 2)
    ]


@pytest.mark.parametrize(
    ("places", "written"),
    [
        ([0, 1, 2, 4, 8], ["0", "1", "2", "4", "8"]),
        ([0, 8], ["0", "8"]),
        ([0, 1, 1000], ["0", "200", "400", "600", "800", "1,000"]),  # 0 and 1 would stand on each other
        (range(21), ["0", "5", "10", "15", "20"]),
    ],
)
def test_few_places_are_written_below_the_last_panel(places, written):
    drawing = curves({"share": {"share": (places, np.linspace(0, 1, len(places)))}}, "Places")
    ticks = marks(drawing, tag="text", **{"text-anchor": "middle"})
    assert [mark["text"] for mark in ticks] == written
    (path,) = marks(drawing, tag="path")
    at = dict(zip(map(str, places), points(path)[:, 0], strict=True))
    assert [mark["x"] for mark in ticks if mark["text"] in at] == [
        pytest.approx(at[text], abs=0.1) for text in written if text in at
    ]


def test_a_place_without_a_value_is_not_written():
    drawing = curves({"share": {"share": ([0, 1, 3], [0.5, np.nan, 1])}}, "Gap")
    assert [mark["text"] for mark in marks(drawing, tag="text", **{"text-anchor": "middle"})] == ["0", "3"]


def test_marks_stand_at_their_places_and_their_numbers_do_not_overlap():
    ticks = {
        mark["text"]: mark["x"] for mark in marks(CURVES, tag="text", **{"text-anchor": "middle"}) if mark["y"] > 50
    }
    lines = [mark["x1"] for mark in marks(CURVES, tag="line") if mark["x1"] == mark["x2"]]
    places = (np.array(lines) - ticks["0"]) / (ticks["100"] - ticks["0"]) * 100
    np.testing.assert_allclose(places, [25, 26], atol=0.1)
    numbers = [mark["x"] for mark in marks(CURVES, tag="text", **{"text-anchor": "middle"}) if mark["y"] < 50]
    assert len(numbers) == 2 and numbers[1] - numbers[0] >= 20
    assert {"1: begun again", "2: faster", "First.", "Second."} <= set(texts(CURVES))


def test_a_name_that_fits_stands_above_its_line():
    """Place 3.5 is between the third and the fourth."""
    named = DRAWINGS["named mark"]
    (upright,) = [mark for mark in marks(named, tag="line") if mark["x1"] == mark["x2"]]
    (path,) = marks(named, tag="path")
    assert upright["x1"] == pytest.approx(points(path)[2:4, 0].mean(), abs=0.1)
    (name,) = [mark for mark in marks(named, tag="text") if "said again" in mark["text"]]
    assert name["text"] == "said again" and name["x"] == pytest.approx(upright["x1"], abs=0.1)
    assert name["y"] < min(upright["y1"], upright["y2"])


def test_a_dot_stands_at_each_value():
    (path,) = marks(DRAWINGS["dots"], tag="path")
    dots = [
        (mark["x"] + mark["width"] / 2, mark["y"] + mark["height"] / 2) for mark in marks(DRAWINGS["dots"], tag="rect")
    ]
    np.testing.assert_allclose(dots, points(path), atol=0.06)
    assert not marks(CURVES, tag="rect")


def test_a_power_law_is_a_straight_line_with_its_points_on_or_beside_it():
    """Value = 800 / size: 8, 4 and 1 nats. The last point, 2.5 nats, lies above the line and is hollow."""
    drawing = DRAWINGS["power law"]
    assert [row["power_law"] for row in drawing.to_table()] == approx_float64([8, 4, 1])
    assert [row["nats"] for row in drawing.to_table()] == [8, 4, 2.5]
    (line,) = [mark for mark in marks(drawing, tag="line", **{"stroke-dasharray": "6 4"}) if mark["y1"] != mark["y2"]]
    dots = [mark for mark in marks(drawing, tag="rect") if mark["x"] + 4.5 >= line["x1"] - 0.1 and mark["y"] > 40]
    middles = np.array([(mark["x"] + 4.5, mark["y"] + 4.5) for mark in dots])
    assert [mark["fill"] for mark in dots] == ["bar", "bar", "bg"]
    shares = (middles[:, 0] - line["x1"]) / (line["x2"] - line["x1"])
    bound = share_error(line["x2"] - line["x1"])
    np.testing.assert_allclose(shares, [0, 1 / 3, 1], atol=bound)  # a factor of 2, and one of 8
    heights = (middles[:, 1] - line["y1"]) / (line["y2"] - line["y1"])
    bound = share_error(line["y2"] - line["y1"])
    np.testing.assert_allclose(heights, np.log(8 / np.array([8, 4, 2.5])) / np.log(8), atol=bound)
    assert {"100", "200", "800", "measured, not used for the line"} <= set(texts(drawing))


def test_the_table_has_every_place_once():
    rows = CURVES.to_table()
    assert [row["step"] for row in rows] == STEPS
    assert [row["loss"] for row in rows] == [4.25, 4.0, None, 1.5]
    assert [row["other"] for row in rows] == [0.25, None, None, 1.0]


def test_costs_are_minus_the_logarithm_of_probabilities():
    rows = DRAWINGS["costs"].to_table()
    assert_close([row["probability"] for row in rows], np.exp(-LOSSES), dtype=np.float64)
    assert [row["loss"] for row in rows] == LOSSES.tolist()
    bars = [mark["width"] for mark in marks(DRAWINGS["costs"], tag="rect", fill="key")]
    np.testing.assert_allclose(np.array(bars) / max(bars), LOSSES / 9, atol=0.01)
    assert "The mean of the 4 losses is 2.94 nats." in " ".join(texts(DRAWINGS["costs"]))


def test_samples_are_whole_in_order():
    written = texts(DRAWINGS["samples"])
    assert written[0] == "step 0" and "".join(written[1 : written.index("step 25")]) == "x" * 400
    rest = " ".join(written[written.index("step 25") + 1 :])
    assert rest.count("Once <b>upon</b> a time⏎there was.") == 9


@pytest.mark.parametrize("drawing", DRAWINGS.values(), ids=DRAWINGS)
@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("width", [840, 560])
def test_every_text_is_inside_the_canvas(drawing, language, width):
    check_texts_are_inside(drawn(drawing, width, language), width)


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: curves({}, "T"), "panels with curves"),
        (lambda: curves({"loss": {}}, "T"), "panels with curves"),
        (lambda: curves({"loss": {"a": ([1, 2], [1.0])}}, "T"), "a value of a for each x"),
        (lambda: curves({"loss": {"a": ([], [])}}, "T"), "values of a"),
        (lambda: curves({"loss": {"a": ([1], [np.nan])}}, "T"), "a value of a that is a number"),
        (lambda: power_law([2, 1], [1, 1], [0, 0], "T"), "sizes that grow"),
        (lambda: power_law([1, 2], [1, 0], [0, 0], "T"), "values above 0"),
        (lambda: costs([-0.5], TOKENS[:1]), "losses of 0 or more"),
        (lambda: costs([], []), "losses of 0 or more"),
        (lambda: costs([1.0], TOKENS), "one loss for each token"),
        (lambda: samples({}, "T"), "texts by name"),
    ],
)
def test_arguments_that_do_not_fit_together_are_refused(draw, message):
    with pytest.raises(GPTVizError, match=message):
        draw()
