"""A checked request to generate, and what has been generated for it so far.

`check_request` finds everything that can be wrong with a call before any work is done. Not about how tokens are
generated: see `loop.py`.
"""

import inspect
import secrets
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from gptviz.checks import check_count, did_you_mean
from gptviz.errors import WrongType, fail
from gptviz.generation.completion import Choice, Completion, FinishReason, Step, Usage
from gptviz.generation.stopping import TextRelease
from gptviz.sampling.philox import check_seed
from gptviz.sampling.settings import Settings, check_settings
from gptviz.trace.runnable import PreparedEdits, Prompt, RunnableModel


@dataclass
class Row:
    """One choice while it is being generated. ids: prompt and output so far. release: holds its text."""

    choice: int
    release: TextRelease
    ids: list[int]
    steps: list[Step] = field(default_factory=list)
    finish_reason: FinishReason | None = None


@dataclass
class Request:
    """A checked call, and what has been generated for it so far; `check_request` makes one.

    gpt: the model. prompt, ids: the prompt's text and token ids. rows: one for each choice. cancel: an event that ends
    the choices where they are. editing: the edits, prepared for this model.
    """

    gpt: RunnableModel
    prompt: str
    ids: list[int]
    rows: list[Row]
    max_tokens: int
    settings: Settings
    seed: int
    cancel: threading.Event | None
    stop: tuple[str, ...]
    editing: PreparedEdits

    def completion(self) -> Completion:
        """Returns what has been generated so far; choices that have not ended are "interrupted"."""
        for row in self.rows:
            if row.finish_reason is None:
                row.release.add(b"", last=True)
        choices = tuple(
            Choice(row.choice, row.release.text, row.finish_reason or "interrupted", tuple(row.steps))
            for row in self.rows
        )
        return Completion(
            id=f"cmpl-{uuid.uuid4().hex}",
            created=int(time.time()),
            model=self.gpt.name,
            prompt=self.prompt,
            prompt_tokens=self.gpt.tokens(self.ids),
            choices=choices,
            usage=Usage(len(self.ids), sum(len(choice.steps) for choice in choices)),
            seed=self.seed,
            settings=self.settings._asdict(),
            max_tokens=self.max_tokens,
            stop=self.stop,
            edits=self.editing.edits,
        )


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
    if unknown:
        _refuse_setting(next(iter(unknown)))
    settings = check_settings(
        temperature=temperature, top_k=top_k, top_p=top_p, min_p=min_p, repetition_penalty=repetition_penalty
    )
    max_tokens, n = check_count(max_tokens, "max_tokens"), check_count(n, "n")
    stops = _check_stop(stop)
    seed = secrets.randbelow(2**31) if seed is None else check_seed(seed)
    if cancel is not None and not isinstance(cancel, threading.Event):
        raise fail("a threading.Event as cancel", f"{cancel!r}", "Set it to end the choices where they are.", WrongType)
    ids = gpt.encode(prompt, add_special_tokens=add_special_tokens, truncate=truncate, room=max_tokens)
    rows = [Row(choice, TextRelease(stops), list(ids)) for choice in range(n)]
    text = prompt if isinstance(prompt, str) else gpt.decode(ids)
    editing = gpt.editing(edits, len(ids))
    return Request(gpt, text, ids, rows, max_tokens, settings, seed, cancel, stops, editing)


def _refuse_setting(name: str) -> None:
    known = [p for p in inspect.signature(check_request).parameters if p not in ("gpt", "prompt", "unknown")]
    raise fail(f"settings among {', '.join(known)}", name, did_you_mean(name, known), WrongType)


def _check_stop(stop: Any) -> tuple[str, ...]:
    """Returns the stop strings as a tuple, from one string, several or None."""
    stops = (stop,) if isinstance(stop, str) else () if stop is None else stop
    if not isinstance(stops, (list, tuple)) or not all(isinstance(text, str) for text in stops):
        raise fail("a string or several as stop", f"{stop!r}", 'For example stop=["\\n", "The end"].', WrongType)
    if "" in stops:
        raise fail("stop strings of at least one character", "an empty one", "Leave stop out to go on to max_tokens.")
    return tuple(stops)
