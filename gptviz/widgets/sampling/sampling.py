"""SamplingBench: from logits to a drawn token, stage by stage, over the whole vocabulary.

The logits of one next token, or of two to compare, travel to the page once as float32 bytes. The page computes sliders,
stages and draws in `math.js`, with the same arithmetic as `gptviz/sampling/`, so a moved slider needs no message to the
kernel. The settings belong to the page: the traits here give their start values, and setting one updates the page. Labels
travel for the tokens that any setting can move to the top; the page asks for the text of a rarer one that is drawn.
"""

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import traitlets

from gptviz import sampling
from gptviz.checks import check_index
from gptviz.display import still
from gptviz.display.numbers import percent
from gptviz.errors import NotAvailable, WrongType, fail
from gptviz.pages.answering import PageQuestion
from gptviz.sampling.next_token import NextToken
from gptviz.sampling.philox import check_seed
from gptviz.sampling.settings import Settings, check_settings
from gptviz.served.next_token import RevealedNextToken
from gptviz.served.reading import ServedReading
from gptviz.text.visible import visible
from gptviz.widgets.prompt.prompt import PromptBox
from gptviz.widgets.prompt.served import ServedPromptBox
from gptviz.widgets.prompt.typed import has_target
from gptviz.widgets.sampling.phrases import PHRASES
from gptviz.widgets.sampling.revealed import bars_of_revealed, describe_revealed, table_of_revealed
from gptviz.widgets.shared.chips import describe
from gptviz.widgets.shared.view import View

_SOURCES = (NextToken, RevealedNextToken)
LABELS = 256  # tokens whose texts travel: many more than have rows, so that most draws need no question


