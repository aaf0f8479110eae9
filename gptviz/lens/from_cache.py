"""Runs copies of a text whose edits act at late tokens only: the tokens before are read once, into the model's cache.

Since attention is causal, such an edit changes nothing at earlier tokens. But some families compute other numbers when
they read the end of a text from their cache. So the text without a further edit is read from the cache too, and
compared with its trace.
"""

import copy
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from gptviz.errors import GPTVizError
from gptviz.generation.cached import can_cache, read_on, repeat_cache
from gptviz.intervention.edits import check_finite
from gptviz.model.confirming import agree
from gptviz.trace.runnable import running_model
from gptviz.trace.sources import Array, PassEdit
from gptviz.trace.trace import Trace

_CACHED_TOKENS = 2048  # in all rows of a batch together


class CachedBeginning:
    """The first tokens of a trace in a cache, from which copies of the text are read on up to one position.

    rows: how many copies may be run together.
    """

    def __init__(self, trace: Trace, start: int, position: int):
        """Reads the first `start` tokens. Runs inside of `trace.guarding_weights()`, as `run` does."""
        self._gpt, self._start = running_model(trace), start
        self._ids = torch.tensor([[token.id for token in trace.tokens]], device=self._gpt.device)
        self._read = slice(start, position + 1)
        self.rows = max(1, _CACHED_TOKENS // start)
        editing = self._gpt.editing(trace.edits, len(trace.tokens))
        _, self._cache = read_on(self._gpt, self._ids[:, :start], 0, editing, None, True)

    def run(self, rows: Sequence[Sequence[PassEdit]]) -> Array:
        """Returns the logits after the position, (rows, vocab), float32. rows: the edits of each copy."""
        result: Array = self.logits(rows).float().cpu().numpy()
        return result

    def logits(self, rows: Sequence[Sequence[PassEdit]]) -> Tensor:
        """Returns the same in the model's dtype and on its device."""
        gpt, cache = self._gpt, copy.deepcopy(self._cache)  # a pass writes into its cache
        if not repeat_cache(cache, len(rows)):
            raise RuntimeError("this cache cannot be copied")
        editing = gpt.editing_rows(rows, self._ids.shape[1])
        ids = self._ids[:, self._read].expand(len(rows), -1)
        logits, _ = read_on(gpt, ids, self._start, editing, cache, True)
        check_finite(logits, editing.edits, gpt.undefined_weight)
        return logits


def cached_beginning(trace: Trace, edits: Iterable[PassEdit], position: int) -> CachedBeginning | None:
    """Returns the tokens before all edits, read into a cache; None if there are none, or the family does not allow it.

    position: after which the next token is read, counted from 0.
    """
    start = min(map(_acts_from, edits), default=0)
    if not (0 < start <= position and can_cache(running_model(trace))):
        return None
    with (guard := trace.guarding_weights()), guard:
        try:
            beginning = CachedBeginning(trace, start, position)
            logits = beginning.logits([trace.edits] * 2)
        except GPTVizError:
            raise
        except Exception:  # a family may fail in any way to go on from its cache, or to copy it
            return None
    expected = torch.tensor(trace.logits[position]).to(logits).expand_as(logits)
    # Each block rounds, so that as many roundings may add up.
    return beginning if agree(logits, expected, expected * trace.n_layers) else None


def _acts_from(edit: PassEdit) -> int:
    """Returns the first token at which an edit acts."""
    positions = (getattr(edit, name, None) for name in ("position", "query"))
    return next((position for position in positions if position is not None), 0)
