"""Fixtures of the browser tests: one Chromium and one JupyterLab a worker, and pages whose faults fail the test."""

import contextlib
import shutil
from pathlib import Path

import nbformat
import pytest
from browser.contexts import LOCAL_SCHEMES, OpenContexts
from browser.lab import CHROMIUM_OPTIONS, Notebook, lab_server
from browser.pages import ViewPage
from playwright.sync_api import expect, sync_playwright
from protocol_server import KEY, running_server

import gptviz
from gptviz._paths import notebooks_dir
from gptviz.lab.doctor import find_chromium

FOLDER = Path(__file__).parent
TRACES = FOLDER.parents[1] / "test-traces"  # `playwright show-trace FILE.zip` shows one
OPEN_CONTEXTS = OpenContexts()

expect.set_options(timeout=20_000)  # a busy machine is slow to answer


def pytest_collection_modifyitems(items):
    for item in items:
        if FOLDER in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Saves the traces of a test that failed, while its pages are still open."""
    report = yield
    if report.failed and report.when != "teardown":
        OPEN_CONTEXTS.save_traces(item.nodeid, TRACES)
    return report


@pytest.fixture(autouse=True)
def no_faults(request):
    """Fails a test during which an open page had an error, wrote one to its console, or asked for the network."""
    OPEN_CONTEXTS.begin_test()
    yield
    faults = OPEN_CONTEXTS.take_faults()
    if faults:
        OPEN_CONTEXTS.save_traces(request.node.nodeid, TRACES)
    OPEN_CONTEXTS.end_test()
    assert not faults, "\n".join(faults)


@pytest.fixture(scope="session")
def chromium():
    """The Chromium browser. The tests fail when none is installed, rather than being skipped."""
    program = find_chromium()
    assert program, "no Chromium here: `make chromium` installs one, GPTVIZ_CHROMIUM=/path names one"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=CHROMIUM_OPTIONS)
        yield browser
        browser.close()


@pytest.fixture
def open_contexts(no_faults):
    """Opens contexts whose pages are watched: `open_contexts.open(chromium, is_allowed, viewport=…)`."""
    return OPEN_CONTEXTS


# Pages without JupyterLab


@pytest.fixture
def new_page(chromium, no_faults):
    """Opens an empty page that requests nothing: `new_page(width=1280, height=900)`. It closes with the test."""

    def open_page(width=1280, height=900, **options):
        options = {"viewport": {"width": width, "height": height}, "reduced_motion": "reduce"} | options
        return OPEN_CONTEXTS.open(chromium, lambda url: url.startswith(LOCAL_SCHEMES), **options).context.new_page()

    return open_page


@pytest.fixture
def shown(new_page):
    """Shows views in a page of their own: `shown(view, …, width=1280, dark=True)`. Returns the ViewPage."""

    def show(*views, width=1280, height=900, **options):
        return ViewPage(new_page(width, height), list(views), **options)

    return show


@pytest.fixture
def shown_outputs(new_page):
    """Puts what cells show into a page without a network. Returns the page."""

    def show(*outputs):
        page = new_page(offline=True)
        page.set_content("<!doctype html><meta charset=utf-8>" + "".join(output.data for output in outputs))
        return page

    return show


@pytest.fixture
def opened(chromium, no_faults):
    """Opens a saved page without a network: `opened(path)`. A request for anything but the file is a fault."""

    def open_file(path, dark=False, **options):
        options |= {"color_scheme": "dark" if dark else "light", "viewport": {"width": 1280, "height": 900}}
        address = path.as_uri()
        context = OPEN_CONTEXTS.open(
            chromium, lambda url: url == address, offline=True, reduced_motion="reduce", **options
        )
        page = context.context.new_page()
        page.goto(address)
        page.wait_for_function("() => document.querySelector('.gptviz') && !document.querySelector('[data-computing]')")
        return page

    return open_file


# JupyterLab


@pytest.fixture(scope="session")
def notebook_folder(tmp_path_factory):
    """The folder that JupyterLab shows: copies of the project's notebooks, and those that tests write."""
    folder = tmp_path_factory.mktemp("notebooks")
    shutil.copytree(notebooks_dir(), folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".*"))
    return folder


@pytest.fixture(scope="session")
def lab(notebook_folder, tmp_path_factory):
    """The address of the JupyterLab that the tests of a worker share."""
    work = tmp_path_factory.mktemp("lab")
    with lab_server(notebook_folder, work) as address:
        yield address
    refused = work / "refused.txt"
    assert not refused.exists(), f"the server or a kernel asked for the network: {refused.read_text()}"


@pytest.fixture(scope="module")
def run_notebook(chromium, lab):
    """Opens a notebook in JupyterLab and runs it: `run_notebook("00_start_here.ipynb", height=4000)`.

    Returns the Notebook. It is closed when the next one is opened, and at the end of the module.
    """
    addresses = (lab, lab.replace("http", "ws", 1), *LOCAL_SCHEMES)
    with contextlib.ExitStack() as current:

        def run(name, width=1300, height=1000):
            current.close()
            options = {"viewport": {"width": width, "height": height}, "reduced_motion": "reduce"}
            context = OPEN_CONTEXTS.open(chromium, lambda url: url.startswith(addresses), shared=True, **options)
            current.callback(OPEN_CONTEXTS.close, context)
            notebook = Notebook(context.context, lab, name)
            current.callback(notebook.shut_down)
            notebook.open()
            notebook.run()
            return notebook

        yield run


@pytest.fixture(scope="module")
def run_cells(run_notebook, notebook_folder, request):
    """Writes a notebook of code cells, opens it in JupyterLab and runs it: `run_cells(cells, height=4000)`."""

    def run(cells, **size):
        name = f"{Path(request.node.name).stem}.ipynb"
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3 (ipykernel)"}
        nbformat.write(notebook, notebook_folder / name)
        return run_notebook(name, **size)

    return run


# Served models


@pytest.fixture(scope="module")
def server():
    """A server of the embedded model, of one test module."""
    with running_server(gptviz.load()) as server:
        yield server


@pytest.fixture
def served(server):
    """The model of that server, which asks for the key `KEY` of `protocol_server`."""
    return gptviz.connect(server.start(key=KEY), api_key=KEY)
