"""Writes a notebook as one page: its text, its code with the output, and its views, which work in the page.

Plotly figures share one copy of plotly.js. The page's policy names the scripts in the frames of BertViz views.
"""

import html
import os
import re
from pathlib import Path

from gptviz.display.phrases import phrase
from gptviz.display.preferences import chosen_language
from gptviz.files import check_path, check_target, write_file
from gptviz.handout.cells import Cell, read_cells, run_cells
from gptviz.handout.outputs import PLOTLY_FIGURE, Frame, Part
from gptviz.lessons.checking import Check
from gptviz.lessons.progress import LessonProgress
from gptviz.lessons.question import Question
from gptviz.pages.export import page

# plotly.js adds a style for geographic maps unless an element of this id exists. No figure here needs it, and the page's
# policy would report it as an error.
_STYLE_ID = re.compile(r'if\(!document\.getElementById\("([0-9a-f]{64})"\)\)')
_DRAW = f"""
for (const figure of document.querySelectorAll("[{PLOTLY_FIGURE}]")) {{
  const {{ data, layout }} = JSON.parse(figure.querySelector("script").textContent);
  Plotly.newPlot(figure, data, layout, {{ responsive: true, displaylogo: false }});
}}
"""


def export_notebook(
    notebook: str | os.PathLike[str], target: str | os.PathLike[str] | None = None, *, answers: bool = False
) -> Path:
    """Runs a notebook and writes it as one HTML page of at most 20 MB that needs no network and no kernel.

    target: the file to write; None is the notebook's name with .html, in the current folder. In the page the views work
    and questions can be answered; a control that needs the model says so, and what a page cannot show is named. answers:
    write the teacher's copy, with every question revealed and every solution open. Returns the page's path.

    Raises GPTVizError for a file that is no notebook, for a cell that fails, and for a page that cannot be written.
    """
    source = check_path(notebook)
    cells = read_cells(source)
    written = check_target(target if target is not None else Path.cwd() / f"{source.stem}.html")
    with LessonProgress.of_one_lesson():
        parts = [part for cell_parts in run_cells(cells, source) for part in cell_parts]
    parts.insert(0, f'<p class="copy">{html.escape(phrase(chosen_language(), "copy"))}</p>')
    if answers:
        for part in parts:
            _reveal(part)
    markup = [part for part in parts if isinstance(part, str)]
    frames = "".join(part for part in markup if isinstance(part, Frame))
    scripts = [_plotly_script(), _DRAW] if any(PLOTLY_FIGURE in part for part in markup) else []
    parts += [f'<div hidden id="{id}"></div>' for script in scripts for id in _STYLE_ID.findall(script)]
    style = Path(__file__).with_name("handout.css").read_text(encoding="utf-8")
    text = page(*parts, title=_title(cells, source), styles=[style], scripts=scripts, frames=frames)
    return write_file(written, lambda file: file.write_text(text, encoding="utf-8"))


def _reveal(part: Part) -> None:
    """Shows the answer of a question and the solution of a check."""
    if isinstance(part, Question) and part.can_be_asked:
        part.reveal()
    if isinstance(part, Check):
        part.unfolded = True


def _plotly_script() -> str:
    from plotly.offline import get_plotlyjs  # here since plotly is slow to import, and few notebooks have figures

    return str(get_plotlyjs())


def _title(cells: list[Cell], source: Path) -> str:
    """Returns the first heading of the notebook, or its file name."""
    lines = (line for cell in cells if cell.kind == "markdown" for line in cell.text.splitlines())
    return next((line[2:].strip() for line in lines if line.startswith("# ")), source.stem)
