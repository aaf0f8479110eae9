"""Says how an MLP is built: two matrices, gated, or a mixture of experts, and which function bends its neurons.

Sources: Shazeer 2020, "GLU Variants Improve Transformer"; Shazeer et al. 2017, "Outrageously Large Neural Networks: The
Sparsely-Gated Mixture-of-Experts Layer".
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from gptviz.model.anatomy import Layer, Part, run_chain
from gptviz.model.capture import running
from gptviz.model.confirming import agree
from gptviz.model.linear_maps import is_linear
from gptviz.model.studied_pass import ModuleCall, StudiedPass, same_numbers
from gptviz.trace.predictions import as_array
from gptviz.trace.sources import Array

_BENDS: dict[str, Callable[[Tensor], Tensor]] = {
    "ReLU": torch.relu,
    "squared ReLU": lambda x: torch.relu(x).square(),
    "GELU": functional.gelu,
    "GELU (by tanh)": lambda x: functional.gelu(x, approximate="tanh"),
    "GELU (by sigmoid)": lambda x: x * torch.sigmoid(1.702 * x),
    "SiLU": functional.silu,
}
_NAMES = {
    "plain": "an MLP of two matrices",
    "gated": "a gated MLP",
    "experts": "a mixture of experts",
    "other": "an MLP of another shape",
    "unknown": "an MLP that was not recognised",
}


@dataclass(frozen=True, eq=False)
class MLP:
    """The MLP of a block.

    kind: "plain" (two matrices), "gated" (an activation is the product of two answers), "experts" (a mixture of experts),
    "other", or "unknown" without a part. d_mlp: the number of its neurons; None for experts. bend: the name of its
    function, None if it is none of the usual ones. part: what it adds to the stream; None if the numbers did not confirm
    that.
    """

    kind: str
    d_mlp: int | None
    bend: str | None
    part: Part | None
    model: nn.Module  # the whole, whose lock is taken

    def __call__(self, rows: Array) -> Array:
        """Returns what the model's own MLP adds to the stream for rows that enter it, after a norm or a factor: (T, d_model)."""
        assert self.part is not None  # `Trace.mlp_in` refuses to say what enters such an MLP
        x = torch.tensor(np.array(rows)[None]).to(next(self.part.chain[0].parameters()))
        with (block := running(self.model)), block:
            return as_array(run_chain(self.part.chain, x).reshape(len(rows), -1) * self.part.scale)

    def in_words(self) -> str:
        """Returns how it is built, as the end of a sentence."""
        neurons = "" if self.d_mlp is None else f" with {self.d_mlp:,} neurons"
        bend = "" if self.bend is None else f"; the bend is {self.bend}"
        return f"{_NAMES[self.kind]}{neurons}{bend}"


def mlp_modules(layer: Layer) -> list[nn.Module]:
    """Returns the modules of a block that are its MLP, the outermost; [] if the numbers did not confirm one."""
    if layer.mlp_part is None:
        return []
    chain, attention = layer.mlp_part.chain, layer.attention
    for child in layer.block.children():
        inside = set(child.modules())
        if chain[0] in inside and attention not in inside:
            return [child] if child is not chain[0] else list(chain)
    return list(chain)


def mlp_of(studied: StudiedPass, layer: Layer) -> MLP:
    """Returns how the MLP of a block is built. The caller holds the model's lock."""
    modules = {inner for module in mlp_modules(layer) for inner in module.modules()}
    calls = [call for call in studied.module_calls if call.module in modules]
    bend = next((name for call in calls if (name := _bend(call))), None)
    return MLP(_kind(layer, calls), layer.d_mlp, bend, layer.mlp_part, studied.model)


def _kind(layer: Layer, calls: list[ModuleCall]) -> str:
    if layer.mlp_part is None:
        return "unknown"
    if layer.d_mlp is None:
        names = (name for call in calls for name, _ in call.module.named_modules())
        return "experts" if any("expert" in name for name in names) else "other"
    entering = calls[0].input_copy
    first = [call for call in calls if same_numbers(call.input_copy, entering) and _is_matrix(call)]
    widths = sorted(call.output_copy.shape[-1] for call in first)  # type: ignore[union-attr]
    if widths == [layer.d_mlp]:
        return "plain"
    return "gated" if widths in ([layer.d_mlp] * 2, [2 * layer.d_mlp]) else "other"


def _is_matrix(call: ModuleCall) -> bool:
    x, y = call.input_copy, call.output_copy
    changes = x is not None and y is not None and not same_numbers(x, y)
    return changes and not list(call.module.children()) and is_linear(call.module, x)  # type: ignore[arg-type]


def _bend(call: ModuleCall) -> str | None:
    """Returns the name of the function that a call computed for each number alone, None if it is none of the usual ones."""
    x, y = call.input_copy, call.output_copy
    if x is None or y is None or x.shape != y.shape or not x.is_floating_point() or list(call.module.parameters()):
        return None
    return next((name for name, bend in _BENDS.items() if agree(bend(x.float()).to(x.dtype), y, x)), None)
