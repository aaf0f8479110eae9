"""Intervals: counted shares, one row for each, with the rates that fit the count (`gptviz.sampling.wilson`)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gptviz.display.numbers import or_none
from gptviz.drawings.canvas import Canvas, Drawing, checked, checked_with_gaps, room
from gptviz.errors import fail
from gptviz.sampling import wilson

_ROW, _GAP, _TOP = 26.0, 14.0, 8.0
_BASELINE = 13 / 3  # below the middle of a line of type
_TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)


def intervals(
    names: Sequence[str], counts: Any, trials: Any, *, title: str, across: str, note: str = "",
    truth: tuple[str, Any] | None = None,
) -> "Intervals":  # fmt: skip
    """Returns a drawing of shares with their 95 % Wilson intervals, on an axis from 0 to 100 %.

    names: of the rows. counts, trials: (rows,) whole numbers; the share is counts / trials, and a row without a trial has
    none. across: what the shares are. note: what stands below; each line of it is a paragraph. truth: a name and a share for
    each row (NaN for none), drawn as an upright line. Raises GPTVizError for no row, for other shapes, and for counts that
    are no counts.
    """
    if not names:
        raise fail("rows with a count", "none", 'For example ["heads"], [31], [50].')
    k, n = (checked(values, (len(names),), "one count for each row") for values in (counts, trials))
    expected = None if truth is None else (truth[0], checked_with_gaps(truth[1], k.shape, "one share for each row"))
    return Intervals(tuple(names), k, n, np.array(wilson(k, n)), title, across, note, expected)


@dataclass(frozen=True)
class Intervals(Drawing):
    """Counted shares. counts, trials: (rows,). ends: (2, rows). truth: a name and the shares (rows,), or None."""

    names: tuple[str, ...]
    counts: np.ndarray
    trials: np.ndarray
    ends: np.ndarray
    name: str
    across: str
    note: str
    truth: tuple[str, np.ndarray] | None

    def title(self, canvas: Canvas) -> str:
        return self.name

    def draw(self, canvas: Canvas) -> None:
        texts = [
            canvas.phrase("of", count=f"{count:.0f}", trials=f"{trials:.0f}")
            for count, trials in zip(self.counts, self.trials, strict=True)
        ]
        left = max(room(name, 13) for name in self.names) + _GAP
        right = canvas.width - max(room(text, 13, code=True) for text in texts) - _GAP

        def x_of(share: float) -> float:
            return left + share * (right - left)

        bottom = _TOP + _ROW * len(self.names)
        for tick in _TICKS:
            canvas.line(x_of(tick), _TOP, x_of(tick), bottom, "muted" if tick == 0.5 else "line")
            canvas.text(x_of(tick), bottom + 12, f"{100 * tick:.0f}", "muted", size=11, anchor="middle", code=True)
        canvas.text((left + right) / 2, bottom + 30, f"{self.across}, %", "muted", anchor="middle")
        for i, (name, text) in enumerate(zip(self.names, texts, strict=True)):
            y = _TOP + _ROW * (i + 0.5)
            canvas.text(0, y + _BASELINE, name)
            canvas.text(canvas.width, y + _BASELINE, text, code=True, anchor="end")
            self._draw_row(canvas, i, y, x_of)
        canvas.height = bottom + 40
        legend = canvas.phrase("intervals_note")
        if self.truth is not None:
            legend += canvas.phrase("intervals_truth", name=self.truth[0])
        canvas.words(canvas.height, legend)
        for line in filter(None, self.note.split("\n")):
            canvas.words(canvas.height + 4, line, "ink")

    def _draw_row(self, canvas: Canvas, row: int, y: float, x_of: Callable[[float], float]) -> None:
        """Draws the interval of a row, the share that was counted, and the true one if it is given."""
        canvas.line(x_of(self.ends[0, row]), y, x_of(self.ends[1, row]), y, "bar", width=4)
        if self.trials[row]:
            canvas.box(x_of(self.counts[row] / self.trials[row]) - 4, y - 4, 8, 8, "bar")
        if self.truth is not None and not np.isnan(share := self.truth[1][row]):
            canvas.line(x_of(share), y - 10, x_of(share), y + 10, "ink", width=2)

    def to_table(self) -> list[dict[str, Any]]:
        rows = zip(self.names, self.counts, self.trials, *self.ends.tolist(), strict=True)
        table = [
            {
                "row": name,
                "count": int(k),
                "trials": int(n),
                "share": float(k / n) if n else None,
                "low": low,
                "high": high,
            }
            for name, k, n, low, high in rows
        ]
        if self.truth is not None:
            for row, share in zip(table, self.truth[1], strict=True):
                row[self.truth[0]] = or_none(share)
        return table
