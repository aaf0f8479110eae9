"""The arithmetic of one attention weight, and of what a row of weights adds to the residual stream.

All numbers are the trace's own. Sums are taken in float64, so that the steps shown lead to the weight shown. On the eager
route there are no queries and keys; the trace raises NotAvailable with the reason.
"""

import math
from typing import Any

import numpy as np

from gptviz.trace.trace import Trace

MOST_VALUES = 5  # value vectors that are shown one by one; the others are mixed into one


def finite(x: float) -> float | None:
    """Returns a number for JSON, which has no minus infinity: None stands for it."""
    return float(x) if math.isfinite(x) else None


def factor(stages: dict[str, np.ndarray]) -> float | None:
    """Returns what the family multiplies q·k by, computed from its scores; None if scaling is no stage of its own."""
    if "scaled" not in stages:
        return None
    raw, scaled = (stages[name].ravel() for name in ("raw", "scaled"))
    largest = int(np.abs(raw).argmax())
    return float(scaled[largest] / raw[largest]) if raw[largest] else None


def cell(trace: Trace, layer: int, head: int, query: int, key: int) -> dict[str, Any]:
    """Returns the steps from a query and a key to one attention weight.

    q, k: (d_head,). stages: the scores of the family's stages, by name. factor: what "scaled" multiplies by. largest: the
    row's largest score. exponential: e to the power of the last score minus `largest`. sum: of the row's exponentials,
    including the sink's if there is one. weight: exponential / sum.
    """
    q, k = trace.q(layer)[head], _of_group(trace.k(layer), head, trace.heads_in(layer))
    stages = trace.score_stages(layer, head)
    row = list(stages.values())[-1][query].astype(np.float64)
    sink = trace.sink(layer, head)
    largest = max(row.max(), -math.inf if sink is None else sink)
    exponentials = np.exp(row - largest)
    sink_exponential = 0.0 if sink is None else math.exp(sink - largest)
    return {
        "q": q[query].tolist(),
        "k": k[key].tolist(),
        "stages": {name: finite(stage[query, key]) for name, stage in stages.items()},
        "factor": factor(stages),
        "largest": finite(largest),
        "exponential": float(exponentials[key]),
        "sum": float(exponentials.sum() + sink_exponential),
        "sink": None if sink is None else sink_exponential,
        "weight": float(trace.attention(layer, head)[query, key]),
    }


def mix(trace: Trace, layer: int, head: int, query: int) -> dict[str, Any]:
    """Returns the weighted sum of values for one query and what the head adds to the stream.

    values: the keys with the largest weights, each with its weight and value vector (d_head,). others: the remaining keys'
    number, total weight and weighted sum. mixed: the weighted sum of all values (d_head,). output: what the head adds to
    the stream at this token (d_model,). stream: the stream entering the block there (d_model,).
    """
    weights = trace.attention(layer, head)[query].astype(np.float64)
    v = _of_group(trace.v(layer), head, trace.heads_in(layer)).astype(np.float64)
    keys = [int(key) for key in np.argsort(-weights, kind="stable") if key <= query]
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
        "output": trace.head_output(layer, head)[query].tolist(),
        "stream": trace.residual(layer)[query].tolist(),
    }


def _of_group(heads: np.ndarray, head: int, n_heads: int) -> np.ndarray:
    """Returns the keys or values (T, d) of the group that this query head belongs to."""
    return heads[head // (n_heads // len(heads))]
