"""Drawings draw the numbers that they are given: lengths, angles and areas are measured in the marks."""

import json
import re
import xml.etree.ElementTree as ElementTree
from itertools import combinations

import numpy as np
import pytest
from close import approx_float64, assert_close, rounding
from drawn import check_texts_are_inside, drawn, marks, share_error, texts
from shown import half_of_decimal

from gptviz.display.numbers import percent, significant
from gptviz.display.still import picture
from gptviz.drawings import Canvas, CircuitHead, angles, circuit, heat, mix, share_table, shares, treemap
from gptviz.drawings.phrases import PHRASES
from gptviz.errors import GPTVizError, OutOfRange, WrongType
from gptviz.text.tokens import Token

HOSTILE = ["<|start|>", " <b>bold</b>", "\n&lt;", "\u202ex", " tall", " 🙂"]
rng = np.random.default_rng(5)


def tokens_of(*texts):
    return [Token(i + 3, text, text.encode(), i) for i, text in enumerate(texts)]


TOKENS = tokens_of(*HOSTILE)
MANY = tokens_of(*(f" word{i}" for i in range(31)))
QUERY, KEYS = rng.normal(size=7), rng.normal(size=(3, 7)) * [[1], [2], [0.5]]
WEIGHTS, VALUES = rng.dirichlet(np.ones(6)), rng.normal(size=(6, 5))
COUNTS = {
    "token table": {"token table": 9000},
    0: {"attention": 1000, "MLPs": 2100, "norms": 3},
    1: {"attention": 1100, "MLPs": 2000, "norms": 4},
    "norms": {"norms": 5},
}
CELLS = np.array([[0.5, -1.25, 0, 0.0625, np.nan, 1], [-0.25, 0.75, -1, 0.001, 0.125, -0.5]])
HEADS = [
    CircuitHead(2, 1, 5, 4, 0.75, 0.5),
    CircuitHead(2, 0, 5, 4, 0.25, -0.125),
    CircuitHead(4, 3, 5, 1, 0.5, 0.0625, (0.125, 0.375)),
]
LONG = "a row whose name is much too long for the half of the canvas that names may have, and more"
SHARES = [[0.25, 1.0], [0.0, np.nan], [0.03125, 0.5]]
DRAWINGS = {
    "angles": angles(QUERY, KEYS, TOKENS[5], TOKENS[1:4]),
    "shares": shares([-4.0, -np.inf, 1.5, 3.25, 0.5, -2.0], TOKENS, TOKENS[5]),
    "shares alone": shares(np.linspace(-3, 2, 31), MANY),
    "mix": mix(WEIGHTS, VALUES, TOKENS, TOKENS[5]),
    "treemap": treemap(COUNTS, "A note."),
    "circuit": circuit(TOKENS, HEADS, (0.0625, 0.875)),
    "no circuit": circuit(TOKENS, []),
    "heat": heat(CELLS, ["L0", "L1"], TOKENS, title="Heads", across="position", scale="added to P"),
    "wide heat": heat(rng.normal(size=(3, 31)), ["L0", "L1", "L2"], MANY, title="Heads"),
    "share table": share_table(
        {"first": ["one", LONG], "second": ["three"]}, ["before", "after"], SHARES, note="A note.\nAnother."
    ),
}
every_drawing = pytest.mark.parametrize("drawing", DRAWINGS.values(), ids=DRAWINGS)


# Angles


def test_arrows_have_the_lengths_and_the_angles_of_the_vectors():
    """The scale of the first query holds for every arrow."""
    drawing = DRAWINGS["angles"]
    origins = [(mark["x1"], mark["y1"]) for mark in marks(drawing, tag="line", stroke="query")]
    queries, keys = (
        [tuple(map(float, mark["d"][1:].partition("L")[0].split())) for mark in marks(drawing, tag="path", fill=fill)]
        for fill in ("query", "key")
    )
    scale = (queries[0][0] - origins[0][0]) / np.linalg.norm(QUERY)
    for (x, y), query, key, vector in zip(origins, queries, keys, KEYS, strict=True):
        assert query[1] == pytest.approx(y, abs=0.1)
        np.testing.assert_allclose(query[0] - x, scale * np.linalg.norm(QUERY), atol=0.1)
        np.testing.assert_allclose(np.hypot(key[0] - x, key[1] - y), scale * np.linalg.norm(vector), atol=0.2)
        cosine = QUERY @ vector / np.linalg.norm(QUERY) / np.linalg.norm(vector)
        np.testing.assert_allclose(np.arctan2(y - key[1], key[0] - x), np.arccos(cosine), atol=0.01)
    shadows = [mark["x2"] - mark["x1"] for mark in marks(drawing, tag="line", stroke="ink")]
    np.testing.assert_allclose(shadows, scale * KEYS @ QUERY / np.linalg.norm(QUERY), atol=0.1)


