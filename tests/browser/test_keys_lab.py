"""Keys in JupyterLab: those pressed in a view do nothing to the notebook, and JupyterLab's own still reach it."""

import pytest
from playwright.sync_api import expect

CELLS = [
    'import gptviz\npage = gptviz.explore("Once upon a time there was a")\npage',
    "gptviz.GenerationTimeline(page.gpt.complete('Once', max_tokens=5, seed=1))",
    "x = 1",
]
PLAIN = ("b", "a", "m", "x", "z", "d", "d", "y", "j", "ArrowDown", "ArrowUp", "Enter", "Shift+Enter", "0", "Shift+M")
STATE = """() => window.jupyterapp.shell.currentWidget.content.widgets.map(({ model }) =>
    [model.type, model.sharedModel.getSource()])"""
DIRTY = "window.jupyterapp.shell.currentWidget.context.model.dirty"


@pytest.fixture(scope="module")
def notebook(run_cells):
    notebook = run_cells(CELLS, height=1600)
    notebook.page.locator(".gptviz-explorer .gptviz-prompt textarea").wait_for()
    return notebook


def save(page):
    """Saves the notebook with Ctrl+S, wherever the focus is. JupyterLab handles keys in order: earlier ones are done."""
    page.evaluate(f"() => {{ {DIRTY} = true; }}")
    page.keyboard.press("Control+s")
    page.wait_for_function(f"() => !{DIRTY}")


def focusable(page):
    """Yields a name and a locator for some elements of each kind that can have the focus."""
    explorer = page.locator(".gptviz-explorer")
    yield "prompt", explorer.locator(".box textarea")
    yield "menu", explorer.locator("header select").first
    for name, inner in (
        ("attention", ".stage, .grid button[data-open], .line button[tabindex='0'], .gptviz-attention summary"),
        ("sampling", "input[type=range], input[type=number], .gptviz-sampling button"),
        ("tokens", ".gptviz-tokens .row button"),
    ):
        button = explorer.locator(f".at-{name} button")
        if button.get_attribute("aria-expanded") == "false":
            button.click()
        yield f"{name} button", button
        if name == "attention":
            yield "block", explorer.locator(".stack button").last
        elements = explorer.locator(f".station-{name} .body").locator(inner)
        elements.first.wait_for()
        for index in range(min(4, elements.count())):
            if elements.nth(index).is_visible():
                yield f"{name} {index}", elements.nth(index)
    yield "step", page.locator(".gptviz-timeline .steps li[tabindex='0']").last


def test_plain_keys_are_the_views_and_ctrl_s_is_jupyterlabs(notebook):
    page = notebook.page
    before = page.evaluate(STATE)
    for name, element in focusable(page):
        for key in PLAIN if name != "prompt" else PLAIN[:9]:
            element.focus()
            page.keyboard.press(key)
        element.focus()
        save(page)
        assert page.evaluate(STATE) == before, name
    expect(page.locator(".gptviz-explorer")).to_have_count(1)


def test_undo_in_the_prompt_undoes_nothing_in_the_cells(notebook):
    page = notebook.page
    page.locator(".jp-Cell .cm-content").last.click()
    page.keyboard.press("End")
    page.keyboard.type("2")
    before = page.evaluate(STATE)
    field = page.locator(".gptviz-explorer .box textarea")
    field.fill("Once")
    field.press("End")
    page.keyboard.type("!")
    page.keyboard.press("Control+z")
    save(page)
    assert page.evaluate(STATE) == before


def test_a_presenter_keeps_the_keys(notebook):
    page = notebook.page
    explorer = page.locator(".gptviz-explorer")
    before = page.evaluate(STATE)
    explorer.get_by_role("button", name="present").click()
    for key in ("b", "a", "m", "x", "z", "Enter"):
        page.keyboard.press(key)
    page.keyboard.press("Space")
    expect(explorer.locator(".steer .count")).to_have_text("2 / 14")
    for _ in range(5):
        page.keyboard.press("Space")
    explorer.locator(".gptviz-attention .grid button").nth(5).click()
    page.keyboard.press("x")
    page.keyboard.press("Space")
    expect(explorer.locator(".steer .count")).to_have_text("8 / 14")
    page.keyboard.press("Escape")
    expect(explorer.locator(".rail button:visible")).to_have_count(6)
    assert page.evaluate(STATE) == before
