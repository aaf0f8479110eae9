"""A checked request to generate, and what has been generated for it so far.

`check_request` finds everything that can be wrong with a call before any work is done. Not about how tokens are
generated: see `loop.py`.
"""

import inspect
import threading
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from gptviz.generation.call import check_call, refuse_setting
from gptviz.generation.completion import Choice, Completion, FinishReason, Step, Usage
from gptviz.generation.stopping import ContinuationText
from gptviz.sampling.settings import Settings
from gptviz.text.tokens import Token, with_roles
from gptviz.text.turns import TurnEnd, turn_end
from gptviz.trace.runnable import PreparedEdits, Prompt, RunnableModel


@dataclass
class Row:
    """One choice while it is being generated. ids: prompt and output so far. text: the text of the output.

    finish_reason: why it has ended; None while it goes on. An interrupt may come at any moment, also between the changes
    that a step makes here, so what a completion says is derived from `steps` alone.
    """

    choice: int
    text: ContinuationText
    ids: list[int]
    steps: list[Step] = field(default_factory=list)
    finish_reason: FinishReason | None = None

    def completed(self, end_ids: frozenset[int]) -> Choice:
        """Returns the choice as its steps tell it; one that has not ended is "interrupted"."""
        steps = tuple(self.steps)
        reason = steps[-1].finish_reason if steps else self.finish_reason
        ids = [step.token.id for step in steps if step.token.id not in end_ids]
        return Choice(self.choice, self.text.final(ids, reason == "stop"), reason or "interrupted", steps)


@dataclass
class Request:
    """A checked call, and what has been generated for it so far; `check_request` makes one.

    gpt: the model. prompt, ids, tokens: the prompt's text, token ids and tokens; of an encoder-decoder, the source's text,
    and the ids and tokens that the target begins with. rows: one for each choice. end_ids: the
    tokens that end a text. cancel: an event that ends the choices where they are. editing: the edits, prepared for this
    model. weights: what `gpt.weight_versions()` was. speaker: the role of generated tokens, if the prompt is a chat in
    which the assistant speaks next. lead: what the template writes before the content of an answer.
    """

    gpt: RunnableModel
    prompt: str
    ids: list[int]
    tokens: tuple[Token, ...]
    rows: list[Row]
    end_ids: frozenset[int]
    max_tokens: int
    settings: Settings
    seed: int
    cancel: threading.Event | None
    stop: tuple[str, ...]
    editing: PreparedEdits
    weights: object
    speaker: str | None = None
    lead: str = ""

    def completion(self) -> Completion:
        """Returns what has been generated so far; choices that have not ended are "interrupted"."""
        choices = tuple(self._with_content(row.completed(self.end_ids)) for row in self.rows)
        return Completion(
            id=f"cmpl-{uuid.uuid4().hex}",
            created=int(time.time()),
            model=self.gpt.name,
            prompt=self.prompt,
            prompt_tokens=self.tokens,
            choices=choices,
            usage=Usage(len(self.ids), sum(len(choice.steps) for choice in choices)),
            seed=self.seed,
            settings=self.settings._asdict(),
            max_tokens=self.max_tokens,
            stop=self.stop,
            edits=self.editing.edits,
            weight_versions=self.weights,
            source_tokens=self.gpt.source_tokens,
        )

    def _with_content(self, choice: Choice) -> Choice:
        return replace(choice, content=choice.text.removeprefix(self.lead)) if self.speaker else choice


def check_request(
    gpt: RunnableModel,
    prompt: Prompt,
    max_tokens: int = 150,
    n: int = 1,
    stop: Any = None,
    temperature: float = 0.7,
    top_k: int | None = None,
    top_p: float | None = None,
    min_p: float | None = None,
    repetition_penalty: float = 1.0,
    seed: int | None = None,
    edits: Any = (),
    add_special_tokens: bool | None = None,
    truncate: str | None = None,
    cancel: threading.Event | None = None,
    **unknown: Any,
) -> Request:
    """Checks all settings of a call and encodes its prompt; see `loop.complete` for what the settings mean.

    Raises GPTVizError for values out of range, WrongType for types and unknown names.
    """
    for name in unknown:
        known = inspect.signature(check_request).parameters
        raise refuse_setting(name, [parameter for parameter in known if parameter not in ("gpt", "prompt", "unknown")])
    call = check_call(max_tokens, n, stop, temperature, top_k, top_p, min_p, repetition_penalty, seed, cancel)
    reading = gpt.read(prompt, add_special_tokens=add_special_tokens, truncate=truncate, room=call.max_tokens)
    ids, tokens = reading.ids, with_roles(gpt.tokens(reading.ids), reading.roles)
    turn = turn_end(gpt.tokenizer) if reading.is_chat else TurnEnd()
    stops = tuple(dict.fromkeys([*call.stop, *turn.stops]))
    plain = [token.id for token in tokens if not token.special]
    rows = [Row(choice, ContinuationText(gpt.decoding, ids, plain, stops), list(ids)) for choice in range(call.n)]
    text = gpt.source_text if gpt.source_tokens else prompt if isinstance(prompt, str) else gpt.prompt_text(ids)
    editing, weights = gpt.editing(edits, len(ids)), gpt.weight_versions()
    return Request(
        gpt, text, ids, tokens, rows, gpt.end_ids | turn.ids, call.max_tokens, call.settings, call.seed, cancel, stops,
        editing, weights, reading.speaker, turn.lead,
    )  # fmt: skip


def end_ids_after(prompt: Sequence[Token], gpt: RunnableModel) -> frozenset[int]:
    """Returns the tokens that end a continuation of these tokens: in a chat, the one that ends the assistant's turn too."""
    is_chat = any(token.role for token in prompt)
    return gpt.end_ids | turn_end(gpt.tokenizer).ids if is_chat else gpt.end_ids
