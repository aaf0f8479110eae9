"""Notebooks that tests write, to run and export."""

import nbformat


def write_notebook(folder, cells, folded=()):
    """Writes a notebook of these cells, those at the `folded` indices with their source hidden; returns its path."""
    make = {
        "code": nbformat.v4.new_code_cell,
        "markdown": nbformat.v4.new_markdown_cell,
        "raw": nbformat.v4.new_raw_cell,
    }
    notebook = nbformat.v4.new_notebook(cells=[make[kind](text) for kind, text in cells])
    for index in folded:
        notebook.cells[index].metadata = {"jupyter": {"source_hidden": True}}
    nbformat.write(notebook, folder / "lesson.ipynb")
    return folder / "lesson.ipynb"
