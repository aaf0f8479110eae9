"""In JupyterLab the embedding's map is a live plotly figure, which has its points in every view of a notebook."""

import pytest
from playwright.sync_api import expect

import gptviz
from gptviz.text.visible import visible
from gptviz.widgets.embedding.embedding import map_figure

TEXTS = ("Once upon a time there was a girl named Anna.", "The cat is")
CELLS = [
    "import gptviz\ngpt = gptviz.load()",
    f"first = gptviz.EmbeddingView(gpt.trace({TEXTS[0]!r}))\nfirst",
    f"gptviz.EmbeddingView(gpt.trace({TEXTS[1]!r}), language='zh')",
]


@pytest.fixture(scope="module")
def notebook(run_cells):
    return run_cells(CELLS, height=2600)


def maps_show(notebook, traces, languages=("en", "zh")):
    """Every map has one point and one name for each token of its text, and axes in its view's language."""
    maps = notebook.page.locator(".gptviz-embedding .map")
    expect(maps).to_have_count(len(traces))
    for i, (trace, language) in enumerate(zip(traces, languages, strict=True)):
        names = list({token.id: visible(token) for token in trace.tokens}.values())
        expect(maps.nth(i).locator(".annotation-text")).to_have_text(names)
        expect(maps.nth(i).locator(".trace.scatter").last.locator(".points path")).to_have_count(len(names))
        layout = map_figure(trace, language=language).layout
        titles = [layout.xaxis.title.text, layout.yaxis.title.text]
        expect(maps.nth(i).locator(".xtitle, .ytitle")).to_have_text(titles)


def test_every_map_has_its_points_at_the_first_run_in_another_theme_and_of_another_text(notebook):
    gpt = gptviz.load()
    traces = [gpt.trace(text) for text in TEXTS]
    maps_show(notebook, traces)
    notebook.theme(dark=True)
    expect(notebook.page.locator(".gptviz-embedding").first).to_have_attribute("data-theme", "dark")
    maps_show(notebook, traces)
    notebook.execute("first.trace = gpt.trace('An owl sat')")
    maps_show(notebook, [gpt.trace("An owl sat"), traces[1]])
