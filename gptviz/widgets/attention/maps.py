"""The attention maps of a trace as the view shows them: without the future, and with hidden keys marked."""

import numpy as np

from gptviz.errors import NotAvailable
from gptviz.trace.trace import Trace


def without_future(map: np.ndarray) -> np.ndarray:
    """Returns the cells of a map (T, T) whose key is not later than the query, row after row: (T * (T + 1) / 2,)."""
    return map[np.tri(len(map), dtype=bool)]


def masked_weights(trace: Trace, layer: int, head: int) -> np.ndarray:
    """Returns the head's map (queries, keys) with NaN for keys that the mask hides, as a sliding window does.

    Only a weight of exactly 0 can be hidden by the mask. Where the family has no scores to show, such a weight stays 0, and
    so do later keys of a decoder.
    """
    weights = trace.attention(layer, head)
    may_see: np.ndarray = np.tri(len(weights), dtype=bool) if trace.is_causal else np.ones(weights.shape, bool)
    if weights[may_see].all():
        return weights
    try:
        scores = list(trace.score_stages(layer, head).values())[-1]
    except NotAvailable:
        return weights
    return np.where(np.isneginf(scores) & may_see, np.nan, weights)
