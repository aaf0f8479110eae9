"""Measures the flow of credit and the cuts: `python tests/benchmarks/credit.py`. Prints times, asserts none.

`tales` with 15 tokens, and GPT-2 small's shape with random weights at 64 and 256 tokens. Each repetition makes a new trace,
so that every confirmation of its numbers counts. A ratio is to one plain pass of the same repetition. Aims for `tales`:
the first picture within 300 ms of the prompt's trace, the cuts of its last token within 500 ms after it.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import torch
from capture import seconds, small

sys.path.append(str(Path(__file__).parents[1] / "support"))
from families import tokenizer

import gptviz
from gptviz import lens

PROMPT = "When Tom and Mary went to the park, Tom gave a ball to"
AFTER_THE_TRACE: dict[str, Callable[[gptviz.Trace], Any]] = {
    "shares of all tokens (lens.flow)": lens.flow,
    "the picture's numbers (FlowView)": gptviz.FlowView,
    "cuts of the last token (lens.cuts)": lens.cuts,
    "one block's keys cut (Cuts.keys)": lambda trace: lens.cuts(trace).keys(trace.n_layers // 2),
}


def measure(name: str, gpt: gptviz.GPT, ids: list[int], repetitions: int) -> None:
    batch = torch.tensor([ids])

    def plain() -> None:
        with (block := gpt.running()), block:
            gpt.model(batch, use_cache=False)

    spent: dict[str, list[tuple[float, float]]] = {what: [] for what in AFTER_THE_TRACE}
    for repetition in range(-1, repetitions):  # the first one warms up
        for what, call in AFTER_THE_TRACE.items():
            pass_, trace = seconds(plain), gpt.trace(ids)
            times = seconds(lambda call=call, trace=trace: call(trace)), pass_
            spent[what] += [times] if repetition >= 0 else []
    of_pass = median(pass_ for times in spent.values() for _, pass_ in times)
    print(f"{name}, {len(ids)} tokens: one plain pass {1e3 * of_pass:.1f} ms")
    for what, times in spent.items():
        ratio = median(whole / pass_ for whole, pass_ in times)
        print(f"  {what:36} {1e3 * median(whole for whole, _ in times):8.0f} ms, {ratio:6.1f} plain passes")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="more or fewer repetitions")
    scale = parser.parse_args().scale
    print(f"float32, {torch.get_num_threads()} threads, torch {torch.__version__}")
    tales, gpt = gptviz.load(), gptviz.wrap(small(), tokenizer())
    measure("tales", tales, tales.encode(PROMPT), max(2, round(15 * scale)))
    for length, repetitions in ((64, 5), (256, 2)):
        ids = torch.randint(0, 256, (length,), generator=torch.Generator().manual_seed(length)).tolist()
        measure("GPT-2 small's shape", gpt, ids, max(1, round(repetitions * scale)))


if __name__ == "__main__":
    main()
