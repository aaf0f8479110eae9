"""The decode loop: read the prompt once, then one token a step over the KV cache.

It is a generator; `complete` consumes it, and so may anything else that wants to look at each step as it comes. All
choices share the prompt's pass and go on as rows of one batch. The model's lock is taken for each step and not between
steps, so that somebody else can look into the same model meanwhile. No maps are kept: the attention of step i is row i
of one trace of the final text, since causality makes them equal.
"""

import difflib
import inspect
import secrets
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from numbers import Integral
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from gptviz.errors import WrongType, fail
from gptviz.generation.completion import Alternative, Choice, Completion, FinishReason, Step, Usage
from gptviz.generation.stopping import TextRelease
from gptviz.intervention.edits import check_finite
from gptviz.model.capture import keeps_logits
from gptviz.model.editing import Editing
from gptviz.progress import progress
from gptviz.sampling.drawing import draw
from gptviz.sampling.philox import check_seed
from gptviz.sampling.settings import Settings, check_settings

if TYPE_CHECKING:
    from gptviz.gpt import GPT, Prompt


@dataclass
class _Row:
    """One choice while it grows."""

    choice: int
    release: TextRelease
    ids: list[int]
    steps: list[Step] = field(default_factory=list)
    finish_reason: FinishReason | None = None


@dataclass
class Request:
    """A checked call, and what has been generated for it so far. `checked` makes one."""

    gpt: "GPT"
    prompt: str
    ids: list[int]
    rows: list[_Row]
    max_tokens: int
    settings: Settings
    seed: int
    cancel: threading.Event | None
    stop: tuple[str, ...]
    editing: Editing

    def steps(self) -> Iterator[Step]:
        """Generate, a step at a time."""
        return _steps(self)

    def completion(self) -> Completion:
        """What was generated so far; choices that have not ended are "interrupted"."""
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


def stream(gpt: "GPT", prompt: "Prompt", **settings: Any) -> Iterator[Step]:
    """Generate a step at a time. Settings are checked here, before the first step is asked for; see `complete`."""
    return checked(gpt, prompt, **settings).steps()


def complete(gpt: "GPT", prompt: "Prompt", **settings: Any) -> Completion:
    """Continue the prompt.

    max_tokens: at most so many tokens a choice (150). n: how many choices (1). stop: a string or several that end a
    choice and do not appear in it. temperature (0.7; 0 is greedy), top_k, top_p, min_p, repetition_penalty: see
    `sampling.distribution`. seed: the same one gives the same text; None picks one and reports it.
    edits: what is changed in every step; those that name a position or a query act on that place of the prompt; see
    `gptviz.intervention`. add_special_tokens, truncate: see `GPT.encode`. cancel: a threading.Event that ends the choices
    where they are.
    """
    request = checked(gpt, prompt, **settings)
    _run(request)
    return request.completion()


def _run(request: Request) -> None:
    """Consume the steps; an interrupt leaves what was generated so far in the rows."""
    with progress(request.max_tokens * len(request.rows), "token") as done:
        try:
            for _ in _steps(request):
                done(1)
        except KeyboardInterrupt:
            pass


def _steps(request: Request) -> Iterator[Step]:
    """The loop: forward, draw, decide who goes on."""
    gpt, live = request.gpt, request.rows
    if not _room(gpt, request.ids):
        for row in live:
            row.finish_reason = "length"
        return
    entering, cache, cached = torch.tensor([request.ids]), None, True
    for index in range(request.max_tokens):
        if request.cancel is not None and request.cancel.is_set():
            return
        start = len(live[0].ids) - entering.shape[1]
        with gpt.running(), request.editing.acting(len(entering), start):
            logits, cache = _forward(gpt, entering, cache, cached)
            check_finite(logits, request.editing.edits)
            if index == 0:
                logits, cached = logits.expand(len(live), -1), _repeated(cache, len(live))
            held = _held(cache, len(live)) if cached else None
            steps = [_step(request, row, logits[i], index, held) for i, row in enumerate(live)]
        yield from steps
        going_on = [i for i, row in enumerate(live) if row.finish_reason is None]
        if not going_on:
            return
        if len(going_on) < len(live):
            if cached:
                cache.batch_select_indices(torch.tensor(going_on, device=gpt.device))
            live = [live[i] for i in going_on]
        entering = torch.tensor([row.ids[-1:] if cached else row.ids for row in live])


def _forward(gpt: "GPT", ids: Tensor, cache: Any, cached: bool) -> tuple[Tensor, Any]:
    """Logits of the next token (rows, vocab), and the cache that now holds these tokens too, if the family has one."""
    last_only = {"logits_to_keep": 1} if keeps_logits(type(gpt.model)) else {}
    keeping = {"past_key_values": cache, "use_cache": True} if cached and _takes_cache(type(gpt.model)) else {}
    result = gpt.model(ids.to(gpt.device), **keeping, **last_only)
    return result.logits[:, -1].float(), getattr(result, "past_key_values", None) if keeping else None


