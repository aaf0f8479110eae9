"""Still pictures: valid SVG with the view's numbers and escaped text, which a notebook shows without a kernel."""

import base64
import re
import xml.etree.ElementTree as ElementTree
from itertools import combinations, pairwise

import nbformat
import numpy as np
import pytest
from nbconvert import HTMLExporter
from trained import training_view
from view_classes import view_classes
from waiting import LONGEST_WAIT

import gptviz
from gptviz.display import still
from gptviz.display.numbers import percent, significant
from gptviz.display.phrases import PHRASES
from gptviz.display.pooling import pooled

PROMPT = 'An owl & a <script>alert("1")</script> fox 🦉'


@pytest.fixture(scope="module")
def views():
    gpt = gptviz.load()
    trace = gpt.trace(PROMPT)
    explorer = gptviz.explore(PROMPT, gpt=gpt)
    explorer._stations["generation"].wait(LONGEST_WAIT)
    completion = gpt.complete(PROMPT, max_tokens=5, seed=1)
    kinds = (
        gptviz.TokensView, gptviz.AttentionView, gptviz.EmbeddingView, gptviz.BlockView, gptviz.SamplingBench,
        gptviz.InterventionView,
    )  # fmt: skip
    return [
        *(kind(trace) for kind in kinds),
        gptviz.GenerationTimeline(completion),
        gptviz.PromptBox(PROMPT, gpt=gpt),
        training_view(),
        explorer,
    ]


def texts(svg):
    root = ElementTree.fromstring(svg)
    assert root.tag.endswith("svg")
    assert not [node for node in root.iter() if node.tag.rpartition("}")[2] in ("script", "image", "foreignObject")]
    return [node.text for node in root.iter() if node.tag.endswith("text")]


def test_every_view_has_a_picture_with_its_text_escaped(views):
    for view in views:
        shown = texts(view.still())
        assert len(shown) >= 2, type(view).__name__
        assert "image/svg+xml" in view._repr_mimebundle_()[0]


def test_control_characters_are_written_as_code_points():
    svg = still.picture("", still.words("one \x01 two\u202e three", 16))
    assert "".join(texts(svg)) == "one U+0001 twoU+202E three "


def test_a_picture_has_the_views_numbers(views):
    by_kind = {type(view).__name__: view for view in views}
    assert {str(row["id"]) for row in by_kind["TokensView"].to_table()} <= set(texts(by_kind["TokensView"].still()))
    bench = by_kind["SamplingBench"]
    leader = bench.to_table()[0]
    assert percent(leader[list(leader)[-1]]) in texts(bench.still())
    block = by_kind["BlockView"]
    total = sum(row["value"] for row in block.to_table())
    assert f"sum: {significant(total)} " in texts(block.still())
    maps = by_kind["AttentionView"].trace.attention(0, 0)
    dark = by_kind["AttentionView"].still().count('fill="#0a2252"')
    assert dark == (maps > 0.999).sum()


def test_a_saved_notebook_without_widget_state_shows_the_picture(views):
    data, metadata = views[0]._repr_mimebundle_()
    output = nbformat.v4.new_output("display_data", data, metadata=metadata)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("view", outputs=[output])])
    page, _ = HTMLExporter().from_notebook_node(notebook)
    assert "<svg" in page or "data:image/svg+xml" in page
    assert 'alert("1")</script> fox' not in page


def test_a_notebook_that_is_not_trusted_shows_an_image(views):
    """In a notebook from somebody else JupyterLab shows of a view only `text/html` with an image."""
    for view in views:
        data, _ = view._repr_mimebundle_()
        alt, source = re.fullmatch(
            r'<img alt="([^"]+)" src="data:image/svg\+xml;base64,([^"]+)">', data["text/html"]
        ).groups()
        assert alt == view._titles["en"]
        assert base64.b64decode(source).decode() == data["image/svg+xml"]


