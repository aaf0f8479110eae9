"""Measures the embedded model while another process keeps one of two cores busy: `python tests/benchmarks/busy_core.py`.

Prints times, asserts none. A classroom's laptop with a browser, or a hub with many kernels, is such a machine. Aim: a trace
of 64 tokens, and a completion of 40, take at most twice their quiet time. The load is started here. On Linux this process
and the load share two cores, whatever the machine has; on other systems the load has no fixed core.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median

import torch

import gptviz

ON_TWO_CORES = "--on-two-cores"
ROUNDS, EACH = 5, 8  # quiet and busy in turn, since other work comes and goes
LOAD = """
import os
os.environ["OPENBLAS_NUM_THREADS"] = "1"
import numpy
if {cores}: os.sched_setaffinity(0, {cores})
matrix = numpy.random.default_rng(0).normal(size=(300, 300))
print("started", flush=True)
while True: matrix = numpy.tanh(matrix @ matrix)
"""


def start() -> None:
    """Runs the measurements in a process on two cores, in which torch begins with its own number of threads."""
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
    subprocess.run([sys.executable, __file__, ON_TWO_CORES], env=environment, check=True)


def main() -> None:
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    gpt = gptviz.load()
    ids = torch.randint(0, gpt.vocab_size, (64,), generator=torch.Generator().manual_seed(64)).tolist()
    gpt.end_ids = frozenset()
    actions = {
        "a trace of 64 tokens": lambda: gpt.trace(ids),
        "a completion of 40 tokens": lambda: gpt.complete(ids[:16], max_tokens=40, seed=1),
    }
    print(f"torch has {torch.get_num_threads()} threads, on {len(cores) or os.cpu_count()} cores, one of them busy")
    for name, action in actions.items():
        measure(action)
        quiet, busy = [], []
        for _ in range(ROUNDS):
            quiet.append(measure(action))
            with busy_core(cores[-1:]):
                busy.append(measure(action))
        ratio = median(busy) / median(quiet)
        print(
            f"{name}: quiet {1e3 * median(quiet):.1f} ms, busy {1e3 * median(busy):.1f} ms: {ratio:.2f} times (aim: 2)"
        )


def measure(action: Callable[[], object]) -> float:
    """Returns the median seconds that an action takes."""
    times = []
    for _ in range(EACH):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return median(times)


@contextmanager
def busy_core(core: list[int]) -> Iterator[None]:
    """Keeps one core busy with matrix products in another process for the block. core: which, or empty for any."""
    program = LOAD.format(cores=core)
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as load:
        try:
            assert load.stdout is not None
            load.stdout.readline()
            yield
        finally:
            load.kill()


if __name__ == "__main__":
    main() if ON_TWO_CORES in sys.argv else start()
