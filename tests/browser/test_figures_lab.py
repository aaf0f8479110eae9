"""Figures of other libraries in JupyterLab, in one notebook: the embedding's maps of Plotly, and BertViz's three views.

They draw at the notebook's first run, without a network.
"""

import pytest
from playwright.sync_api import expect

import gptviz
from gptviz.text.visible import visible
from gptviz.widgets.embedding.embedding import map_figure

TEXTS = ("Once upon a time there was a girl named Anna.", "The cat is")
LINED = "Once upon a time there was a cat"
CELLS = [
    "import gptviz\nfrom gptviz import bertviz_views\ngpt = gptviz.load()",
    f"first = gptviz.EmbeddingView(gpt.trace({TEXTS[0]!r}))\nfirst",
    f"gptviz.EmbeddingView(gpt.trace({TEXTS[1]!r}), language='zh')",
    f"trace = gpt.trace({LINED!r})\nbertviz_views.head_view(trace)",
    "bertviz_views.model_view(trace)",
    "bertviz_views.neuron_view(trace)",
]


@pytest.fixture(scope="module")
def notebook(run_cells):
    return run_cells(CELLS, height=6800)


@pytest.fixture(scope="module")
def gpt():
    return gptviz.load()


def test_bertvizs_views_draw_every_line_at_the_first_run(notebook, gpt):
    count = len(gpt.trace(LINED).tokens)
    head, model, neuron = (notebook.page.frame_locator("iframe.gptviz-bertviz").nth(i) for i in range(3))
    expect(head.locator("#vis svg line")).to_have_count(gpt.n_heads * count**2, timeout=30_000)
    expect(model.locator("svg line")).to_have_count(gpt.n_layers * gpt.n_heads * count**2, timeout=30_000)
    expect(neuron.locator("#collapsed text")).to_have_count(2 * count, timeout=30_000)
    expect(neuron.locator("#collapsed line").first).to_be_attached()


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


def test_every_map_has_its_points_at_the_first_run_in_another_theme_and_of_another_text(notebook, gpt):
    traces = [gpt.trace(text) for text in TEXTS]
    maps_show(notebook, traces)
    notebook.theme(dark=True)
    expect(notebook.page.locator(".gptviz-embedding").first).to_have_attribute("data-theme", "dark")
    maps_show(notebook, traces)
    notebook.execute("first.trace = gpt.trace('An owl sat')")
    maps_show(notebook, [gpt.trace("An owl sat"), traces[1]])
