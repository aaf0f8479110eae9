"""Notices weights that have changed since a pass, so that nothing is computed with them, and weights that are NaN."""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.optimizer import register_optimizer_step_post_hook
from torch.utils.weak import WeakIdKeyDictionary

from gptviz.model.capture import modules_of
from gptviz.model.looking import looked_at

Versions = tuple[tuple[int, int, int, int], ...]

# How often an optimizer has stepped each parameter. Fused optimizers do not raise a parameter's version counter.
_steps = WeakIdKeyDictionary()


def _count_step(optimizer: torch.optim.Optimizer, _args: Any, _kwargs: Any) -> None:
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            _steps[parameter] = _steps.get(parameter, 0) + 1


register_optimizer_step_post_hook(_count_step)


def weight_versions(model: nn.Module) -> Versions:
    """Returns for each parameter its identity, its address, and how often it was written to and stepped by an optimizer.

    Two results are equal if no weight was changed in between. Writes into `parameter.data`, or into a NumPy array that
    shares its memory, are not noticed: PyTorch keeps no record of them.
    """
    return looked_at(_versions, model)


def _versions(model: nn.Module) -> Versions:
    parameters = (p for m in modules_of(model) for p in m._parameters.values() if p is not None)
    steps: Mapping[Tensor, int] = _steps if _steps else {}  # asked once: most models were never stepped
    return tuple((id(p), p.data_ptr(), 0 if p.is_inference() else p._version, steps.get(p, 0)) for p in parameters)


def undefined_weight(model: nn.Module) -> str:
    """Returns the name of the model's first weight that holds NaN or infinity; "" if there is none.

    -infinity does not count: a bias of -infinity keeps a token from coming next.
    """
    for name, weight in model.named_parameters():
        plain = type(weight.data) is Tensor and weight.is_floating_point() and weight.numel() and not weight.is_meta
        if plain and not float(weight.detach().float().max()) < math.inf:  # the maximum is NaN if one of them is
            return name
    return ""
