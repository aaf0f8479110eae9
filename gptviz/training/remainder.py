"""What transformers does not save of a model, or opens in another way. Saved beside the model, it brings each number back.

These are buffers that are computed from the settings (those of rotary positions, which a cast to half precision rounds),
weights of another dtype than the model's, and the functions that compute attention and experts.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

_ATTENTION, _OF_EXPERTS = "attn_implementation", "experts_implementation"  # keywords of `from_pretrained`
_EXPERTS = ("eager", "batched_mm", "grouped_mm")


def remainder(model: Any) -> dict[str, Tensor]:
    """Returns copies of the tensors of a model that `save_pretrained` leaves out or `from_pretrained` casts, by their names."""
    saved = model.state_dict().keys()
    return {
        name: tensor.detach().to("cpu", copy=True).contiguous()
        for name, tensor in _numbers(model)
        if name not in saved or tensor.dtype != model.dtype
    }


def restore(model: nn.Module, dtype: Any, tensors: Mapping[str, Tensor]) -> None:
    """Writes the remainder of a model into one that was opened. dtype: of all other weights, a name such as "bfloat16".

    Raises ValueError for tensors that do not fit.
    """
    others = getattr(torch, dtype)
    if not isinstance(others, torch.dtype):
        raise ValueError(f"the dtype is {dtype!r:.40}")
    own = dict(_numbers(model))
    for name, tensor in tensors.items():
        if name not in own or own[name].shape != tensor.shape:
            raise ValueError(f"{name} has the shape {tuple(tensor.shape)}")
    for name, tensor in own.items():
        exact = tensors.get(name)
        tensor.data = tensor.detach().to(others) if exact is None else exact.to(tensor.device)


def _numbers(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Yields the tensors of real numbers, by name. Casts leave all others as they are."""
    for tensors in (model.named_parameters(), model.named_buffers(remove_duplicate=False)):
        for name, tensor in tensors:
            if tensor.is_floating_point():
                yield name, tensor


def functions(model: Any) -> dict[str, str]:
    """Returns the names of the functions that compute a model's attention and experts, by the keywords of `from_pretrained`."""
    names = {name: getattr(model.config, f"_{name}", None) for name in (_ATTENTION, _OF_EXPERTS)}
    return {name: str(function) for name, function in names.items() if function is not None}


def known_functions(names: Mapping[str, str]) -> dict[str, str]:
    """Returns those of these functions that are here and need no download and no GPU. transformers chooses the others itself.

    A kernel of the hub would be code that a folder names.
    """
    attention, experts = str(names.get(_ATTENTION)), str(names.get(_OF_EXPERTS))
    is_here = attention == "eager" or (attention in ALL_ATTENTION_FUNCTIONS and attention.isidentifier())
    known = {_ATTENTION: attention} if is_here and "flash" not in attention else {}
    return known | ({_OF_EXPERTS: experts} if experts in _EXPERTS else {})
