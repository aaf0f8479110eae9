"""Comparison: two traces side by side, in attention and in the next token; two prompts, or two models on one prompt.

It holds an AttentionView and a SamplingBench for each trace. Between them the page shows the likeliest next tokens of
either trace with their probability in both. Where both models have the same layers and heads, they share one selection.
Tokens of two vocabularies are the same if they have the same bytes.
"""

from collections.abc import Iterable
from typing import Any, ClassVar

import traitlets

from gptviz import sampling
from gptviz.display import still
from gptviz.display.numbers import percent, significant
from gptviz.errors import WrongType, fail
from gptviz.text.tokens import Token
from gptviz.text.visible import visible
from gptviz.trace.trace import Trace
from gptviz.widgets.attention.attention import AttentionView
from gptviz.widgets.compare.phrases import PHRASES
from gptviz.widgets.sampling.sampling import SamplingBench
from gptviz.widgets.shared.chips import describe
from gptviz.widgets.shared.selection import Selection
from gptviz.widgets.shared.view import View

LEADERS = 10  # of each trace: those have a row
_Key = tuple[bytes, bool]  # what makes tokens of two vocabularies the same: bytes, and whether the token is special


class Comparison(View):
    """Two traces side by side. Made by `gptviz.compare`.

    traces: the two. views: their two AttentionViews, then their two benches.
    """

    _name = "compare"
    _titles: ClassVar[dict[str, str]] = {"en": "Side by side", "zh": "并排比较"}
    _phrases = PHRASES

    _children = traitlets.Dict().tag(sync=True)
    _about = traitlets.Dict().tag(sync=True)

    def __init__(self, one: Trace, other: Trace, **keywords: Any):
        for trace in (one, other):
            if not isinstance(trace, Trace):
                remedy = "gpt.trace(prompt) makes one, gptviz.open_trace(path) opens one."
                raise fail("two traces", type(trace).__name__, remedy, WrongType)
        self._check_keywords(keywords)
        self.traces = one, other
        heads, other_heads = ([trace.heads_in(layer) for layer in range(trace.n_layers)] for trace in self.traces)
        same_shape = heads == other_heads
        shared = keywords.pop("selection", None) or Selection()
        selections = (shared, shared) if same_shape else (shared, Selection())
        maps = [AttentionView(t, selection=s, **keywords) for t, s in zip(self.traces, selections, strict=True)]
        benches = [SamplingBench(trace, **keywords) for trace in self.traces]
        self.views: list[View] = [*maps, *benches]
        self._rows = _rows(one, other)
        super().__init__(None, selection=shared, **keywords)
        self._children = {"maps": _references(maps), "benches": _references(benches)}
        self._about = {
            "traces": [{"model": t.model_name, "text": t.text, "tokens": len(t.tokens)} for t in self.traces],
            "linked": same_shape,
            "opened": maps[0]._about["opening"] is not None,
            "next": self._next_tokens(),
        }
        self.trace = one

    def _fill(self) -> None:
        """Sets nothing: the views that it holds send the numbers."""

    def family(self) -> list[View]:
        """Returns this view and those that it holds."""
        return [self, *self.views]

    def _next_tokens(self) -> dict[str, Any]:
        """Returns the next token in both traces by the models' own probabilities: rows, the rest, and entropy in bits."""
        leaders = [_key(trace.top(1)[0][0]) for trace in self.traces]
        return {
            "rows": [
                {"token": describe(token), "shares": shares, "leads": [leader == _key(token) for leader in leaders]}
                for token, shares in self._rows
            ],
            "others": [max(0.0, 1 - sum(shares[side] or 0.0 for _, shares in self._rows)) for side in (0, 1)],
            "entropy": [sampling.entropy(trace.probabilities()) for trace in self.traces],
        }

    def _shapes(self) -> list[still.Shape]:
        shapes: list[still.Shape] = []
        for side, (trace, map) in enumerate(zip(self.traces, self.views[:2], strict=True)):
            entropy = sampling.entropy(trace.probabilities())
            leader, share = trace.top(1)[0]
            numbers = {"share": percent(share), "bits": significant(entropy), "choices": significant(2**entropy)}
            bars = [(visible(token), shares[side] or 0.0, self._percent(shares[side])) for token, shares in self._rows]
            shapes += [
                still.words(self._phrase("reads", model=trace.model_name, count=len(trace.tokens))),
                still.words(trace.text, 16),
                *map._shapes(),
                still.words(self._phrase("next", token=visible(leader), **numbers)),
                still.bars(bars),
            ]
        return shapes

    def _percent(self, share: float | None) -> str:
        return self._phrase("unknown") if share is None else percent(share)

    def to_table(self) -> list[dict[str, Any]]:
        """Returns a row for each of the ten likeliest tokens of either trace: its probability in both."""
        return [{"token": token.text, "one": one, "other": other} for token, (one, other) in self._rows]


def compare(one: Trace, other: Trace, **keywords: Any) -> Comparison:
    """Shows two traces side by side: attention maps, linked, and the next token. scale, language: as for every view."""
    return Comparison(one, other, **keywords)


def _key(token: Token) -> _Key:
    return token.bytes, token.special


def _rows(one: Trace, other: Trace) -> list[tuple[Token, list[float | None]]]:
    """Returns the leaders of either trace with their probability in both, the largest probability first.

    A probability is the sum over all ids of the vocabulary with the token's bytes; None if there is no such id.
    """
    tokens = {_key(token): token for trace in (one, other) for token, _ in trace.top(LEADERS)}
    ids = _ids(one, tokens)
    sides = [(one.probabilities(), ids), (other.probabilities(), ids if one.gpt is other.gpt else _ids(other, tokens))]
    rows = [(t, [float(p[ids[key]].sum()) if ids[key] else None for p, ids in sides]) for key, t in tokens.items()]
    return sorted(rows, key=lambda row: -max(share or 0.0 for share in row[1]))


def _ids(trace: Trace, keys: Iterable[_Key]) -> dict[_Key, list[int]]:
    """Returns for each key the ids of the trace's vocabulary that it stands for."""
    ids: dict[_Key, list[int]] = {key: [] for key in keys}
    for id in range(trace.vocab_size):
        ids.get(_key(trace.vocab_token(id)), []).append(id)
    return ids


def _references(views: list[Any]) -> list[str]:
    return [f"anywidget:{view.model_id}" for view in views]