def test_a_picture_is_in_the_views_language():
    trace = gptviz.load().trace("Once upon a time")
    for language, name, subtitle in (("en", "Block", "parts that add up"), ("zh", "块", "相加而成")):
        shown = texts(gptviz.BlockView(trace, language=language).still())
        assert shown[0] == name
        assert any(subtitle in text for text in shown)
    shown = texts(gptviz.AttentionView(trace, language="zh").still())
    assert shown[0] == "注意力"
    assert not [text for text in shown if re.search("[a-z]{3} [a-z]{3}", text)]


def test_both_languages_have_the_same_phrases_and_values():
    catalogues = [PHRASES, *(view._phrases for view in view_classes().values() if view._phrases)]
    assert len(catalogues) >= 7
    for english, chinese in ((phrases["en"], phrases["zh"]) for phrases in catalogues):
        assert english.keys() == chinese.keys()
        for name, text in english.items():
            assert sorted(re.findall(r"{\w+}", text)) == sorted(re.findall(r"{\w+}", chinese[name])), name


def test_the_map_of_a_long_text_is_pooled_and_labelled_so():
    """A picture has at most 48 cells a side, each with the largest weight of its block; NaN does not count."""
    trace = gptviz.load().trace([i % 4000 + 5 for i in range(512)])
    svg = gptviz.AttentionView(trace, layer=1, head=2).still()
    assert len(svg) < 200_000
    assert "Pooled from 512 to 48 cells" in " ".join(texts(svg))
    weights = np.tril(np.random.default_rng(0).random((100, 100)))
    weights[60, 20] = np.nan
    blocks = np.linspace(0, 100, 49).astype(int)
    wanted = [[np.nanmax(weights[a:b, c:d]) for c, d in pairwise(blocks)] for a, b in pairwise(blocks)]
    np.testing.assert_array_equal(pooled(weights, 48), wanted)
    assert np.isnan(pooled(np.full((3, 70, 70), np.nan), 48)).all(), "a block whose cells are all hidden is hidden"


def test_names_on_a_map_do_not_overlap_and_its_theme_is_used():
    points = np.zeros((40, 2)) + np.arange(40)[:, None] * 1e-3
    points[0], points[1] = (1, 1), (-1, -1)
    shape = still.scatter(points, {i: f"name {i}" for i in range(5, 17)}, "dark")
    svg = still.picture("", shape, theme="dark")
    assert 'height="100%" fill="#111317"' in svg and 'fill="#ffffff"' not in svg
    assert len(texts(svg)) == 12
    assert_apart(svg)


@pytest.mark.parametrize("size", [14, 24])
def test_names_without_room_on_a_map_are_left_to_tooltips(size):
    points = np.random.default_rng(3).normal(size=(400, 2)) * [0.02, 0.05]
    points[:2] = (-1, -1), (1, 1)
    names = {i: "word" * (1 + i % 3) for i in range(10, 210)}
    svg = still.picture("", still.scatter(points, names, size=size))
    *drawn, left_out = texts(svg)
    assert 10 < len(drawn) < 200 and left_out == f"… +{200 - len(drawn)}"
    titles = [node.text for node in ElementTree.fromstring(svg).iter() if node.tag.endswith("title")]
    assert titles == list(names.values())
    assert_apart(svg)


def assert_apart(svg):
    """Checks that no names overlap, at the size that a monospace font draws them in."""
    boxes = []
    for node in ElementTree.fromstring(svg).iter():
        if node.tag.endswith("text"):
            size, x, y = (float(node.get(name)) for name in ("font-size", "x", "y"))
            width = 0.6 * size * len(node.text)
            start = x if node.get("text-anchor") == "start" else x - width
            boxes.append((start, start + width, y - 0.9 * size, y + 0.25 * size))
    for one, other in combinations(boxes, 2):
        assert one[1] <= other[0] or other[1] <= one[0] or one[3] <= other[2] or other[3] <= one[2]
