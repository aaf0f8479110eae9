"""What the page shows of an open block: its heads, and the neurons of its MLP that add most."""

from typing import Any

import numpy as np

from gptviz.checks import check_index
from gptviz.display.pooling import pooled
from gptviz.errors import NotAvailable
from gptviz.lens import Flow
from gptviz.trace.sources import Array
from gptviz.trace.trace import Trace
from gptviz.widgets.flow.shares import head_shares
from gptviz.widgets.shared.thumbnails import THUMBNAIL

NEURONS = 4  # that are named


class OpenBlocks:
    """The blocks of a trace, each of which the page may open. flow: None where attention weights are drawn."""

    def __init__(self, trace: Trace, flow: Flow | None):
        self._trace, self._flow = trace, flow
        self._latest: tuple[int, Array] | None = None  # the layer that was opened last, and its heads' shares (H, T, T)

    def maps(self, layer: int) -> Array:
        """Returns the attention maps of a block's heads, pooled: (H, side, side), uint8, 255 for a weight of 1."""
        return np.round(255 * pooled(self._trace.attention(layer), THUMBNAIL)).astype(np.uint8)

    def parts(self, layer: int) -> Array:
        """Returns the parts of the heads in what the page draws of a block, as its shares: (H, T (T + 1) / 2), float32."""
        heads = self._heads(layer)
        return head_shares(heads if self._flow is not None else heads / len(heads))

    def at(self, layer: int, position: int) -> dict[str, Any]:
        """Returns what a block's heads and MLP do at one token.

        heads: the share of each head in the attention node, or its largest weight where attention weights are drawn.
        neurons: those that add the longest vectors to the stream; none for an MLP without single neurons.
        """
        heads = self._heads(layer)[:, position]
        heads = heads.sum(-1) if self._flow is not None else heads.max(-1)
        try:
            lengths = np.linalg.norm(self._trace.neurons(layer, position), axis=-1)
        except NotAvailable:
            lengths = np.zeros(0)
        strongest = np.argsort(-lengths, kind="stable")[:NEURONS]
        neurons = [{"neuron": int(neuron), "length": float(lengths[neuron])} for neuron in strongest]
        return {"heads": heads.tolist(), "neurons": neurons}

    def _heads(self, layer: int) -> Array:
        """Returns the shares of a layer's heads, or their attention weights: (H, T, T)."""
        if self._latest is None or self._latest[0] != layer:
            compute = self._trace.attention if self._flow is None else self._flow.heads
            self._latest = check_index(layer, self._trace.n_layers, "layer"), compute(layer)
        return self._latest[1]
