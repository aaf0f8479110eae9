"""Curves: quantities over steps or positions, one panel below the other, with the same axis across."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gptviz.drawings.canvas import Canvas, Drawing, checked, checked_with_gaps, room
from gptviz.errors import fail

COLOURS = ("bar", "key", "value", "residual", "mlp", "muted")
_HEIGHT, _ALONE, _LEFT, _SAMPLE, _BETWEEN = 150.0, 220.0, 52.0, 22.0, 14.0  # _ALONE: the height of a single panel
_NAME_GAP, _MARK_GAP, _DOT = 18.0, 20.0, 7.0
_NAME, _TICK = 12, 11  # sizes of type
_MOST_TICKS, _APART = (
    10,
    8.0,
)  # so many values of x are written at most; else round numbers. _APART: between two of them

Points = tuple[Any, Any]  # of a curve: x and y, (n,) each; NaN in y leaves a gap


def curves(
    panels: Mapping[str, Mapping[str, Points]],
    title: str,
    *,
    x: str = "step",
    marks: Mapping[str, float] | None = None,
    limit: float | None = None,
    dots: bool = False,
    note: str = "",
) -> "Curves":
    """Returns a drawing of curves.

    panels: by title, which says the unit, the curves by name, which are the columns of the table. A name that is in several
    panels has the same colour in each, and in the table the panel's title before it. x: what is across. marks: by name,
    where upright lines stand; where not all names fit above, they stand below with numbers. limit: a dashed line across
    the last panel. dots: mark each value. note: what stands below; each line of it is a paragraph.

    Below the last panel stand the values of x if they are few; else round numbers.

    Raises GPTVizError for no curve, or for x and y that do not fit together.
    """
    if not panels or not all(panels.values()):
        raise fail(
            "panels with curves", f"{panels!r:.80}", 'For example {"loss, nats": {"training": (steps, losses)}}.'
        )
    drawn = tuple(
        Panel(name, tuple(Curve(of, *_points(of, *points)) for of, points in lines.items()))
        for name, lines in panels.items()
    )
    return Curves(drawn, title, x, tuple((marks or {}).items()), limit, dots, note)


def _points(name: str, x: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
    across = checked(x, (None,), f"the x of {name}")
    heights = checked_with_gaps(y, across.shape, f"a value of {name} for each x")
    if not len(across):
        raise fail(f"values of {name}", "none", "Leave the curve out.")
    if np.isnan(heights).all():
        raise fail(f"a value of {name} that is a number", "NaN alone", "Leave the curve out.")
    return across, heights


@dataclass(frozen=True)
class Curve:
    """A line. x, y: (n,) each."""

    name: str
    x: np.ndarray
    y: np.ndarray


@dataclass(frozen=True)
class Panel:
    """Curves that share an axis, which begins at 0, or at the lowest value below it."""

    title: str
    curves: tuple[Curve, ...]

    @property
    def ends(self) -> tuple[float, float]:
        """The ends of the axis: (low, high)."""
        values = np.concatenate([curve.y for curve in self.curves])
        low, high = min(0.0, float(np.nanmin(values))), max(0.0, float(np.nanmax(values)))
        step = _tick_size(low, high)
        bottom = step * math.floor(low / step + 1e-9)
        top = step * math.ceil(high / step - 1e-9)
        return bottom, max(top, bottom + step)  # values that are all 0 have an axis, too


@dataclass(frozen=True)
class Curves(Drawing):
    """Panels of curves. marks: the names of upright lines, and their x. limit: of the last panel."""

    panels: tuple[Panel, ...]
    name: str
    x: str
    marks: tuple[tuple[str, float], ...]
    limit: float | None
    dots: bool
    note: str

    def title(self, canvas: Canvas) -> str:
        return canvas.phrase(self.name)

    def draw(self, canvas: Canvas) -> None:
        top = 20.0 if self.marks else 0.0
        colour_of = self._colours()
        for panel in self.panels:
            colours = [colour_of[curve.name] for curve in panel.curves]
            begin, height = _draw_legend(canvas, panel, colours, top), _HEIGHT if len(self.panels) > 1 else _ALONE
            frame = _Frame(canvas, panel, self._span(), begin, height)
            frame.draw(colours, self.limit if panel is self.panels[-1] else None)
            if self.dots:
                frame.draw_dots(colours)
            top = frame.bottom + _BETWEEN
        starts = self._name_starts(canvas)
        self._draw_marks(canvas, top - _BETWEEN, starts)
        self._draw_ticks(canvas, top - _BETWEEN)
        end = canvas.height
        for number, (name, _) in enumerate(self.marks, 1):
            end = end if starts else canvas.words(end, f"{number}: {name}")
        for paragraph in self.note.splitlines():
            end = canvas.words(end, paragraph)

    def _span(self) -> tuple[float, float]:
        x = np.concatenate([curve.x for panel in self.panels for curve in panel.curves])
        low, high = float(x.min()), float(x.max())
        return low, high if high > low else low + 1

    def _lines(self) -> list[tuple[Panel, Curve]]:
        return [(panel, curve) for panel in self.panels for curve in panel.curves]

    def _colours(self) -> dict[str, str]:
        """Returns the colour of each name, which is the same in all panels."""
        names = dict.fromkeys(curve.name for _, curve in self._lines())
        return {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(names)}

    def _name_starts(self, canvas: Canvas) -> list[float]:
        """Returns where the marks' names begin above their lines; nothing if not all of them fit there."""
        starts, end = [], 0.0
        for name, x in self.marks:
            wide = room(name, _NAME)
            start = min(_across(canvas, x, self._span()), canvas.width - wide)
            if start < end:
                return []
            starts.append(start)
            end = start + wide + _NAME_GAP
        return starts

    def _draw_marks(self, canvas: Canvas, bottom: float, starts: Sequence[float]) -> None:
        """Draws the upright lines with their names, or with numbers; one that would stand on the one before moves right."""
        end = -math.inf
        for number, (name, x) in enumerate(self.marks, 1):
            at = _across(canvas, x, self._span())
            canvas.line(at, 16, at, bottom, "muted", dash="2 3")
            if starts:
                canvas.text(starts[number - 1], 11, name, "muted", size=_NAME)
                continue
            end = max(at, end + _MARK_GAP)
            canvas.text(end, 11, str(number), "muted", size=_TICK, anchor="middle")

    def _draw_ticks(self, canvas: Canvas, bottom: float) -> None:
        """Writes numbers of x under the last panel."""
        for tick in self._ticks_below(canvas):
            at = _across(canvas, tick, self._span())
            canvas.text(at, bottom + 15, _tick_label(tick), "muted", size=_TICK, anchor="middle")
        canvas.text(canvas.width, bottom + 32, canvas.phrase(self.x), "muted", anchor="end")

    def _ticks_below(self, canvas: Canvas) -> Sequence[float]:
        """Returns the x that have a value if they are few and their numbers fit side by side; else round numbers."""
        span = self._span()
        drawn = sorted({x for _, curve in self._lines() for x in curve.x[~np.isnan(curve.y)].tolist()})
        if len(drawn) > _MOST_TICKS:
            return ticks(*span)
        at, half = [_across(canvas, x, span) for x in drawn], [room(_tick_label(x), _TICK) / 2 for x in drawn]
        gaps = [at[i + 1] - half[i + 1] - at[i] - half[i] for i in range(len(drawn) - 1)]
        return drawn if min(gaps, default=_APART) >= _APART else ticks(*span)

    def to_table(self) -> list[dict[str, Any]]:
        uses = Counter(curve.name for _, curve in self._lines())
        values = {
            curve.name if uses[curve.name] == 1 else f"{panel.title}: {curve.name}": dict(
                zip(curve.x.tolist(), curve.y.tolist(), strict=True)
            )
            for panel, curve in self._lines()
        }
        all_x = sorted({x for of in values.values() for x in of})
        return [{self.x: _whole(x)} | {name: _known(of.get(x)) for name, of in values.items()} for x in all_x]


