"""Still pictures: whole SVG that shows the view's own numbers, text escaped, and is what a notebook shows without a kernel."""

import xml.etree.ElementTree as ElementTree

import nbformat
import pytest
from nbconvert import HTMLExporter

import gptviz

PROMPT = 'An owl & a <script>alert("1")</script> fox 🦉'


@pytest.fixture(scope="module")
def views():
    gpt = gptviz.load()
    trace = gpt.trace(PROMPT)
    explorer = gptviz.explore(PROMPT, gpt=gpt)
    explorer._stations["generation"].wait(60)
    completion = gpt.complete(PROMPT, max_tokens=5, seed=1)
    kinds = (
        gptviz.TokensView, gptviz.AttentionView, gptviz.EmbeddingView, gptviz.BlockView, gptviz.SamplingBench,
        gptviz.InterventionView,
    )  # fmt: skip
    return [
        *(kind(trace) for kind in kinds),
        gptviz.GenerationTimeline(completion),
        gptviz.PromptBox(PROMPT, gpt=gpt),
        explorer,
    ]


def texts(svg):
    root = ElementTree.fromstring(svg)
    assert root.tag.endswith("svg")
    assert not [node for node in root.iter() if node.tag.rpartition("}")[2] in ("script", "image", "foreignObject")]
    return [node.text for node in root.iter() if node.tag.endswith("text")]


def test_every_view_has_a_picture_in_which_text_stays_text(views):
    for view in views:
        found = texts(view.still())
        assert len(found) >= 2, type(view).__name__
        assert "image/svg+xml" in view._repr_mimebundle_()[0]


def test_a_pictures_numbers_are_the_views(views):
    by_kind = {type(view).__name__: view for view in views}
    assert {str(row["id"]) for row in by_kind["TokensView"].to_table()} <= set(texts(by_kind["TokensView"].still()))
    bench = by_kind["SamplingBench"]
    leader = bench.to_table()[0]
    assert f"{100 * leader[list(leader)[-1]]:.3g} %" in texts(bench.still())
    block = by_kind["BlockView"]
    total = sum(row["value"] for row in block.to_table())
    assert f"sum: {total:.4g} " in texts(block.still())
    maps = by_kind["AttentionView"].trace.attention(0, 0)
    dark = by_kind["AttentionView"].still().count('fill="#0a2252"')
    assert dark == (maps > 0.999).sum()


def test_a_saved_notebook_without_widget_state_shows_it(views):
    data, metadata = views[0]._repr_mimebundle_()
    output = nbformat.v4.new_output("display_data", data, metadata=metadata)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("view", outputs=[output])])
    page, _ = HTMLExporter().from_notebook_node(notebook)
    assert "<svg" in page or "data:image/svg+xml" in page
    assert 'alert("1")</script> fox' not in page
