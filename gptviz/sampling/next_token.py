"""The logits of the next token after some tokens, from any source.

The sampling bench shows this, whether it comes from a position of a trace, a step of a completion or logits of your own.
Not about sampling itself: see `stages.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from gptviz.errors import WrongType, fail
from gptviz.sampling.stages import check_logits
from gptviz.text.tokens import Token


@dataclass(frozen=True, eq=False)
class NextToken:
    """The logits of the next token.

    logits: (vocab,) real numbers, kept as float32; only their differences matter, so log-probabilities work too.
    before: the tokens so far, at least one; the next token follows the last of them.
    vocab_token: a function from an id to its token.

    Raises GPTVizError for logits that are not (vocab,) numbers, or without tokens before.
    """

    logits: np.ndarray
    before: tuple[Token, ...]
    vocab_token: Callable[[int], Token]

    def __post_init__(self) -> None:
        if not self.before or not all(isinstance(token, Token) for token in self.before):
            raise fail("the tokens before the next one", f"{self.before!r:.80}", "For example trace.tokens.", WrongType)
        logits: Any = check_logits(self.logits).astype(np.float32)
        logits.flags.writeable = False
        object.__setattr__(self, "logits", logits)

    @property
    def previous_ids(self) -> list[int]:
        """Returns the ids of the tokens so far, which a repetition penalty applies to."""
        return [token.id for token in self.before]

    def __repr__(self) -> str:
        return (
            f"NextToken(after {self.before[-1].text!r} at position {len(self.before) - 1}, {len(self.logits)} tokens)"
        )