class SamplingBench(View):
    """A row for each token; columns for the model's probabilities, after temperature, and after the cuts.

    source: a Trace, a PromptBox to follow, or a NextToken (`trace.next_token(position)`; `gpt.next_token(completion, step)`
    for a step of a completion), or what a server reveals of one (`gptviz.connect(…).next_token(prompt)`): then all tokens
    that are not revealed share one hatched bar, and the bench says where a setting depends on them.
    position: the token before the next one; -1, and any that a shorter prompt does not have, is the last. next_token: what
    the bench shows; may be set again. beside: a second NextToken of the same vocabulary, whose probabilities after the cuts
    get a column.
    temperature, top_k, top_p, min_p, repetition_penalty, seed: the page's start values; None is off. The sliders change
    the page only; setting one of these in Python changes the page too.
    rows: how many tokens have a row, 1 to 64; all others share one. Each revealed token has one.
    all_stages: show each of the six stages in its own column.
    """

    _name = "sampling"
    _titles: ClassVar[dict[str, str]] = {"en": "Sampling", "zh": "采样"}
    _phrases = PHRASES
    _shows_stacks = True  # the decoder's next token
    _redraw_traits = ("next_token", "beside")
    _answers: ClassVar[dict[str, str]] = {**View._answers, "append": "_answer_append"}

    position = traitlets.Int(-1)
    next_token = traitlets.Union([traitlets.Instance(kind) for kind in _SOURCES], allow_none=True)
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
        self.position = self.position  # validated again, now that there is a trace to check it against

    @traitlets.validate(*Settings._fields)
    def _validate_setting(self, proposal: dict[str, Any]) -> Any:
        name = proposal["trait"].name
        return getattr(check_settings(**{name: proposal["value"]}), name)

    @traitlets.validate("position")
    def _validate_position(self, proposal: dict[str, Any]) -> int:
        if self.trace is not None:
            check_index(proposal["value"], len(self.trace.tokens), "position", negative=True)
        return int(proposal["value"])

    @traitlets.validate("beside")
    def _validate_beside(self, proposal: dict[str, Any]) -> NextToken | None:
        beside: NextToken | None = proposal["value"]
        if beside is not None and self.next_token is not None:
            expected, got = len(self._require_logits("compare two").logits), len(beside.logits)
            if expected != got:
                wanted = f"a next token of the same vocabulary, {expected:,} logits"
                raise fail(wanted, f"{got:,}", "Use one model for both.")
        return beside

    @traitlets.validate("seed")
    def _validate_seed(self, proposal: dict[str, Any]) -> int:
        return check_seed(proposal["value"])

    def _follow(self, source: Any) -> None:
        if isinstance(source, _SOURCES):
            self.next_token = source
        else:
            super()._follow(source)

    def show_served(self, reading: ServedReading) -> None:
        """Shows the next token that the server reveals; without one the bench is empty and says why."""
        if reading.next_token is None:
            super().show_served(reading)
        else:
            self.next_token = reading.next_token

    def _has_source(self) -> bool:
        return self.trace is not None or self.next_token is not None

    @traitlets.observe("trace", "position")
    def _set_next_token(self, _change: Any) -> None:
        """Shows the next token of the trace at the position."""
        if self.trace is not None:
            count = len(self.trace.tokens)
            position = self.position if -count <= self.position < count else -1
            self.set_trait("next_token", self.trace.next_token(position))

    def _require_next_token(self) -> NextToken | RevealedNextToken:
        if self.next_token is None:
            raise fail("a next token to show", "none yet", "Set bench.trace or bench.next_token, or run a prompt.")
        shown: NextToken | RevealedNextToken = self.next_token
        return shown

    def _require_logits(self, purpose: str) -> NextToken:
        shown = self._require_next_token()
        if isinstance(shown, RevealedNextToken):
            remedy = "Load the model here, with gptviz.load(name)."
            raise fail(
                f"all logits, to {purpose}", "a server's likeliest tokens only", remedy, NotAvailable, "served_inside"
            )
        return shown

    def _fill(self) -> None:
        """Sends the logits, the tokens before them, and the labels of the tokens that can come to the top."""
        if isinstance(self.next_token, RevealedNextToken):
            self._logits = self._beside_logits = b""
            self._about = describe_revealed(self.next_token)
            return
        shown, beside = self._require_logits("show them"), self.beside
        if beside is not None and len(beside.logits) != len(shown.logits):
            beside = None  # the box has another model now
        self._logits = shown.logits.tobytes()
        self._beside_logits = beside.logits.tobytes() if beside else b""
        self._about = {
            **_describe_position(shown),
            "labels": [describe(shown.vocab_token(id)) for id in sorted(_labelled_ids(shown, beside))],
            "beside": None if beside is None else _describe_position(beside),
            "revealed": None,
            "to_target": self._box is not None and has_target(self._box.gpt),
        }

    # Answers to the page

    def _answer_token(self, id: int) -> dict[str, Any]:
        return describe(self._require_logits("name any token").vocab_token(id))

    def _answer_append(self, id: int) -> int:
        """Appends the drawn token to the prompt of the box, or to its target; returns the new number of tokens."""
        if self._box is None:
            remedy = "Make it with SamplingBench(box)."
            raise fail("a bench that follows a PromptBox", "one of a Trace", remedy, WrongType)
        shown = self._require_next_token()
        if isinstance(shown, RevealedNextToken) and isinstance(self._box, ServedPromptBox):
            rank = check_index(id, len(shown.leaders), "token id")  # the page numbers them from 0
            return len(self._box.append_token(shown.leaders[rank].token).tokens)
        return len(self._box.append(id).tokens)

    def _page_questions(self) -> Iterator[PageQuestion]:
        """Yields questions for the texts of the tokens without labels, the likeliest first."""
        shown, labelled = self._require_next_token(), {token["id"] for token in self._about["labels"]}
        if isinstance(shown, RevealedNextToken):
            return
        order = np.argsort(-shown.logits, kind="stable").tolist()
        yield from (("token", {"id": id}) for id in order if id not in labelled)

    # The still picture and the table

    def _settings(self, **others: Any) -> Settings:
        """Returns this bench's own settings, with others in their place."""
        return check_settings(**{name: getattr(self, name) for name in Settings._fields} | others)

    def _shapes(self) -> list[still.Shape]:
        shown = self._require_next_token()
        if isinstance(shown, RevealedNextToken):
            caption = self._phrase("revealed", temperature=self.temperature)
            bars = bars_of_revealed(shown, self._settings(), self._phrase("unrevealed"))
            return [still.words(shown.prompt), still.words(caption), still.bars(bars, rest=True)]
        table = self.to_table()[:-1]
        final = list(table[0])[-1]  # the name of the last stage
        bars = [(visible(shown.vocab_token(row["id"])), row[final], percent(row[final])) for row in table]
        caption = self._phrase("drawn", token=visible(shown.before[-1]), temperature=self.temperature)
        return [still.words(caption), still.bars(bars)]

    def to_table(self, **settings: Any) -> list[dict[str, Any]]:
        """Returns a row for each token: id, token, logit, and the probability in each stage. The last row is all others.

        settings: as for `sampling.distribution`; those left out are this bench's own. Only the page knows where a slider
        was moved to; pass the value, for example `bench.to_table(temperature=0.8)`. Of a served model there is a row for
        each revealed token, with its logprob in place of the logit, and NaN for what is not known.
        """
        shown, chosen = self._require_next_token(), self._settings(**settings)
        if isinstance(shown, RevealedNextToken):
            return table_of_revealed(shown, chosen)
        result = sampling.distribution(shown.logits, shown.previous_ids, **chosen._asdict())
        ids = result.order[: self.rows]
        table = [
            {"id": int(id), "token": shown.vocab_token(int(id)).text, "logit": float(shown.logits[id])}
            | {name: float(stage[id]) for name, stage in result.stages.items()}
            for id in ids
        ]
        others = {name: max(0.0, 1 - float(stage[ids].sum())) for name, stage in result.stages.items()}
        count = len(shown.logits) - len(ids)
        return [*table, {"id": None, "token": f"{count} other tokens", "logit": None} | others]


def _describe_position(shown: NextToken) -> dict[str, Any]:
    """Returns the position before the next token, the token there, and the ids that the repetition penalty affects."""
    previous = sorted(set(shown.previous_ids))
    return {"position": len(shown.before) - 1, "current": describe(shown.before[-1]), "previous": previous}


def _labelled_ids(shown: NextToken, beside: NextToken | None) -> set[int]:
    """Returns the ids whose labels travel: those that can come to the top here, or beside."""
    ids = _leading_ids(shown)
    return ids if beside is None else ids | _leading_ids(beside)


def _leading_ids(shown: NextToken) -> set[int]:
    """Returns the ids that can come to the top.

    The repetition penalty moves only previous tokens, so the top rows are among these ids whatever the penalty is.
    """
    previous = set(shown.previous_ids)
    order = np.argsort(-shown.logits, kind="stable")
    return {*order[: LABELS + len(previous)].tolist(), *previous}
