"""The arithmetic of one attention weight, and of what a row of weights adds to the residual stream.

All numbers are the trace's own. Sums are taken in float64, so that the steps shown lead to the weight shown. On the eager
route there are no queries and keys; the trace raises NotAvailable with the reason.
"""

import math
from functools import cached_property
from typing import Any

import numpy as np

from gptviz.display.numbers import or_none
from gptviz.trace.sources import Array
from gptviz.trace.trace import Trace

MOST_VALUES = 5  # value vectors that are shown one by one; the others are mixed into one


class HeadArithmetic:
    """The arithmetic of one head of a trace. What is the same for all its queries and keys is computed once.

    stack: whose head; the stream that cross attention adds to is the decoder's.
    """

    def __init__(self, trace: Trace, layer: int, head: int, stack: str = "decoder"):
        self.trace, self.layer, self.head = trace.of_stack(stack), layer, head
        self._with_stream = self.trace if self.trace.has_stream else trace

    @cached_property
    def stages(self) -> dict[str, Array]:
        """The scores of the family's stages, by name; see `Trace.score_stages`."""
        return self.trace.score_stages(self.layer, self.head)

    def scores(self, stage: str) -> Array:
        """Returns the scores of one stage: (T, T)."""
        known = self.stages.get(stage)
        return (
            self.trace.scores(self.layer, self.head, stage) if known is None else known
        )  # it says which stages there are

    @cached_property
    def sink(self) -> float | None:
        """The score of the head's attention sink, or None."""
        return self.trace.sink(self.layer, self.head)

    @cached_property
    def factor(self) -> float | None:
        """What the family multiplies q·k by, computed from its scores; None if scaling is no stage of its own."""
        if "scaled" not in self.stages:
            return None
        raw, scaled = (self.stages[name].ravel() for name in ("raw", "scaled"))
        largest = int(np.abs(raw).argmax())
        return float(scaled[largest] / raw[largest]) if raw[largest] else None

    @cached_property
    def _weights(self) -> Array:
        return self.trace.attention(self.layer, self.head)

    @cached_property
    def _output(self) -> Array:
        return self.trace.head_output(self.layer, self.head)

    def cell(self, query: int, key: int) -> dict[str, Any]:
        """Returns the steps from a query and a key to one attention weight.

        q, k: (d_head,). stages: the scores of the family's stages, by name. factor: what "scaled" multiplies by. largest:
        the row's largest score. exponential: e to the power of the last score minus `largest`. sum: of the row's
        exponentials, including the sink's if there is one. weight: exponential / sum.
        """
        q, k = self.trace.q(self.layer)[self.head], self._of_group(self.trace.k(self.layer))
        row, sink = list(self.stages.values())[-1][query].astype(np.float64), self.sink
        largest = max(row.max(), -math.inf if sink is None else sink)
        exponentials = np.exp(row - largest)
        sink_exponential = 0.0 if sink is None else math.exp(sink - largest)
        return {
            "q": q[query].tolist(),
            "k": k[key].tolist(),
            "stages": {name: or_none(stage[query, key]) for name, stage in self.stages.items()},
            "factor": self.factor,
            "largest": or_none(largest),
            "exponential": float(exponentials[key]),
            "sum": float(exponentials.sum() + sink_exponential),
            "sink": None if sink is None else sink_exponential,
            "weight": float(self._weights[query, key]),
        }

    def mix(self, query: int) -> dict[str, Any]:
        """Returns the weighted sum of values for one query and what the head adds to the stream.

        values: the keys with the largest weights, each with its weight and value vector (d_head,). others: the remaining
        keys' number, total weight and weighted sum. mixed: the weighted sum of all values (d_head,). output: what the head
        adds to the stream at this token (d_model,). stream: the stream entering the block there (d_model,).
        """
        weights = self._weights[query].astype(np.float64)
        v = self._of_group(self.trace.v(self.layer)).astype(np.float64)
        keys = [int(key) for key in np.argsort(-weights, kind="stable") if key <= query or not self.trace.is_causal]
        single = keys if len(keys) <= MOST_VALUES + 1 else keys[:MOST_VALUES]
        rest = keys[len(single) :]
        return {
            "values": [{"key": key, "weight": float(weights[key]), "value": v[key].tolist()} for key in single],
            "others": {
                "count": len(rest),
                "weight": float(weights[rest].sum()),
                "mixed": (weights[rest] @ v[rest]).tolist(),
            },
            "mixed": (weights @ v).tolist(),
            "output": self._output[query].tolist(),
            "stream": self._with_stream.residual(self.layer)[query].tolist(),
        }

    def _of_group(self, heads: Array) -> Array:
        """Returns the keys or values (T, d) of the group that this query head belongs to."""
        group: Array = heads[self.head // (self.trace.heads_in(self.layer) // len(heads))]
        return group
