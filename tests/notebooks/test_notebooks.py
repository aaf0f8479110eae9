"""How the notebooks are stored: without outputs, in short cells, with the parts that a lesson has.

That each runs from top to bottom is tested where it is run: with the embedded model in JupyterLab
(`tests/browser/test_learning.py`), with a random Llama in the lesson tests beside this file.
"""

import importlib.util
import re
import statistics
import subprocess
from pathlib import Path

import nbformat
import pytest
from played import is_question

from gptviz._paths import notebooks_dir

NOTEBOOKS = sorted(notebooks_dir().glob("*.ipynb"))
LONGEST, MEDIAN = 15, 6  # lines of a cell
CORE = 45  # minutes of a school lesson: a whole notebook, or the core that it names
names = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def test_there_is_a_first_notebook():
    assert [path.name for path in NOTEBOOKS][:1] == ["00_start_here.ipynb"]


def stored(path):
    """Returns the notebook as staged in git, since running it in a checkout leaves outputs in the file."""
    result = subprocess.run(["git", "show", f":./{path.name}"], cwd=path.parent, capture_output=True)
    return nbformat.reads(result.stdout.decode() if result.returncode == 0 else path.read_text("utf-8"), as_version=4)


def lessons_of(file):
    """Returns the notebooks that a lesson test plays: its LESSONS."""
    spec = importlib.util.spec_from_file_location(file.stem, file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.LESSONS


def code_of(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


@pytest.mark.parametrize("path", NOTEBOOKS[1:], ids=lambda path: path.stem)
def test_is_played_with_another_model(path):
    """A lesson test beside this file has the notebook in LESSONS, all of which it also plays with a random Llama."""
    assert path.stem in [
        lesson for file in Path(__file__).parent.glob("test_lesson_*.py") for lesson in lessons_of(file)
    ]


@names
def test_is_stored_clean(path):
    notebook = stored(path)
    nbformat.validate(notebook)
    assert notebook.nbformat_minor >= 5  # cells have ids, so that a diff shows which cell changed
    assert notebook.metadata.kernelspec.name == "python3"  # without it JupyterLab opens with a question
    for cell in notebook.cells:
        assert not cell.get("outputs"), f"cell {cell.id} is stored with outputs"
        assert cell.get("execution_count") is None, f"cell {cell.id} is stored with a count"
        assert not cell.get("attachments")
        folded = cell.cell_type == "code" and is_question(cell.source)  # its code would give the answer away
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
    """It begins with its aims, has questions and an exercise, and ends with key points, simplifications and sources."""
    notebook = stored(path)
    first, last = notebook.cells[0].source, notebook.cells[-1].source.lower()
    assert first.startswith("# ")
    minutes = re.search(r"Time\*\*[^\d]*(\d+) minutes(?: alone)?[;,.|\s]*(\d+)?", first)
    assert minutes and min(int(number) for number in minutes.groups() if number) <= CORE, first
    for part in ("remember", "simplified", "sources"):
        assert part in last, part
    code = code_of(notebook)
    assert sum(is_question(cell.source) for cell in code) >= 4
    assert any("lessons.check(" in cell.source for cell in code)
