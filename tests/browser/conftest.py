"""One JupyterLab and one Chromium for all browser tests; notebooks are opened from copies."""

import shutil
from pathlib import Path

import pytest
from browser.lab import CHROMIUM_OPTIONS, Notebook, lab_server
from playwright.sync_api import sync_playwright

from gptviz._paths import notebooks_dir
from gptviz.lab.doctor import find_chromium


def pytest_collection_modifyitems(items):
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium():
    """The browser. One that is missing fails the tests: nothing that they promise would be checked."""
    program = find_chromium()
    assert program, "no Chromium here: `make chromium` installs one, GPTVIZ_CHROMIUM=/path names one"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=CHROMIUM_OPTIONS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def notebook_folder(tmp_path_factory):
    """Where JupyterLab finds notebooks: copies of the project's, and what a test adds."""
    folder = tmp_path_factory.mktemp("notebooks")
    shutil.copytree(notebooks_dir(), folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".*"))
    return folder


@pytest.fixture(scope="session")
def lab(notebook_folder, tmp_path_factory):
    """The address of the JupyterLab that all browser tests share."""
    work = tmp_path_factory.mktemp("lab")
    with lab_server(notebook_folder, work) as address:
        yield address
    refused = work / "refused.txt"
    assert not refused.exists(), f"the server or a kernel asked for the network: {refused.read_text()}"


@pytest.fixture(scope="session")
def open_notebooks():
    """The notebooks that are open now."""
    return []


@pytest.fixture(scope="module")
def open_notebook(chromium, lab, open_notebooks):
    """Opens a notebook by name: `open_notebook("00_start_here.ipynb")`. All are closed at the module's end."""

    def open_one(name, **size):
        open_notebooks.append(Notebook(chromium, lab, name, **size))
        return open_notebooks[-1].open()

    yield open_one
    for notebook in open_notebooks:
        notebook.close()
    open_notebooks.clear()


@pytest.fixture(autouse=True)
def no_faults(open_notebooks):
    """Fails a test during which an open page had an error, wrote one to its console, or asked for the network."""
    yield
    found = [fault for notebook in open_notebooks for fault in notebook.faults.all()]
    for notebook in open_notebooks:
        notebook.faults.clear()
    assert not found, "\n".join(found)