def test_the_numbers_beside_the_arrows_are_the_vectors():
    written = "\n".join(texts(DRAWINGS["angles"]))
    for row, key in zip(DRAWINGS["angles"].to_table(), KEYS, strict=True):
        lengths = np.linalg.norm(QUERY), np.linalg.norm(key)
        cosine = QUERY @ key / np.prod(lengths)
        expected = {"query_size": lengths[0], "key_size": lengths[1], "degrees": np.degrees(np.arccos(cosine)),
                    "cosine": cosine, "product": QUERY @ key}  # fmt: skip
        assert {name: row[name] for name in expected} == approx_float64(expected)
        assert f"angle {significant(expected['degrees'])}°, cosine {significant(cosine)}" in written
        factors = " × ".join(significant(factor) for factor in (*lengths, cosine))
        assert f"q·k = {factors} = {significant(QUERY @ key)}" in written
    assert "√7 = 2.65" in " ".join(texts(DRAWINGS["angles"]))


def test_opposite_and_equal_directions_are_drawn():
    """180 and 0 degrees, where rounding could take the cosine past 1."""
    bound = np.degrees(np.sqrt(2 * rounding(1.0, dtype=np.float64)))  # cos x is 1 - x²/2 near 0
    table = angles(QUERY, [-3 * QUERY, QUERY / 7], TOKENS[5], TOKENS[:2]).to_table()
    assert [row["degrees"] for row in table] == pytest.approx([180, 0], abs=bound)


# Bars


def bars(drawing, colour):
    """Returns the lengths of the bars of one colour, in order; negative where they end at the axis."""
    return np.array([mark["width"] for mark in marks(drawing, tag="rect", fill=colour)])


def test_scores_become_exponentials_and_shares():
    drawing = DRAWINGS["shares"]
    scores = np.array([-4.0, -np.inf, 1.5, 3.25, 0.5, -2.0])
    exponentials = np.exp(scores - 3.25)
    expected = exponentials / exponentials.sum()
    table = drawing.to_table()
    assert [row["score"] for row in table] == scores.tolist()
    assert_close([row["exponential"] for row in table], exponentials, dtype=np.float64)
    assert_close([row["share"] for row in table], expected, dtype=np.float64)
    known = np.abs(scores[np.isfinite(scores)])
    np.testing.assert_allclose(bars(drawing, "query"), known * bars(drawing, "query").max() / known.max(), atol=0.02)
    full = bars(drawing, "muted").max()
    np.testing.assert_allclose(bars(drawing, "muted"), full * exponentials, atol=0.02)
    lengths = bars(drawing, "bar")
    bound = share_error(lengths.sum(), parts=len(lengths))
    np.testing.assert_allclose(lengths / lengths.sum(), expected, atol=bound)
    written = texts(drawing)
    assert "−∞" in written and "100 %" in written and significant(exponentials.sum()) in written
    assert {percent(share) for share in expected} <= set(written)


def test_a_long_row_sums_its_small_shares():
    drawing = DRAWINGS["shares alone"]
    scores = np.linspace(-3, 2, 31)
    expected = np.exp(scores) / np.exp(scores).sum()
    written = texts(drawing)
    assert "19 others" in written and percent(expected[:19].sum()) in written
    assert len(bars(drawing, "bar")) == 13
    assert len(drawing.to_table()) == 31


