"""A page of a notebook whose cells show scripts and addresses: nothing of them runs, and nothing is asked for."""

from browser.contexts import LOCAL_SCHEMES
from handouts import CONTENTS, MARKUP, SETTING, write_notebook
from playwright.sync_api import expect

from gptviz.handout.handout import export_notebook

BLOCKED = "Content Security Policy"


def test_nothing_that_a_cell_shows_runs_or_is_asked_for(chromium, open_contexts, tmp_path):
    cells = [("markdown", MARKUP), ("code", SETTING), *(("code", code) for code in CONTENTS.values())]
    path = export_notebook(write_notebook(tmp_path, cells), tmp_path / "page.html")
    requests = []
    context = open_contexts.open(
        chromium, lambda url: True, offline=True, viewport={"width": 1280, "height": 900}
    ).context
    context.on("requestfinished", lambda request: requests.append(request.url))
    page = context.new_page()
    page.goto(path.as_uri())
    expect(page.locator(".gptviz-tokens").first).to_be_visible()  # the page's own scripts run
    for button in page.locator("[onclick]:visible").all():
        button.click()
    assert [frame.evaluate("window.hurt") for frame in page.frames if frame.url.startswith(("file:", "about:"))].count(
        None
    ) == len(page.frames)
    asked = [url for url in requests if not url.startswith((path.as_uri(), *LOCAL_SCHEMES))]
    assert not asked
    others = [fault for fault in open_contexts.take_faults() if BLOCKED not in fault]
    assert not others
