"""SamplingBench: from logits to a drawn token, stage by stage, over the whole vocabulary, in the page.

The logits of one position travel once, as float32 bytes; the sliders, the stages and the draws are computed by
`static/sampling_math.js`, the same arithmetic as `gptviz/sampling.py`, so that a drag never asks the kernel. Settings
live in the page: the traits here say where it starts, and setting one moves the page. Labels travel for the tokens
that can come to the top; the text of a rarer one that is drawn is asked for.
"""

from typing import Any, ClassVar

import numpy as np
import traitlets

from gptviz import sampling
from gptviz.errors import WrongType, fail
from gptviz.philox import check_seed
from gptviz.settings import Settings, check_settings
from gptviz.trace import check_index
from gptviz.widgets.base import View, describe
from gptviz.widgets.prompt import PromptBox

LABELS = 256  # tokens whose texts travel: many more than have rows, so that most draws need no question


class SamplingBench(View):
    """One row a token, one column a stage: the model's own, after temperature, after the cuts.

    source: a Trace, or a PromptBox to follow. position: whose next token; -1, and any beyond a later, shorter
    prompt, is the last.
    temperature, top_k, top_p, min_p, repetition_penalty, seed: where the page starts; None is off. The sliders move
    the page only; setting one of these in Python moves the page too.
    rows: how many tokens have a row of their own, 1 to 64; all others share one.
    """

    _name = "sampling"
    _resend_on = ("position",)
    _answers: ClassVar[dict[str, str]] = {**View._answers, "append": "_answer_append"}

    position = traitlets.Int(-1)
    rows = traitlets.Int(16, min=1, max=64).tag(sync=True)
    temperature = traitlets.Any(1.0).tag(sync=True)
    top_k = traitlets.Any(None).tag(sync=True)
    top_p = traitlets.Any(None).tag(sync=True)
    min_p = traitlets.Any(None).tag(sync=True)
    repetition_penalty = traitlets.Any(1.0).tag(sync=True)
    seed = traitlets.Any(0).tag(sync=True)
    _can_append = traitlets.Bool(False).tag(sync=True)
    _logits = traitlets.Bytes().tag(sync=True)
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

    @traitlets.validate("seed")
    def _check_seed(self, proposal: dict[str, Any]) -> int:
        return check_seed(proposal["value"])

    def to_table(self, **settings: Any) -> list[dict[str, Any]]:
        """The table as rows: id, token, logit, and the probability in each stage; the last row is all others.

        settings: as for `sampling.distribution`; those left out are this bench's own. What a slider was moved to is
        known to the page alone: hand it over, for example `bench.to_table(temperature=0.8)`.
        """
        _, logits, previous = self._at_position()
        chosen = {name: getattr(self, name) for name in Settings._fields} | settings
        result = sampling.distribution(logits, previous, **chosen)
        shown = result.order[: self.rows]
        table = [
            {"id": int(id), "token": self._shown().vocab_token(int(id)).text, "logit": float(logits[id])}
            | {name: float(stage[id]) for name, stage in result.stages.items()}
            for id in shown
        ]
        others = {name: max(0.0, 1 - float(stage[shown].sum())) for name, stage in result.stages.items()}
        rest = {"id": None, "token": f"all {len(logits) - len(shown)} others", "logit": None}
        return [*table, rest | others]

    def _fill(self) -> None:
        """Hand the page one position's logits, the tokens before it, and the labels that can come to the top."""
        trace = self._shown()
        position, logits, previous = self._at_position()
        order = np.argsort(-logits, kind="stable")
        # A penalty moves only previous tokens, so the top is always among these, whatever the penalty.
        labelled = {*order[: LABELS + len(set(previous))].tolist(), *previous}
        self._logits = logits.tobytes()
        self._about = {
            "position": position,
            "current": describe(trace.tokens[position]),
            "previous": sorted(set(previous)),
            "labels": [describe(trace.vocab_token(id)) for id in sorted(labelled)],
        }

    def _answer_append(self, id: int) -> int:
        """The drawn token joins the prompt; how many tokens that makes."""
        if self._box is None:
            raise fail(
                "a bench that follows a PromptBox", "one of a Trace", "Make it with SamplingBench(box).", WrongType
            )
        return len(self._box.append(id).tokens)

    def _at_position(self) -> tuple[int, np.ndarray, list[int]]:
        """The position counted from 0, its logits (vocab,) and the ids up to it."""
        trace = self._shown()
        count = len(trace.tokens)
        position = self.position % count if -count <= self.position < count else count - 1
        return position, trace.logits[position], [token.id for token in trace.tokens[: position + 1]]
