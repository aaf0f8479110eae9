"""The decode loop: it reads the prompt once, then one token a step with the KV cache.

`steps` is a generator, so that a completion, a stream and the timeline can consume it as they need. All choices share
the prompt's pass and go on as rows of one batch. The model's lock is held during each step and released between steps,
so that another thread can trace the same model meanwhile. No attention maps are kept: because of causality, the
attention of step i equals row i of one trace of the final text. A longrope model uses other rotations for long texts.
When a text becomes long it reads all of it again, so this equality holds only among steps on the same side of that
length.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from gptviz.errors import GPTVizError, fail
from gptviz.generation.cached import can_cache, read_on, repeat_cache
from gptviz.generation.completion import Alternative, Completion, Step
from gptviz.generation.request import Request, Row, check_request
from gptviz.intervention.edits import check_finite
from gptviz.progress import progress
from gptviz.sampling.drawing import draw
from gptviz.text.messages import ASSISTANT, Message, check_messages
from gptviz.trace.runnable import Prompt, RunnableModel


def stream(gpt: RunnableModel, prompt: Prompt, **settings: Any) -> Iterator[Step]:
    """Generates a step at a time. Settings are checked at once, before the first step is asked for; see `complete`."""
    return steps(check_request(gpt, prompt, **settings))


def complete(gpt: RunnableModel, prompt: Prompt, **settings: Any) -> Completion:
    """Continues the prompt: a text, chat messages or token ids; see `GPT.encode`, and `chat` for where an answer ends.

    max_tokens: the most tokens in a choice (150). n: how many choices (1). stop: a string or several that end a choice
    and are not part of it. temperature (0.7; 0 is greedy), top_k, top_p, min_p, repetition_penalty: see
    `sampling.distribution`. seed: the same seed gives the same text; None picks one and reports it. edits: what is
    changed in every step; an edit that names a position or a query acts there, in the prompt; see
    `gptviz.intervention`. add_special_tokens, truncate: see `GPT.encode`. cancel: a threading.Event that ends the
    choices where they are.
    """
    request = check_request(gpt, prompt, **settings)
    with progress(request.max_tokens * len(request.rows), "token") as advance:
        try:
            for _ in steps(request):
                advance(1)
        except KeyboardInterrupt:
            pass  # the rows hold what was generated so far
    return request.completion()


def chat(gpt: RunnableModel, messages: Sequence[Message], **settings: Any) -> Completion:
    """Answers messages; see `complete`, which continues messages too, and `GPT.encode`.

    The last message is not the assistant's. Each choice has the answer as its `message`. It ends at each of `gpt.end_ids`,
    at the special token with which the template ends the assistant's turn, and, where that is plain text, at this text and at
    the one with which the user's next turn begins.
    """
    last = check_messages(messages)[-1]
    if last["role"] == ASSISTANT:
        remedy = "Add a message of the user's. gpt.complete(messages) shows what the model writes after an answer."
        raise fail("messages that ask for an answer", "an answer of the assistant as the last one", remedy)
    return complete(gpt, messages, **settings)


def steps(request: Request) -> Iterator[Step]:
    """Generates the request's steps and adds them to its rows: forward pass, draw, drop the rows that ended."""
    gpt, live_rows = request.gpt, request.rows
    if not _has_room(gpt, request.ids):
        for row in live_rows:
            row.finish_reason = "length"
        return
    cache, use_cache = None, can_cache(gpt)
    for index in range(request.max_tokens):
        if request.cancel is not None and request.cancel.is_set():
            return
        with (block := gpt.running()), block:
            gpt.check_weight_versions(request.weights)  # the cache is of these
            read = live_rows if index else live_rows[:1]
            logits, cache = _read(request, read, cache, use_cache)
            check_finite(logits, request.editing.edits, gpt.undefined_weight)
            use_cache = cache is not None
            if index == 0:
                logits, use_cache = logits.expand(len(live_rows), -1), repeat_cache(cache, len(live_rows))
            cached = _cache_size(cache, len(live_rows)) if use_cache else None
            drawn = [_draw_step(request, row, logits[i], index, cached) for i, row in enumerate(live_rows)]
        yield from drawn
        remaining = [i for i, row in enumerate(live_rows) if row.finish_reason is None]
        if not remaining:
            return
        if len(remaining) < len(live_rows):
            if use_cache:
                cache.batch_select_indices(torch.tensor(remaining, device=gpt.device))
            live_rows = [live_rows[i] for i in remaining]
        if not use_cache or _becomes_long(gpt, len(live_rows[0].ids)):
            cache = None


