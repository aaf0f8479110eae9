"""Where people work besides JupyterLab: Notebook 7 shows the views alive, and Voilà shows a lesson as an app."""

import importlib.metadata
import shutil

import nbformat
import pytest
from browser.contexts import LOCAL_SCHEMES
from browser.lab import SERVER_OPTIONS, Notebook, server
from playwright.sync_api import expect

import gptviz
from gptviz._paths import notebooks_dir

PROMPT = "Once upon a time there was a"
OTHER = "The king saw the old queen"
CELLS = [
    f"import gptviz\nbox = gptviz.PromptBox({PROMPT!r})\nbox",
    "gptviz.AttentionView(box, layer=2, head=3)",
    "gptviz.SamplingBench(box)",
]
LESSON = "01_encoding"
# Voilà's page loads the extensions of JupyterLab that are installed. That of Notebook 7 is not made for it.
OF_NOTEBOOK_7 = "--VoilaConfiguration.extension_denylist=@jupyter-notebook/lab-extension"
# Notebook 7.6 raises this while it loads its keyboard shortcuts, whatever the notebook is.
OF_NOTEBOOK = "error in the page: Cannot read properties of undefined (reading 'schema')"
ICONS = "https://cdn.jsdelivr.net/npm/@fortawesome/"  # an icon font for which Voilà's own page asks; no view uses it


@pytest.fixture
def watched_context(chromium, open_contexts):
    """Opens a context that may reach one server only: `watched_context(address)`."""

    def open_context(address):
        allowed = (address, address.replace("http", "ws", 1), *LOCAL_SCHEMES)
        size = {"width": 1300, "height": 3000}
        context = open_contexts.open(chromium, lambda url: url.startswith((*allowed, ICONS)), viewport=size).context
        context.route(f"{ICONS}**", lambda route: route.fulfill(content_type="text/css", body=""))
        return context

    return open_context


def refused_hosts(work):
    """Returns the hosts that the server or a kernel asked for."""
    log = work / "refused.txt"
    return log.read_text().split() if log.exists() else []


def test_in_notebook_7_the_views_are_alive(watched_context, open_contexts, tmp_path):
    work, folder = tmp_path / "server", tmp_path / "notebooks"
    folder.mkdir()
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3 (ipykernel)"}
    nbformat.write(notebook, folder / "views.ipynb")
    options = ["--no-browser", "--allow-root", "--JupyterNotebookApp.expose_app_in_browser=True", *SERVER_OPTIONS]
    with server(work, "notebook", *options, f"--ServerApp.root_dir={folder}", ready="api/status") as address:
        opened = Notebook(watched_context(address), address, "views.ipynb", path="notebooks")
        opened.open()
        opened.run()
        page, gpt = opened.page, gptviz.load()
        expect(page.locator(".gptviz-attention h3")).to_contain_text("L2 · H3")
        expect(page.locator(".gptviz-attention .line .chip")).to_have_count(len(gpt.encode(PROMPT)))
        field = page.locator(".gptviz-prompt textarea")
        field.fill(OTHER)
        field.press("Enter")
        expect(page.locator(".gptviz-attention .line .chip")).to_have_count(len(gpt.encode(OTHER)))
        leader, share = gpt.trace(OTHER).top(1)[0]
        first = page.locator(".gptviz-sampling tbody tr").first
        expect(first.locator(".token")).to_contain_text(leader.text.strip())
        expect(first.locator(".stage-0 .number")).to_have_text(f"{100 * share:#.3g} %")
        opened.shut_down()
    assert not refused_hosts(work)
    assert [fault for fault in open_contexts.take_faults() if fault != OF_NOTEBOOK] == []


def test_voila_shows_a_lesson_as_an_app(watched_context, tmp_path):
    """The lesson's text and views without its code; typing, clicking and answering reach the kernel."""
    work, folder = tmp_path / "server", tmp_path / "notebooks"
    folder.mkdir()
    shutil.copy(notebooks_dir() / f"{LESSON}.ipynb", folder)
    options = ["--no-browser", "--Voila.ip=127.0.0.1", "--Voila.port_retries=0", OF_NOTEBOOK_7]
    with server(work, "voila", str(folder), *options) as address:
        page, gpt = watched_context(address).new_page(), gptviz.load()
        page.goto(f"{address}/voila/render/{LESSON}.ipynb", timeout=90_000)
        box, chips = page.locator(".gptviz-prompt").first, page.locator(".gptviz-tokens").first.locator(".row .chip")
        field = box.get_by_role("textbox")
        expect(field).not_to_have_value("", timeout=90_000)
        expect(chips).to_have_count(len(gpt.encode(field.input_value())), timeout=60_000)
        expect(page.locator(".jp-InputArea-editor")).to_have_count(0)
        question = page.locator(".gptviz-question").first
        question.get_by_role("button", name="reveal").click()
        expect(question).to_have_attribute("data-phase", "revealed", timeout=90_000)
        field.fill(OTHER)
        field.press("Enter")
        expect(chips).to_have_count(len(gpt.encode(OTHER)), timeout=60_000)
        page.close()
    assert not refused_hosts(work)


def test_the_page_about_these_places_names_the_versions_that_were_tried():
    page = (notebooks_dir().parent / "docs" / "where-it-runs.md").read_text(encoding="utf-8")
    for name in ("jupyterlab", "notebook", "voila", "anywidget", "ipywidgets"):
        assert f"{name} {importlib.metadata.version(name)}" in page, name
