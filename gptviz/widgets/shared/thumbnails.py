"""Attention maps pooled to thumbnails, for the grid of all layers and heads."""

from collections.abc import Sequence

import numpy as np

THUMBNAIL = 32  # cells a side at most; maps of longer texts are pooled


def pooled(maps: np.ndarray, side: int = THUMBNAIL) -> np.ndarray:
    """Pools maps (H, T, T) to (H, side, side) at most: each cell is the largest weight of its block."""
    tokens = maps.shape[-1]
    if tokens <= side:
        return maps
    edges = np.linspace(0, tokens, side + 1).astype(int)[:-1]
    return np.maximum.reduceat(np.maximum.reduceat(maps, edges, axis=1), edges, axis=2)


def thumbnail_bytes(layers: Sequence[np.ndarray]) -> bytes:
    """Returns the pooled maps of all layers, (H, side, side) each, as one byte a cell: 255 is a weight of 1."""
    return np.round(255 * np.stack(layers)).astype(np.uint8).tobytes()
