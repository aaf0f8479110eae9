"""Recognises a norm by what it computes, and gives its formula: LayerNorm or RMSNorm, with gain, bias and epsilon.

Sources: Ba et al. 2016, "Layer Normalization"; Zhang and Sennrich 2019, "Root Mean Square Layer Normalization".
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from gptviz.model.anatomy import run_chain
from gptviz.model.capture import running
from gptviz.model.confirming import agree
from gptviz.model.readout import offset_and_gain
from gptviz.trace.predictions import as_array
from gptviz.trace.sources import Array

_EPSILONS = "eps", "variance_epsilon", "epsilon", "variance_eps"  # the names that families give to it
_SMALL = 1e-3  # the size of the numbers that show an epsilon
_LARGEST_EPSILON = 0.1  # with a large one, a module that changes nothing would be a norm


@dataclass(frozen=True, eq=False)
class Norm:
    """A norm of the model: (x - mean) / root(variance + epsilon) * gain + bias, or the same without the mean.

    name: of its module in the model. where: what it stands before or after, in words. centred: whether the mean is taken
    away (LayerNorm; else RMSNorm). gain, bias: (d,), read-only; bias is 0 without one.
    """

    name: str
    where: str
    centred: bool
    gain: Array
    bias: Array
    epsilon: float
    module: nn.Module
    model: nn.Module  # the whole, whose lock is taken

    @property
    def kind(self) -> str:
        """ "LayerNorm" or "RMSNorm", whatever the family calls it."""
        return "LayerNorm" if self.centred else "RMSNorm"

    def __call__(self, rows: Array) -> Array:
        """Returns what the model's own module makes of rows: (T, d)."""
        like = next(iter(self.module.parameters()), torch.empty(0))
        with (block := running(self.model)), block:
            return as_array(run_chain((self.module,), torch.tensor(np.array(rows)[None]).to(like))[0])

    def without_gain(self, rows: Array) -> Array:
        """Returns the rows after the division, before gain and bias: (T, d)."""
        centred = rows - rows.mean(-1, keepdims=True) if self.centred else rows
        return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + self.epsilon)  # type: ignore[no-any-return]


def norm_formula(module: nn.Module, x: Tensor) -> tuple[bool, Tensor, Tensor, float] | None:
    """Returns whether a module is centred, its gain and bias, (d,), and its epsilon; None if it is not a norm.

    x: what entered it, (..., d). The numbers of x must confirm the formula. The caller holds the model's lock.
    """
    width = x.shape[-1]
    if width < 2 or not x.is_floating_point():
        return None
    try:
        bias, gain = offset_and_gain((module,), x.new_zeros(width))
        gain = gain * ((width - width % 2) / width) ** 0.5  # one number of an odd row was 0
        epsilon = _epsilon(module, gain, bias, x)
        computed = run_chain((module,), x.clone())
    except Exception:  # a module of any kind: it may need more arguments, and then it is not a norm
        return None
    for centred in (True, False) if epsilon < _LARGEST_EPSILON else ():
        rows = x.float() - x.float().mean(-1, keepdim=True) if centred else x.float()
        mine = rows / (rows.square().mean(-1, keepdim=True) + epsilon).sqrt() * gain + bias
        if computed.shape == mine.shape and agree(mine.to(x.dtype), computed, gain.to(x.dtype).expand_as(computed)):
            return centred, gain, bias, epsilon
    return None


def _epsilon(module: nn.Module, gain: Tensor, bias: Tensor, x: Tensor) -> float:
    """Returns a norm's epsilon: its attribute, or what a small vector of alternating signs shows, to two digits."""
    for name in _EPSILONS:
        if isinstance(value := getattr(module, name, None), float):
            return value
    size, largest = x.shape[-1] - x.shape[-1] % 2, int(gain[:-1].abs().argmax())
    signs = x.new_zeros(x.shape[-1])
    signs[:size] = _SMALL * (1 - 2 * (torch.arange(size, device=x.device) % 2).to(x.dtype))
    out = (run_chain((module,), signs[None, None])[0, 0].float() - bias)[largest]
    square = float(signs.float().square().mean())
    return float(f"{max(0.0, float((gain[largest] * _SMALL / out) ** 2) - square):.1e}")
