"""Autocast as it was in a pass: what is computed from the pass later is computed in the same precision."""

from functools import partial
from typing import Any, NamedTuple

import torch

from gptviz.model.changes import Block


class Autocast(NamedTuple):
    """Whether autocast is on for a type of device, such as "cpu", and the dtype that it casts to."""

    device_type: str
    enabled: bool
    dtype: torch.dtype


def autocast_now(device_type: str) -> Autocast:
    """Returns autocast as it is in this thread."""
    return Autocast(device_type, torch.is_autocast_enabled(device_type), torch.get_autocast_dtype(device_type))


def set_autocast(block: Block[Any], wanted: Autocast) -> None:
    """Makes autocast as wanted in this thread until the block ends."""
    now = autocast_now(wanted.device_type)
    if now == wanted:
        return
    block.undo_with(torch.clear_autocast_cache)  # of weights that were cast, which may change later
    block.undo_with(partial(_set, now))
    _set(wanted)


def _set(wanted: Autocast) -> None:
    torch.set_autocast_enabled(wanted.device_type, wanted.enabled)
    torch.set_autocast_dtype(wanted.device_type, wanted.dtype)
