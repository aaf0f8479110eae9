"""Two traces side by side: two prompts, or two models on one prompt, in attention and in the next token.

It holds the views; the page lays them out. Where both models have the same layers and heads, one selection moves both.
"""

from typing import Any

import traitlets

from gptviz import still
from gptviz.errors import WrongType, fail
from gptviz.trace import Trace
from gptviz.widgets.attention import AttentionView
from gptviz.widgets.base import View
from gptviz.widgets.sampling import SamplingBench
from gptviz.widgets.selection import Selection


class Comparison(View):
    """Made by `gptviz.compare`. traces: the two. views: the two AttentionViews, and one bench or two."""

    _name = "compare"

    _children = traitlets.Dict().tag(sync=True)
    _about = traitlets.Dict().tag(sync=True)

    def __init__(self, one: Trace, other: Trace, **keywords: Any):
        for trace in (one, other):
            if not isinstance(trace, Trace):
                kind = type(trace).__name__
                raise fail(
                    "two traces", kind, "gpt.trace(prompt) makes one, gptviz.open_trace(path) opens one.", WrongType
                )
        self._check_keywords(keywords)
        self.traces = one, other
        alike = (one.n_layers, one.n_heads) == (other.n_layers, other.n_heads)
        shared = keywords.pop("selection", None) or Selection()
        selections = (shared, shared) if alike else (shared, Selection())
        maps = [AttentionView(t, selection=s, **keywords) for t, s in zip(self.traces, selections, strict=True)]
        if one.vocab_size == other.vocab_size:
            benches = [SamplingBench(one.next_token(), beside=other.next_token(), **keywords)]
        else:
            benches = [SamplingBench(trace, **keywords) for trace in self.traces]
        self.views: list[View] = [*maps, *benches]
        super().__init__(None, selection=shared, **keywords)
        self._children = {"maps": _references(maps), "benches": _references(benches)}
        self._about = {
            "traces": [{"model": t.model_name, "text": t.text, "tokens": len(t.tokens)} for t in self.traces],
            "linked": alike,
        }
        self.trace = one

    def _fill(self) -> None:
        """Everything travels with the views that it holds."""

    def family(self) -> list[View]:
        """This view and those that it holds."""
        return [self, *self.views]

    def _shapes(self) -> list[still.Shape]:
        return [shape for view in self.views for shape in view._shapes()]

    def to_table(self) -> list[dict[str, Any]]:
        """One row a token that one of the two has among its ten likeliest: its probability after each."""
        leaders = [dict(trace.top(10)) for trace in self.traces]
        ids = dict.fromkeys(token.id for found in leaders for token in found)
        shares = [trace.probabilities() for trace in self.traces]
        return [
            {
                "id": id,
                "token": trace_token(self.traces, id),
                "one": _share(shares[0], id),
                "other": _share(shares[1], id),
            }
            for id in ids
        ]


def compare(one: Trace, other: Trace, **keywords: Any) -> Comparison:
    """Two traces side by side: attention maps, linked, and the next token. scale, language: as for every view."""
    return Comparison(one, other, **keywords)


def trace_token(traces: tuple[Trace, Trace], id: int) -> str:
    """The token's text in the first model that has it."""
    return next(trace.vocab_token(id).text for trace in traces if id < trace.vocab_size)


def _share(shares: Any, id: int) -> float | None:
    return float(shares[id]) if id < len(shares) else None


def _references(views: list[Any]) -> list[str]:
    return [f"anywidget:{view.model_id}" for view in views]
