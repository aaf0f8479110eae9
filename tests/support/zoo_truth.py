"""The truth about a small model of any family: transformers itself, with hooks of PyTorch on an untouched copy."""

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
import torch
from families import END, IDS
from torch import Tensor, nn
from zoo_models import NotBuilt, build, one_line

T = len(IDS)

Change = Callable[[Tensor], Tensor | None]  # is given a copy of what passes; returns what replaces it, or None
Hook = Callable[[], Any]  # registers itself and returns its handle


class Truth:
    """An untouched small model. blocks: its blocks, the largest list of modules that a pass calls.

    logits: (T, vocab). Raises NotBuilt if the model does not run.
    """

    def __init__(self, family: str):
        self.family, self.model = family, build(family)
        called: set[nn.Module] = set()
        hooks = [_noting(module, called) for module in self.model.modules()]
        try:
            self.logits = self.run(*hooks)
        except Exception as error:
            raise NotBuilt(f"the small model does not run: {one_line(error)}") from error
        if not np.isfinite(self.logits).all():
            raise NotBuilt("with random weights its logits are not finite")
        lists = [module for module in self.model.modules() if isinstance(module, nn.ModuleList)]
        in_use = [[member for member in each if member in called] for each in lists]
        self.blocks = max(in_use, key=_size, default=[])

    def run(self, *hooks: Hook, ids: list[int] = IDS) -> np.ndarray:
        """Returns the logits of a pass with hooks: (T, vocab)."""
        handles = [register() for register in hooks]
        try:
            with torch.no_grad():
                return self.model(torch.tensor([ids]), use_cache=False).logits[0].numpy()
        finally:
            for handle in handles:
                handle.remove()

    @cached_property
    def stream(self) -> list[np.ndarray]:
        """Returns what enters each block and what leaves the last: each (T, d)."""
        return self.stream_of(IDS)

    def stream_of(self, ids: list[int]) -> list[np.ndarray]:
        """Returns the same for another text."""
        passed: list[np.ndarray] = []
        keep: Change = lambda x: passed.append(x[0].numpy())  # noqa: E731
        self.run(*(at_input(block, keep) for block in self.blocks), at_output(self.blocks[-1], keep), ids=ids)
        assert len(passed) == len(self.blocks) + 1, f"{len(self.blocks)} blocks are called {len(passed) - 1} times"
        return passed

    @cached_property
    def maps(self) -> list[np.ndarray]:
        """Returns the maps that the family's own eager attention computes, of the layers that have one."""
        model, ids = build(self.family, attn_implementation="eager"), torch.tensor([IDS])
        with torch.no_grad():
            model(ids, use_cache=False)  # BigBird replaces its attention modules in the first pass over a short text
            maps = model(ids, use_cache=False, output_attentions=True).attentions
        return [weights[0].numpy() for weights in maps or () if weights is not None]

    def generated(self, length: int) -> list[int]:
        """Returns the ids that `generate` adds with greedy decoding."""
        ids = torch.tensor([IDS])
        whole = self.model.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=length)
        return _to_end(whole[0, T:].tolist())

    def read_anew(self, length: int) -> list[int]:
        """Returns the ids of greedy decoding that reads the whole text for each token, without a cache."""
        ids = list(IDS)
        for _ in range(length):
            ids.append(int(self.run(ids=ids)[-1].argmax()))
        return _to_end(ids[T:])


def at_input(module: nn.Module, change: Change) -> Hook:
    """Returns a hook at what enters a module: its first argument, or `hidden_states`."""

    def hook(_module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        changed = change((args[0] if args else kwargs["hidden_states"]).clone())
        if changed is None:
            return None
        return ((changed, *args[1:]), kwargs) if args else (args, kwargs | {"hidden_states": changed})

    return lambda: module.register_forward_pre_hook(hook, with_kwargs=True)


def at_output(module: nn.Module, change: Change) -> Hook:
    """Returns a hook at what leaves a module: its result, or the first of its results."""

    def hook(_module: nn.Module, _args: Any, result: Any) -> Any:
        if isinstance(result, Tensor):
            return change(result.clone())
        changed = change(result[0].clone())
        if changed is None:
            return None
        return result._replace(**{result._fields[0]: changed}) if hasattr(result, "_fields") else (changed, *result[1:])

    return lambda: module.register_forward_hook(hook)


def _noting(module: nn.Module, called: set[nn.Module]) -> Hook:
    return lambda: module.register_forward_hook(lambda *_: called.add(module))


def _size(modules: list[nn.Module]) -> int:
    return sum(p.numel() for module in modules for p in module.parameters())


def _to_end(ids: list[int]) -> list[int]:
    return ids[: ids.index(END) + 1] if END in ids else ids
