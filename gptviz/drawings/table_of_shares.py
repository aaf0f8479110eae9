"""A table of shares or sizes: named rows in groups, a few columns, and in each cell the number with a bar below it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gptviz.display.numbers import percent, significant
from gptviz.drawings.canvas import Canvas, Drawing, checked_with_gaps, room, wrapped
from gptviz.errors import fail

_ROW, _BAR, _GAP = 31.0, 6.0, 18.0
_NAMES = 0.46  # of the width, at most


def share_table(
    groups: Mapping[str, Sequence[str]], columns: Sequence[str], values: Any, *, title: str = "", note: str = "",
    full: float | None = 1.0, unit: str = "",
) -> "ShareTable":  # fmt: skip
    """Returns a drawing of shares, or of other numbers from 0 on, as a table with bars.

    groups: the names of the rows under the heading of their group; "" is no heading. columns: their names. values: (rows,
    columns), from 0 on, in the order of the groups; NaN leaves a cell empty. title, note: what stands above and below; a note
    may have several lines. full: the value of a whole bar; None for the largest value. unit: of numbers that are no shares;
    shares are written as percentages. Raises GPTVizError if there is no row or column, or for numbers below 0 or above `full`.
    """
    names = [(heading, name) for heading, rows in groups.items() for name in rows]
    array = checked_with_gaps(values, (len(names), len(columns)), "one share for each row and column")
    known = np.nan_to_num(array)
    if not known.size:
        raise fail("rows and columns", "none", 'For example {"": ["one", "two"]}, ["share"].')
    full = (float(known.max()) or 1.0) if full is None else float(full)
    if not (known >= 0).all() or not (known <= full * (1 + 1e-6)).all():
        remedy = "Give shares; full=None takes the largest one as a whole bar."
        raise fail(f"numbers from 0 to {full:g}", f"{known.min():g} to {known.max():g}", remedy)
    return ShareTable(tuple(names), tuple(columns), array, title, note, full, unit)


@dataclass(frozen=True)
class ShareTable(Drawing):
    """Numbers (rows, columns). names: of each row, the heading of its group and its own name. full: a whole bar."""

    names: tuple[tuple[str, str], ...]
    columns: tuple[str, ...]
    values: np.ndarray
    heading: str
    note: str
    full: float
    unit: str

    def title(self, canvas: Canvas) -> str:
        return self.heading or canvas.phrase("share_table")

    def draw(self, canvas: Canvas) -> None:
        longest = max(room(name, 13) for _, name in self.names) + _GAP
        left = min(longest, _NAMES * canvas.width)
        width = (canvas.width - left) / len(self.columns)
        y = self._draw_heads(canvas, left, width)
        for i, (heading, name) in enumerate(self.names):
            if heading and (i == 0 or heading != self.names[i - 1][0]):
                y += 8
                canvas.text(0, y + 10, heading, bold=True)
                y += 25
            canvas.text(0, y + 8, _shortened(name, left - _GAP))
            for j in range(len(self.columns)):
                self._draw_cell(canvas, self.values[i, j], left + j * width, y, width - _GAP)
            y += _ROW
        canvas.height = max(canvas.height, y)
        full = f"{self._written(self.full)} {self.unit}".rstrip()
        canvas.words(y + 4, canvas.phrase("share_table_note", full=full))
        for line in filter(None, self.note.split("\n")):
            canvas.words(canvas.height + 4, line, "ink")

    def _draw_heads(self, canvas: Canvas, left: float, width: float) -> float:
        """Writes the names of the columns, wrapped, and returns where they end."""
        heads = [wrapped(column, 13, width - _GAP) for column in self.columns]
        for j, lines in enumerate(heads):
            for k, line in enumerate(lines):
                canvas.text(left + j * width, 10 + 18 * k, line, "muted")
        return 18.0 * max(map(len, heads)) + 4

    def _draw_cell(self, canvas: Canvas, value: float, x: float, y: float, width: float) -> None:
        if np.isnan(value):
            return
        canvas.text(x, y + 8, self._written(value), code=True)
        canvas.box(x, y + 15, width, _BAR, "line", fill_opacity=0.45)
        canvas.box(x, y + 15, width * value / self.full, _BAR, "bar")

    def _written(self, value: float) -> str:
        return significant(value) if self.unit else percent(value)

    def to_table(self) -> list[dict[str, Any]]:
        return [
            {"group": heading, "row": name, **dict(zip(self.columns, map(float, row), strict=True))}
            for (heading, name), row in zip(self.names, self.values, strict=True)
        ]


def _shortened(name: str, width: float) -> str:
    """Returns a name that is not wider than this; a longer one ends in "…"."""
    if room(name, 13) <= width:
        return name
    while name and room(f"{name}…", 13) > width:
        name = name[:-1]
    return f"{name.rstrip()}…"
