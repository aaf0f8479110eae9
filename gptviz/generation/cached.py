"""Reads texts on from a cache of their earlier tokens, and copies a cache for several texts that begin in the same way."""

from typing import Any

import torch
from torch import Tensor

from gptviz.model.capture import takes
from gptviz.trace.runnable import PreparedEdits, RunnableModel


def can_cache(gpt: RunnableModel) -> bool:
    """Returns whether a model takes a cache and has a place for each layer in it."""
    return takes(type(gpt.reader).forward, "past_key_values") and gpt.cache_fits()


def read_on(
    gpt: RunnableModel, ids: Tensor, start: int, editing: PreparedEdits, cache: Any, use_cache: bool
) -> tuple[Tensor, Any]:
    """Runs the model once: the logits after the last token of each row, (rows, vocab), and the cache that holds it now.

    ids: (rows, tokens), which follow the `start` tokens that the cache holds; None for no earlier tokens. The new cache is
    None if none is used.
    """
    options: dict[str, Any] = {"logits_to_keep": 1} if takes(type(gpt.reader).forward, "logits_to_keep") else {}
    options |= {"past_key_values": cache, "use_cache": True} if use_cache else {"use_cache": False}
    if cache is not None and gpt.takes_positions:  # some families count from 0 again after their cache
        end = start + ids.shape[1]
        options["position_ids"] = torch.arange(start, end, device=gpt.device).expand(len(ids), -1)
    with editing.acting(len(ids), start):
        result = gpt.reader(ids, **options)
    return result.logits[:, -1], getattr(result, "past_key_values", None) if use_cache else None


def repeat_cache(cache: Any, rows: int) -> bool:
    """Copies the prompt's cache for each row; False if that fails, and the text is read again for each token."""
    if cache is None or rows == 1:
        return cache is not None
    try:
        cache.batch_repeat_interleave(rows)
    except (AttributeError, IndexError, NotImplementedError, RuntimeError, TypeError):
        return False  # a family whose state cannot be copied
    return True