def test_the_mix_is_the_sum_of_weights_times_values():
    drawing = DRAWINGS["mix"]
    total = WEIGHTS @ VALUES
    largest = sorted(np.argsort(-np.abs(total))[:3].tolist())
    written = texts(drawing)
    for dimension in largest:
        assert f"weight × v[{dimension}]" in written
        assert significant(total[dimension]) in written
        column = [row[f"weight × v[{dimension}]"] for row in drawing.to_table()]
        assert_close(column, WEIGHTS * VALUES[:, dimension], dtype=np.float64)
        assert {significant(part) for part in column} <= set(written)
    products = np.abs(WEIGHTS[:, None] * VALUES[:, largest]).T.ravel()
    lengths = bars(drawing, "value")
    np.testing.assert_allclose(lengths, products * lengths.max() / products.max(), atol=0.02)
    weights = bars(drawing, "bar")
    bound = share_error(weights.sum(), parts=len(weights))
    np.testing.assert_allclose(weights / weights.sum(), WEIGHTS, atol=bound)


# Treemap


def test_areas_are_the_counts():
    drawing = DRAWINGS["treemap"]
    counts = [count for parts in COUNTS.values() for count in parts.values()]
    areas = marks(drawing, tag="rect", stroke="bg")
    sizes = np.array([mark["width"] * mark["height"] for mark in areas])
    bound = half_of_decimal(2) * 2 * max(mark["width"] + mark["height"] for mark in areas) / sizes.sum()
    np.testing.assert_allclose(sizes / sizes.sum(), np.array(counts) / sum(counts), atol=bound)
    for one, other in combinations(areas, 2):
        beside = one["x"] + one["width"] <= other["x"] + 0.02 or other["x"] + other["width"] <= one["x"] + 0.02
        below = one["y"] + one["height"] <= other["y"] + 0.02 or other["y"] + other["height"] <= one["y"] + 0.02
        assert beside or below
    assert sum(row["parameters"] for row in drawing.to_table()) == drawing.total == sum(counts)
    assert drawing.title(Canvas()) == f"{sum(counts):,} parameters as areas"


def test_every_part_is_named_inside_or_below():
    written = texts(DRAWINGS["treemap"])
    assert {"token table", "9,000", "block 0", "block 1", "A note."} <= set(written)
    assert f"Too small for their names: norms in 3 places, 12 together ({percent(12 / 15212)})." in written


# Circuit


def test_lines_are_as_wide_as_what_was_measured():
    drawing = DRAWINGS["circuit"]
    assert [mark["stroke-width"] for mark in marks(drawing, tag="path", stroke="value")] == [5.0, 15.0, 10.0]
    assert [mark["stroke-width"] for mark in marks(drawing, tag="path", stroke="query")] == [5.0]
    assert [mark["stroke-width"] for mark in marks(drawing, tag="line", stroke="bar")] == [0.0, 10.0, 1.25]
    (sample,) = marks(drawing, tag="line", stroke="value")
    assert sample["stroke-width"] == 10.0, "the legend's line stands for 50 %"
    written = texts(drawing)
    assert {"restores 50 %", "restores −12 %", "restores 6 %", "␣tall 75 %", "12 → 38 %", "layer 2", "layer 4"} <= set(
        written
    )
    assert "P(the clean name) goes from 6.25 % to 87.5 %." in " ".join(written)


def test_cells_are_tinted_by_their_number_and_say_it():
    """A tint is in proportion to the number, with two decimals; blue is below 0. A cell without a number is hatched."""
    found = marks(DRAWINGS["heat"], tag="rect")
    tints = [(mark["fill"], mark["fill-opacity"]) for mark in found if mark["height"] == 26 and mark["fill"] != "bg"]
    cells = CELLS[~np.isnan(CELLS)]
    assert [fill for fill, _ in tints] == ["below" if cell < 0 else "above" for cell in cells]
    assert [tint for _, tint in tints] == pytest.approx(np.abs(cells) / 1.25 * tints[1][1], abs=2 * half_of_decimal(2))
    written = [mark["text"] for mark in marks(DRAWINGS["heat"], tag="text") if mark.get("font-size") == 11]
    assert written[:11] == ["+0.5", "−1.2", "0", "+0.1", "+1.0", "−0.2", "+0.8", "−1.0", "0", "+0.1", "−0.5"]
    assert written[-2:] == ["−1.25", "+1.25"], "the ends of the scale"
    assert [row["number"] for row in DRAWINGS["heat"].to_table()] == [None if np.isnan(x) else x for x in CELLS.flat]


