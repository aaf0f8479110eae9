"""AttentionView: one head large, on the tokens it belongs to, and the grid of all layers and heads to choose from.

The grid travels pooled, a byte a cell; the exact map of the open head is asked for by the page when it opens.
"""

from typing import Any, ClassVar

import numpy as np
import traitlets

from gptviz.trace import Trace, check_index
from gptviz.widgets.base import View, describe

THUMBNAIL = 32  # cells a side at most; longer texts are pooled


class AttentionView(View):
    """Attention maps of a trace. source: a Trace, or a PromptBox to follow.

    layer, head: which one is open. query, key: which cell is selected; -1 is the last token (query), none (key).
    """

    _name = "attention"
    _answers: ClassVar[dict[str, str]] = {**View._answers, "head": "_answer_head"}

    layer = traitlets.Int(0).tag(sync=True)
    head = traitlets.Int(0).tag(sync=True)
    query = traitlets.Int(-1).tag(sync=True)
    key = traitlets.Int(-1).tag(sync=True)
    _about = traitlets.Dict().tag(sync=True)
    _thumbnails = traitlets.Bytes().tag(sync=True)

    @traitlets.validate("layer", "head", "query", "key")
    def _check_index(self, proposal: dict[str, Any]) -> int:
        if self.trace is None:
            return proposal["value"]
        name = proposal["trait"].name
        if name in ("layer", "head"):
            return check_index(proposal["value"], self.trace.n_layers if name == "layer" else self.trace.n_heads, name)
        size = len(self.trace.tokens)
        return -1 if proposal["value"] == -1 else check_index(proposal["value"], size, "position")

    def _fill(self) -> None:
        trace = self._shown()
        maps = [pooled(trace.attention(layer)) for layer in range(trace.n_layers)]
        self._thumbnails = np.round(255 * np.stack(maps)).astype(np.uint8).tobytes()
        self.layer, self.head = min(self.layer, trace.n_layers - 1), min(self.head, trace.n_heads - 1)
        self.query = self.key = -1
        self._about = {
            "tokens": [describe(token) for token in trace.tokens],
            "layers": trace.n_layers,
            "heads": trace.n_heads,
            "side": maps[0].shape[-1],
        }

    def _answer_head(self, layer: int, head: int) -> np.ndarray:
        return self._shown().attention(layer, head)

    def to_table(self) -> list[dict[str, Any]]:
        """One row a cell of the open head that a query may look at: query, key, their texts, weight."""
        trace: Trace = self._shown()
        weights = trace.attention(self.layer, self.head)
        texts = [token.text for token in trace.tokens]
        return [
            {"query": q, "key": k, "query_text": texts[q], "key_text": texts[k], "weight": float(weights[q, k])}
            for q in range(len(texts))
            for k in range(q + 1)
        ]


def pooled(maps: np.ndarray, side: int = THUMBNAIL) -> np.ndarray:
    """Maps (H, T, T) as (H, side, side) at most: each cell the largest weight of its block."""
    tokens = maps.shape[-1]
    if tokens <= side:
        return maps
    edges = np.linspace(0, tokens, side + 1).astype(int)[:-1]
    return np.maximum.reduceat(np.maximum.reduceat(maps, edges, axis=1), edges, axis=2)
