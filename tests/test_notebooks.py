"""Every notebook runs from top to bottom, and is stored as it was written: no outputs, no counts."""

import subprocess

import nbformat
import pytest
from nbclient import NotebookClient

from gptviz._paths import notebooks_dir

NOTEBOOKS = sorted(notebooks_dir().glob("*.ipynb"))
names = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def test_there_is_a_first_notebook():
    assert [path.name for path in NOTEBOOKS][:1] == ["00_start_here.ipynb"]


def stored(path):
    """What git would commit: whoever runs a notebook of a checkout leaves outputs in the file, and that is fine."""
    found = subprocess.run(["git", "show", f":./{path.name}"], cwd=path.parent, capture_output=True)
    return found.stdout.decode() if found.returncode == 0 else path.read_text(encoding="utf-8")


@names
def test_is_stored_clean(path):
    notebook = nbformat.reads(stored(path), as_version=4)
    nbformat.validate(notebook)
    assert notebook.nbformat_minor >= 5  # cells with ids, so that a change shows as one
    assert notebook.metadata.kernelspec.name == "python3"  # without it JupyterLab opens with a question
    for cell in notebook.cells:
        assert not cell.get("outputs"), f"cell {cell.id} is stored with outputs"
        assert cell.get("execution_count") is None, f"cell {cell.id} is stored with a count"
        assert not cell.get("attachments") and not cell.metadata


@names
def test_runs(path, tmp_path):
    """Errors are fatal; a cell whose last line is a view shows one."""
    notebook = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=180, kernel_name="python3", resources=resources).execute()
    for cell in notebook.cells:
        shown = [output.data for output in cell.get("outputs", []) if output.output_type == "execute_result"]
        if cell.cell_type == "code" and "View(" in cell.source:
            assert any("application/vnd.jupyter.widget-view+json" in data for data in shown), cell.source
