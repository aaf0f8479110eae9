"""Canvas: collects the marks of a drawing. Drawing: what can be drawn on one, with its numbers as a table.

A mark is one SVG element as a dictionary: its tag, its attributes, and the names of its colours. A view gives the names
the colours of its theme; a still picture those of `palette`. Lengths are in units of the canvas, which are pixels at the
scale "screen" if there is room.
"""

import html
import re
import unicodedata
from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np

from gptviz.display.palette import ABOVE, BELOW, LIGHT, MUTED, PARTS
from gptviz.display.still import Shape
from gptviz.drawings.phrases import PHRASES
from gptviz.errors import fail
from gptviz.text.tokens import Token
from gptviz.text.visible import drawable, visible

WIDTH = 840.0
COLOURS = {
    "ink": LIGHT.ink, "muted": MUTED, "line": LIGHT.rule, "bar": LIGHT.bar, "bg": LIGHT.paper, "above": ABOVE,
    "below": BELOW, **PARTS,
}  # fmt: skip
_LETTER, _CODE_LETTER = 0.56, 0.61  # widths of an average letter, in heights

Mark = dict[str, Any]


class Canvas:
    """A canvas of a width, for texts in one language ("en" or "zh"). height grows with what is drawn."""

    def __init__(self, width: float = WIDTH, language: str = "en"):
        self.width, self.language, self.height = width, language, 0.0
        self.marks: list[Mark] = []

    def phrase(self, name: str, /, **values: object) -> str:
        """Returns a text of the drawings in the canvas's language; a name without one is returned as it is."""
        texts = PHRASES[self.language]
        return texts[name].format(**values) if name in texts else name

    def text(
        self, x: float, y: float, text: str, colour: str = "ink", *, size: int = 13, anchor: str = "start",
        code: bool = False, bold: bool = False, turned: bool = False,
    ) -> None:  # fmt: skip
        """Adds a text whose middle is at y. anchor: "start", "middle" or "end", which is at x.

        turned: the text rises to the right.
        """
        attributes = {
            "x": x, "y": y, "text": drawable(text), "code": code, "font-size": size, "text-anchor": anchor,
            "font-family": "monospace" if code else "system-ui, sans-serif",
        }  # fmt: skip
        attributes |= {"font-weight": 650} if bold else {}
        attributes |= {"transform": f"rotate(-50 {x:.2f} {y:.2f})"} if turned else {}
        self._add("text", y + size / 3, colour, "", attributes)

    def words(self, y: float, text: str, colour: str = "muted", size: int = 13) -> float:
        """Adds a text below y, wrapped to the canvas's width; returns where it ends."""
        for line in wrapped(text, size, self.width):
            y += 1.45 * size
            self.text(0, y, line, colour, size=size)
        return y

    def line(
        self, x: float, y: float, to_x: float, to_y: float, colour: str = "line", width: float = 1, dash: str = ""
    ) -> None:
        attributes = {"x1": x, "y1": y, "x2": to_x, "y2": to_y, "stroke-width": width, **_dashes(dash)}
        self._add("line", max(y, to_y), "", colour, attributes)

    def path(
        self, d: str, bottom: float, *, stroke: str = "", fill: str = "", width: float = 1, dash: str = ""
    ) -> None:
        """Adds a path. bottom: its largest y."""
        self._add("path", bottom, fill, stroke, {"d": d, "stroke-width": width, **_dashes(dash)})

    def box(
        self, x: float, y: float, width: float, height: float, fill: str = "", stroke: str = "", **more: Any
    ) -> None:
        """Adds a rectangle. more: other attributes, with "_" for "-", such as fill_opacity=0.2."""
        extra = {name.replace("_", "-"): value for name, value in more.items()}
        sides = {"x": x, "y": y, "width": max(0.0, width), "height": max(0.0, height)}
        self._add("rect", y + height, fill, stroke, sides | extra)

    def _add(self, tag: str, bottom: float, fill: str, stroke: str, attributes: Mark) -> None:
        rounded = {name: round(v, 2) if isinstance(v, float) else v for name, v in attributes.items()}
        self.marks.append({"tag": tag, "fill": fill, "stroke": stroke, **rounded})
        self.height = max(self.height, bottom)

    def shape(self) -> Shape:
        """Returns what was drawn as a piece of a still picture, on white paper."""
        return Shape("".join(_svg(mark) for mark in self.marks), self.height)


class Drawing(ABC):
    """Something that can be drawn at any width, in each language.

    has_numbers: whether a table beside the drawing says more than the drawing.
    """

    has_numbers: ClassVar[bool] = True

    @abstractmethod
    def title(self, canvas: Canvas) -> str:
        """Returns what the drawing shows, in the canvas's language."""

    @abstractmethod
    def draw(self, canvas: Canvas) -> None:
        """Adds the drawing's marks to a canvas."""

    @abstractmethod
    def to_table(self) -> list[dict[str, Any]]:
        """Returns the numbers that are drawn, as rows."""


def short_name(token: Token, most: int) -> str:
    """Returns a token's text, shortened to at most `most` characters."""
    name = visible(token)
    return name if len(name) <= most else f"{name[: most - 1]}…"


def room(text: str, size: float, code: bool = False) -> float:
    """Returns about how wide a text is; Chinese characters count as wide as they are high."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return size * (wide + (len(text) - wide) * (_CODE_LETTER if code else _LETTER))


def wrapped(text: str, size: float, width: float) -> list[str]:
    """Returns the lines of a text that is wrapped to a width. A line ends at a space or beside a Chinese character."""
    lines = [""]
    for piece in re.findall(r"[\u2e80-\uffef]|[^ \u2e80-\uffef]+ *| +", text.replace(" %", "\u00a0%")):
        if lines[-1] and room((lines[-1] + piece).rstrip(), size) > width:
            lines.append("")
        lines[-1] += piece
    return [line.replace("\u00a0", " ").rstrip() for line in lines]


def checked(values: Any, shape: tuple[int | None, ...], name: str) -> np.ndarray:
    """Returns finite numbers of this shape in float64. A None in the shape stands for any size."""
    array = np.asarray(values, dtype=np.float64)
    wanted = tuple(size if size is not None else got for size, got in zip(shape, array.shape, strict=False))
    if array.shape != wanted or len(wanted) != len(shape):
        expected = ", ".join("n" if size is None else str(size) for size in shape)
        raise fail(f"{name}: shape ({expected})", f"shape {array.shape}", "Give as many numbers as names.")
    if not np.isfinite(array).all():
        raise fail(f"{name}: finite numbers", "NaN or infinity among them", "Leave those out.")
    return array


def checked_with_gaps(values: Any, shape: tuple[int | None, ...], name: str) -> np.ndarray:
    """Returns numbers as `checked` does; NaN stands for one that is missing."""
    array = np.asarray(values, dtype=np.float64)
    checked(np.where(np.isnan(array), 0.0, array), shape, name)
    return array


def _dashes(dash: str) -> dict[str, str]:
    return {"stroke-dasharray": dash} if dash else {}


def _svg(mark: Mark) -> str:
    attributes = {name: value for name, value in mark.items() if name not in ("tag", "text", "code", "fill", "stroke")}
    attributes["fill"] = COLOURS[mark["fill"]] if mark["fill"] else "none"
    if mark["stroke"]:
        attributes["stroke"] = COLOURS[mark["stroke"]]
    joined = "".join(f' {name}="{html.escape(str(value))}"' for name, value in attributes.items())
    return f'<{mark["tag"]}{joined} xml:space="preserve">{html.escape(mark.get("text", ""))}</{mark["tag"]}>'
