"""Drawings of shares that were counted: intervals, and reliability diagrams. Their marks have the numbers that were given."""

import numpy as np
import pytest
from close import approx_float64, assert_close
from drawn import check_texts_are_inside, drawn, marks, share_error, texts
from shown import half_of_decimal

from gptviz.drawings import intervals, reliability
from gptviz.drawings.phrases import PHRASES
from gptviz.errors import GPTVizError
from gptviz.sampling import wilson

NAMES, COUNTS, TRIALS = ["brask", "a longer name", "nobody"], [3, 80, 0], [10, 100, 0]
TRUTH = [0.5, np.nan, 0.25]
INTERVALS = intervals(
    NAMES, COUNTS, TRIALS, title="Drawn", across="he among both", truth=("the card", TRUTH), note="First.\nSecond."
)
SURE = [0.0, 0.15, 0.2, 0.9, 1.0, 0.85, 0.95, 0.3]
RIGHT = [False, True, True, True, False, True, True, False]
GROUPS = {
    "known": (SURE, RIGHT),
    "never told of, with a name that needs a second line here": ([0.5, 0.25], [False] * 2),
}
RELIABILITY = reliability(GROUPS, title="Sure and right", note="A note.")
DRAWINGS = {
    "intervals": INTERVALS, "intervals alone": intervals(["one"], [1], [1], title="t", across="share"),
    "reliability": RELIABILITY, "four": reliability(dict.fromkeys("abcd", (SURE, RIGHT)), title="t", edges=[0, 0.5, 1]),
}  # fmt: skip


def test_lines_go_from_end_to_end_and_squares_stand_at_the_shares():
    """On the axis, whose ticks stand at 0, 25, 50, 75 and 100 %."""
    ticks = {mark["text"]: mark["x"] for mark in marks(INTERVALS, tag="text", **{"font-size": 11})}
    assert list(ticks) == ["0", "25", "50", "75", "100"]

    def shares(x):
        return (np.array(x) - ticks["0"]) / (ticks["100"] - ticks["0"])

    bound = share_error(ticks["100"] - ticks["0"])
    lines = marks(INTERVALS, tag="line", **{"stroke-width": 4})
    low, high = wilson(COUNTS, TRIALS)
    np.testing.assert_allclose(shares([line["x1"] for line in lines]), low, atol=bound)
    np.testing.assert_allclose(shares([line["x2"] for line in lines]), high, atol=bound)
    squares = marks(INTERVALS, tag="rect", fill="bar")
    np.testing.assert_allclose(shares([square["x"] + 4 for square in squares]), [0.3, 0.8], atol=bound)
    uprights = marks(INTERVALS, tag="line", stroke="ink")
    np.testing.assert_allclose(shares([mark["x1"] for mark in uprights]), [0.5, 0.25], atol=bound)
    assert [mark["y1"] + 10 for mark in uprights] == pytest.approx(
        [lines[0]["y1"], lines[2]["y1"]], abs=2 * half_of_decimal(2)
    )
    assert {"3 of 10", "80 of 100", "0 of 0", "First.", "Second.", "he among both, %"} <= set(texts(INTERVALS))
    assert "Upright line: the card." in " ".join(texts(INTERVALS))


def test_the_table_of_intervals():
    first, second, third = INTERVALS.to_table()
    low, high = map(float, wilson(3, 10))
    assert first == {"row": "brask", "count": 3, "trials": 10, "share": 0.3, "low": low, "high": high, "the card": 0.5}
    assert second["the card"] is None and third["share"] is None and (third["low"], third["high"]) == (0, 1)


def test_bins_count_claims_and_right_ones():
    """A bin has its lower edge, and the last one its upper edge too."""
    rows = RELIABILITY.to_table()[:5]
    assert [row["claims"] for row in rows] == [2, 2, 0, 0, 4]
    assert [row["right_claims"] for row in rows] == [1, 1, 0, 0, 3]
    assert [row["confidence"] for row in rows] == [
        approx_float64(0.075),
        approx_float64(0.25),
        None,
        None,
        approx_float64(0.925),
    ]
    assert [row["share"] for row in rows] == [0.5, 0.5, None, None, 0.75]
    ends = [[row["low"], row["high"]] for row in rows if row["claims"]]
    assert_close(ends, np.transpose(wilson([1, 1, 3], [2, 2, 4])), dtype=np.float64)
    assert {row["group"] for row in RELIABILITY.to_table()[5:]} == {list(GROUPS)[1]}