def test_the_strokes_of_a_cell_without_a_number_stay_inside_it():
    (empty,) = np.argwhere(np.isnan(CELLS.ravel()))[0]
    frame = [mark for mark in marks(DRAWINGS["heat"], tag="rect") if mark["fill"] == "bg"][empty]
    (strokes,) = marks(DRAWINGS["heat"], tag="path")
    ends = np.array(re.findall(r"[ML]([\d.]+) ([\d.]+)", strokes["d"]), float) - [frame["x"], frame["y"]]
    assert (ends > -0.06).all() and (ends < [frame["width"] + 0.06, frame["height"] + 0.06]).all()
    np.testing.assert_allclose(np.abs(np.diff(ends.reshape(-1, 2, 2), axis=1)) @ [1, -1], 0, atol=0.21)  # 45 degrees


def test_numbers_without_a_sign_have_one_colour_and_a_scale_from_0():
    drawing = heat([[0.5, np.nan, 2.0]], ["loss"], ["a", "b", "c"], title="t", signed=False)
    tints = [mark["fill-opacity"] for mark in marks(drawing, tag="rect", fill="bar", height=26.0)]
    assert tints == pytest.approx([0.25 * tints[1], tints[1]], abs=2 * half_of_decimal(2))
    assert not [mark for mark in marks(drawing, tag="rect") if mark["fill"] in ("above", "below")]
    assert [mark["text"] for mark in marks(drawing, tag="text", code=True)] == ["0.5", "2.0", "0", "2.00"]


def test_lines_begin_at_the_stream_of_the_token_that_is_looked_at():
    drawing = DRAWINGS["circuit"]
    rows = {name: mark["y"] for mark in marks(drawing, tag="text") for name in ["␣tall", "␣<b>bold…"]
            if mark["text"] == name}  # fmt: skip
    starts = [float(mark["d"].split()[1].partition("V")[0]) for mark in marks(drawing, tag="path", stroke="value")]
    expected = [rows["␣tall"], rows["␣tall"], rows["␣<b>bold…"]]
    np.testing.assert_allclose(starts, np.array(expected) - 5, atol=5)
    ends = [float(mark["d"].split("Q")[1].split()[1]) for mark in marks(drawing, tag="path", stroke="value")]
    boxes = [mark["y"] + mark["height"] / 2 for mark in marks(drawing, tag="rect", stroke="ink")]
    np.testing.assert_allclose(ends, boxes, atol=0.1)


# Table of shares


def test_bars_are_as_long_as_the_shares_and_a_lacking_one_is_empty():
    drawing = DRAWINGS["share table"]
    whole, bar = (marks(drawing, tag="rect", fill=fill) for fill in ("line", "bar"))
    expected = [0.25, 1.0, 0.0, 0.03125, 0.5]
    lengths = np.array([[one["width"] for one in each] for each in (bar, whole)])
    np.testing.assert_allclose(lengths[0] / lengths[1], expected, atol=share_error(lengths[1].min(), parts=1))
    assert [(one["x"], one["y"]) for one in bar] == [(all["x"], all["y"]) for all in whole]
    assert len({one["x"] for one in bar[::2]}) == 2, "each column has a place of its own"
    written = texts(drawing)
    assert [text for text in written if text.endswith("%")] == [percent(share) for share in expected]
    assert {"first", "second", "before", "after", "A note.", "Another.", "A whole bar: 100 %."} <= set(written)
    assert drawing.to_table()[2] == {"group": "second", "row": "three", "before": 0.03125, "after": 0.5}
    assert np.isnan(drawing.to_table()[1]["after"])


def test_the_largest_share_can_be_a_whole_bar():
    drawing = share_table({"": ["one", "two"]}, ["change"], [[0.02], [0.08]], title="T", full=None)
    lengths = bars(drawing, "bar")
    assert lengths[0] / lengths[1] == pytest.approx(0.25, abs=share_error(lengths[1], parts=1))
    assert f"A whole bar: {percent(0.08)}." in texts(drawing) and drawing.title(Canvas()) == "T"


def test_numbers_that_are_no_shares_are_written_with_their_unit():
    drawing = share_table({"": ["one", "two"]}, ["size"], [[0.0118], [1557.6]], full=None, unit="GB")
    assert {"0.0118", "1558", "A whole bar: 1558 GB."} <= set(texts(drawing))
    lengths = bars(drawing, "bar")
    assert lengths[0] / lengths[1] == pytest.approx(0.0118 / 1557.6, abs=share_error(lengths[1], parts=1))


