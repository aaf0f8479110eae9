"""A power law: measured points on two logarithmic axes, where a power law is a straight line, and the line through them."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from gptviz.drawings.canvas import Canvas, Drawing, checked, room
from gptviz.drawings.curve_panels import ticks
from gptviz.errors import fail

_LEFT, _RIGHT, _HEIGHT, _LEGEND, _DOT, _SAMPLE = 52.0, 24.0, 260.0, 26.0, 9.0, 22.0
_NAME, _TICK = 12, 11  # sizes of type
_MARGIN = 0.04  # beyond the outermost points, as a share of the logarithmic axis


def power_law(
    sizes: Any, values: Any, line: Any, title: str, *, x: str = "size", y: str = "loss", unused: int = 0
) -> "PowerLaw":
    """Returns a drawing of points and of a power law.

    sizes, values: (points,) above 0, in the order of the sizes. line: the slope and the intercept of the natural logarithm of
    the values over that of the sizes. x, y: what is across and what is up. unused: how many of the last points the line was not
    fitted to; they are drawn hollow. Raises GPTVizError for fewer than two points, and for numbers that have no logarithm.
    """
    across = checked(sizes, (None,), "sizes")
    up = checked(values, across.shape, "a value for each size")
    slope, intercept = checked(line, (2,), "slope and intercept")
    if len(across) < 2 or not (np.diff(across) > 0).all() or not (across > 0).all() or not (up > 0).all():
        raise fail("two or more sizes that grow, with values above 0", f"{across}, {up}", "Sort them; leave out zeros.")
    return PowerLaw(across, up, float(slope), float(intercept), title, x, y, unused)


@dataclass(frozen=True)
class PowerLaw(Drawing):
    """Points and a line. sizes, values: (points,); the last `unused` points are not among those of the line."""

    sizes: np.ndarray
    values: np.ndarray
    slope: float
    intercept: float
    name: str
    x: str
    y: str
    unused: int

    @property
    def on_line(self) -> np.ndarray:
        """(points,): what the power law gives for each size."""
        return np.exp(self.slope * np.log(self.sizes) + self.intercept)

    def title(self, canvas: Canvas) -> str:
        return self.name

    def draw(self, canvas: Canvas) -> None:
        canvas.text(0, 12, self.y, bold=True)
        self._draw_legend(canvas)
        bottom = _LEGEND + 20 + _HEIGHT
        up = _Axis(np.concatenate([self.values, self.on_line]), bottom, bottom - _HEIGHT)
        across = _Axis(self.sizes, _LEFT, canvas.width - _RIGHT)
        for tick in ticks(*up.ends):
            canvas.line(_LEFT, up.at(tick), canvas.width, up.at(tick), "line", 0.5)
            canvas.text(_LEFT - 8, up.at(tick) + _TICK / 3, f"{tick:.6g}", "muted", size=_TICK, anchor="end")
        last = -np.inf  # where the number before ends
        for size in self.sizes:
            label = f"{size:,.6g}"
            canvas.line(across.at(size), bottom, across.at(size), bottom + 4, "muted")
            if across.at(size) - room(label, _TICK) / 2 > last:
                canvas.text(across.at(size), bottom + 15, label, "muted", size=_TICK, anchor="middle")
                last = across.at(size) + room(label, _TICK) / 2 + 6
        ends = [(across.at(size), up.at(value)) for size, value in zip(self.sizes, self.on_line, strict=True)]
        canvas.line(*ends[0], *ends[-1], "muted", 1.5, dash="6 4")
        for i, (size, value) in enumerate(zip(self.sizes, self.values, strict=True)):
            _draw_dot(canvas, across.at(size), up.at(value), is_used=i < len(self.sizes) - self.unused)
        canvas.text(canvas.width, bottom + 34, self.x, "muted", anchor="end")
        canvas.words(bottom + 40, canvas.phrase("power_law_note"))

    def _draw_legend(self, canvas: Canvas) -> None:
        """Writes what a dashed line, a filled and a hollow square are, below the name of the upright axis."""
        canvas.line(0, 34, _SAMPLE, 34, "muted", 1.5, dash="6 4")
        canvas.text(_SAMPLE + 6, 34 + _NAME / 3, canvas.phrase("power_law"), size=_NAME)
        x = _SAMPLE + 24 + room(canvas.phrase("power_law"), _NAME)
        for name in ("power_law_used", "power_law_unused")[: 2 if self.unused else 1]:
            _draw_dot(canvas, x + _DOT / 2, 34, is_used=name == "power_law_used")
            canvas.text(x + _DOT + 6, 34 + _NAME / 3, canvas.phrase(name), size=_NAME)
            x += _DOT + 24 + room(canvas.phrase(name), _NAME)

    def to_table(self) -> list[dict[str, Any]]:
        return [
            {self.x: float(size), self.y: float(value), "power_law": float(on_line)}
            for size, value, on_line in zip(self.sizes, self.values, self.on_line, strict=True)
        ]


class _Axis:
    """A logarithmic axis from `begin` to `end` of the canvas, with a margin beyond the outermost values."""

    def __init__(self, values: np.ndarray, begin: float, end: float):
        low, high = np.log(values.min()), np.log(values.max())
        margin = _MARGIN * (high - low)
        self.low, self.high, self.begin, self.end = low - margin, high + margin, begin, end

    @property
    def ends(self) -> tuple[float, float]:
        return float(np.exp(self.low)), float(np.exp(self.high))

    def at(self, value: float) -> float:
        share = (np.log(value) - self.low) / (self.high - self.low)
        return float(self.begin + share * (self.end - self.begin))


def _draw_dot(canvas: Canvas, x: float, y: float, is_used: bool) -> None:
    """Draws a square: filled if the line was fitted to it, else hollow."""
    colours = ("bar", "") if is_used else ("bg", "bar")
    canvas.box(x - _DOT / 2, y - _DOT / 2, _DOT, _DOT, *colours, stroke_width=2)
