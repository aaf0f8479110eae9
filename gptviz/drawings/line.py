"""Line: one number for each of some places in a row, such as the loss at each token."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from gptviz.display.numbers import significant
from gptviz.drawings.canvas import Canvas, Drawing, checked, room
from gptviz.errors import fail

_HIGH, _TOP, _BELOW = 220.0, 40.0, 36.0


def line(
    values: Any, *, title: str, across: str, up: str, first: int = 0, mark: tuple[float, str] | None = None
) -> "Line":
    """Returns a line through numbers of 0 or more, on an axis that begins at 0.

    values: (n,). across, up: what the places and the numbers are. first: the place of the first number. mark: a place
    where an upright line stands, and its name. Raises GPTVizError if there are fewer than two numbers, or negative ones.
    """
    array = checked(values, (None,), "numbers in a row")
    if len(array) < 2 or array.min() < 0:
        raise fail("two or more numbers, none below 0", f"{array[:3]} …", "gptviz.figures.chart draws others.")
    return Line(array, title, across, up, first, mark)


@dataclass(frozen=True)
class Line(Drawing):
    """Numbers in a row. values: (n,). first: the place of the first. mark: a place with a name, or None."""

    values: np.ndarray
    name: str
    across: str
    up: str
    first: int
    mark: tuple[float, str] | None

    def title(self, canvas: Canvas) -> str:
        return self.name

    def draw(self, canvas: Canvas) -> None:
        ticks = _ticks(float(self.values.max()))
        left = max(room(significant(tick), 11, code=True) for tick in ticks) + 10
        bottom = _TOP + _HIGH
        last = self.first + len(self.values) - 1

        def place(x: float, value: float) -> tuple[float, float]:
            along = (x - self.first) / (last - self.first) * (canvas.width - left - 12)
            return left + along, bottom - value / ticks[-1] * _HIGH

        canvas.text(0, _TOP - 24, self.up, "muted")
        for tick in ticks:
            y = place(self.first, tick)[1]
            canvas.line(left, y, canvas.width, y, "line", 0.5)
            canvas.text(left - 8, y, significant(tick), "muted", size=11, anchor="end", code=True)
        if self.mark is not None:
            x = place(self.mark[0], 0)[0]
            canvas.line(x, _TOP, x, bottom, "muted", dash="4 4")
            canvas.text(x + 6, _TOP - 6, self.mark[1], "muted")
        points = [place(self.first + i, float(value)) for i, value in enumerate(self.values)]
        canvas.path("M" + " L".join(f"{x:.2f} {y:.2f}" for x, y in points), bottom, stroke="bar", width=2)
        self._name_places(canvas, place, bottom)

    def _name_places(self, canvas: Canvas, place: Any, bottom: float) -> None:
        last = self.first + len(self.values) - 1
        step = max(1, int(_ticks(float(last - self.first))[1]))
        for x in range(-(-self.first // step) * step, last + 1, step):
            canvas.text(place(x, 0)[0], bottom + 12, str(x), "muted", size=11, anchor="middle", code=True)
        canvas.text(canvas.width / 2, bottom + 28, self.across, "muted", anchor="middle")
        canvas.height = max(canvas.height, bottom + _BELOW)

    def to_table(self) -> list[dict[str, Any]]:
        return [{"place": self.first + i, "number": float(value)} for i, value in enumerate(self.values)]


def _ticks(most: float) -> list[float]:
    """Returns round numbers at equal distances from 0 on; the last one is `most` or more."""
    most = most or 1.0
    power = 10.0 ** np.floor(np.log10(most / 4))
    step = next(float(power * digit) for digit in (1, 2, 2.5, 5, 10) if 5 * power * digit >= most)
    return [step * i for i in range(int(np.ceil(most / step)) + 1)]
