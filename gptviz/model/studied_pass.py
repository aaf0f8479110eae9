"""Watches one pass of a model: the calls of all of its modules, what each took in and gave, and what attention was given."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from gptviz.model.capture import AttentionCall, Recorder, entering, first_tensor, record, register
from gptviz.model.changes import Block
from gptviz.model.requirements import checked_forward


@dataclass
class ModuleCall:
    """One call of one module during the studied pass: its first tensor in and out, and copies of both.

    The copies keep the numbers of the moment, since some families write into these tensors later.
    """

    module: nn.Module
    input: Tensor | None
    input_copy: Tensor | None
    result: Any = None
    output: Tensor | None = None
    output_copy: Tensor | None = None

    @property
    def overwritten(self) -> bool:
        """Whether the input or the output was written into after the call."""
        pairs = ((self.input, self.input_copy), (self.output, self.output_copy))
        return any(a is not None and b is not None and not torch.equal(a, b) for a, b in pairs)


@dataclass
class StudiedPass:
    """The calls of all modules of a model in the order in which they began, and what the pass computed.

    attention_calls: on the interface route. maps: attention maps, on the eager route. counts_from_zero: whether a module
    was given the tokens' positions, counted from 0.
    """

    model: nn.Module
    module_calls: list[ModuleCall] = field(default_factory=list)
    attention_calls: list[AttentionCall] = field(default_factory=list)
    maps: tuple[Tensor, ...] = ()
    logits: Tensor | None = None
    counts_from_zero: bool = False

    def call_of(self, module: nn.Module) -> ModuleCall | None:
        """Returns the first call of a module, or None if it was not called."""
        return next((call for call in self.module_calls if call.module is module), None)

    def called_once(self, module: nn.Module) -> bool:
        """Returns whether the pass called a module once: another call would have other numbers."""
        return sum(call.module is module for call in self.module_calls) == 1

    def calls_inside(self, module: nn.Module) -> Iterator[ModuleCall]:
        """Returns the calls of the modules that a module contains."""
        members = {id(m) for m in module.modules()} - {id(module)}
        return (call for call in self.module_calls if id(call.module) in members)


def watch(model: nn.Module, ids: Tensor, route: str, source: Tensor | None = None) -> StudiedPass:
    """Runs ids, (1, T), through the model and returns what it saw. route: "interface" or "eager". source: see `call_model`."""
    studied, open_calls = StudiedPass(model), []
    positions = torch.arange(ids.shape[1], device=ids.device)

    def before(module: nn.Module, args: Any, kwargs: Any) -> None:
        tensor = entering(args, kwargs)
        studied.counts_from_zero |= any(same_numbers(value, positions) for value in (*args, *kwargs.values()))
        call = ModuleCall(module, tensor, None if tensor is None else tensor.clone())
        studied.module_calls.append(call)
        open_calls.append(call)

    def after(_module: nn.Module, _args: Any, result: Any) -> None:
        call = open_calls.pop()
        call.result, call.output = result, first_tensor(result)
        call.output_copy = None if call.output is None else call.output.clone()

    def begin(block: Block[Any]) -> Recorder:
        for module in model.modules():
            if module is not model:
                register(block, module, "in", before)
                register(block, module, "out", after)
        return record(block, model, route, keep="outputs")

    with Block(begin) as recorder:
        result = checked_forward(model, ids, source, **({"output_attentions": True} if route == "eager" else {}))
    studied.logits, studied.attention_calls = result.logits, recorder.calls
    studied.maps = tuple(m for m in getattr(result, "attentions", None) or () if _is_map(m, ids.shape[1]))
    return studied


def _is_map(value: Any, length: int) -> bool:
    """Returns whether a value has the shape of attention maps, (1, H, T, T). RWKV returns something else under this name."""
    return isinstance(value, Tensor) and value.ndim == 4 and value.shape[2:] == (length, length)


def map_makers(studied: StudiedPass) -> list[nn.Module]:
    """Returns the innermost module that returned each attention map, in order."""

    def returned(call: ModuleCall, attention_map: Tensor) -> bool:
        return isinstance(call.result, (tuple, list)) and any(value is attention_map for value in call.result)

    makers = [[call.module for call in studied.module_calls if returned(call, m)] for m in studied.maps]
    return [modules[-1] for modules in makers if modules]


def same_numbers(a: Any, b: Any) -> bool:
    """Returns whether two values are tensors that have the same numbers in the same order, whatever their shapes."""
    return (
        isinstance(a, Tensor)
        and isinstance(b, Tensor)
        and a.numel() == b.numel()
        and torch.equal(a.flatten(), b.flatten())
    )
