"""Attention maps with fewer cells, where a picture has less room than a text has tokens."""

import numpy as np


def pooled(maps: np.ndarray, side: int) -> np.ndarray:
    """Pools maps (..., queries, keys) to (..., side, side) at most: each cell is the largest weight of its block.

    NaN, which marks a hidden cell, counts only where a whole block is hidden.
    """
    for axis in (-2, -1):
        tokens = maps.shape[axis]
        if tokens > side:
            edges = np.linspace(0, tokens, side + 1).astype(int)[:-1]
            maps = np.fmax.reduceat(maps, edges, axis=axis)
    return maps
