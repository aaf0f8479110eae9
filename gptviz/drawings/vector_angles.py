"""Angles: a query and some keys as arrows, each pair in the plane that both span.

Two vectors always lie in one plane, however many numbers they have, so that their lengths and their angle are drawn as
they are. The part of the key along the query is its shadow; the query's length times the shadow's is the dot product.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import acos, cos, degrees, radians, sin, sqrt
from typing import Any

import numpy as np

from gptviz.display.numbers import significant
from gptviz.drawings.canvas import Canvas, Drawing, checked, short_name
from gptviz.errors import fail
from gptviz.text.tokens import Token
from gptviz.text.visible import visible

_PANEL, _MARGIN, _HIGH = 250, 16, 140  # the smallest width of a panel, the empty space at its sides, its most height


def angles(query: Any, keys: Any, query_token: Token, key_tokens: Sequence[Token]) -> "Angles":
    """Returns a drawing of a query and keys. query: (d,). keys: (n, d). Raises GPTVizError for a vector of length 0."""
    query = checked(query, (None,), "a query")
    keys = checked(keys, (len(key_tokens), len(query)), "one key for each token")
    pairs = tuple(Pair.of(query, key, token) for key, token in zip(keys, key_tokens, strict=True))
    return Angles(query_token, len(query), pairs)


@dataclass(frozen=True)
class Pair:
    """A query and a key. key_length, query_length: of the vectors. cosine: of their angle. product: the dot product."""

    token: Token
    query_length: float
    key_length: float
    cosine: float
    product: float

    @classmethod
    def of(cls, query: np.ndarray, key: np.ndarray, token: Token) -> "Pair":
        query_length, key_length = (float(np.linalg.norm(vector)) for vector in (query, key))
        if not min(query_length, key_length) > 0:
            raise fail("a query and keys with a length", "one of length 0", "It has no direction, so leave it out.")
        product = float(query @ key)
        cosine = float(np.clip(product / query_length / key_length, -1, 1))
        return cls(token, query_length, key_length, cosine, product)

    @property
    def degrees(self) -> float:
        return degrees(acos(self.cosine))

    @property
    def shadow(self) -> float:
        """The length of the key along the query; negative if it points the other way."""
        return self.key_length * self.cosine

    @property
    def rise(self) -> float:
        """The length of the key across the query."""
        return self.key_length * sin(radians(self.degrees))


@dataclass(frozen=True)
class Angles(Drawing):
    """A query and keys. d: how many numbers each has. pairs: the query with each of the keys."""

    query_token: Token
    d: int
    pairs: tuple[Pair, ...]

    def title(self, canvas: Canvas) -> str:
        return canvas.phrase("angles", token=visible(self.query_token))

    def draw(self, canvas: Canvas) -> None:
        count = max(1, min(len(self.pairs), int(canvas.width // _PANEL)))
        width = canvas.width / count
        left = min(0.0, *(pair.shadow for pair in self.pairs))
        right = max(pair.query_length for pair in self.pairs)
        right, top = max(right, *(pair.shadow for pair in self.pairs)), max(pair.rise for pair in self.pairs)
        scale = min((width - 2 * _MARGIN) / (right - left), _HIGH / top if top else np.inf)
        bottom = 0.0
        for i, pair in enumerate(self.pairs):
            if i % count == 0:
                axis = bottom + top * scale + 26  # y of the query's arrow
                bottom = axis + 118
            self._draw_pair(canvas, pair, i % count * width, axis, scale, left)
        canvas.words(bottom, canvas.phrase("angles_note", d=self.d, root=significant(sqrt(self.d))))

    def _draw_pair(self, canvas: Canvas, pair: Pair, x: float, axis: float, scale: float, left: float) -> None:
        origin = x + _MARGIN - left * scale
        tip = origin + pair.query_length * scale
        foot, peak = origin + pair.shadow * scale, axis - pair.rise * scale
        canvas.line(foot, peak, foot, axis, "muted", dash="3 3")
        canvas.line(origin, axis + 7, foot, axis + 7, "ink", width=4)  # the shadow
        reach = min(30.0, 0.6 * scale * min(pair.query_length, pair.key_length))
        end = radians(pair.degrees)
        arc = f"M{origin + reach:.1f} {axis:.1f}A{reach:.1f} {reach:.1f} 0 0 0 "
        canvas.path(f"{arc}{origin + reach * cos(end):.1f} {axis - reach * sin(end):.1f}", axis, stroke="muted")
        _arrow(canvas, origin, axis, tip, axis, "query")
        _arrow(canvas, origin, axis, foot, peak, "key")
        name = short_name(pair.token, 12) + (f" ({pair.token.position})" if pair.token.position >= 0 else "")
        phrase, start = canvas.phrase, x + _MARGIN
        canvas.text(start, axis + 28, phrase("query_length", length=significant(pair.query_length)), "query")
        canvas.text(start, axis + 46, phrase("key_length", token=name, length=significant(pair.key_length)), "key")
        angle = phrase("angle", degrees=significant(pair.degrees), cosine=significant(pair.cosine))
        canvas.text(start, axis + 64, angle, "muted")
        factors = " × ".join(significant(one) for one in (pair.query_length, pair.key_length, pair.cosine))
        canvas.text(start, axis + 84, f"q·k = {factors} = {significant(pair.product)}", bold=True)

    def to_table(self) -> list[dict[str, Any]]:
        return [
            {"key": pair.token.text, "query_size": pair.query_length, "key_size": pair.key_length,
             "degrees": pair.degrees, "cosine": pair.cosine, "product": pair.product}
            for pair in self.pairs
        ]  # fmt: skip


def _arrow(canvas: Canvas, x: float, y: float, to_x: float, to_y: float, colour: str) -> None:
    """Adds an arrow whose head is at (to_x, to_y)."""
    length = float(np.hypot(to_x - x, to_y - y)) or 1.0
    along_x, along_y = (to_x - x) / length, (to_y - y) / length
    head = min(11.0, length)
    base_x, base_y, half = to_x - head * along_x, to_y - head * along_y, 0.42 * head
    canvas.line(x, y, base_x, base_y, colour, width=2.5)
    points = f"L{base_x - half * along_y:.1f} {base_y + half * along_x:.1f}L{base_x + half * along_y:.1f} "
    canvas.path(f"M{to_x:.1f} {to_y:.1f}{points}{base_y - half * along_x:.1f}Z", max(y, to_y), fill=colour)
