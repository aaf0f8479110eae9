"""Cuts one part of one block at one token, and reads the next token from a real pass. `routes.py` has the shares.

Source: Wang et al. 2022, "Interpretability in the Wild" (zero ablation). To switch a part
off at every token, see `ablation_sweep`.

Edits are imported in the functions that run the model, because they need torch and views of saved traces work without it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gptviz.checks import check_index
from gptviz.lens.sweep import Key, check_trace, run_each, supported
from gptviz.sampling.probabilities import softmax
from gptviz.text.tokens import Token
from gptviz.trace.sources import Array, PassEdit
from gptviz.trace.trace import Trace


@dataclass(frozen=True, eq=False)
class Cuts:
    """The probability of a next token when one part of one block is cut at one token and nothing else is changed.

    position: the token whose parts are cut. The next token is read after it. token: the next token that is followed.
    before: its probability in the pass of the trace. attention: its probability when the attention of block l adds nothing to
    the stream at `position`: (L,); this cuts the values from all tokens, and the bias of the output projection. mlp: its
    probability when the MLP of block l adds nothing there: (L,). Both are float64; NaN where the block has no such part, or
    it cannot be cut. Other tokens are not cut, and they still attend to this one. trace: the trace that is cut; its edits are
    in every pass.

    Limits. Each number is of one cut alone. When a part is cut, others may do its work, so the effects of single cuts need
    not add up. Later blocks have not learned to read a stream in which a part is missing.
    """

    position: int
    token: Token
    before: float
    attention: np.ndarray
    mlp: np.ndarray
    trace: Trace

    def keys(self, layer: int, head: int | None = None, renormalise: bool = True) -> np.ndarray:
        """Returns the probability of the next token when this token gives weight 0 to one key in one block: (T,), float64.

        Runs one pass for each key, as `cuts` does. NaN for later keys. head: None cuts the key in all heads.
        renormalise: True divides the rest of the row by what is left, as if the key had been masked; False leaves it as it
        is. Raises NotAvailable if the attention weights of the block cannot be set, as on the eager route.
        """
        from gptviz.intervention.attention_edits import AblateKey

        layer = check_index(layer, self.trace.n_layers, "layer")
        check_trace(self.trace, "trace")
        self.trace.attention(layer)  # raises unless the family's own attention is what ran, whose weights are cut
        edits = {key: AblateKey(layer, self.position, key, head, renormalise) for key in range(self.position + 1)}
        values = np.full(len(self.trace.tokens), np.nan)
        for key, probabilities in _probabilities(self.trace, edits, self.position, [self.token.id]):
            (values[key],) = probabilities
        return values

    def __repr__(self) -> str:
        return f"Cuts({self.token.text!r} after position {self.position}: {self.before:.4g} before, {len(self.mlp)} layers)"


def cuts(trace: Trace, position: int = -1, token: int | None = None) -> Cuts:
    """Cuts the attention and the MLP of each block at one token, one at a time, and reads the next token; see `Cuts`.

    position: of the token, counted from the end if negative. token: the id of the next token to follow; None for the
    likeliest one. The model runs two copies of the text for each block: short copies in one batch, and of longer ones only
    the token at `position`, if the tokens before it can be read from a cache. Raises NotAvailable for a trace that was opened
    from a file, and if no part can be cut; ModelChanged if the model no longer computes the pass of the trace; OutOfRange for
    a position or a token that does not exist.
    """
    return cuts_of(trace, position, None if token is None else [token])[0]


def cuts_of(trace: Trace, position: int, tokens: Sequence[int] | None) -> list[Cuts]:
    """Returns the result of `cuts` for each of these next tokens, from the same passes. tokens: ids; None for the likeliest."""
    from gptviz.intervention.attention_edits import AblateAttention
    from gptviz.intervention.edits import AblateMLP

    check_trace(trace, "trace")
    position = check_index(position, len(trace.tokens), "position", negative=True)
    before = trace.probabilities(position)
    ids = [int(np.argmax(before))] if tokens is None else [check_index(id, len(before), "token id") for id in tokens]
    edits: dict[tuple[int, int], Any] = {}
    for layer in range(trace.n_layers):
        edits |= {(0, layer): AblateAttention(layer, position), (1, layer): AblateMLP(layer, position)}
    values = np.full((len(ids), 2, trace.n_layers), np.nan)
    for (part, layer), probabilities in _probabilities(trace, supported(trace, edits), position, ids):
        values[:, part, layer] = probabilities
    return [
        Cuts(position, trace.vocab_token(id), float(before[id]), attention, mlp, trace)
        for id, (attention, mlp) in zip(ids, values, strict=True)
    ]


def _probabilities(
    trace: Trace, edits: Mapping[Key, PassEdit], position: int, tokens: Sequence[int]
) -> list[tuple[Key, Array]]:
    """Returns the tokens' probabilities after the position with each edit alone, by its key."""
    return [(key, softmax(logits)[list(tokens)]) for key, logits in run_each(trace, edits, position)]
