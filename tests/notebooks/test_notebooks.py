"""Every notebook runs from top to bottom, on the embedded model and on another, and is stored as it was written."""

import os
import re
import statistics
import subprocess
import time

import nbformat
import pytest
from families import build, tokenizer
from nbclient import NotebookClient

from gptviz._paths import notebooks_dir

NOTEBOOKS = sorted(notebooks_dir().glob("*.ipynb"))
LONGEST, MEDIAN, SECONDS = 15, 6, 60
CORE = 45  # minutes of a school lesson: all of a notebook, or the core that it names
names = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
later = pytest.mark.parametrize("path", NOTEBOOKS[1:], ids=lambda path: path.stem)


def test_there_is_a_first_notebook():
    assert [path.name for path in NOTEBOOKS][:1] == ["00_start_here.ipynb"]


def stored(path):
    """What git would commit: whoever runs a notebook of a checkout leaves outputs in the file, and that is fine."""
    found = subprocess.run(["git", "show", f":./{path.name}"], cwd=path.parent, capture_output=True)
    return nbformat.reads(found.stdout.decode() if found.returncode == 0 else path.read_text("utf-8"), as_version=4)


def code_of(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def is_question(cell):
    return "lessons.ask(" in cell.source


@names
def test_is_stored_clean(path):
    notebook = stored(path)
    nbformat.validate(notebook)
    assert notebook.nbformat_minor >= 5  # cells with ids, so that a change shows as one
    assert notebook.metadata.kernelspec.name == "python3"  # without it JupyterLab opens with a question
    for cell in notebook.cells:
        assert not cell.get("outputs"), f"cell {cell.id} is stored with outputs"
        assert cell.get("execution_count") is None, f"cell {cell.id} is stored with a count"
        assert not cell.get("attachments")
        folded = cell.cell_type == "code" and is_question(cell)  # its code would tell the answer
        assert cell.metadata == ({"jupyter": {"source_hidden": True}} if folded else {}), cell.id


@names
def test_cells_are_short_and_hide_no_error(path):
    cells = code_of(stored(path))
    lengths = {cell.id: len(cell.source.splitlines()) for cell in cells}
    assert max(lengths.values()) <= LONGEST, lengths
    assert statistics.median(lengths.values()) <= MEDIAN, lengths
    for cell in cells:
        assert "except" not in cell.source and "raises-exception" not in str(cell.metadata), cell.id


@names
def test_is_a_lesson(path):
    """At its head what it is for; questions and an exercise; at its end what to remember, what was simplified, sources."""
    notebook = stored(path)
    first, last = notebook.cells[0].source, notebook.cells[-1].source.lower()
    assert first.startswith("# ")
    minutes = re.search(r"Time\*\*[^\d]*(\d+) minutes(?: alone)?[;,.|\s]*(\d+)?", first)
    assert minutes and min(int(number) for number in minutes.groups() if number) <= CORE, first
    for part in ("remember", "simplified", "sources"):
        assert part in last, part
    code = code_of(notebook)
    assert sum(is_question(cell) for cell in code) >= 4
    assert any("lessons.check(" in cell.source for cell in code)


def run(path, folder, monkeypatch, model=""):
    """Runs the notebook; errors are fatal. Returns it and how many seconds its cells took, imports and all."""
    monkeypatch.setenv("GPTVIZ_MODEL", model)
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, timeout=180, kernel_name="python3", resources={"metadata": {"path": str(folder)}})
    with client.setup_kernel():
        begun = time.monotonic()
        for index, cell in enumerate(notebook.cells):
            client.execute_cell(cell, index)
        return notebook, time.monotonic() - begun


def shown(cell):
    return [output.data for output in cell.get("outputs", []) if output.output_type == "execute_result"]


@names
def test_runs(path, tmp_path, monkeypatch):
    """A cell whose last line is a view shows one, and all of it takes less than a minute where nothing else runs."""
    notebook, seconds = run(path, tmp_path, monkeypatch)
    for cell in code_of(notebook):
        if "View(" in cell.source.splitlines()[-1] or is_question(cell):
            assert any("application/vnd.jupyter.widget-view+json" in data for data in shown(cell)), cell.source
    if seconds >= SECONDS and os.getloadavg()[0] > 2 * (os.cpu_count() or 1):
        pytest.skip(f"{seconds:.0f} s, on a machine so busy that they say nothing")
    assert seconds < SECONDS, f"{seconds:.0f} s"


@pytest.fixture(scope="module")
def random_llama(tmp_path_factory):
    """A small Llama with random weights: no positions table, no roles, no stories."""
    folder = tmp_path_factory.mktemp("models") / "llama"
    build("llama").save_pretrained(folder)
    tokenizer(start=True).save_pretrained(folder)
    return folder


@later
def test_runs_with_another_model(path, random_llama, tmp_path, monkeypatch):
    run(path, tmp_path, monkeypatch, str(random_llama))
