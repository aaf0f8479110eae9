"""The decode loop: it reads the prompt once, then one token a step with the KV cache.

`steps` is a generator, so that a completion, a stream and the timeline can consume it as they need. All choices share
the prompt's pass and go on as rows of one batch. The model's lock is held during each step and released between steps,
so that another thread can trace the same model meanwhile. No attention maps are kept: because of causality, the
attention of step i equals row i of one trace of the final text. A model with other rotations for longer texts reads the
whole text anew where it becomes one (longrope); then that holds on each side of this length.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from gptviz.generation.completion import Alternative, Completion, Step
from gptviz.generation.request import Request, Row, check_request
from gptviz.intervention.edits import check_finite
from gptviz.model.capture import takes
from gptviz.progress import progress
from gptviz.sampling.drawing import draw
from gptviz.trace.runnable import Prompt, RunnableModel


def stream(gpt: RunnableModel, prompt: Prompt, **settings: Any) -> Iterator[Step]:
    """Generates a step at a time. Settings are checked at once, before the first step is asked for; see `complete`."""
    return steps(check_request(gpt, prompt, **settings))


def complete(gpt: RunnableModel, prompt: Prompt, **settings: Any) -> Completion:
    """Continues the prompt.

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


def steps(request: Request) -> Iterator[Step]:
    """Generates the request's steps and adds them to its rows: forward pass, draw, drop the rows that ended."""
    gpt, live_rows = request.gpt, request.rows
    if not _has_room(gpt, request.ids):
        for row in live_rows:
            row.finish_reason = "length"
        return
    new_ids, cache, forward = torch.tensor([request.ids]), None, type(gpt.model).forward
    use_cache, last_only = takes(forward, "past_key_values") and _cache_has_room(gpt), takes(forward, "logits_to_keep")
    for index in range(request.max_tokens):
        if request.cancel is not None and request.cancel.is_set():
            return
        start = len(live_rows[0].ids) - new_ids.shape[1]
        with (block := gpt.running()), block, request.editing.acting(len(new_ids), start):
            gpt.check_weight_versions(request.weights)  # the cache is of these
            logits, cache = _forward(gpt, new_ids, cache, use_cache, last_only, start)
            check_finite(logits, request.editing.edits, gpt.undefined_weight)
            if index == 0:
                logits, use_cache = logits.expand(len(live_rows), -1), _repeat_cache(cache, len(live_rows))
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
        reads_anew = not use_cache or _becomes_long(gpt, len(live_rows[0].ids))
        if reads_anew:
            cache = None
        new_ids = torch.tensor([row.ids if reads_anew else row.ids[-1:] for row in live_rows])


def _forward(
    gpt: RunnableModel, ids: Tensor, cache: Any, use_cache: bool, last_only: bool, start: int
) -> tuple[Tensor, Any]:
    """Runs the model on ids (rows, T): the last logits (rows, vocab), and the cache that now holds these tokens too.

    last_only: whether the model is asked for the last logits alone. start: the position of the first of the ids.
    """
    options: dict[str, Any] = {"logits_to_keep": 1} if last_only else {}
    options |= {"past_key_values": cache, "use_cache": True} if use_cache else {"use_cache": False}
    if cache is not None and gpt.takes_positions:  # some families count from 0 again after their cache
        options["position_ids"] = torch.arange(start, start + ids.shape[1], device=gpt.device).expand(len(ids), -1)
    result = gpt.model(ids.to(gpt.device), **options)
    return result.logits[:, -1], getattr(result, "past_key_values", None) if use_cache else None


def _cache_has_room(gpt: RunnableModel) -> bool:
    """Returns whether the cache that the model makes has a place for each layer: the config says how many there are."""
    layers = getattr(gpt.model.config.get_text_config(), "num_hidden_layers", None)
    return layers is None or layers >= gpt.n_layers


def _repeat_cache(cache: Any, rows: int) -> bool:
    """Copies the prompt's cache for each row; False if that fails, and the text is read again for each token."""
    if cache is None or rows == 1:
        return cache is not None
    try:
        cache.batch_repeat_interleave(rows)
    except (AttributeError, IndexError, NotImplementedError, RuntimeError, TypeError):
        return False  # a family whose state cannot be copied
    return True


def _cache_size(cache: Any, rows: int) -> tuple[int, int] | None:
    """Returns how many tokens the cache holds, and the bytes of their keys and values in one row; None without keys."""
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
    place = row.text.end()
    addition = place.add(drawn.id, position=len(row.ids))
    alternatives = tuple(Alternative(place.add(i).token, p, s) for i, p, s in drawn.alternatives)
    row.ids.append(drawn.id)
    ended = drawn.id in request.end_ids
    full = index + 1 == request.max_tokens or not _has_room(gpt, row.ids)
    text = row.text.add(addition, ends=ended, last=ended or full)
    row.finish_reason = "stop" if ended or row.text.stopped else "length" if full else None
    step = Step(
        token=addition.token,
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
