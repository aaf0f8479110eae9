"""Heat: a map of numbers, one cell for each row and column. Of signed numbers blue is below 0 and orange is above.

A cell's number stands in it where there is room, so that the map can be read without colours. A cell without a number is
hatched. For a figure of plotly see `gptviz.figures.effects`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gptviz.display.numbers import or_none, significant
from gptviz.drawings.canvas import Canvas, Drawing, checked_with_gaps, room, short_name
from gptviz.errors import fail
from gptviz.text.tokens import Token

_ROW, _WIDEST, _GAP, _STEPS, _HATCH = 26.0, 84.0, 10.0, 8, 7
_ACROSS, _UP = 0.65, 0.77  # of a turned text, as shares of its length: cosine and sine of 50°
# Opacity of the largest number; text on it has a contrast of at least 4.5 to 1 in each theme.
_STRONGEST = {"below": 0.55, "above": 0.55, "bar": 0.45}


def heat(
    values: Any, rows: Sequence[str], columns: Sequence[str | Token], *, title: str, across: str = "", scale: str = "",
    signed: bool = True,
) -> "Heat":  # fmt: skip
    """Returns a map of numbers on one scale, which is symmetric about 0 if the numbers are signed and else begins at 0.

    values: (rows, columns); NaN for a cell without a number. rows, columns: the name of each; a token is named with its
    position. across: what the columns are. scale: what the numbers measure. signed: whether a number can be below 0.
    Raises GPTVizError for other shapes, and for a number below 0 if they are not signed.
    """
    array = checked_with_gaps(values, (len(rows), len(columns)), "one number for each cell")
    if not signed and (array < 0).any():
        raise fail("numbers of 0 or more", f"{np.nanmin(array):g}", "Leave out signed=False.")
    return Heat(array, tuple(rows), tuple(map(_name, columns)), title, across, scale, signed)


def _name(column: str | Token) -> str:
    return column if isinstance(column, str) else f"{short_name(column, 9)} {column.position}"


@dataclass(frozen=True)
class Heat(Drawing):
    """A map of numbers. values: (rows, columns)."""

    values: np.ndarray
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    name: str
    across: str
    scale: str
    signed: bool

    @property
    def most(self) -> float:
        """The number at the ends of the scale: the largest one without its sign."""
        return float(np.nan_to_num(np.abs(self.values)).max(initial=0)) or 1.0

    def title(self, canvas: Canvas) -> str:
        return self.name

    def draw(self, canvas: Canvas) -> None:
        left = max((room(row, 13) for row in self.rows), default=0) + _GAP
        longest = max((room(name, 13) for name in self.columns), default=0)
        width = min(_WIDEST, (canvas.width - left) / max(1, len(self.columns)))
        turned = longest > width - 4
        if turned:  # the name of the last column reaches past its cell
            width = min(_WIDEST, (canvas.width - left - _ACROSS * longest) / len(self.columns))
        top = _UP * longest + 16 if turned else 22.0
        for j, name in enumerate(self.columns):
            x = left + (j + 0.5) * width
            canvas.text(x, top - 10, name, anchor="start" if turned else "middle", turned=turned)
        for i, row in enumerate(self.rows):
            y = top + i * _ROW
            canvas.text(left - _GAP, y + _ROW / 2, row, anchor="end")
            for j, value in enumerate(self.values[i]):
                self._draw_cell(canvas, value, left + j * width, y, width)
        bottom = top + len(self.rows) * _ROW
        if self.across:
            canvas.text(left, bottom + 14, self.across, "muted")
        self._draw_scale(canvas, left, bottom + 34)

    def _draw_cell(self, canvas: Canvas, value: float, x: float, y: float, width: float) -> None:
        canvas.box(x, y, width, _ROW, "bg", "line", stroke_width=0.5)
        if np.isnan(value):
            _hatch(canvas, x, y, width)
            return
        self._tint(canvas, value / self.most, x, y, width, _ROW)
        text = self._written(value)
        if room(text, 11, code=True) <= width - 2:
            canvas.text(x + width / 2, y + _ROW / 2, text, size=11, anchor="middle", code=True)

    def _written(self, value: float) -> str:
        """Returns a number with as many decimals as two digits of the largest need, and with its sign if it can have one."""
        decimals = max(0, 1 - int(np.floor(np.log10(self.most))))
        text = f"{value:+.{decimals}f}" if self.signed else f"{value:.{decimals}f}"
        return "0" if float(text) == 0 else text.replace("-", "−")

    def _tint(self, canvas: Canvas, share: float, x: float, y: float, width: float, height: float) -> None:
        """Colours a cell. share: its number as a share of the largest, from -1 to 1."""
        colour = ("below" if share < 0 else "above") if self.signed else "bar"
        canvas.box(x, y, width, height, colour, fill_opacity=round(_STRONGEST[colour] * abs(share), 3))

    def _draw_scale(self, canvas: Canvas, left: float, y: float) -> None:
        """Draws the scale: its ends with their numbers, and what it measures."""
        most, first = significant(self.most), -_STEPS if self.signed else 0
        low, high = (f"−{most}", f"+{most}") if self.signed else ("0", most)
        canvas.text(left, y + 7, low, "muted", size=11, code=True)
        begin = x = left + room(low, 11, code=True) + 6
        for step in range(first, _STEPS + 1):
            self._tint(canvas, step / _STEPS, x, y, 8, 12)
            x += 8
        canvas.box(begin, y, x - begin, 12, "", "line")
        canvas.text(x + 6, y + 7, high, "muted", size=11, code=True)
        canvas.text(x + 20 + room(high, 11, code=True), y + 7, self.scale, "muted")
        canvas.height = max(canvas.height, y + 18)

    def to_table(self) -> list[dict[str, Any]]:
        return [
            {"down": row, "across": column, "number": or_none(value)}
            for row, numbers in zip(self.rows, self.values, strict=True)
            for column, value in zip(self.columns, numbers, strict=True)
        ]


def _hatch(canvas: Canvas, x: float, y: float, width: float) -> None:
    """Hatches a cell with strokes that rise to the right."""
    strokes = (
        f"M{x + max(0, at - _ROW):.1f} {y + min(at, _ROW):.1f}L{x + min(at, width):.1f} {y + max(0, at - width):.1f}"
        for at in range(_HATCH, int(width + _ROW), _HATCH)
    )
    canvas.path("".join(strokes), y + _ROW, stroke="line")
