"""The Explorer in JupyterLab, which draws the views of its stations; a view may be shown twice in a notebook."""

import pytest
from playwright.sync_api import expect

import gptviz

CELLS = [
    'import gptviz\npage = gptviz.explore("Once upon a time there was a")\npage',
    "attention = gptviz.AttentionView(page.box)\nattention",
    "attention",
]


@pytest.fixture(scope="module")
def notebook(run_cells):
    return run_cells(CELLS, height=4000)


def open_station(notebook, name):
    """Opens a station, unless it is open."""
    button = notebook.page.locator(f".gptviz-explorer .at-{name} button")
    if button.get_attribute("aria-expanded") == "false":
        button.click()


def test_stations_open_and_the_path_goes_round_again(notebook):
    trace = gptviz.load().trace("Once upon a time there was a")
    explorer = notebook.page.locator(".gptviz-explorer")
    expect(explorer.locator(".station")).to_have_count(6)
    expect(explorer.locator(".box textarea")).to_have_value(trace.text)
    for station in ("tokens", "attention", "sampling", "generation"):
        open_station(notebook, station)
    expect(explorer.locator(".gptviz-attention .line .chip")).to_have_count(len(trace.tokens))
    expect(explorer.locator(".gptviz-timeline")).to_have_attribute("aria-busy", "false", timeout=30_000)
    explorer.locator(".at-sampling button").click()
    explorer.get_by_role("button", name="draw once").click()
    explorer.get_by_role("button", name="append to the prompt").click()
    expect(explorer.locator(".gptviz-tokens .row li")).to_have_count(len(trace.tokens) + 1)
    expect(explorer.locator(".station-tokens .sentence")).to_contain_text(f"{len(trace.tokens)} tokens")


def test_a_view_shown_twice_and_the_explorer_move_together(notebook):
    open_station(notebook, "attention")
    views = notebook.page.locator(".gptviz-attention")
    expect(views).to_have_count(3)
    views.last.locator(".grid button").nth(11).click()
    for view in views.all():
        expect(view.locator("h3")).to_contain_text("L1 · H3")
    expect(notebook.page.locator(".stack button[data-open]")).to_have_text("block 1")


def test_a_cell_that_is_run_again_leaves_one_view_in_its_place(notebook):
    for _ in range(2):
        notebook.run_all_cells()
    expect(notebook.page.locator(".gptviz-explorer")).to_have_count(1)
    expect(notebook.page.locator(".gptviz-explorer .station")).to_have_count(6)
    expect(notebook.page.locator(".gptviz-attention")).to_have_count(2)
