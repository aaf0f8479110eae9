"""Costs: what each token of a text cost the model, as its probability and as its loss, -log p."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gptviz.display.numbers import percent, significant
from gptviz.drawings.bars import Panel, Row, draw_bars, numbers, rows_of
from gptviz.drawings.canvas import Canvas, Drawing, checked
from gptviz.errors import fail
from gptviz.text.tokens import Token


def costs(losses: Any, tokens: Sequence[Token]) -> "Costs":
    """Returns a drawing of the loss of each token. losses: (n,) in nats, one for each token.

    Raises GPTVizError if there is none, or one below 0.
    """
    array = checked(losses, (len(tokens),), "one loss for each token")
    if not len(array) or array.min() < 0:
        got = f"{array.min()}" if len(array) else "none"
        raise fail("losses of 0 or more", got, "A loss is -log p of a probability p.")
    return Costs(tuple(tokens), array)


@dataclass(frozen=True)
class Costs(Drawing):
    """The losses (n,) of tokens, in nats."""

    tokens: tuple[Token, ...]
    losses: np.ndarray

    def title(self, canvas: Canvas) -> str:
        return canvas.phrase("costs")

    def draw(self, canvas: Canvas) -> None:
        own, others = rows_of(self.tokens, self.losses)
        rows: list[Row] = [*(self.tokens[i] for i in own), *([len(others)] if others else [])]
        shares = np.append(np.exp(-self.losses[own]), [np.nan] * bool(others))
        losses = np.append(self.losses[own], [self.losses[others].sum()] if others else [])
        texts = [*(percent(share) for share in shares[: len(own)]), *([""] if others else [])]
        panels = [
            Panel(canvas.phrase("probability"), shares, texts, "", "bar", 0, 1),
            Panel(
                canvas.phrase("loss"), losses, numbers(losses), significant(losses.sum()), "key", 0, losses.max() or 1.0
            ),
        ]
        draw_bars(canvas, rows, panels)
        mean = significant(self.losses.mean())
        canvas.words(canvas.height, canvas.phrase("costs_note", count=len(self.tokens), mean=mean))

    def to_table(self) -> list[dict[str, Any]]:
        pairs = zip(self.tokens, self.losses, strict=True)
        return [
            {"token": token.text, "probability": float(np.exp(-loss)), "loss": float(loss)} for token, loss in pairs
        ]
