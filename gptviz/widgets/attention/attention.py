"""AttentionView: the map of one head, and thumbnails of all layers and heads to choose from.

The thumbnails travel pooled, one byte a cell. The page asks for the exact map of a head when it opens it.
"""

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import traitlets

from gptviz.checks import check_index
from gptviz.display import still
from gptviz.display.labels import part_label
from gptviz.errors import NotAvailable
from gptviz.pages.answering import PageQuestion
from gptviz.trace.trace import Trace
from gptviz.widgets.attention.arithmetic import HeadArithmetic, finite
from gptviz.widgets.attention.maps import masked_weights, without_future
from gptviz.widgets.attention.phrases import PHRASES
from gptviz.widgets.shared.chips import describe
from gptviz.widgets.shared.opened import OpensLayer
from gptviz.widgets.shared.thumbnails import Thumbnails


class AttentionView(OpensLayer):
    """Attention maps of a trace. source: a Trace, or a PromptBox to follow.

    layer, head: the open head; stored in the view's selection together with the selected cell. Where neither is given and
    no view that shares the selection has chosen one, the view opens at the head with the largest weight from the last
    token to a token other than itself and the first (with a layer alone: at that layer's), and says so. A later trace
    does not change the open head.
    """

    _name = "attention"
    _titles: ClassVar[dict[str, str]] = {"en": "Attention", "zh": "注意力"}
    _phrases = PHRASES
    _answers: ClassVar[dict[str, str]] = {
        **OpensLayer._answers, "head": "_answer_head", "stages": "_answer_stages", "stage": "_answer_stage",
        "cell": "_answer_cell", "mix": "_answer_mix", "roles": "_answer_roles",
    }  # fmt: skip

    _page_sets: ClassVar[tuple[str, ...]] = ("_explained",)
    _explained = traitlets.Bool(False).tag(sync=True)  # whether the arithmetic of the selected cell is open
    _about = traitlets.Dict().tag(sync=True)
    _thumbnails = traitlets.Bytes().tag(sync=True)

    def __init__(self, source: Any = None, *, layer: int | None = None, head: int | None = None, **keywords: Any):
        self._given_layer, self._given_head = layer, head
        self._latest: HeadArithmetic | None = None
        super().__init__(source, **keywords)
        self._set_given(layer=layer, head=head)

    @property
    def head(self) -> int:
        """The open head; set it to open another."""
        return min(int(self.selection.head), self._head_count(self.layer) - 1)

    @head.setter
    def head(self, value: int) -> None:
        where = f" in layer {self.layer}"
        self.selection.head = check_index(value, self._head_count(self.layer), "head", where=where)

    def _head_count(self, layer: int) -> int:
        """Returns the number of heads of a layer; for a layer without attention that of the grid's columns."""
        trace = self._require_trace()
        return trace.heads_in(layer) or trace.n_heads

    def _fill(self) -> None:
        trace, self._latest = self._require_trace(), None
        thumbnails = Thumbnails(trace)
        self._thumbnails = thumbnails.to_bytes()
        selection = self.selection
        if self._given_head is None and self._given_layer not in thumbnails.absent:
            selection.open_head(trace, self._given_layer)
        layer = min(selection.layer, trace.n_layers - 1)
        layer = layer if layer in thumbnails.by_layer else next(iter(thumbnails.by_layer))
        selection.layer, selection.head = layer, min(selection.head, self._head_count(layer) - 1)
        if self._source or max(selection.query, selection.key) >= len(trace.tokens):
            selection.query = selection.key = -1  # a cell of another text
        self._about = {
            "tokens": [describe(token) for token in trace.tokens],
            "layers": trace.n_layers,
            "heads": trace.n_heads,
            "heads_in": [trace.heads_in(layer) for layer in range(trace.n_layers)],
            "side": thumbnails.side,
            "absent": thumbnails.absent,
            "opening": selection.opening_for_page(trace),
        }

    # Answers to the page

    def _answer_head(self, layer: int, head: int) -> np.ndarray:
        """Returns the head's map without the future, NaN where the mask hides an earlier key: (T * (T + 1) / 2,)."""
        return without_future(masked_weights(self._require_trace(), *self._check_head(layer, head)))

    def _check_head(self, layer: int, head: int) -> tuple[int, int]:
        layer = check_index(layer, self._require_trace().n_layers, "layer")
        return layer, check_index(head, self._head_count(layer), "head", where=f" in layer {layer}")

    def _answer_stages(self, layer: int, head: int) -> dict[str, Any]:
        """Returns the stages' names, what "scaled" multiplies by, d_head, and whether the head has a sink."""
        numbers = self._arithmetic(layer, head)
        names, width = list(numbers.stages), self._require_trace().q(layer).shape[-1]
        return {"names": names, "factor": numbers.factor, "width": width, "sink": numbers.sink is not None}

    def _answer_stage(self, layer: int, head: int, stage: str) -> np.ndarray:
        """Returns the scores of one stage (T, T), without the future if all of it is -inf: (T * (T + 1) / 2,)."""
        scores = self._arithmetic(layer, head).scores(stage)
        future = scores[~np.tri(len(scores), dtype=bool)]
        return without_future(scores) if np.isneginf(future).all() else scores

    def _answer_cell(self, layer: int, head: int, query: int, key: int) -> dict[str, Any]:
        positions = self._check_position(query), self._check_position(key)
        return self._arithmetic(layer, head).cell(*positions)

    def _answer_mix(self, layer: int, head: int, query: int) -> dict[str, Any]:
        return self._arithmetic(layer, head).mix(self._check_position(query))

    def _arithmetic(self, layer: int, head: int) -> HeadArithmetic:
        """Returns the arithmetic of a head. The latest one is kept: questions mostly are about the same head."""
        trace, (layer, head), latest = self._require_trace(), self._check_head(layer, head), self._latest
        if latest is None or (latest.trace, latest.layer, latest.head) != (trace, layer, head):
            latest = self._latest = HeadArithmetic(trace, layer, head)
        return latest

    def _answer_roles(self) -> dict[str, list[float | None]]:
        """Returns for each role a score of every head, layer by layer; None for a head that does not exist."""
        scores = self._require_trace().role_scores()
        return {role: [finite(score) for score in of_role.ravel().tolist()] for role, of_role in scores.items()}

    def _page_questions(self) -> Iterator[PageQuestion]:
        """Yields, in this order: all maps; all stage names; the selected row; all stages; the open head's other rows.

        The arithmetic of the other heads is left out: it would make a page too large to mail.
        """
        trace = self._require_trace()
        size = len(trace.tokens)
        opened, query = {"layer": self.layer, "head": self.head}, self.selection.query % size
        layers = range(trace.n_layers)
        heads = [{"layer": layer, "head": head} for layer in layers for head in range(self._head_count(layer))]
        heads.sort(key=lambda head: head != opened)
        yield from (("head", head) for head in heads)
        yield "roles", {}
        present = [head for head in heads if head["layer"] not in self._about["absent"]]
        yield from (("stages", head) for head in present)
        rows = [opened | {"query": position} for position in range(size - 1, -1, -1)]
        rows.sort(key=lambda row: row["query"] != query)
        yield from _row_questions(rows[0])
        yield from (("stage", head | {"stage": name}) for head in present for name in self._stage_names(**head))
        for row in rows[1:]:
            yield from _row_questions(row)
        yield from (("cell", row | {"key": key}) for row in rows for key in range(row["query"] + 1, size))

    def _stage_names(self, layer: int, head: int) -> list[str]:
        """Returns the names of the stages of a head's scores; none if the family or the saved trace has no scores."""
        try:
            return list(self._arithmetic(layer, head).stages)
        except NotAvailable:
            return []

    # The still picture and the table

    def _shapes(self) -> list[still.Shape]:
        trace = self._require_trace()
        shapes = [
            still.words(self._phrase("attention", head=part_label(self.layer, self.head))),
            still.heat(masked_weights(trace, self.layer, self.head), trace.tokens),
        ]
        if (count := len(trace.tokens)) > still.MOST_CELLS:
            shapes.append(still.words(self._phrase("pooled", count=count, side=still.MOST_CELLS)))
        return shapes

    def to_table(self) -> list[dict[str, Any]]:
        """Returns one row for each cell of the open head that is not masked: query, key, their texts, weight."""
        trace: Trace = self._require_trace()
        weights = masked_weights(trace, self.layer, self.head)
        texts = [token.text for token in trace.tokens]
        return [
            {"query": q, "key": k, "query_text": texts[q], "key_text": texts[k], "weight": float(weights[q, k])}
            for q in range(len(texts))
            for k in range(q + 1)
            if not np.isnan(weights[q, k])
        ]


def _row_questions(row: dict[str, int]) -> Iterator[PageQuestion]:
    """Yields the questions about one row of a map: its mix, and the arithmetic of each key that is not in the future."""
    yield "mix", row
    yield from (("cell", row | {"key": key}) for key in range(row["query"], -1, -1))
