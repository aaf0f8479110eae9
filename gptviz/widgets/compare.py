"""Two traces side by side: two prompts, or two models on one prompt, in attention and in the next token.

It holds the views; the page lays them out. Where both models have the same layers and heads, one selection moves both.
Where both have the same vocabulary, one bench shows both; else tokens are the same if they stand for the same bytes.
"""

from collections.abc import Iterable
from typing import Any

import traitlets

from gptviz import still
from gptviz.errors import WrongType, fail
from gptviz.tokens import Token
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
        if _same_vocabulary(one, other):
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
        leaders = [token for trace in self.traces for token, _ in trace.top(10)]
        tokens = {_standing_for(token): token.text for token in leaders}
        one, other = (_shares(trace, tokens) for trace in self.traces)
        return [{"token": text, "one": one[key], "other": other[key]} for key, text in tokens.items()]


def compare(one: Trace, other: Trace, **keywords: Any) -> Comparison:
    """Two traces side by side: attention maps, linked, and the next token. scale, language: as for every view."""
    return Comparison(one, other, **keywords)


def _same_vocabulary(one: Trace, other: Trace) -> bool:
    """Whether every id stands for the same token in both, so that their probabilities can stand in one table."""
    if one.vocab_size != other.vocab_size:
        return False
    ids = range(one.vocab_size)
    return one.gpt is other.gpt or all(
        _standing_for(one.vocab_token(id)) == _standing_for(other.vocab_token(id)) for id in ids
    )


def _standing_for(token: Token) -> tuple[bytes, bool]:
    """What makes two tokens of two vocabularies the same: their bytes, and whether they are a mark."""
    return token.bytes, token.special


def _shares(trace: Trace, wanted: Iterable[tuple[bytes, bool]]) -> dict[tuple[bytes, bool], float | None]:
    """The probability of each as the next token; of all ids that stand for it together; None if there is none."""
    shares: dict[tuple[bytes, bool], float | None] = dict.fromkeys(wanted)
    for id, share in enumerate(trace.probabilities().tolist()):
        key = _standing_for(trace.vocab_token(id))
        if key in shares:
            shares[key] = (shares[key] or 0.0) + share
    return shares


def _references(views: list[Any]) -> list[str]:
    return [f"anywidget:{view.model_id}" for view in views]