def _repeated(cache: Any, rows: int) -> bool:
    """Whether there is a cache, now for so many rows. Where there is none, the text is read again for each token."""
    if cache is None or rows == 1:
        return cache is not None
    try:
        cache.batch_repeat_interleave(rows)
    except (AttributeError, IndexError, NotImplementedError, RuntimeError, TypeError):
        return False  # a family whose state cannot be copied
    return True


def _held(cache: Any, rows: int) -> tuple[int, int] | None:
    """How many tokens' keys and values the cache holds, and their bytes, for one of its rows; None where it has none."""
    layers = [layer for layer in getattr(cache, "layers", ()) if isinstance(getattr(layer, "keys", None), Tensor)]
    if not layers:
        return None
    size = sum(layer.keys.nbytes + layer.values.nbytes for layer in layers)
    return max(layer.keys.shape[-2] for layer in layers), size // rows


def _takes_cache(model: type) -> bool:
    return "past_key_values" in inspect.signature(model.forward).parameters  # type: ignore[attr-defined]


def _room(gpt: "GPT", ids: list[int]) -> bool:
    return gpt.context_length is None or len(ids) < gpt.context_length


def _step(request: Request, row: _Row, logits: Tensor, index: int, held: tuple[int, int] | None) -> Step:
    """Draw one token for one row and write down how."""
    gpt = request.gpt
    drawn = draw(logits, torch.tensor(row.ids), request.settings, request.seed, row.choice, index)
    token = gpt.token(drawn.id, position=len(row.ids))
    row.ids.append(drawn.id)
    ended = drawn.id in gpt.end_ids
    full = index + 1 == request.max_tokens or not _room(gpt, row.ids)
    text = row.release.add(b"" if token.special or ended else token.bytes, last=ended or full)
    row.finish_reason = "stop" if ended or row.release.stopped else "length" if full else None
    step = Step(
        token=token,
        choice=row.choice,
        index=index,
        probability=drawn.probability,
        sampling_probability=drawn.sampling_probability,
        alternatives=tuple(Alternative(gpt.token(i), p, s) for i, p, s in drawn.alternatives),
        entropy=drawn.entropy,
        model_entropy=drawn.model_entropy,
        kept=drawn.kept,
        kept_mass=drawn.kept_mass,
        text=text,
        finish_reason=row.finish_reason,
        cached=held,
    )
    row.steps.append(step)
    return step


def checked(
    gpt: "GPT",
    prompt: "Prompt",
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
    """Everything that can be wrong with a call, found before any work is done."""
    if unknown:
        _refuse(next(iter(unknown)))
    settings = check_settings(
        temperature=temperature, top_k=top_k, top_p=top_p, min_p=min_p, repetition_penalty=repetition_penalty
    )
    _check_count("max_tokens", max_tokens)
    _check_count("n", n)
    stops = _check_stop(stop)
    seed = secrets.randbelow(2**31) if seed is None else check_seed(seed)
    if cancel is not None and not isinstance(cancel, threading.Event):
        raise fail("a threading.Event as cancel", f"{cancel!r}", "Set it to end the choices where they are.", WrongType)
    ids = gpt.encode(prompt, add_special_tokens=add_special_tokens, truncate=truncate, room=max_tokens)
    rows = [_Row(choice, TextRelease(stops), list(ids)) for choice in range(n)]
    text = prompt if isinstance(prompt, str) else gpt.decode(ids)
    editing = gpt.editing(edits, len(ids))
    return Request(gpt, text, ids, rows, int(max_tokens), settings, seed, cancel, stops, editing)


def _refuse(name: str) -> None:
    known = [p for p in inspect.signature(checked).parameters if p not in ("gpt", "prompt", "unknown")]
    near = difflib.get_close_matches(name, known, n=1)
    advice = f"Did you mean {near[0]}?" if near else "Leave it out."
    raise fail(f"settings among {', '.join(known)}", name, advice, WrongType)


def _check_count(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise fail(f"a whole number as {name}", f"{value!r}", f"{name} counts from 1.", WrongType)
    if value < 1:
        raise fail(f"{name} of at least 1", f"{value}", "Ask for one or more.")


def _check_stop(stop: Any) -> tuple[str, ...]:
    stops = (stop,) if isinstance(stop, str) else () if stop is None else stop
    if not isinstance(stops, (list, tuple)) or not all(isinstance(one, str) for one in stops):
        raise fail("a string or several as stop", f"{stop!r}", 'For example stop=["\\n", "The end"].', WrongType)
    if "" in stops:
        raise fail("stop strings of at least one character", "an empty one", "Leave stop out to go on to max_tokens.")
    return tuple(stops)
