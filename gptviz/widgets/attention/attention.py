"""AttentionView: one head large, on the tokens it belongs to, and the grid of all layers and heads to choose from.

The grid travels pooled, a byte a cell; the exact map of the open head is asked for by the page when it opens.
"""

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import traitlets

from gptviz.checks import check_index
from gptviz.display import still
from gptviz.errors import NotAvailable
from gptviz.trace.trace import Trace
from gptviz.widgets.attention import arithmetic
from gptviz.widgets.shared.chips import describe
from gptviz.widgets.shared.view import View

THUMBNAIL = 32  # cells a side at most; longer texts are pooled


class AttentionView(View):
    """Attention maps of a trace. source: a Trace, or a PromptBox to follow.

    layer, head: which one is open, kept in the view's selection together with the cell that is looked at.
    """

    _name = "attention"
    _answers: ClassVar[dict[str, str]] = {
        **View._answers, "head": "_answer_head", "stages": "_answer_stages", "stage": "_answer_stage",
        "cell": "_answer_cell", "mix": "_answer_mix", "roles": "_answer_roles",
    }  # fmt: skip

    _about = traitlets.Dict().tag(sync=True)
    _thumbnails = traitlets.Bytes().tag(sync=True)

    def __init__(self, source: Any = None, *, layer: int | None = None, head: int | None = None, **keywords: Any):
        super().__init__(source, **keywords)
        for name, value in (("layer", layer), ("head", head)):
            if value is not None:
                setattr(self, name, value)

    @property
    def layer(self) -> int:
        """The open head's layer; set it to open another."""
        return min(int(self.selection.layer), self._require_trace().n_layers - 1)

    @layer.setter
    def layer(self, value: int) -> None:
        self.selection.layer = check_index(value, self._require_trace().n_layers, "layer")

    @property
    def head(self) -> int:
        """The open head; set it to open another."""
        return min(int(self.selection.head), self._require_trace().n_heads - 1)

    @head.setter
    def head(self, value: int) -> None:
        self.selection.head = check_index(value, self._require_trace().n_heads, "head")

    def _fill(self) -> None:
        trace = self._require_trace()
        held = _thumbnails_held(trace)
        present = next(iter(held.values()))
        maps = [held.get(layer, np.zeros_like(present)) for layer in range(trace.n_layers)]
        self._thumbnails = np.round(255 * np.stack(maps)).astype(np.uint8).tobytes()
        chosen = self.selection
        chosen.layer, chosen.head = min(chosen.layer, trace.n_layers - 1), min(chosen.head, trace.n_heads - 1)
        chosen.layer = chosen.layer if chosen.layer in held else next(iter(held))
        chosen.query = chosen.key = -1
        self._about = {
            "tokens": [describe(token) for token in trace.tokens],
            "layers": trace.n_layers,
            "heads": trace.n_heads,
            "side": present.shape[-1],
            "absent": [layer for layer in range(trace.n_layers) if layer not in held],
        }

    def _answer_head(self, layer: int, head: int) -> np.ndarray:
        return looked_at(seen(self._require_trace(), *self._place(layer, head)))

    def _place(self, layer: int, head: int) -> tuple[int, int]:
        trace = self._require_trace()
        return check_index(layer, trace.n_layers, "layer"), check_index(head, trace.n_heads, "head")

    def _answer_stages(self, layer: int, head: int) -> dict[str, Any]:
        """The stages' names, what "scaled" multiplies by, how wide a query is, and whether a sink takes its share."""
        trace = self._require_trace()
        stages = trace.score_stages(layer, head)
        factor, sink = arithmetic.factor(stages), trace.sink(layer, head) is not None
        return {"names": list(stages), "factor": factor, "width": trace.q(layer).shape[-1], "sink": sink}

    def _answer_stage(self, layer: int, head: int, stage: str) -> np.ndarray:
        scores = self._require_trace().scores(layer, head, stage)
        future = scores[~np.tri(len(scores), dtype=bool)]
        return looked_at(scores) if np.isneginf(future).all() else scores

    def _answer_cell(self, layer: int, head: int, query: int, key: int) -> dict[str, Any]:
        trace = self._require_trace()
        positions = [check_index(at, len(trace.tokens), "position") for at in (query, key)]
        return arithmetic.cell(trace, *self._place(layer, head), *positions)

    def _answer_mix(self, layer: int, head: int, query: int) -> dict[str, Any]:
        trace = self._require_trace()
        return arithmetic.mix(trace, *self._place(layer, head), check_index(query, len(trace.tokens), "position"))

    def _answer_roles(self) -> dict[str, list[float]]:
        """For each role one score a head, layer by layer."""
        return {role: scores.ravel().tolist() for role, scores in self._require_trace().role_scores().items()}

    def _page_questions(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every head's map and its stages' names; the open row's arithmetic; every head's stages; the open head's other rows.

        Not the other heads' arithmetic: it would fill a page to the brim, too large for a mail.
        """
        trace = self._require_trace()
        size = len(trace.tokens)
        opened, query = {"layer": self.layer, "head": self.head}, self.selection.query % size
        heads = [{"layer": layer, "head": head} for layer in range(trace.n_layers) for head in range(trace.n_heads)]
        heads.sort(key=lambda one: one != opened)
        yield from (("head", one) for one in heads)
        yield "roles", {}
        told = [one for one in heads if one["layer"] not in self._about["absent"]]
        yield from (("stages", one) for one in told)
        rows = [opened | {"query": one} for one in range(size - 1, -1, -1)]
        rows.sort(key=lambda row: row["query"] != query)
        yield from _row_questions(rows[0])
        yield from (("stage", one | {"stage": stage}) for one in told for stage in _stages_held(trace, **one))
        for row in rows[1:]:
            yield from _row_questions(row)
        yield from (("cell", row | {"key": key}) for row in rows for key in range(row["query"] + 1, size))

    def _shapes(self) -> list[still.Shape]:
        trace = self._require_trace()
        shapes = [
            still.words(self._phrase("attention", head=f"L{self.layer} · H{self.head}")),
            still.heat(seen(trace, self.layer, self.head), trace.tokens),
        ]
        if (count := len(trace.tokens)) > still.MOST_CELLS:
            shapes.append(still.words(self._phrase("pooled", count=count, side=still.MOST_CELLS)))
        return shapes

    def to_table(self) -> list[dict[str, Any]]:
        """One row a cell of the open head that a query may look at: query, key, their texts, weight."""
        trace: Trace = self._require_trace()
        weights = seen(trace, self.layer, self.head)
        texts = [token.text for token in trace.tokens]
        return [
            {"query": q, "key": k, "query_text": texts[q], "key_text": texts[k], "weight": float(weights[q, k])}
            for q in range(len(texts))
            for k in range(q + 1)
            if not np.isnan(weights[q, k])
        ]


def _thumbnails_held(trace: Trace) -> dict[int, np.ndarray]:
    """The pooled maps of the layers that have some: a file may hold only a few. With none at all, the refusal."""
    held: dict[int, np.ndarray] = {}
    for layer in range(trace.n_layers):
        try:
            held[layer] = pooled(trace.attention(layer))
        except NotAvailable:
            if layer == trace.n_layers - 1 and not held:
                raise
    return held


def _row_questions(row: dict[str, int]) -> Iterator[tuple[str, dict[str, int]]]:
    """What a page asks about a layer, head and query: its mix, and the arithmetic of each key that it may look at."""
    yield "mix", row
    yield from (("cell", row | {"key": key}) for key in range(row["query"], -1, -1))


def _stages_held(trace: Trace, layer: int, head: int) -> list[str]:
    """The names of the stages of a head's scores: none where the family, or a file, has none to show."""
    try:
        return list(trace.score_stages(layer, head))
    except NotAvailable:
        return []


def looked_at(map: np.ndarray) -> np.ndarray:
    """The half of a map that is not the future, row after row: (T * (T + 1) / 2,). The other half need not travel."""
    return map[np.tri(len(map), dtype=bool)]


def seen(trace: Trace, layer: int, head: int) -> np.ndarray:
    """The head's map (T, T) with NaN for past keys that the mask forbids, as a sliding window does: not there, not small.

    Only a weight of exactly 0 can be one of them. Where the family has no scores to show, such a weight stays 0.
    """
    weights = trace.attention(layer, head)
    if looked_at(weights).all():
        return weights
    try:
        last = list(trace.score_stages(layer, head).values())[-1]
    except NotAvailable:
        return weights
    return np.where(np.isneginf(last) & np.tri(len(weights), dtype=bool), np.nan, weights)


def pooled(maps: np.ndarray, side: int = THUMBNAIL) -> np.ndarray:
    """Maps (H, T, T) as (H, side, side) at most: each cell the largest weight of its block."""
    tokens = maps.shape[-1]
    if tokens <= side:
        return maps
    edges = np.linspace(0, tokens, side + 1).astype(int)[:-1]
    return np.maximum.reduceat(np.maximum.reduceat(maps, edges, axis=1), edges, axis=2)
