"""Reads the cells of a notebook and runs them in this process, so that the views they show are Python objects."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from IPython.core.displayhook import DisplayHook
from IPython.core.interactiveshell import InteractiveShell
from IPython.display import display
from IPython.utils.capture import capture_output
from ipywidgets import Widget
from traitlets.config import Config

from gptviz.errors import WrongType, fail
from gptviz.handout.outputs import Part, output_parts, printed_parts
from gptviz.handout.prose import code_html, prose_html


@dataclass(frozen=True)
class Cell:
    """A cell of a notebook. kind: "code", "markdown" or "raw". folded: its code is hidden until somebody opens it."""

    kind: str
    text: str
    folded: bool = False


def read_cells(source: Path) -> list[Cell]:
    """Returns the cells of a notebook file."""
    try:
        cells = json.loads(source.read_text(encoding="utf-8"))["cells"]
        return [Cell(cell["cell_type"], "".join(cell["source"]), _is_folded(cell["metadata"])) for cell in cells]
    except OSError as error:
        raise fail("a notebook that exists", f"{source}: {error.strerror}", "Check the path.") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        expected = "a notebook file, as Jupyter writes it since 2015"
        raise fail(expected, f"{source}", "Its name ends in .ipynb.", WrongType) from error


def _is_folded(metadata: dict[str, Any]) -> bool:
    return bool(metadata.get("jupyter", {}).get("source_hidden"))


class _DisplayLast(DisplayHook):
    """Displays the value of a cell's last line as a notebook does, unless it ends in ";"; a terminal would print it."""

    cell = ""  # the code that runs

    def __call__(self, result: Any = None) -> None:
        if result is not None and not self.semicolon_at_end_of_expression(self.cell):
            display(result)


def run_cells(cells: list[Cell], source: Path) -> Iterator[list[Part]]:
    """Runs the cells in order, in the notebook's folder; yields for each cell what the page shows of it."""
    with _notebook_settings(source.resolve().parent) as widgets:
        no_history = Config({"HistoryManager": {"enabled": False}})
        shell: Any = InteractiveShell.instance(config=no_history, displayhook_class=_DisplayLast)
        try:
            for number, cell in enumerate(cells):
                if cell.kind != "code":
                    yield [prose_html(cell.text)] if cell.kind == "markdown" else []
                    continue
                shell.displayhook.cell = cell.text
                with capture_output() as captured:
                    result = shell.run_cell(cell.text, store_history=False)
                if error := result.error_before_exec or result.error_in_exec:
                    got = f"cell {number}: {type(error).__name__}: {error}"
                    raise fail("a notebook whose cells all run", got, "Correct it and export again.") from error
                shown = (output_parts(output.data, output.metadata or {}, widgets) for output in captured.outputs)
                printed = [*printed_parts(captured.stdout), *printed_parts(captured.stderr)]
                yield [_code(cell), *printed, *chain.from_iterable(shown)]
        finally:
            InteractiveShell.clear_instance()


@contextmanager
def _notebook_settings(folder: Path) -> Iterator[list[Any]]:
    """Makes `folder` the current one and has plotly output figures as data; yields the list of the widgets made inside."""
    import plotly.io  # here since it is slow to import

    widgets: list[Any] = []
    current_folder, renderer = Path.cwd(), plotly.io.renderers.default
    plotly.io.renderers.default = "plotly_mimetype"
    os.chdir(folder)
    Widget.on_widget_constructed(widgets.append)
    try:
        yield widgets
    finally:
        Widget.on_widget_constructed(None)
        os.chdir(current_folder)
        plotly.io.renderers.default = renderer


def _code(cell: Cell) -> str:
    code = code_html(cell.text)
    return f"<details><summary>…</summary>{code}</details>" if cell.folded else code
