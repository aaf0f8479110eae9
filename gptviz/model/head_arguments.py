"""Calls a family's own eager attention function with the arguments of one attention call, for one head or for all."""

import math
from typing import Any

import torch
from torch import Tensor, nn

from gptviz.errors import NotAvailable, fail
from gptviz.model.capture import AttentionCall, family_eager


class HeadArguments:
    """What one attention call was given, cut to one head, with an additive mask.

    module, query, key, value, mask, kwargs: what the family's `eager_attention_forward` takes. call: what they come from.
    """

    def __init__(self, call: AttentionCall, head: int | None, dtype: torch.dtype | None = torch.float32):
        """Prepares the arguments for `head`, or for all heads if it is None. dtype: None leaves that of each argument."""
        self.call = call
        n_heads, n_key_heads = call.query.shape[1], call.key.shape[1]
        heads = key_heads = slice(None)
        if head is not None:
            key_head = head * n_key_heads // n_heads
            heads, key_heads = slice(head, head + 1), slice(key_head, key_head + 1)
        self.query = call.query[:, heads].to(dtype)
        self.key, self.value = call.key[:, key_heads].to(dtype), call.value[:, key_heads].to(dtype)
        mask = _additive_mask(call, self.query.dtype)
        self.mask = mask[:, heads] if mask is not None and mask.shape[1] == n_heads else mask
        self.kwargs = {name: _of_heads(value, n_heads, heads, dtype) for name, value in call.kwargs.items()}
        self.kwargs["dropout"] = 0.0
        self.module = ModuleOfHeads(call.module, n_heads, heads, dtype, single=head is not None)


def _of_heads(value: Any, n_heads: int, heads: slice, dtype: torch.dtype | None) -> Any:
    """Returns a keyword argument that has one entry a head, (H,) or (1, H, T, T), cut to `heads`; others as they are."""
    if not isinstance(value, Tensor):
        return value
    if value.ndim == 1 and value.shape[0] == n_heads:
        return value[heads].to(dtype)
    return value[:, heads].to(dtype) if value.ndim == 4 and value.shape[1] == n_heads else value


def _additive_mask(call: AttentionCall, dtype: torch.dtype) -> Tensor | None:
    """Returns the mask to add to the scores: 0 where a query may look, the lowest number of `dtype` where it may not.

    A call without a mask left causality to the attention function, within the sliding window if there is one.
    """
    n_query, n_key = call.query.shape[2], call.key.shape[2]
    if call.mask is not None and not isinstance(call.mask, Tensor):
        got = f"a {type(call.mask).__name__}, which {type(call.module).__name__} was given"
        remedy = 'Load the model with attn_implementation="sdpa" to see its maps.'
        raise fail(
            "a mask that is a tensor", got, remedy, NotAvailable, "other_mask", module=type(call.module).__name__
        )
    if call.mask is not None and call.mask.ndim == 4:
        mask = call.mask[..., :n_key]
        if mask.dtype == torch.bool:
            return _closed(~mask, dtype)
        lowest = torch.finfo(dtype).min
        return mask.to(dtype).masked_fill(mask <= torch.finfo(mask.dtype).min / 2, lowest)
    causal = call.kwargs.get("is_causal")
    if not (getattr(call.module, "is_causal", True) if causal is None else causal):
        return None
    distance = torch.arange(n_key - n_query, n_key)[:, None] - torch.arange(n_key)[None]
    allowed = (distance >= 0) & (distance < (call.kwargs.get("sliding_window") or math.inf))
    return _closed(~allowed, dtype)[None, None].to(call.query.device)


def _closed(forbidden: Tensor, dtype: torch.dtype) -> Tensor:
    # torch.where of two Python numbers would give torch's default dtype, which users may change.
    zeros = torch.zeros(forbidden.shape, dtype=dtype, device=forbidden.device)
    return zeros.masked_fill(forbidden, torch.finfo(dtype).min)


class ModuleOfHeads:
    """Stands in for an attention module that has only some of its heads; what it does not set is the module's own."""

    training = False

    def __init__(self, module: nn.Module, n_heads: int, heads: slice, dtype: torch.dtype | None, single: bool):
        self._module = module
        for name, parameter in module.named_parameters(recurse=False):
            if parameter.ndim == 1 and parameter.shape[0] == n_heads:
                setattr(self, name, parameter[heads].to(dtype))
        if single:
            self.num_key_value_groups = 1

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)


def family_attention(arguments: HeadArguments) -> tuple[Tensor, Tensor]:
    """Returns the output and the weights that the family's own eager attention function computes."""
    module = arguments.call.module
    eager = family_eager(module)
    if eager is None:
        raise fail(
            "a family with an `eager_attention_forward` of its own",
            f"{type(module).__module__}, which has none",
            "Maps of this family cannot be computed; queries, keys and the stream can be read.",
            NotAvailable,
            code="no_eager_function",
            module=type(module).__module__,
        )
    inputs = arguments.query, arguments.key, arguments.value, arguments.mask
    return eager(arguments.module, *inputs, **arguments.kwargs)
