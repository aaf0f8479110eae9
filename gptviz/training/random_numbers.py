"""Torch's random numbers from a generator of a run's own, for weights that begin at random.

`torch.manual_seed` sets the one generator that all threads share. A run that used it would change the numbers of the user's code,
and two runs that start at once would mix theirs.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

_one_at_a_time = threading.Lock()


@contextmanager
def random_numbers(seed: int) -> Iterator[None]:
    """Draws torch's random numbers in this thread and block from a generator of its own: those after `torch.manual_seed(seed)`.

    The generator that all threads share stays as it is. One thread at a time is in such a block: torch notes in a global
    variable whether some thread is in a mode, and would not find its way back from two that overlap.
    """
    with _one_at_a_time, _OwnGenerator(seed):
        yield


class _OwnGenerator(TorchDispatchMode):
    """Gives each operation that draws random numbers the generator of its device. A mode is that of one thread."""

    def __init__(self, seed: int):
        super().__init__()
        self._seed = seed
        self._generators: dict[torch.device, torch.Generator] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if torch.Tag.nondeterministic_seeded not in func.tags or kwargs.get("generator") is not None:
            return func(*args, **kwargs)
        device = args[0].device if isinstance(args[0], Tensor) else kwargs.get("device")
        return func.overloadpacket(*args, **{**kwargs, "generator": self._generator(torch.device(device or "cpu"))})

    def _generator(self, device: torch.device) -> torch.Generator:
        if device not in self._generators:
            self._generators[device] = torch.Generator(device).manual_seed(self._seed)
        return self._generators[device]

    @classmethod
    def ignore_compile_internals(cls) -> bool:
        """Lets other threads compile meanwhile."""
        return True