def test_squares_of_a_diagram_stand_at_mean_confidence_and_share():
    frames = marks(RELIABILITY, tag="rect", stroke="line")
    squares = marks(RELIABILITY, tag="rect", fill="bar")
    frame = frames[0]
    bound = share_error(min(frame["width"], frame["height"]))
    at = [((square["x"] + 4 - frame["x"]) / frame["width"], 1 - (square["y"] + 4 - frame["y"]) / frame["height"])
          for square in squares[:3]]  # fmt: skip
    np.testing.assert_allclose(at, [(0.075, 0.5), (0.25, 0.5), (0.925, 0.75)], atol=bound)
    lines = marks(RELIABILITY, tag="line", stroke="bar")[:3]
    ends = [[1 - (line[end] - frame["y"]) / frame["height"] for end in ("y1", "y2")] for line in lines]
    np.testing.assert_allclose(ends, np.transpose(wilson([1, 1, 3], [2, 2, 4])), atol=bound)
    (diagonal, _) = marks(RELIABILITY, tag="line", stroke="muted", **{"stroke-dasharray": "5 4"})
    corners = frame["x"], frame["y"] + frame["height"], frame["x"] + frame["width"], frame["y"]
    assert [diagonal[end] for end in ("x1", "y1", "x2", "y2")] == pytest.approx(corners, abs=0.01)
    written = [mark["text"] for mark in marks(RELIABILITY, tag="text", **{"font-size": 11, "text-anchor": "middle"})]
    assert written[6:16] == ["1", "1", "0", "0", "3", "2", "2", "0", "0", "4"], "right ones, then all"


def test_the_diagonal_is_where_confidence_and_share_are_equal_if_bins_begin_above_0():
    drawing = reliability({"a": ([0.5, 0.75], [True, False])}, title="t", edges=[0.5, 0.75, 1])
    (diagonal,) = marks(drawing, tag="line", stroke="muted", **{"stroke-dasharray": "5 4"})
    (frame,) = marks(drawing, tag="rect", stroke="line")
    assert diagonal["y1"] == pytest.approx(frame["y"] + frame["height"] / 2, abs=0.01)


@pytest.mark.parametrize("drawing", DRAWINGS.values(), ids=DRAWINGS)
@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("width", [840, 560])
def test_every_text_is_inside_the_canvas(drawing, language, width):
    check_texts_are_inside(drawn(drawing, width, language), width)


def test_columns_are_named_in_both_languages():
    for drawing in (INTERVALS, RELIABILITY):
        for column in drawing.to_table()[0]:
            assert column == "the card" or (column in PHRASES["en"] and column in PHRASES["zh"]), column


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: intervals([], [], [], title="t", across=""), "rows with a count"),
        (lambda: intervals(["a"], [1, 2], [3], title="t", across=""), r"one count for each row: shape \(1\)"),
        (lambda: intervals(["a"], [4], [3], title="t", across=""), "successes <= trials"),
        (lambda: intervals(["a"], [1], [3], title="t", across="", truth=("b", [0.5, 1])), "one share for each row"),
        (lambda: reliability({}, title="t"), "groups of claims"),
        (lambda: reliability({"a": ([], [])}, title="t"), "a: confidences from 0 to 1"),
        (lambda: reliability({"a": ([1.5], [True])}, title="t"), "a: confidences from 0 to 1"),
        (lambda: reliability({"a": ([0.5], [True, False])}, title="t"), "right or wrong for each claim of a"),
        (lambda: reliability(GROUPS, title="t", edges=[0, 0.5, 0.5]), "each above the one before"),
    ],
)
def test_arguments_that_do_not_fit_together_are_refused(draw, message):
    with pytest.raises(GPTVizError, match=message):
        draw()
