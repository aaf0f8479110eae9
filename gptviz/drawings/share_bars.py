"""Shares: softmax of one row of scores, step by step: the scores, their exponentials, the shares of the sum."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gptviz.display.numbers import percent, significant
from gptviz.drawings.bars import Panel, Row, draw_bars, ends, numbers, rows_of
from gptviz.drawings.canvas import Canvas, Drawing, checked
from gptviz.errors import fail
from gptviz.text.tokens import Token
from gptviz.text.visible import visible


def shares(scores: Any, tokens: Sequence[Token], query: Token | None = None) -> "Shares":
    """Returns a drawing of softmax. scores: (n,), one for each token; tokens may have -inf, as masked ones do.

    query: the token that looks. Raises GPTVizError if no score is finite.
    """
    array = np.asarray(scores, dtype=np.float64)
    finite = checked(np.where(np.isneginf(array), 0.0, array), (len(tokens),), "one score for each token")
    array = np.where(np.isneginf(array), -np.inf, finite)
    if not np.isfinite(array).any():
        raise fail("a finite score", "none", "At least one token must not be masked.")
    return Shares(tuple(tokens), array, query)


@dataclass(frozen=True)
class Shares(Drawing):
    """A row of scores (n,) of tokens, with what softmax makes of it."""

    tokens: tuple[Token, ...]
    scores: np.ndarray
    query: Token | None

    @property
    def exponentials(self) -> np.ndarray:
        """e to the score less the largest one, which cancels in the division: (n,)."""
        return np.exp(self.scores - self.scores.max())

    @property
    def shares(self) -> np.ndarray:
        return self.exponentials / self.exponentials.sum()

    def title(self, canvas: Canvas) -> str:
        return canvas.phrase(
            "shares" if self.query else "shares_alone", token=visible(self.query) if self.query else ""
        )

    def draw(self, canvas: Canvas) -> None:
        own, others = rows_of(self.tokens, self.shares)
        rows: list[Row] = [*(self.tokens[i] for i in own), *([len(others)] if others else [])]
        scores = np.where(np.isfinite(self.scores), self.scores, np.nan)[own]
        score_texts = [text or "−∞" for text in numbers(scores)] + ([""] if others else [])
        scores = np.append(scores, [np.nan] * bool(others))
        exponentials, parts = (
            np.append(values[own], [values[others].sum()] if others else [])
            for values in (self.exponentials, self.shares)
        )
        phrase = canvas.phrase
        panels = [
            Panel(phrase("score"), scores, score_texts, "", "query", *ends(scores)),
            Panel(phrase("exponential"), exponentials, numbers(exponentials), significant(self.exponentials.sum()), "muted",
                  0, max(1.0, exponentials.max())),
            Panel(phrase("share"), parts, [percent(part) for part in parts], percent(self.shares.sum().round(12)), "bar", 0, 1),
        ]  # fmt: skip
        draw_bars(canvas, rows, panels)
        largest, total = significant(self.scores.max()), significant(self.exponentials.sum())
        canvas.words(canvas.height, phrase("shares_note", largest=largest, sum=total))

    def to_table(self) -> list[dict[str, Any]]:
        columns = zip(self.tokens, self.scores, self.exponentials, self.shares, strict=True)
        return [
            {"token": token.text, "score": float(score), "exponential": float(exponential), "share": float(share)}
            for token, score, exponential, share in columns
        ]
