"""Reads the cells of a notebook and runs them in this process, so that the views they show are Python objects."""

import html
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from IPython.core.displayhook import DisplayHook
from IPython.core.interactiveshell import InteractiveShell
from IPython.display import display
from IPython.utils.capture import capture_output
from ipywidgets import Widget
from traitlets.config import Config

from gptviz.bertviz_views import FRAME
from gptviz.errors import WrongType, fail
from gptviz.handout.prose import code_html, prose_html, text_html
from gptviz.pages.wire import json_ready
from gptviz.widgets.shared.view import View

PLOTLY_FIGURE = "data-plotly"
_VIEW, _PLOTLY = "application/vnd.jupyter.widget-view+json", "application/vnd.plotly.v1+json"
_SECONDS_TO_FINISH = 60  # that a view may take for what it still generates

Part = View | str  # a view, or HTML


class Frame(str):
    """The HTML of a BertViz view, whose scripts the page's policy allows."""


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
    """Displays the value of a cell's last line as a notebook does; a terminal would print it."""

    def __call__(self, result: Any = None) -> None:
        if result is not None:
            display(result)


def run_cells(cells: list[Cell], source: Path) -> Iterator[list[Part]]:
    """Runs the cells in order, in the notebook's folder; yields for each cell what the page shows of it."""
    with _notebook_settings(source.resolve().parent) as widgets:
        no_history = Config({"HistoryManager": {"enabled": False}})
        shell = InteractiveShell.instance(config=no_history, displayhook_class=_DisplayLast)
        try:
            for number, cell in enumerate(cells):
                if cell.kind != "code":
                    yield [prose_html(cell.text)] if cell.kind == "markdown" else []
                    continue
                with capture_output() as captured:
                    result = shell.run_cell(cell.text, store_history=False)
                if error := result.error_before_exec or result.error_in_exec:
                    got = f"cell {number}: {type(error).__name__}: {error}"
                    raise fail("a notebook whose cells all run", got, "Correct it and export again.") from error
                printed = [text_html(captured.stdout)] if captured.stdout.strip() else []
                yield [
                    _code(cell),
                    *printed,
                    *(_output(output.data, output.metadata, widgets) for output in captured.outputs),
                ]
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


def _output(data: dict[str, Any], metadata: dict[str, Any], widgets: list[Any]) -> Part:
    """Returns one output of a cell: one of the widgets if it is a view, else HTML."""
    id = data.get(_VIEW, {}).get("model_id")
    for view in (widget for widget in widgets if isinstance(widget, View) and widget.comm is not None):
        if view.model_id == id:
            _finish(view)
            return view
    if _PLOTLY in data:
        figure = json.dumps(json_ready(data[_PLOTLY]), allow_nan=False).replace("<", "\\u003c")
        return f'<div {PLOTLY_FIGURE}><script type="application/json">{figure}</script></div>'
    if metadata.get("text/html") == FRAME:
        return Frame(data["text/html"])
    if "image/png" in data:
        return f'<p><img alt="" src="data:image/png;base64,{data["image/png"].strip()}"></p>'
    return text_html(html.unescape(str(data.get("text/plain", ""))))


def _finish(view: View) -> None:
    """Waits for what a view still generates."""
    for member in view.family():
        if hasattr(member, "wait"):
            member.wait(_SECONDS_TO_FINISH)
