"""Puts a model into evaluation mode in one thread only.

Dropout and the like ask their module for `training`. Setting it would switch dropout off for a training step that runs in
another thread at the same time. So a module in training mode gets, for the time of a pass, a class whose `training` is
False in the thread of the pass and the module's own in all others. Everything else of the class is inherited.
"""

from contextvars import ContextVar
from functools import lru_cache, partial
from typing import Any

from torch import nn

from gptviz.model.changes import Block

_evaluating: ContextVar[bool] = ContextVar("gptviz_evaluating", default=False)


def evaluate_in_this_thread(block: Block[Any], modules: list[nn.Module]) -> None:
    """Puts these modules, which are in training mode, into evaluation mode in this thread until the block ends."""
    if not modules:
        return
    block.undo_with(partial(_evaluating.set, _evaluating.get()))
    _evaluating.set(True)
    for module in modules:
        kind: Any = type(module)
        evaluated = _evaluated(kind) if "training" in vars(module) else None
        if evaluated is not None:
            block.undo_with(partial(object.__setattr__, module, "__class__", kind))
            object.__setattr__(module, "__class__", evaluated)
        else:  # a module that keeps its mode in its own way, as TorchScript does: all threads see the change
            block.undo_with(partial(setattr, module, "training", True))
            module.training = False


@lru_cache(maxsize=256)
def _evaluated(kind: type) -> type | None:
    """Returns a subclass whose modules are in evaluation mode in the threads that evaluate; None if it can have none."""
    if hasattr(kind, "training"):
        return None

    def get(module: nn.Module) -> bool:
        mode: bool = vars(module)["training"]
        return mode and not _evaluating.get()

    def put(module: nn.Module, mode: bool) -> None:
        vars(module)["training"] = mode

    names = {"__module__": kind.__module__, "__qualname__": kind.__qualname__, "__doc__": kind.__doc__}
    try:
        return type(kind.__name__, (kind,), {**names, "training": property(get, put)})
    except TypeError:  # its metaclass or its base class allows none
        return None
