"""How one attention weight comes about, and what a row of weights carries away: the numbers that the view spells out.

All are the trace's own; sums are taken in float64, so that the steps shown lead to the weight shown. Where a family has
no queries to show (the eager route), the trace's own refusal says so. Not about how it is drawn.
"""

import math
from typing import Any

import numpy as np

from gptviz.trace.trace import Trace

MOST_VALUES = 5  # value vectors that are shown one by one; the others are mixed into one


def finite(x: float) -> float | None:
    """A number for the page; None stands for minus infinity, which JSON has not."""
    return float(x) if math.isfinite(x) else None


def factor(stages: dict[str, np.ndarray]) -> float | None:
    """What the family multiplies q·k by, as found in its own numbers; None where that is no stage of its own."""
    if "scaled" not in stages:
        return None
    raw, scaled = (stages[name].ravel() for name in ("raw", "scaled"))
    at = int(np.abs(raw).argmax())
    return float(scaled[at] / raw[at]) if raw[at] else None


def cell(trace: Trace, layer: int, head: int, query: int, key: int) -> dict[str, Any]:
    """From the query's and the key's numbers to one weight, step by step.

    q, k: (d_head,). stages: the family's own, by name. factor: what "scaled" multiplies by. largest: the row's largest
    score; exponential: e to the last score minus that; sum: of the row's exponentials, with the sink's share where there
    is one.
    """
    q, k = trace.q(layer)[head], _of_group(trace.k(layer), head, trace.n_heads)
    stages = trace.score_stages(layer, head)
    row = list(stages.values())[-1][query].astype(np.float64)
    sink = trace.sink(layer, head)
    largest = max(row.max(), -math.inf if sink is None else sink)
    exponentials = np.exp(row - largest)
    shared = 0.0 if sink is None else math.exp(sink - largest)
    return {
        "q": q[query].tolist(),
        "k": k[key].tolist(),
        "stages": {name: finite(stage[query, key]) for name, stage in stages.items()},
        "factor": factor(stages),
        "largest": finite(largest),
        "exponential": float(exponentials[key]),
        "sum": float(exponentials.sum() + shared),
        "sink": None if sink is None else shared,
        "weight": float(trace.attention(layer, head)[query, key]),
    }


def mix(trace: Trace, layer: int, head: int, query: int) -> dict[str, Any]:
    """The row's mix of values and where it goes.

    values: the heaviest keys with their weights and value vectors (d_head,); others: the rest, mixed by their weights;
    mixed: all of them, summed by weight (d_head,); output: what the head adds to the stream at this token (d_model,);
    stream: the stream that enters the block there (d_model,).
    """
    weights = trace.attention(layer, head)[query].astype(np.float64)
    v = _of_group(trace.v(layer), head, trace.n_heads).astype(np.float64)
    allowed = [int(key) for key in np.argsort(-weights, kind="stable") if key <= query]
    first = allowed if len(allowed) <= MOST_VALUES + 1 else allowed[:MOST_VALUES]
    rest = allowed[len(first) :]
    return {
        "values": [{"key": key, "weight": float(weights[key]), "value": v[key].tolist()} for key in first],
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
    """The key head that this query head shares with its group: (T, d)."""
    return heads[head // (n_heads // len(heads))]
