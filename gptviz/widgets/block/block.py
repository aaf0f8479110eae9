"""BlockView: one token's steps through one block, and each part's contribution to the next token's logit.

Where a family does not have a part, the view shows the trace's error text in its place.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any, ClassVar, cast

import numpy as np
import traitlets

from gptviz.display import still
from gptviz.display.numbers import percent, signed, significant
from gptviz.errors import GPTVizError
from gptviz.lens.shares import attribution, direction, parts_at, sum_rounding
from gptviz.pages.answering import PageQuestion
from gptviz.text.visible import visible
from gptviz.trace.sources import Array
from gptviz.trace.trace import Trace
from gptviz.widgets.block.phrases import PHRASES
from gptviz.widgets.block.steps import block_steps
from gptviz.widgets.shared.chips import describe
from gptviz.widgets.shared.opened import OpensLayer, OpensPosition
from gptviz.widgets.shared.remembered import RememberedTrace
from gptviz.widgets.shared.view import PAGE_TOKENS

LEADERS = 12  # next tokens that the page offers to explain


class BlockView(OpensLayer, OpensPosition):
    """One block of a trace. source: a Trace, or a PromptBox to follow.

    layer: the open block. position: the token whose steps are shown, -1 for the last. Both are stored in the view's
    selection.

    Of an encoder-decoder, the blocks are the decoder's, which have cross attention as a third part.
    """

    _name = "block"
    _titles: ClassVar[dict[str, str]] = {"en": "Block", "zh": "块"}
    _phrases = PHRASES
    _shows_stacks = True  # the decoder's blocks
    _answers: ClassVar[dict[str, str]] = {
        **OpensLayer._answers, "path": "_answer_path", "strips": "_answer_strips", "leaders": "_answer_leaders",
        "shares": "_answer_shares",
    }  # fmt: skip

    _about = traitlets.Dict().tag(sync=True)

    def __init__(self, source: Any = None, *, layer: int | None = None, position: int | None = None, **keywords: Any):
        self._cache: dict[Any, Any] = {}
        self._remembered: RememberedTrace | None = None  # while a page is exported
        super().__init__(source, **keywords)
        self._set_given(layer=layer, position=position)

    def _fill(self) -> None:
        trace = self._require_trace()
        self._cache = {}
        if self.selection.layer >= trace.n_layers:
            self.selection.layer = trace.n_layers - 1
        if self.selection.query >= len(trace.tokens):
            self.selection.query = -1
        self._about = {
            "tokens": [describe(token) for token in trace.tokens],
            "layers": trace.n_layers,
            "heads": trace.n_heads,
            "width": trace.d_model,
            "has_cross": trace.cross_attention is not None,
        }

    # Answers to the page

    def _answer_path(self, layer: int, position: int) -> dict[str, Any]:
        """Returns the steps through the block without their vectors, which `strips` returns, one row for each step."""
        trace = self._require_trace()
        steps, missing = self._steps(layer, self._check_position(position))
        described = [{name: value for name, value in step.items() if name != "vector"} for step in steps]
        return {"steps": described, "missing": missing, "parallel": _or_none(lambda: trace.is_parallel(layer))}

    def _answer_strips(self, layer: int, position: int) -> Array:
        """Returns the vectors of the steps: (steps, d_model)."""
        return np.stack([step["vector"] for step in self._steps(layer, self._check_position(position))[0]])

    def _answer_leaders(self, position: int) -> list[dict[str, Any]]:
        leaders = self._require_trace().top(LEADERS, self._check_position(position))
        return [{"token": describe(token), "probability": p} for token, p in leaders]

    def _answer_shares(self, layer: int, position: int, id: int) -> dict[str, Any]:
        """Returns what each part of the model, and each step through one block, contributes to a next token's logit."""
        position = self._check_position(position)
        steps, _ = self._steps(layer, position)
        along, of_logit = self._cached(
            ("logit", id), position, lambda trace: self._shares_of_logit(trace, id, position)
        )
        of_steps = [None if step["kind"] == "norm" else float(step["vector"] @ along) for step in steps]
        return {**of_logit, "steps": of_steps}

    def _shares_of_logit(self, trace: Trace, id: int, position: int) -> tuple[Array, dict[str, Any]]:
        """Returns the direction in which the stream raises the logit, and what is the same for all blocks."""
        along = direction(trace, id, position)
        parts = self._cached("parts", position, lambda trace: parts_at(trace, position))
        return along, {
            "logit": float(trace.logits[position, id]),
            "probability": float(trace.probabilities(position)[id]),
            "rounding": sum_rounding(trace, along, position),
            "shares": [asdict(share) for share in attribution(trace, id, position, parts=parts)],
        }

    def _steps(self, layer: int, position: int) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        result: tuple[list[dict[str, Any]], dict[str, Any]]
        result = self._cached(layer, position, lambda trace: block_steps(trace, layer, position))
        return result

    def _cached(self, key: Any, position: int, compute: Callable[[Trace], Any]) -> Any:
        """Returns `compute(trace)`, computed once as long as the page asks about the same position of the same trace."""
        trace, cache = self._require_trace(), self._cache
        if cache.get("of") != (trace, position):
            cache = self._cache = {"of": (trace, position)}
        if key not in cache:
            remembered = self._remembered
            is_of_trace = remembered is not None and remembered.trace is trace
            cache[key] = compute(cast(Trace, remembered) if is_of_trace else trace)
        return cache[key]

    def answers_for_a_page(self) -> Iterator[tuple[str, dict[str, Any], Any]]:
        """Yields the answers for an exported page, which ask for the same quantities of many tokens."""
        self._remembered = RememberedTrace(self._require_trace(), PAGE_TOKENS)
        try:
            yield from super().answers_for_a_page()
        finally:
            self._remembered = None

    def _page_questions(self) -> Iterator[PageQuestion]:
        """Yields the questions about the last token first: all blocks, and its likeliest next token; then earlier tokens."""
        trace = self._require_trace()
        layers = sorted(range(trace.n_layers), key=lambda layer: layer != self.layer)
        for position in self._page_positions():
            yield "leaders", {"position": position}
            for rank, (token, _) in enumerate(trace.top(LEADERS, position)):
                for layer in layers:
                    args = {"layer": layer, "position": position}
                    if rank == 0:
                        yield from ((name, args) for name in ("path", "strips"))
                    if rank == 0 or position == len(trace.tokens) - 1:
                        yield "shares", args | {"id": token.id}

    # The still picture and the table

    def _shapes(self) -> list[still.Shape]:
        trace = self._require_trace()
        leader, probability = trace.top(1, self.position)[0]
        caption = self._phrase("ledger", token=visible(leader), share=percent(probability))
        try:
            shares = attribution(trace, leader.id, self.position)
        except GPTVizError as error:
            return [still.chips(trace.tokens), still.words(str(error))]
        sums: dict[str, float] = {}
        for share in shares:
            is_cross = share.part.startswith("cross_")
            part = "block mlp" if share.part == "mlp" else "block cross" if is_cross else "block attention"
            name = self._phrase(share.part if share.layer is None else part, layer=share.layer)
            sums[name] = sums.get(name, 0.0) + share.value
        rows = [(name, value, signed(value)) for name, value in sums.items()]
        total = sum(sums.values())
        return [
            still.chips(trace.tokens),
            still.words(caption),
            still.bars(rows, signed=True),
            still.words(self._phrase("sum", total=significant(total))),
        ]

    def to_table(self) -> list[dict[str, Any]]:
        """Returns a row for each part: its contribution to the logit of the likeliest next token; their sum is that logit."""
        trace = self._require_trace()
        leader, _ = trace.top(1, self.position)[0]
        return [{"token": leader.text, **asdict(share)} for share in attribution(trace, leader.id, self.position)]


def _or_none(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except GPTVizError:
        return None