@dataclass(frozen=True)
class _Frame:
    """One panel on a canvas, from `top` on."""

    canvas: Canvas
    panel: Panel
    span: tuple[float, float]
    top: float
    height: float

    @property
    def bottom(self) -> float:
        return self.top + self.height

    def draw(self, colours: Sequence[str], limit: float | None) -> None:
        low, high = self.panel.ends
        for tick in ticks(low, high):
            self.canvas.line(_LEFT, self._y(tick), self.canvas.width, self._y(tick), "line", 0.5)
            self.canvas.text(_LEFT - 8, self._y(tick) + _TICK / 3, _number(tick), "muted", size=_TICK, anchor="end")
        if limit is not None:
            self.canvas.line(_LEFT, self._y(limit), self.canvas.width, self._y(limit), "ink", dash="6 4")
        for curve, colour in zip(self.panel.curves, colours, strict=True):
            self._draw_curve(curve, colour)

    def _draw_curve(self, curve: Curve, colour: str) -> None:
        parts, pen = [], "M"
        for x, y in zip(curve.x, curve.y, strict=True):
            if not math.isnan(y):
                parts.append(f"{pen}{_across(self.canvas, x, self.span):.1f} {self._y(y):.1f}")
            pen = "M" if math.isnan(y) else "L"
        self.canvas.path("".join(parts), self.bottom, stroke=colour, width=2)

    def draw_dots(self, colours: Sequence[str]) -> None:
        """Draws a square at each value."""
        for curve, colour in zip(self.panel.curves, colours, strict=True):
            for x, y in zip(curve.x, curve.y, strict=True):
                if not math.isnan(y):
                    left = _across(self.canvas, x, self.span) - _DOT / 2
                    self.canvas.box(left, self._y(y) - _DOT / 2, _DOT, _DOT, colour)

    def _y(self, value: float) -> float:
        low, high = self.panel.ends
        return self.bottom - self.height * (value - low) / (high - low)


