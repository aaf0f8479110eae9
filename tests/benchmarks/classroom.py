"""Measures what a class costs: `python tests/benchmarks/classroom.py`. Prints figures, asserts none. Linux only.

Starts ten kernels as ten learners do, each with `tales` and the linked page, and asks all at once for a new prompt. Then ten
kernels whose model is on one server, which runs here too and is not counted. Memory is the proportional set size: a page of
memory that several kernels share counts once. Writes the machine's load before, since other work makes times longer.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from jupyter_client.manager import KernelManager

sys.path.append(str(Path(__file__).parents[1] / "support"))
from protocol_server import running_server

import gptviz

PROMPT, NEXT = "Once upon a time there was a", "Tom and Mary went to the park."
LOCAL = f"import gptviz\ngpt = gptviz.load()\npage = gptviz.explore({PROMPT!r}, gpt=gpt)\npage._timeline.wait()"
SERVED = (
    "import gptviz\ngpt = gptviz.connect({address!r})\n"
    f"page = gptviz.PromptBox({PROMPT!r}, gpt=gpt)\nbench = gptviz.SamplingBench(page)"
)
PATIENCE = 300  # seconds for a cell
MEGABYTE = 1024  # of the kB that the system counts in


class Kernel:
    """A running kernel."""

    def __init__(self) -> None:
        self._manager = KernelManager()
        self._manager.start_kernel()
        self._client = self._manager.client()
        self._client.start_channels()
        self._client.wait_for_ready(PATIENCE)

    def run(self, code: str) -> float:
        """Runs a cell; returns its seconds. Raises RuntimeError if it fails."""
        start = time.perf_counter()
        reply = self._client.execute_interactive(code, timeout=PATIENCE, output_hook=lambda _message: None)
        if reply["content"]["status"] != "ok":
            raise RuntimeError(f"{reply['content']['ename']}: {reply['content']['evalue']}")
        return time.perf_counter() - start

    @property
    def megabytes(self) -> float:
        """Its memory now."""
        rollup = Path(f"/proc/{self._manager.provisioner.pid}/smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) for line in rollup if line.startswith("Pss:")) / MEGABYTE

    def close(self) -> None:
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)


@contextmanager
def kernels(count: int) -> Iterator[tuple[list[Kernel], list[float]]]:
    """Starts kernels one after the other; yields them, and the seconds that each took to answer."""
    started: list[Kernel] = []
    seconds = []
    try:
        for _ in range(count):
            start = time.perf_counter()
            started.append(Kernel())
            seconds.append(time.perf_counter() - start)
        yield started, seconds
    finally:
        for kernel in started:
            kernel.close()


def measure(name: str, count: int, cell: str, change: str) -> None:
    """Prints what `count` kernels cost that run a cell. change: a cell that asks the model for another prompt."""
    with kernels(count) as (running, starts):
        empty = sum(kernel.megabytes for kernel in running)
        first = [kernel.run(cell) for kernel in running]
        full = [kernel.megabytes for kernel in running]
        alone = [kernel.run(change.format(prompt=PROMPT + " little")) for kernel in running]
        with ThreadPoolExecutor(count) as pool:
            together: list[Any] = list(pool.map(lambda kernel: kernel.run(change.format(prompt=NEXT)), running))
    print(f"{name}, {count} kernels")
    print(f"  a kernel answers after      {spread(starts)} s")
    print(f"  its first cell takes        {spread(first)} s, one kernel after the other")
    print(f"  another prompt              {spread(alone)} s alone, {spread(together)} s when all ask at once")
    print(f"  memory, empty kernels       {empty:,.0f} MB together")
    print(f"  memory, with their views    {sum(full):,.0f} MB together, {min(full):,.0f} to {max(full):,.0f} MB each")


def spread(seconds: list[float]) -> str:
    return f"{median(seconds):.2f} ({min(seconds):.2f} to {max(seconds):.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="more or fewer kernels")
    count = max(2, round(10 * parser.parse_args().scale))
    load = os.getloadavg()[0]
    print(f"{len(os.sched_getaffinity(0))} cores, load before: {load:.1f}")
    measure("tales in each kernel", count, LOCAL, "page.box.run({prompt!r})")
    with running_server(gptviz.load()) as server:
        measure("one served model", count, SERVED.format(address=server.start()), "page.run({prompt!r})")


if __name__ == "__main__":
    main()
