"""Finds the linear map that a module computes from what the module returns, not from the tensors that it keeps.

A quantised layer keeps integers and a scale, an adapter two more matrices, a pruned or parametrised layer what its weight
is computed from. Each of them, called with vectors, is one linear map with an offset.
"""

from functools import cached_property

import torch
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from gptviz.model.capture import first_tensor
from gptviz.model.confirming import agree

_UNITS = 512  # unit vectors that are put through a module at once


def is_linear(module: nn.Module, x: Tensor) -> bool:
    """Returns whether a module adds up: f(x + y) + f(0) = f(x) + f(y), with y the numbers of x in reverse order.

    x: what the module was called with, (..., width).
    """
    y = x.flip(-1)
    try:
        whole, zero, one, other = (first_tensor(module(each)) for each in (x + y, torch.zeros_like(x), x, y))
    except Exception:  # a module of any kind: it may need more arguments, and then it is no linear map
        return False
    if whole is None or zero is None or one is None or other is None or not whole.is_floating_point():
        return False
    return agree(whole.float() + zero.float(), one.float() + other.float(), whole, zero, one, other)


class LinearMap:
    """A module as a linear map: y = x @ matrix + offset, with x (T, n_in) and y (T, n_out), in float32.

    module: called with (1, T, n_in) in the dtype that enters it in the model. n_in: the width of what enters. like: a
    tensor of the dtype and device of what enters. The caller holds the model's lock.
    """

    def __init__(self, module: nn.Module, n_in: int, like: Tensor):
        self.module, self.n_in = module, n_in
        self._like = like

    def __call__(self, x: Tensor) -> Tensor:
        """Returns what the module makes of x, (..., T, n_in): (..., T, n_out)."""
        return first_tensor(self.module(x.to(self._like.dtype))).float()  # type: ignore[union-attr]

    @cached_property
    def offset(self) -> Tensor:
        """What the module returns for zeros: (n_out,)."""
        return self(self._like.new_zeros(1, 1, self.n_in))[0, 0]

    @property
    def matrix(self) -> Tensor:
        """What the module returns for each unit vector, without the offset: (n_in, n_out)."""
        weight = _plain_weight(self.module)
        return self._probed if weight is None else weight.float()

    def column(self, index: int) -> Tensor:
        """Returns one column of the matrix, what each input adds to one output: (n_in,)."""
        weight = _plain_weight(self.module)
        return self._probed[:, index] if weight is None else weight[:, index].float()

    @cached_property
    def _probed(self) -> Tensor:
        rows = []
        for first in range(0, self.n_in, _UNITS):
            units = self._like.new_zeros(1, min(_UNITS, self.n_in - first), self.n_in)
            units[0].diagonal(first).fill_(1)
            rows.append(self(units)[0] - self.offset)
        return torch.cat(rows)


def _plain_weight(module: nn.Module) -> Tensor | None:
    """Returns the weight, (n_in, n_out), of a layer that does nothing but multiply by it; None for any other module."""
    is_plain = type(module).forward in (nn.Linear.forward, Conv1D.forward) and "forward" not in module.__dict__
    if not is_plain or module._forward_hooks or module._forward_pre_hooks:
        return None
    weight: Tensor | None = getattr(module, "weight", None)
    if type(weight) not in (Tensor, nn.Parameter) or weight is None or not weight.is_floating_point():
        return None
    return weight.T if isinstance(module, nn.Linear) else weight  # Conv1D stores it transposed