def _draw_legend(canvas: Canvas, panel: Panel, colours: Sequence[str], top: float) -> float:
    """Writes the title of a panel and, if it has several curves, their names; returns where the panel can begin."""
    canvas.text(0, top + 12, panel.title, bold=True)
    x, y = 0.0, top + 12
    for curve, colour in zip(panel.curves, colours, strict=True) if len(panel.curves) > 1 else ():
        wide = _SAMPLE + 6 + room(curve.name, _NAME)
        if x == 0 or x + wide > canvas.width:
            x, y = 0.0, y + 20
        canvas.line(x, y - _NAME / 3, x + _SAMPLE, y - _NAME / 3, colour, width=3)
        canvas.text(x + _SAMPLE + 6, y, curve.name, size=_NAME)
        x += wide + _NAME_GAP
    return y + 16


def _across(canvas: Canvas, x: float, span: tuple[float, float]) -> float:
    """Returns where a value of x is on a canvas; the right end has room for half a number."""
    low, high = span
    return _LEFT + (canvas.width - _LEFT - 14) * (x - low) / (high - low)


def _tick_size(low: float, high: float) -> float:
    """Returns 1, 2 or 5 times a power of ten: the smallest that gives at most five steps."""
    rough = ((high - low) or 1.0) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * (1 - 1e-9))


def ticks(low: float, high: float) -> Sequence[float]:
    """Returns round numbers at equal distances that lie between two numbers."""
    size = _tick_size(low, high)
    return [size * i for i in range(math.ceil(low / size - 1e-9), math.floor(high / size + 1e-9) + 1)]


def _number(value: float) -> str:
    return f"{value:.6g}".replace("-", "−")


def _tick_label(value: float) -> str:
    return f"{value:,.6g}"


def _whole(x: float) -> float | int:
    return int(x) if x.is_integer() else x


def _known(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else value