# All of them


@every_drawing
@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("width", [840, 560])
def test_every_text_is_inside_the_canvas(drawing, language, width):
    canvas = drawn(drawing, width, language)
    check_texts_are_inside(canvas, width, turned=0.65)
    assert canvas.marks and canvas.height > 0


@every_drawing
def test_the_still_picture_is_svg_in_which_no_token_is_markup(drawing):
    root = ElementTree.fromstring(picture("t", drawn(drawing).shape()))
    assert {node.tag.rpartition("}")[2] for node in root.iter()} <= {"svg", "g", "rect", "text", "line", "path"}
    assert not [node for node in root.iter() if "None" in node.attrib.values()]


@every_drawing
def test_what_goes_to_a_page_is_json(drawing):
    json.dumps(drawn(drawing).marks, allow_nan=False)


@pytest.mark.parametrize("drawing", [drawing for drawing in DRAWINGS.values() if not hasattr(drawing, "name")])
def test_titles_are_in_the_language(drawing):
    assert not any(ord(character) > 0x2E80 for character in drawing.title(Canvas()).replace("🙂", ""))
    assert any(0x4E00 <= ord(character) < 0x9FFF for character in drawing.title(Canvas(language="zh")))


def test_both_languages_have_the_same_phrases_with_the_same_values():
    def values(texts):
        return {name: sorted(re.findall(r"{(\w+)}", text)) for name, text in texts.items()}

    assert values(PHRASES["en"]) == values(PHRASES["zh"])


@pytest.mark.parametrize(
    ("draw", "error", "message"),
    [
        (lambda: angles(QUERY, KEYS[:2], TOKENS[5], TOKENS[:3]), GPTVizError, r"one key for each token: shape \(3, 7\)"),
        (lambda: angles(QUERY, np.zeros((1, 7)), TOKENS[5], TOKENS[:1]), GPTVizError, "one of length 0"),
        (lambda: angles(QUERY * np.nan, KEYS, TOKENS[5], TOKENS[:3]), GPTVizError, "finite"),
        (lambda: shares([1.0], TOKENS), GPTVizError, "one score for each token"),
        (lambda: shares([-np.inf, -np.inf], TOKENS[:2]), GPTVizError, "a finite score"),
        (lambda: mix(WEIGHTS, VALUES[:3], TOKENS, TOKENS[5]), GPTVizError, "one value for each token"),
        (lambda: treemap({}), GPTVizError, "columns with parts"),
        (lambda: treemap({0: {"MLPs": 0}}), GPTVizError, "the count of MLPs"),
        (lambda: treemap({0: {"MLPs": 1.5}}), WrongType, "the count of MLPs"),
        (lambda: heat(CELLS, ["L0"], TOKENS, title="t"), GPTVizError, r"one number for each cell: shape \(1, 6\)"),
        (lambda: heat([[np.inf]], ["L0"], ["H0"], title="t"), GPTVizError, "finite"),
        (lambda: heat([[-1]], ["L0"], ["H0"], title="t", signed=False), GPTVizError, "numbers of 0 or more"),
        (lambda: share_table({"": ["one"]}, ["a", "b"], [[0.5]]), GPTVizError, r"one share for each row and column"),
        (lambda: share_table({}, ["a"], np.zeros((0, 1))), GPTVizError, "rows and columns"),
        (lambda: share_table({"": ["one"]}, ["a"], [[1.5]]), GPTVizError, "numbers from 0 to 1"),
        (lambda: share_table({"": ["one"]}, ["a"], [[-0.5]]), GPTVizError, "numbers from 0 to 1"),
        (lambda: share_table({"": ["one"]}, ["a"], [[np.inf]]), GPTVizError, "finite"),
        (lambda: circuit(TOKENS, [CircuitHead(0, 0, 6, 0, 1, 1)]), OutOfRange, "position from 0 to 5"),
        (lambda: circuit(TOKENS, [CircuitHead(0, 0, 5, 0, np.nan, 1)]), GPTVizError, "finite"),
    ],
)  # fmt: skip
def test_arguments_that_do_not_fit_together_are_refused(draw, error, message):
    with pytest.raises(error, match=message):
        draw()
