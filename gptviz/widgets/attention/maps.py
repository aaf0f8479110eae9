"""The attention maps of a trace as the view shows them: pooled, without the future, and with hidden keys marked."""

import numpy as np

from gptviz.errors import NotAvailable
from gptviz.trace.trace import Trace
from gptviz.widgets.shared.thumbnails import pooled


def thumbnails_by_layer(trace: Trace) -> dict[int, np.ndarray]:
    """Returns the pooled maps (H, side, side) of each layer that has maps: a saved trace may have only a few.

    Raises NotAvailable if no layer has any.
    """
    thumbnails: dict[int, np.ndarray] = {}
    for layer in range(trace.n_layers):
        try:
            thumbnails[layer] = pooled(trace.attention(layer))
        except NotAvailable:
            if layer == trace.n_layers - 1 and not thumbnails:
                raise
    return thumbnails


def stage_names(trace: Trace, layer: int, head: int) -> list[str]:
    """Returns the names of the stages of a head's scores; none where the family or the saved trace has no scores."""
    try:
        return list(trace.score_stages(layer, head))
    except NotAvailable:
        return []


def without_future(map: np.ndarray) -> np.ndarray:
    """Returns the cells of a map (T, T) whose key is not later than the query, row after row: (T * (T + 1) / 2,)."""
    return map[np.tri(len(map), dtype=bool)]


def masked_weights(trace: Trace, layer: int, head: int) -> np.ndarray:
    """Returns the head's map (T, T) with NaN for earlier keys that the mask hides, as a sliding window does.

    Only a weight of exactly 0 can be hidden by the mask. Where the family has no scores to show, such a weight stays 0.
    """
    weights = trace.attention(layer, head)
    if without_future(weights).all():
        return weights
    try:
        scores = list(trace.score_stages(layer, head).values())[-1]
    except NotAvailable:
        return weights
    return np.where(np.isneginf(scores) & np.tri(len(weights), dtype=bool), np.nan, weights)
