"""A trace that keeps the rows it has computed: an exported page asks about many tokens, one after the other.

A trace computes a quantity for all tokens whenever it is asked for one. Asked about each token and head in turn, it would
run through attention as often.
"""

from collections.abc import Callable
from typing import Any

from gptviz.trace.sources import Array
from gptviz.trace.trace import Trace

_BY_TOKEN = (
    "embedding", "residual", "edit_out", "attn_in", "attn_out", "mlp_in", "mlp_out", "mlp_activations", "head_output",
    "head_bias",
)  # fmt: skip
_OF_LAYER = ("neuron_rows", "mlp_bias", "is_parallel")


class _Rows:
    """The last rows of an array with one row for each token; an earlier row is computed again."""

    def __init__(self, compute: Callable[[], Array], count: int):
        rows = compute()
        self._compute, self._first = compute, max(0, len(rows) - count)
        self._rows = rows[self._first :].copy()

    def __getitem__(self, position: int) -> Array:
        row: Array = self._rows[position - self._first] if position >= self._first else self._compute()[position]
        return row


class RememberedTrace:
    """Answers in place of a trace. Of quantities with a row for each token, it keeps the rows of the last tokens.

    trace: the trace. count: of how many tokens it keeps the rows.
    """

    def __init__(self, trace: Trace, count: int):
        self.trace, self._count = trace, count
        self._kept: dict[Any, Any] = {}

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.trace, name)
        if name == "cross_attention" and value is not None:
            return self._keep(name, lambda: RememberedTrace(value, self._count))
        if name in _BY_TOKEN:
            return lambda *which: self._keep((name, which), lambda: _Rows(lambda: value(*which), self._count))
        if name in _OF_LAYER:
            return lambda *which: self._keep((name, which), lambda: value(*which))
        return value

    def neurons(self, layer: int, position: int) -> Array:
        """Returns what each neuron adds at one token, as `Trace.neurons` does: (d_mlp, d_model)."""
        rows: Array = self.neuron_rows(layer)
        added: Array = self.mlp_activations(layer)[position][:, None] * rows
        return added

    def _keep(self, key: Any, compute: Callable[[], Any]) -> Any:
        if key not in self._kept:
            self._kept[key] = compute()
        return self._kept[key]
