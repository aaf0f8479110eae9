"""Rows of bars side by side: one row for each token, one panel for each quantity, and a row with the sums."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gptviz.display.numbers import significant
from gptviz.drawings.canvas import Canvas, room, short_name
from gptviz.text.tokens import Token

MOST_ROWS = 12  # of a longer text, the tokens with the largest shares have rows, and one row sums the others
_ROW, _NAME, _GAP = 24.0, 128.0, 26.0
Row = Token | int  # a token, or the number of tokens that have no row of their own


@dataclass(frozen=True)
class Panel:
    """One quantity. values: (rows,), NaN for none. total: what stands below them, or "". colour: of the bars.

    low, high: the values at the ends of the axis; panels that are compared have the same.
    """

    title: str
    values: np.ndarray
    texts: Sequence[str]
    total: str
    colour: str
    low: float
    high: float


def rows_of(tokens: Sequence[Token], importance: np.ndarray) -> tuple[list[int], list[int]]:
    """Returns the indices of the tokens with rows of their own, in the text's order, and those of the others."""
    first = sorted(np.argsort(-importance, kind="stable")[:MOST_ROWS].tolist())
    if len(tokens) <= MOST_ROWS + 1:
        first = list(range(len(tokens)))
    return first, [i for i in range(len(tokens)) if i not in set(first)]


def ends(*values: np.ndarray) -> tuple[float, float]:
    """Returns the smallest and the largest of some values, 0 among them."""
    known = np.concatenate([np.ravel(one) for one in values] + [np.zeros(1)])
    known = known[~np.isnan(known)]
    return float(known.min()), float(known.max()) or (1.0 if known.min() == 0 else 0.0)


def draw_bars(canvas: Canvas, rows: Sequence[Row], panels: Sequence[Panel]) -> None:
    """Draws the panels beside each other."""
    width = (canvas.width - _NAME - _GAP * (len(panels) - 1)) / len(panels)
    bars = width - 8 - max(room(text, 13, code=True) for panel in panels for text in [*panel.texts, panel.total])
    top = 44.0
    for i, row in enumerate(rows):
        _draw_name(canvas, row, top + _ROW * (i + 0.68))
    bottom = top + _ROW * len(rows)
    for i, panel in enumerate(panels):
        x = _NAME + i * (width + _GAP)
        _draw_panel(canvas, panel, x, top, width, bars)
    canvas.line(_NAME, bottom + 3, canvas.width, bottom + 3, "line")
    canvas.text(_NAME - 12, bottom + 19, canvas.phrase("sum"), "muted", anchor="end")
    canvas.height = max(canvas.height, bottom + 26)


def _draw_name(canvas: Canvas, row: Row, y: float) -> None:
    if isinstance(row, int):
        canvas.text(_NAME - 12, y, canvas.phrase("others", count=row), "muted", anchor="end")
        return
    canvas.text(_NAME - 12, y, short_name(row, 12), code=True, anchor="end")
    if row.position >= 0:
        canvas.text(0, y, str(row.position), "muted", size=11, code=True)


def _draw_panel(canvas: Canvas, panel: Panel, x: float, top: float, width: float, bars: float) -> None:
    """Draws a panel. bars: how much of its width is for bars, the same in all panels so that they can be compared."""
    scale = max(0.0, bars) / ((panel.high - panel.low) or 1.0)
    zero, bottom = x - panel.low * scale, top + _ROW * len(panel.values)
    canvas.text(x, 32, panel.title, bold=True)
    for i, (value, text) in enumerate(zip(panel.values, panel.texts, strict=True)):
        y = top + _ROW * i
        if not np.isnan(value):
            canvas.box(zero + min(0.0, value) * scale, y + 5, abs(value) * scale, _ROW - 10, panel.colour)
        canvas.text(x + width, y + 0.68 * _ROW, text, code=True, anchor="end")
    canvas.line(zero, top, zero, bottom, "muted")
    canvas.text(x + width, bottom + 19, panel.total, code=True, anchor="end", bold=True)


def numbers(values: np.ndarray) -> list[str]:
    """Returns numbers as texts; an empty one for NaN."""
    return ["" if np.isnan(value) else significant(value) for value in values]