def _read(request: Request, rows: list[Row], cache: Any, use_cache: bool) -> tuple[Tensor, Any]:
    """Reads the rows on from the cache, or whole: the last logits (rows, vocab), and the cache that holds them now.

    A cache that the model cannot go on with is left: it may have no room for a layer, or may have kept a row that ended.
    """
    try:
        return _forward(request, rows, cache, use_cache)
    except Exception as error:
        if not use_cache or isinstance(error, (GPTVizError, torch.OutOfMemoryError)):
            raise
        return _forward(request, rows, None, False)


def _forward(request: Request, rows: list[Row], cache: Any, use_cache: bool) -> tuple[Tensor, Any]:
    """Runs the model once; see `_read`."""
    gpt = request.gpt
    ids = torch.tensor([row.ids if cache is None else row.ids[-1:] for row in rows], device=gpt.device)
    return read_on(gpt, ids, len(rows[0].ids) - ids.shape[1], request.editing, cache, use_cache)


def _cache_size(cache: Any, rows: int) -> tuple[int, int] | None:
    """Returns how many tokens the cache holds, and the bytes of their keys and values in one row; None without keys.

    That of an encoder-decoder holds those of the source too, which are not counted.
    """
    cache = getattr(cache, "self_attention_cache", cache)
    layers = [layer for layer in getattr(cache, "layers", ()) if isinstance(getattr(layer, "keys", None), Tensor)]
    if not layers:
        return None
    size = sum(layer.keys.nbytes + layer.values.nbytes for layer in layers)
    return max(layer.keys.shape[-2] for layer in layers), size // rows


def _becomes_long(gpt: RunnableModel, length: int) -> bool:
    """Returns whether a text of `length` tokens is read with other rotations than one of a token less."""
    return gpt.length_of_short_texts is not None and length == gpt.length_of_short_texts + 1


def _has_room(gpt: RunnableModel, ids: list[int]) -> bool:
    return gpt.context_length is None or len(ids) < gpt.context_length


def _draw_step(request: Request, row: Row, logits: Tensor, index: int, cached: tuple[int, int] | None) -> Step:
    """Draws one token for one row, from logits (vocab,), and records how."""
    gpt = request.gpt
    drawn = draw(logits, torch.tensor(row.ids), request.settings, request.seed, row.choice, index)
    gpt.check_readable(drawn.id)
    ending = row.text.end()
    addition = ending.add(drawn.id, position=len(row.ids))
    token = replace(addition.token, role=request.speaker)
    alternatives = tuple(Alternative(ending.add(i).token, p, s) for i, p, s in drawn.alternatives)
    row.ids.append(drawn.id)
    ended = drawn.id in request.end_ids
    full = index + 1 == request.max_tokens or not _has_room(gpt, row.ids)
    text = row.text.add(addition, ends=ended, last=ended or full)
    row.finish_reason = "stop" if ended or row.text.stopped else "length" if full else None
    step = Step(
        token=token,
        choice=row.choice,
        index=index,
        probability=drawn.probability,
        sampling_probability=drawn.sampling_probability,
        alternatives=alternatives,
        entropy=drawn.entropy,
        model_entropy=drawn.model_entropy,
        kept=drawn.kept,
        kept_mass=drawn.kept_mass,
        text=text,
        finish_reason=row.finish_reason,
        cached=cached,
    )
    row.steps.append(step)
    return step
