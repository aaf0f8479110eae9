"""One JupyterLab and one Chromium for all browser tests; notebooks are opened from copies."""

import shutil
from pathlib import Path

import pytest
from browser.lab import CHROMIUM_OPTIONS, Notebook, lab_server
from playwright.sync_api import sync_playwright

from gptviz._paths import notebooks_dir
from gptviz.doctor import find_chromium


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
    with lab_server(notebook_folder, tmp_path_factory.mktemp("lab")) as address:
        yield address


@pytest.fixture(scope="module")
def open_notebook(chromium, lab):
    """Opens a notebook by name: `open_notebook("00_start_here.ipynb")`. All are closed at the module's end."""
    opened = []

    def open_one(name, **size):
        opened.append(Notebook(chromium, lab, name, **size).open())
        return opened[-1]

    open_one.opened = opened
    yield open_one
    for notebook in opened:
        notebook.close()


@pytest.fixture(autouse=True)
def no_faults(open_notebook):
    """Fails a test during which an open page had an error, wrote one to its console, or asked for the network."""
    yield
    found = [fault for notebook in open_notebook.opened for fault in notebook.faults.all()]
    for notebook in open_notebook.opened:
        notebook.faults.clear()
    assert not found, "\n".join(found)
