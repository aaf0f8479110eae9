"""Treemap: the parameters of a model as areas, columns in the order of the computation, divided from top to bottom.

Every area is the same number of parameters per unit. Source: Shneiderman 1992, "Tree visualization with tree-maps".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gptviz.checks import check_count
from gptviz.display.numbers import percent
from gptviz.drawings.canvas import Canvas, Drawing, room
from gptviz.errors import fail

_COLOURS = {"attention": "value", "MLPs": "mlp", "token table": "residual", "unembedding": "residual"}
_TOP, _HIGH, _LINE = 24.0, 300.0, 17.0


def treemap(columns: Mapping[str | int, Mapping[str, int]], note: str = "") -> "Treemap":
    """Returns a drawing of counts. columns: of each, its parts with their counts; a whole number names a block.

    note: a text below the drawing. Raises GPTVizError if there is no part, or a count that is no whole number from 1.
    """
    parts = [Part(column, name, check_count(count, f"the count of {name}"))
             for column, counts in columns.items() for name, count in counts.items()]  # fmt: skip
    if not parts:
        raise fail("columns with parts", "none", 'For example {0: {"attention": 64, "MLPs": 128}}.')
    return Treemap(tuple(parts), note)


@dataclass(frozen=True)
class Part:
    """A part of a column with the number of its parameters."""

    column: str | int
    name: str
    count: int


@dataclass(frozen=True)
class Treemap(Drawing):
    """Parts of a model, those of one column side by side in the order given."""

    parts: tuple[Part, ...]
    note: str

    @property
    def total(self) -> int:
        return sum(part.count for part in self.parts)

    def title(self, canvas: Canvas) -> str:
        return canvas.phrase("treemap", total=f"{self.total:,}")

    def draw(self, canvas: Canvas) -> None:
        columns: dict[str | int, list[Part]] = {}
        for part in self.parts:
            columns.setdefault(part.column, []).append(part)
        x, unnamed = 0.0, dict[str, list[int]]()
        for column, parts in columns.items():
            count = sum(part.count for part in parts)
            width, y = canvas.width * count / self.total, _TOP
            self._name_column(canvas, column, len(parts), x, width)
            for part in parts:
                height = _HIGH * part.count / count
                if not self._draw_part(canvas, part, x, y, width, height):
                    unnamed.setdefault(part.name, []).append(part.count)
                y += height
            x += width
        self._write_notes(canvas, unnamed)

    def _name_column(self, canvas: Canvas, column: str | int, parts: int, x: float, width: float) -> None:
        name = canvas.phrase("block", number=column) if isinstance(column, int) else canvas.phrase(column)
        if parts > 1 and room(name, 13) > width:
            name = str(column)
        if parts > 1 and room(name, 13) <= width:
            canvas.text(x + width / 2, 12, name, "muted", anchor="middle")

    def _draw_part(self, canvas: Canvas, part: Part, x: float, y: float, width: float, height: float) -> bool:
        """Draws a part; returns whether its name had room in it."""
        colour = _COLOURS.get(part.name, "muted")
        canvas.box(x, y, width, height, colour, "bg", fill_opacity=0.24, stroke_width=2)
        canvas.box(x + 1, y + 1, min(4.0, width - 2), height - 2, colour)
        lines = [canvas.phrase(part.name), f"{part.count:,}", percent(part.count / self.total)]
        longest = max(room(lines[0], 1.05), room(lines[1], 1, code=True))
        size = next((size for size in (13, 11) if longest * size <= width - 12), None)
        if size is None or height < 3 * _LINE + 8:
            return False
        middle = y + height / 2
        canvas.text(x + 9, middle - 0.7 * _LINE, lines[0], size=size, bold=True)
        canvas.text(x + 9, middle + 0.35 * _LINE, lines[1], size=size, code=True)
        canvas.text(x + 9, middle + 1.4 * _LINE, lines[2], size=11, code=True)
        return True

    def _write_notes(self, canvas: Canvas, unnamed: Mapping[str, list[int]]) -> None:
        y = _TOP + _HIGH
        for name, counts in unnamed.items():
            share = percent(sum(counts) / self.total)
            phrase = "narrow" if len(counts) == 1 else "narrow_many"
            values = {"name": canvas.phrase(name), "places": len(counts), "count": f"{sum(counts):,}", "share": share}
            y = canvas.words(y + 4, canvas.phrase(phrase, **values))
        if self.note:
            canvas.words(y + 4, self.note)

    def to_table(self) -> list[dict[str, Any]]:
        return [
            {"column": part.column, "part": part.name, "parameters": part.count, "share": part.count / self.total}
            for part in self.parts
        ]
