"""BertViz's three views draw in one notebook at its first run in JupyterLab, without a network."""

import pytest
from playwright.sync_api import expect

import gptviz

PROMPT = "Once upon a time there was a cat"
CELLS = [
    f"import gptviz\nfrom gptviz import bertviz_views\ntrace = gptviz.load().trace({PROMPT!r})",
    "bertviz_views.head_view(trace)",
    "bertviz_views.model_view(trace)",
    "bertviz_views.neuron_view(trace)",
]


@pytest.fixture(scope="module")
def notebook(run_cells):
    return run_cells(CELLS, height=4200)


def test_all_three_draw_every_line_at_the_first_run(notebook):
    gpt = gptviz.load()
    count = len(gpt.trace(PROMPT).tokens)
    head, model, neuron = (notebook.page.frame_locator("iframe.gptviz-bertviz").nth(i) for i in range(3))
    expect(head.locator("#vis svg line")).to_have_count(gpt.n_heads * count**2, timeout=30_000)
    expect(model.locator("svg line")).to_have_count(gpt.n_layers * gpt.n_heads * count**2, timeout=30_000)
    expect(neuron.locator("#collapsed text")).to_have_count(2 * count, timeout=30_000)
    expect(neuron.locator("#collapsed line").first).to_be_attached()
