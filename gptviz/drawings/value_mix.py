"""Mix: how the values of the tokens, each times its weight, add up to what a head has mixed, number by number."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gptviz.display.numbers import percent, significant
from gptviz.drawings.bars import Panel, Row, draw_bars, ends, numbers, rows_of
from gptviz.drawings.canvas import Canvas, Drawing, checked
from gptviz.text.tokens import Token
from gptviz.text.visible import visible

_DIMENSIONS = 3  # numbers of the mix that are drawn, those of the largest size; one less where there is little room


def mix(weights: Any, values: Any, tokens: Sequence[Token], query: Token) -> "Mix":
    """Returns a drawing of a head's mix. weights: (n,), one for each token. values: (n, d). query: the token that looks."""
    weights = checked(weights, (len(tokens),), "one weight for each token")
    return Mix(tuple(tokens), query, weights, checked(values, (len(tokens), None), "one value for each token"))


@dataclass(frozen=True)
class Mix(Drawing):
    """The weights (n,) and the values (n, d) of tokens."""

    tokens: tuple[Token, ...]
    query: Token
    weights: np.ndarray
    values: np.ndarray

    @property
    def parts(self) -> np.ndarray:
        """What each token puts into the mix: (n, d)."""
        return self.weights[:, None] * self.values

    def dimensions(self, count: int = _DIMENSIONS) -> list[int]:
        """Returns the dimensions in which the mix has its largest numbers, in order."""
        sizes = np.abs(self.parts.sum(0))
        return sorted(np.argsort(-sizes, kind="stable")[:count].tolist())

    def title(self, canvas: Canvas) -> str:
        return canvas.phrase("mix", token=visible(self.query))

    def draw(self, canvas: Canvas) -> None:
        own, others = rows_of(self.tokens, self.weights)
        rows: list[Row] = [*(self.tokens[i] for i in own), *([len(others)] if others else [])]

        def folded(values: np.ndarray) -> np.ndarray:
            return np.append(values[own], [values[others].sum()] if others else [])

        dimensions = self.dimensions(_DIMENSIONS if canvas.width > 700 else _DIMENSIONS - 1)
        weights, drawn = folded(self.weights), [folded(self.parts[:, dimension]) for dimension in dimensions]
        low, high = ends(*drawn)
        panels = [Panel(canvas.phrase("weight"), weights, [percent(weight) for weight in weights],
                        percent(float(self.weights.sum().round(6))), "bar", 0, 1)]  # fmt: skip
        for dimension, column in zip(dimensions, drawn, strict=True):
            title = canvas.phrase("times_value", dimension=dimension)
            total = significant(self.parts[:, dimension].sum())
            panels.append(Panel(title, column, numbers(column), total, "value", low, high))
        draw_bars(canvas, rows, panels)
        d = self.values.shape[1]
        canvas.words(canvas.height, canvas.phrase("mix_note", d=d, last=d - 1))

    def to_table(self) -> list[dict[str, Any]]:
        rows = []
        for token, weight, part in zip(self.tokens, self.weights, self.parts, strict=True):
            row = {"token": token.text, "weight": float(weight)}
            rows.append(row | {f"weight × v[{dimension}]": float(part[dimension]) for dimension in self.dimensions()})
        return rows
