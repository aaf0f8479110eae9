"""SamplingBench: from logits to a drawn token, stage by stage, over the whole vocabulary, in the page.

It takes the scores of one next token, or of two to be seen beside each other. They travel once, as float32 bytes; the
sliders, the stages and the draws are computed by `static/sampling_math.js`, the same arithmetic as
`gptviz/sampling.py`, so that a drag never asks the kernel. Settings live in the page: the traits here say where it
starts, and setting one moves the page. Labels travel for the tokens that can come to the top; the text of a rarer one
that is drawn is asked for.
"""

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import traitlets

from gptviz import sampling
from gptviz.checks import check_index
from gptviz.display import still
from gptviz.errors import WrongType, fail
from gptviz.sampling.next_token import NextToken
from gptviz.sampling.philox import check_seed
from gptviz.sampling.settings import Settings, check_settings
from gptviz.text.visible import visible
from gptviz.widgets.prompt.prompt import PromptBox
from gptviz.widgets.shared.chips import describe
from gptviz.widgets.shared.view import View

LABELS = 256  # tokens whose texts travel: many more than have rows, so that most draws need no question


class SamplingBench(View):
    """One row a token; columns for the model's own, after temperature, after the cuts, or one for each of six stages.

    source: a Trace, a PromptBox to follow, or a NextToken (`trace.next_token(position)`; `gpt.next_token(completion, step)`
    for a step of a completion). position: whose next token; -1, and any beyond a later, shorter prompt, is the last.
    next_token: what is on the bench; set it to put something else there. beside: a second NextToken of the same
    vocabulary, whose probabilities after the cuts get a column of their own.
    temperature, top_k, top_p, min_p, repetition_penalty, seed: where the page starts; None is off. The sliders move
    the page only; setting one of these in Python moves the page too.
    rows: how many tokens have a row of their own, 1 to 64; all others share one. all_stages: whether each stage has a
    column of its own, or the cuts share one.
    """

    _name = "sampling"
    _titles: ClassVar[dict[str, str]] = {"en": "Sampling", "zh": "采样"}
    _redraw_traits = ("next_token", "beside")
    _answers: ClassVar[dict[str, str]] = {**View._answers, "append": "_answer_append"}

    position = traitlets.Int(-1)
    next_token = traitlets.Instance(NextToken, allow_none=True)
    beside = traitlets.Instance(NextToken, allow_none=True)
    rows = traitlets.Int(16, min=1, max=64).tag(sync=True)
    temperature = traitlets.Any(1.0).tag(sync=True)
    top_k = traitlets.Any(None).tag(sync=True)
    top_p = traitlets.Any(None).tag(sync=True)
    min_p = traitlets.Any(None).tag(sync=True)
    repetition_penalty = traitlets.Any(1.0).tag(sync=True)
    seed = traitlets.Any(0).tag(sync=True)
    all_stages = traitlets.Bool(False).tag(sync=True)
    _can_append = traitlets.Bool(False).tag(sync=True)
    _logits = traitlets.Bytes().tag(sync=True)
    _beside_logits = traitlets.Bytes().tag(sync=True)
    _about = traitlets.Dict().tag(sync=True)

    def __init__(self, source: Any = None, **keywords: Any):
        self._box = source if isinstance(source, PromptBox) else None
        super().__init__(source, **keywords)
        self._can_append = self._box is not None
        self.position = self.position  # once more, now that there is a trace to check it against

    @traitlets.validate(*Settings._fields)
    def _check_setting(self, proposal: dict[str, Any]) -> Any:
        name = proposal["trait"].name
        return getattr(check_settings(**{name: proposal["value"]}), name)

    @traitlets.validate("position")
    def _check_position(self, proposal: dict[str, Any]) -> int:
        if self.trace is not None:
            check_index(proposal["value"], len(self.trace.tokens), "position", negative=True)
        return int(proposal["value"])

    @traitlets.validate("beside")
    def _check_beside(self, proposal: dict[str, Any]) -> NextToken | None:
        beside: NextToken | None = proposal["value"]
        if beside is not None and self.next_token is not None:
            expected, got = len(self.next_token.logits), len(beside.logits)
            if expected != got:
                raise fail(
                    f"a next token of the same vocabulary, {expected:,} logits", f"{got:,}", "Use one model for both."
                )
        return beside

    @traitlets.validate("seed")
    def _check_seed(self, proposal: dict[str, Any]) -> int:
        return check_seed(proposal["value"])

    def _shapes(self) -> list[still.Shape]:
        rows = [(visible(self._on_bench().vocab_token(row["id"])), row) for row in self.to_table()[:-1]]
        last = list(rows[0][1])[-1]
        drawn = [(name, row[last], f"{100 * row[last]:.3g} %") for name, row in rows]
        after = visible(self._on_bench().before[-1])
        return [still.words(self._phrase("drawn", token=after, temperature=self.temperature)), still.bars(drawn)]

    def to_table(self, **settings: Any) -> list[dict[str, Any]]:
        """The table as rows: id, token, logit, and the probability in each stage; the last row is all others.

        settings: as for `sampling.distribution`; those left out are this bench's own. What a slider was moved to is
        known to the page alone: hand it over, for example `bench.to_table(temperature=0.8)`.
        """
        shown_now = self._on_bench()
        logits = shown_now.logits
        chosen = {name: getattr(self, name) for name in Settings._fields} | settings
        result = sampling.distribution(logits, shown_now.previous_ids, **chosen)
        shown = result.order[: self.rows]
        table = [
            {"id": int(id), "token": shown_now.vocab_token(int(id)).text, "logit": float(logits[id])}
            | {name: float(stage[id]) for name, stage in result.stages.items()}
            for id in shown
        ]
        others = {name: max(0.0, 1 - float(stage[shown].sum())) for name, stage in result.stages.items()}
        rest = {"id": None, "token": f"all {len(logits) - len(shown)} others", "logit": None}
        return [*table, rest | others]

    def _follow(self, source: Any) -> None:
        if isinstance(source, NextToken):
            self.next_token = source
        else:
            super()._follow(source)

    def _has_source(self) -> bool:
        return self.trace is not None or self.next_token is not None

    @traitlets.observe("trace", "position")
    def _take_position(self, _change: Any) -> None:
        """A trace, or another of its positions, replaces what was on the bench."""
        if self.trace is not None:
            count = len(self.trace.tokens)
            self.set_trait(
                "next_token", self.trace.next_token(self.position if -count <= self.position < count else -1)
            )

    def _fill(self) -> None:
        """Hand the page the logits, the tokens before them, and the labels that can come to the top."""
        shown, beside = self._on_bench(), self.beside
        if beside is not None and len(beside.logits) != len(shown.logits):
            beside = None  # the box has another model now
        self._logits = shown.logits.tobytes()
        self._beside_logits = beside.logits.tobytes() if beside else b""
        self._about = {
            **_place(shown),
            "previous": sorted(set(shown.previous_ids)),
            "labels": [describe(shown.vocab_token(id)) for id in sorted(_near_the_top(shown))],
            "beside": None if beside is None else {**_place(beside), "previous": sorted(set(beside.previous_ids))},
        }

    def _page_questions(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """The texts of the tokens whose labels do not travel anyway, the likeliest first."""
        shown = self._on_bench()
        labelled = _near_the_top(shown)
        order = np.argsort(-shown.logits, kind="stable").tolist()
        yield from (("token", {"id": id}) for id in order if id not in labelled)

    def _answer_token(self, id: int) -> dict[str, Any]:
        return describe(self._on_bench().vocab_token(id))

    def _answer_append(self, id: int) -> int:
        """The drawn token joins the prompt; how many tokens that makes."""
        if self._box is None:
            raise fail(
                "a bench that follows a PromptBox", "one of a Trace", "Make it with SamplingBench(box).", WrongType
            )
        return len(self._box.append(id).tokens)

    def _on_bench(self) -> NextToken:
        if self.next_token is None:
            raise fail("a next token to show", "none yet", "Set bench.trace or bench.next_token, or run a prompt.")
        return self.next_token


def _place(shown: NextToken) -> dict[str, Any]:
    return {"position": len(shown.before) - 1, "current": describe(shown.before[-1])}


def _near_the_top(shown: NextToken) -> set[int]:
    """Ids whose labels travel. A penalty moves only previous tokens, so the top is among these, whatever the penalty."""
    previous = set(shown.previous_ids)
    order = np.argsort(-shown.logits, kind="stable")
    return {*order[: LABELS + len(previous)].tolist(), *previous}
