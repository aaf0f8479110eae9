"""What may come next: the scores of one position and the tokens before it, whoever computed them.

A sampling bench takes this, so that a trace's position, a step of a completion and somebody's own logits feed it
alike. Not about sampling itself: see `sampling.py`.
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
    """The scores of the next token.

    logits: (vocab,) real numbers, kept as float32; only their differences matter, so log-probabilities will do.
    before: the tokens so far, at least one; the last is the one that the next follows.
    vocab_token: the token that an id stands for.

    Raises GPTVizError for logits that are not (vocab,) numbers or for no tokens before.
    """

    logits: np.ndarray
    before: tuple[Token, ...]
    vocab_token: Callable[[int], Token]

    def __post_init__(self) -> None:
        if not self.before or not all(isinstance(token, Token) for token in self.before):
            raise fail("the tokens before the next one", f"{self.before!r:.80}", "trace.tokens has them.", WrongType)
        logits: Any = check_logits(self.logits).astype(np.float32)
        logits.flags.writeable = False
        object.__setattr__(self, "logits", logits)

    @property
    def previous_ids(self) -> list[int]:
        """Ids of the tokens so far, which a repetition penalty looks at."""
        return [token.id for token in self.before]

    def __repr__(self) -> str:
        return (
            f"NextToken(after {self.before[-1].text!r} at position {len(self.before) - 1}, {len(self.logits)} tokens)"
        )
