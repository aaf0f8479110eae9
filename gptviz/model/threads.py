"""How many threads a pass uses: one for a small model, and for a larger one the cores that this process may use.

torch's threads wait for one another in a spin. When something else keeps one of the cores busy, such as a browser or
another kernel, the many small products of a small model wait most of the time; on one thread they do not. And torch
starts a thread for every core that it sees, even if a container may use fewer.

torch's own number, set by torch.set_num_threads or OMP_NUM_THREADS, is an upper limit: gptviz uses fewer threads, not
more, unless `set_threads` asks for them. Outside of gptviz's passes torch has its own number.
"""

import os
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path
from weakref import WeakKeyDictionary

import torch
from torch import nn

from gptviz.checks import check_count
from gptviz.errors import OutOfRange, fail
from gptviz.model.changes import Block

SMALL = 30_000_000  # parameters: below this number a model runs on one thread
_MOST = max(64, os.cpu_count() or 1)  # more threads can end the process if the system allows no more
_chosen: dict[str, int | None] = {"threads": None}
_sizes: "WeakKeyDictionary[nn.Module, int]" = WeakKeyDictionary()  # parameters of each model


def set_threads(n: int | None) -> None:
    """Sets how many threads gptviz's passes use from now on, in every model.

    n: a number from 1, also above torch's own; None for the number that a model needs, as at first: one thread below 30
    million parameters, otherwise the cores that this process may use, and never more than torch's own number
    (torch.set_num_threads, OMP_NUM_THREADS). Your own work with torch keeps torch's number.

    Raises WrongType for what is no whole number, GPTVizError below 1, OutOfRange for more threads than a machine can have.
    """
    if n is not None:
        n = check_count(n, "n")
        if n > _MOST:
            remedy = f"This process may use {allowed_cores()}; more threads than cores are slower."
            raise fail(f"at most {_MOST} threads", f"{n}", remedy, OutOfRange)
    _chosen["threads"] = n


def threads_for(parameters: int, limit: int) -> int:
    """Returns how many threads a pass of a model of so many parameters uses. limit: torch's own number."""
    if _chosen["threads"] is not None:
        return _chosen["threads"]
    return 1 if parameters < SMALL else min(limit, allowed_cores())


def use_threads(block: Block[object], model: nn.Module) -> None:
    """Sets torch's threads of this thread to what the model needs, until the block ends."""
    before = torch.get_num_threads()
    threads = threads_for(_size(model), before)
    if threads != before:
        block.undo_with(partial(torch.set_num_threads, before))
        torch.set_num_threads(threads)


def _size(model: nn.Module) -> int:
    size = _sizes.get(model)
    if size is None:
        size = _sizes[model] = sum(parameter.numel() for parameter in model.parameters())
    return size


@cache
def allowed_cores() -> int:
    """Returns how many cores this process may use: those it may run on, within the quota of its container."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min([cores, *map(int, quotas(Path("/")))]))


def quotas(root: Path) -> Iterator[float]:
    """Yields the quota, in cores, of each control group that this process is in; nothing if there is no quota.

    root: the root of the file system. Both versions of Linux's control groups are read. A container may see its own group
    at the top of the tree, or under the path that the host knows; a quota of any group above counts too.
    """
    for line in _read(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        top = root / "sys/fs/cgroup" / controllers
        if controllers == "":
            limits = [_read(folder / "cpu.max") for folder in _folders(top, path)]
        elif "cpu" in controllers.split(","):
            names = ("cpu.cfs_quota_us", "cpu.cfs_period_us")
            limits = [" ".join(_read(folder / name) for name in names) for folder in _folders(top, path)]
        else:
            continue
        for quota, period in (limit.split() for limit in limits if limit.strip()):
            if quota.isdecimal():  # without a limit it is "max" or "-1"
                yield int(quota) / int(period)


def _folders(top: Path, path: str) -> list[Path]:
    """Returns the folder of a control group and those above it, up to the top of the tree."""
    names = [name for name in path.split("/") if name not in ("", "..")]
    return [top.joinpath(*names[:depth]) for depth in range(len(names) + 1)]


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:
        return ""
