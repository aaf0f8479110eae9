"""Attention maps pooled to thumbnails, for the grids of all layers and heads."""

import numpy as np

from gptviz.display.pooling import pooled
from gptviz.lens.opening import note_maps
from gptviz.trace.available import available
from gptviz.trace.sources import Array
from gptviz.trace.trace import Trace

THUMBNAIL = 32  # cells a side at most; maps of longer texts are pooled


class Thumbnails:
    """The pooled maps of all heads of a trace: a saved trace may have only some layers, and a layer may have no attention.

    by_layer: {layer: (heads, rows, columns)} of the layers that have maps. absent: the other layers. side, columns: how many
    cells a thumbnail has from top to bottom and from left to right. Raises NotAvailable if no layer has any.
    """

    def __init__(self, trace: Trace):
        layers = range(trace.n_layers)
        self._shape = trace.n_layers, trace.n_heads
        self.by_layer = dict(available(lambda layer: _thumbnails(trace, layer), layers))
        self.absent = [layer for layer in layers if layer not in self.by_layer]
        self.side, self.columns = (min(len(tokens), THUMBNAIL) for tokens in (trace.tokens, trace.key_tokens))

    def to_bytes(self) -> bytes:
        """Returns (layers, heads, side, columns) as one byte a cell: 255 is a weight of 1; 0 for heads that do not exist."""
        maps = np.zeros((*self._shape, self.side, self.columns), np.uint8)
        for layer, of_heads in self.by_layer.items():
            maps[layer, : len(of_heads)] = np.round(255 * of_heads)
        return maps.tobytes()


def _thumbnails(trace: Trace, layer: int) -> Array:
    maps = trace.attention(layer)
    note_maps(trace, layer, maps)
    return pooled(maps, THUMBNAIL)
