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
from gptviz.display.numbers import or_none
from gptviz.errors import NotAvailable
from gptviz.pages.answering import PageQuestion
from gptviz.trace.trace import Trace
from gptviz.widgets.attention.arithmetic import HeadArithmetic
from gptviz.widgets.attention.maps import masked_weights, without_future
from gptviz.widgets.attention.phrases import PHRASES
from gptviz.widgets.shared.opened import OpensLayer
from gptviz.widgets.shared.stacks import OpensStack, StackMaps
from gptviz.widgets.shared.thumbnails import Thumbnails


class AttentionView(OpensStack, OpensLayer):
    """Attention maps of a trace. source: a Trace, or a PromptBox to follow.

    layer, head: the open head; stored in the view's selection together with the selected cell. Where neither is given and
    no view that shares the selection has chosen one, the view opens at the head with the largest weight from the last
    token to a token other than itself and the first (with a layer alone: at that layer's), and says so. A later trace
    does not change the open head.

    stack: of a trace of an encoder-decoder, the stack that is shown: "encoder", "decoder" or "cross", whose rows are the
    target's tokens and whose columns are the source's. The view has a menu of them.
    """

    _name = "attention"
    _titles: ClassVar[dict[str, str]] = {"en": "Attention", "zh": "注意力"}
    _phrases = PHRASES
    _answers: ClassVar[dict[str, str]] = {
        **OpensLayer._answers, "head": "_answer_head", "stages": "_answer_stages", "stage": "_answer_stage",
        "cell": "_answer_cell", "mix": "_answer_mix", "roles": "_answer_roles",
    }  # fmt: skip

    _of_the_model: ClassVar[tuple[str, ...]] = ("roles",)
    _page_sets: ClassVar[tuple[str, ...]] = ("_explained", "_stack")
    _explained = traitlets.Bool(False).tag(sync=True)  # whether the arithmetic of the selected cell is open
    _about = traitlets.Dict().tag(sync=True)
    _thumbnails = traitlets.Bytes().tag(sync=True)

    def __init__(
        self,
        source: Any = None,
        *,
        layer: int | None = None,
        head: int | None = None,
        stack: str = "decoder",
        **keywords: Any,
    ):
        self._given_layer, self._given_head, self._given_stack = layer, head, stack
        self._latest: HeadArithmetic | None = None
        super().__init__(source, **keywords)
        self._set_given(layer=layer, head=head)

    @property
    def head(self) -> int:
        """The open head; set it to open another."""
        return min(int(self.selection.head), _head_count(self._shown(), self.layer) - 1)

    @head.setter
    def head(self, value: int) -> None:
        where = f" in layer {self.layer}"
        self.selection.head = check_index(value, _head_count(self._shown(), self.layer), "head", where=where)

    def _fill(self) -> None:
        trace, self._latest = self._require_trace(), None
        if self._given_stack != "decoder":
            self.stack, self._given_stack = self._given_stack, "decoder"
        maps = StackMaps(trace)
        self._thumbnails = maps.pictures
        self._open(maps.by_stack[self.stack])
        self._about = maps.describe(self.selection)

    def _open(self, thumbnails: Thumbnails) -> None:
        """Selects the head and the cell at which the view opens."""
        shown, selection = self._shown(), self.selection
        if self._given_head is None and self._given_layer not in thumbnails.absent:
            selection.open_head(shown, self._given_layer)
        layer = min(selection.layer, shown.n_layers - 1)
        layer = layer if layer in thumbnails.by_layer else next(iter(thumbnails.by_layer))
        selection.layer, selection.head = layer, min(selection.head, _head_count(shown, layer) - 1)
        if self._source or selection.query >= len(shown.tokens) or selection.key >= len(shown.key_tokens):
            selection.query = selection.key = -1  # a cell of another text

    # Answers to the page

    def _answer_head(self, layer: int, head: int, stack: str = "decoder") -> np.ndarray:
        """Returns the head's map (queries, keys), of a decoder without the future: (T * (T + 1) / 2,).

        NaN where the mask hides a key.
        """
        shown = self._shown(stack)
        weights = masked_weights(shown, *_check_head(shown, layer, head))
        return without_future(weights) if shown.is_causal else weights

    def _answer_stages(self, layer: int, head: int, stack: str = "decoder") -> dict[str, Any]:
        """Returns the stages' names, what "scaled" multiplies by, d_head, and whether the head has a sink."""
        numbers = self._arithmetic(layer, head, stack)
        names, width = list(numbers.stages), numbers.trace.q(layer).shape[-1]
        return {"names": names, "factor": numbers.factor, "width": width, "sink": numbers.sink is not None}

    def _answer_stage(self, layer: int, head: int, stage: str, stack: str = "decoder") -> np.ndarray:
        """Returns the scores of one stage (queries, keys), without the future if all of it is -inf: (T * (T + 1) / 2,)."""
        numbers = self._arithmetic(layer, head, stack)
        scores = numbers.scores(stage)
        if not numbers.trace.is_causal:
            return scores
        future = scores[~np.tri(len(scores), dtype=bool)]
        return without_future(scores) if np.isneginf(future).all() else scores

    def _answer_cell(self, layer: int, head: int, query: int, key: int, stack: str = "decoder") -> dict[str, Any]:
        numbers = self._arithmetic(layer, head, stack)
        positions = check_index(query, len(numbers.trace.tokens), "position"), _check_key(numbers.trace, key)
        return numbers.cell(*positions)

    def _answer_mix(self, layer: int, head: int, query: int, stack: str = "decoder") -> dict[str, Any]:
        numbers = self._arithmetic(layer, head, stack)
        return numbers.mix(check_index(query, len(numbers.trace.tokens), "position"))

    def _arithmetic(self, layer: int, head: int, stack: str = "decoder") -> HeadArithmetic:
        """Returns the arithmetic of a head. The latest one is kept: questions mostly are about the same head."""
        trace, shown, latest = self._require_trace(), self._shown(stack), self._latest
        layer, head = _check_head(shown, layer, head)
        if latest is None or (latest.trace, latest.layer, latest.head) != (shown, layer, head):
            latest = self._latest = HeadArithmetic(trace, layer, head, stack)
        return latest

    def _answer_roles(self) -> dict[str, list[float | None]]:
        """Returns for each role a score of every head, layer by layer; None for a head that does not exist."""
        scores = self._require_trace().role_scores()
        return {role: [or_none(score) for score in of_role.ravel().tolist()] for role, of_role in scores.items()}

    def _page_questions(self) -> Iterator[PageQuestion]:
        """Yields, in this order: all maps; all stage names; the selected row; all stages; the open head's other rows.

        The arithmetic of the other heads is left out: it would make a page too large to mail.
        """
        shown, about = self._shown(), self._about.get("stacks", {"decoder": self._about})
        size, keys = len(shown.tokens), len(shown.key_tokens)
        opened = _head_address(self.stack, self.layer, self.head)
        query = self.selection.query % size
        heads = [
            _head_address(stack, layer, head)
            for stack in self._require_trace().stacks
            for layer in range(self._shown(stack).n_layers)
            for head in range(_head_count(self._shown(stack), layer))
        ]
        heads.sort(key=lambda head: head != opened)
        yield from (("head", head) for head in heads)
        if "stacks" not in self._about:
            yield "roles", {}
        present = [head for head in heads if head["layer"] not in about[head.get("stack", "decoder")]["absent"]]
        yield from (("stages", head) for head in present)
        rows = [opened | {"query": position} for position in range(size - 1, -1, -1)]
        rows.sort(key=lambda row: row["query"] != query)
        yield from _row_questions(rows[0], shown)
        yield from (("stage", head | {"stage": name}) for head in present for name in self._stage_names(**head))
        for row in rows[1:]:
            yield from _row_questions(row, shown)
        if shown.is_causal:
            yield from (("cell", row | {"key": key}) for row in rows for key in range(row["query"] + 1, keys))

    def _stage_names(self, layer: int, head: int, stack: str = "decoder") -> list[str]:
        """Returns the names of the stages of a head's scores; none if the family or the saved trace has no scores."""
        try:
            return list(self._arithmetic(layer, head, stack).stages)
        except NotAvailable:
            return []

    # The still picture and the table

    def _shapes(self) -> list[still.Shape]:
        shown = self._shown()
        name = part_label(self.layer, self.head)
        shapes = [
            still.words(self._phrase("attention", head=self._phrase(f"of_{shown.stack}", head=name))),
            still.heat(masked_weights(shown, self.layer, self.head), shown.tokens, shown.is_causal),
        ]
        if (count := max(len(shown.tokens), len(shown.key_tokens))) > still.MOST_CELLS:
            shapes.append(still.words(self._phrase("pooled", count=count, side=still.MOST_CELLS)))
        return shapes

    def to_table(self) -> list[dict[str, Any]]:
        """Returns one row for each cell of the open head that is not masked: query, key, their texts, weight."""
        shown = self._shown()
        weights = masked_weights(shown, self.layer, self.head)
        queries, keys = ([token.text for token in tokens] for tokens in (shown.tokens, shown.key_tokens))
        return [
            {"query": q, "key": k, "query_text": queries[q], "key_text": keys[k], "weight": float(weights[q, k])}
            for q in range(len(queries))
            for k in range(q + 1 if shown.is_causal else len(keys))
            if not np.isnan(weights[q, k])
        ]


def _head_count(shown: Trace, layer: int) -> int:
    """Returns the number of heads of a layer; for a layer without attention that of the grid's columns."""
    return shown.heads_in(layer) or shown.n_heads


def _check_head(shown: Trace, layer: int, head: int) -> tuple[int, int]:
    layer = check_index(layer, shown.n_layers, "layer")
    return layer, check_index(head, _head_count(shown, layer), "head", where=f" in layer {layer}")


def _check_key(shown: Trace, key: int) -> int:
    return check_index(key, len(shown.key_tokens), "position")


def _head_address(stack: str, layer: int, head: int) -> dict[str, Any]:
    """Returns how the page names a head: the stack stands there only if it is not the decoder."""
    return {"layer": layer, "head": head} | ({} if stack == "decoder" else {"stack": stack})


def _row_questions(row: dict[str, Any], shown: Trace) -> Iterator[PageQuestion]:
    """Yields the questions about one row of a map: its mix, and the arithmetic of each key that is not in the future."""
    yield "mix", row
    last = row["query"] if shown.is_causal else len(shown.key_tokens) - 1
    yield from (("cell", row | {"key": key}) for key in range(last, -1, -1))
