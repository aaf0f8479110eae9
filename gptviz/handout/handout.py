"""A notebook, run here and written as one page: its text, its code with what it printed, and its views, alive.

The cells run in this process, so that the views they show are at hand and can be written as `export.page` writes views.
Plotly's charts travel with one copy of plotly.js; BertViz's views are frames whose scripts the page's policy names. Not
about how a view is drawn or a page is sealed.
"""

import html
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gptviz.checks import check_folder
from gptviz.display.phrases import phrase
from gptviz.display.preferences import chosen_language
from gptviz.errors import WrongType, fail
from gptviz.handout.prose import code_html, prose_html, text_html
from gptviz.lessons.checking import Check
from gptviz.lessons.question import Question
from gptviz.pages.export import page
from gptviz.widgets.shared.view import View

_VIEW, _PLOTLY = "application/vnd.jupyter.widget-view+json", "application/vnd.plotly.v1+json"
_LOOKED_FOR = re.compile(
    r'if\(!document\.getElementById\("([0-9a-f]{64})"\)\)'
)  # the style of maps: none here needs it
_FRAME = '<iframe class="gptviz-bertviz"'
_DRAW = """
for (const place of document.querySelectorAll("[data-plotly]")) {
  const { data, layout } = JSON.parse(place.querySelector("script").textContent);
  Plotly.newPlot(place, data, layout, { responsive: true, displaylogo: false });
}
"""


def export_notebook(
    notebook: str | os.PathLike[str], target: str | os.PathLike[str] | None = None, *, answers: bool = False
) -> Path:
    """Run a notebook and write it as one HTML page that needs no network and no kernel, at most 20 MB; the page's path.

    target: the file to write; None is the notebook's name with .html, in the current folder. Views are alive in it;
    questions can be answered, and what needs the model says so. answers: the teacher's copy, with every question
    revealed and every solution open.

    Raises GPTVizError for a file that is no notebook, and for a cell that fails.
    """
    source = Path(notebook)
    cells = read_cells(source)
    written = Path(target) if target is not None else Path.cwd() / f"{source.stem}.html"
    check_folder(written)
    parts = [part for cell in run_cells(cells, source) for part in cell]
    parts.insert(0, f'<p class="copy">{html.escape(phrase(chosen_language(), "copy"))}</p>')
    if answers:
        for part in parts:
            _give_away(part)
    frames = "".join(part for part in parts if isinstance(part, str) and _FRAME in part)
    has_charts = any(isinstance(part, str) and "data-plotly" in part for part in parts)
    scripts = [_plotly(), _DRAW] if has_charts else []
    parts += [f'<div hidden id="{id}"></div>' for script in scripts for id in _LOOKED_FOR.findall(script)]
    style = Path(__file__).with_name("handout.css").read_text(encoding="utf-8")
    written.write_text(
        page(*parts, title=_title(cells, source), styles=[style], scripts=scripts, frames=frames), encoding="utf-8"
    )
    return written


@dataclass(frozen=True)
class Cell:
    """A cell of a notebook. kind: "code", "markdown" or "raw". folded: its code is not shown until it is opened."""

    kind: str
    text: str
    folded: bool = False


def read_cells(source: Path) -> list[Cell]:
    """The cells of a notebook file."""
    try:
        return [
            Cell(
                cell["cell_type"],
                "".join(cell["source"]),
                bool(cell["metadata"].get("jupyter", {}).get("source_hidden")),
            )
            for cell in json.loads(source.read_text(encoding="utf-8"))["cells"]
        ]
    except OSError as error:
        raise fail("a notebook that is there", f"{source}: {error.strerror}", "Check the path.") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise fail(
            "a notebook file, as Jupyter writes it since 2015", f"{source}", "Its name ends in .ipynb.", WrongType
        ) from error


def run_cells(cells: list[Cell], source: Path) -> Iterator[list[View | str]]:
    """Run the cells in order, in the notebook's folder; for each what the page shows of it."""
    from IPython.core.displayhook import DisplayHook
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.display import display
    from IPython.utils.capture import capture_output
    from traitlets.config import Config

    class ShowLast(DisplayHook):
        """A cell's last line is shown as in a notebook, not printed as in a terminal."""

        def __call__(self, result: Any = None) -> None:
            if result is not None:
                display(result)

    with _settings(source.resolve().parent) as made:
        no_history = Config({"HistoryManager": {"enabled": False}})
        shell = InteractiveShell.instance(config=no_history, displayhook_class=ShowLast)
        try:
            for number, cell in enumerate(cells):
                if cell.kind != "code":
                    yield [prose_html(cell.text)] if cell.kind == "markdown" else []
                    continue
                with capture_output() as captured:
                    done = shell.run_cell(cell.text, store_history=False)
                if error := done.error_before_exec or done.error_in_exec:
                    raise fail(
                        "a notebook whose cells all run",
                        f"cell {number}: {type(error).__name__}: {error}",
                        "Mend it and export again.",
                    ) from error
                printed = [text_html(captured.stdout)] if captured.stdout.strip() else []
                yield [_code(cell), *printed, *(_shown(output.data, made) for output in captured.outputs)]
        finally:
            InteractiveShell.clear_instance()


@contextmanager
def _settings(folder: Path) -> Iterator[list[Any]]:
    """The notebook's folder as the current one, and charts as data rather than as pages in a browser; the widgets that
    are made meanwhile."""
    import plotly.io
    from ipywidgets import Widget

    made: list[Any] = []
    here, renderer = Path.cwd(), plotly.io.renderers.default
    plotly.io.renderers.default = "plotly_mimetype"
    os.chdir(folder)
    Widget.on_widget_constructed(made.append)
    try:
        yield made
    finally:
        Widget.on_widget_constructed(None)
        os.chdir(here)
        plotly.io.renderers.default = renderer


def _shown(data: dict[str, Any], made: list[Any]) -> View | str:
    """One output of a cell: a view, or HTML. made: the widgets among which it is."""
    id = data.get(_VIEW, {}).get("model_id")
    for view in (widget for widget in made if isinstance(widget, View) and widget.comm is not None):
        if view.model_id == id:
            _finish(view)
            return view
    if _PLOTLY in data:
        figure = json.dumps(data[_PLOTLY]).replace("<", "\\u003c")
        return f'<div data-plotly><script type="application/json">{figure}</script></div>'
    markup = data.get("text/html", "")
    if _FRAME in markup:
        return str(markup)
    if "image/png" in data:
        return f'<p><img alt="" src="data:image/png;base64,{data["image/png"].strip()}"></p>'
    return text_html(html.unescape(str(data.get("text/plain", ""))))


def _finish(view: View) -> None:
    """Wait for what a view still generates."""
    for one in view.family():
        if hasattr(one, "wait"):
            one.wait(60)


def _give_away(part: View | str) -> None:
    if isinstance(part, Question) and part.can_be_asked:
        part.reveal()
    if isinstance(part, Check):
        part.unfolded = True


def _code(cell: Cell) -> str:
    code = code_html(cell.text)
    return f"<details><summary>…</summary>{code}</details>" if cell.folded else code


def _plotly() -> str:
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs())


def _title(cells: list[Cell], source: Path) -> str:
    lines = (line for cell in cells if cell.kind == "markdown" for line in cell.text.splitlines())
    return next((line[2:].strip() for line in lines if line.startswith("# ")), source.stem)
