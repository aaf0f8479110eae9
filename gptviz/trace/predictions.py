"""What a pass predicts at each of its tokens: logits, probabilities and the likeliest next tokens, at any depth."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from gptviz.checks import check_count, check_index
from gptviz.sampling.next_token import NextToken
from gptviz.sampling.probabilities import check_highest, likeliest, softmax
from gptviz.text.tokens import Token
from gptviz.trace.sources import Array, ModelSource, Numbers, PassSource, Readout


def as_array(numbers: Numbers) -> Array:
    """Returns the numbers of an array or a torch tensor as a read-only float32 array."""
    array: Array = numbers if isinstance(numbers, np.ndarray) else numbers.detach().float().cpu().numpy()
    array.flags.writeable = False
    return array


class Predictions:
    """The next token after each of T tokens. `Trace` has it, with everything that leads to it."""

    _model: ModelSource
    _source: PassSource
    tokens: tuple[Token, ...]

    @property
    def vocab_size(self) -> int:
        """The number of logits at each position."""
        return int(self._source.logits.shape[-1])

    def vocab_token(self, id: int) -> Token:
        """Returns the vocabulary's token with this id; its position is -1."""
        return self._model.token(id)

    @property
    def logits(self) -> Array:
        """The scores of every token as the next one after each position, (T, vocab); only their differences matter."""
        return as_array(self._source.logits)

    @cached_property
    def _highest_logits(self) -> Array:
        """The highest logit at each position: (T,)."""
        return as_array(self.logits.max(-1))

    def check_finite(self, position: int | None = None) -> None:
        """Raises GPTVizError if logits are NaN or infinite, so that there are no probabilities, with the likely cause.

        position: which logits to check; None for all.
        """
        highest = self._highest_logits if position is None else self._highest_logits[self._position(position)]
        check_highest(highest, str(self._source.logits.dtype).removeprefix("torch."), self._model.undefined_weight)

    def probabilities(self, position: int = -1) -> Array:
        """Returns the probabilities of the next token after one position, the softmax of its logits: (vocab,)."""
        self.check_finite(position)
        logits = self.logits[self._position(position)]
        return as_array(softmax(logits).astype(np.float32))

    def top(self, k: int = 10, position: int = -1) -> list[tuple[Token, float]]:
        """Returns the `k` likeliest next tokens with their probabilities, highest first; in a tie, the lower id first."""
        k = check_count(k, "k")
        probabilities = self.probabilities(position)
        return [(self.vocab_token(id), float(probabilities[id])) for id in likeliest(probabilities, k)]

    def next_token(self, position: int = -1) -> NextToken:
        """Returns the logits at one position and the tokens up to it, as `SamplingBench` takes them."""
        position = self._position(position)
        self.check_finite(position)
        return NextToken(self.logits[position], self.tokens[: position + 1], self.vocab_token)

    def logit_lens(self, position: int = -1) -> Array:
        """Returns the final norm and unembedding of the stream at every depth: (n_layers + 1, vocab).

        The last row is the position's logits. Source: nostalgebraist 2020, "interpreting GPT: the logit lens".
        """
        return as_array(self._source.lens([self._position(position)])[0])

    def logit_lenses(self, positions: Sequence[int]) -> Array:
        """Returns the `logit_lens` of several positions, computed together: (positions, n_layers + 1, vocab)."""
        return as_array(self._source.lens([self._position(position) for position in positions]))

    def readout(self, position: int = -1) -> Readout:
        """Returns how the last stream becomes logits at one token, with the final norm's scale frozen; see `Readout`."""
        readout = self._source.readout(self._position(position))
        return replace(readout, gain=as_array(readout.gain), offset=as_array(readout.offset))

    def unembedding(self, id: int) -> tuple[Array, float]:
        """Returns the unembedding's row for a token, (d_model,), and its bias."""
        row, bias = self._source.unembedding(check_index(id, self.vocab_size, "token id"))
        return as_array(row), bias

    def _position(self, position: Any) -> int:
        return check_index(position, len(self.tokens), "position", negative=True)
