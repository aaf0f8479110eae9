"""Notices when the weights of a model have changed, so that nothing is computed with weights that changed after the pass."""

from typing import Any

import torch
from torch import nn
from torch.optim.optimizer import register_optimizer_step_post_hook
from torch.utils.weak import WeakIdKeyDictionary

from gptviz.model.capture import modules_of

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
    parameters = (p for m in modules_of(model) for p in m._parameters.values() if p is not None)
    return tuple(
        (id(p), p.data_ptr(), 0 if p.is_inference() else p._version, _steps.get(p, 0) if _steps else 0)
        for p in parameters
    )
