"""Runs compiled modules as they were written: compiled code passes over hooks, by which a pass is recorded and edited."""

from collections.abc import Iterable
from functools import partial
from typing import Any

from torch import nn

from gptviz.model.changes import Block


def run_uncompiled(block: Block[Any], modules: Iterable[nn.Module]) -> None:
    """Takes the compiled code of `torch.compile` from these modules until the block ends."""
    for module in modules:
        own = module.__dict__
        if own.get("_compiled_call_impl") is not None:  # of `module.compile()`
            block.undo_with(partial(own.__setitem__, "_compiled_call_impl", own["_compiled_call_impl"]))
            own["_compiled_call_impl"] = None
        written = getattr(own.get("forward"), "_torchdynamo_orig_callable", None)
        if written is not None:  # of `module.forward = torch.compile(module.forward)`
            block.undo_with(partial(own.__setitem__, "forward", own["forward"]))
            own["forward"] = written
