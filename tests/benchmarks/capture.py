"""Measures the cost of a capture: `python tests/benchmarks/capture.py`. Prints times, asserts none.

GPT-2 small (random weights, no download) at 16, 64, 256 and 1,024 tokens, paired in one run: each repetition times
every contender once, in rotating order, so that other load on the machine affects all alike. A ratio is the median of
the ratios within each repetition. Aims: a capture at most 1.05 of a plain forward; at 1,024 tokens at most 450 MB held;
one head's map within 10 ms.
"""

import argparse
import gc
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import torch
from transformers import GPT2Config, GPT2LMHeadModel
from transformers import logging as transformers_logging

sys.path.extend([str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "support")])
from families import tokenizer

import gptviz

LENGTHS = {16: 60, 64: 30, 256: 12, 1024: 6}  # tokens: repetitions


def small() -> GPT2LMHeadModel:
    """Returns GPT-2 small in eval mode with random weights, which do not affect its speed."""
    torch.manual_seed(0)
    return GPT2LMHeadModel(GPT2Config()).eval()


def seconds(call: Callable[[], Any]) -> float:
    gc.collect()
    start = time.perf_counter()
    call()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start


def paired(contenders: dict[str, Callable[[], Any]], repetitions: int) -> dict[str, list[float]]:
    """Returns each contender's seconds per repetition, interleaved; two warm-up rounds are not counted."""
    names = list(contenders)
    times: dict[str, list[float]] = {name: [] for name in names}
    for repetition in range(-2, repetitions):
        turn = repetition % len(names)
        for name in names[turn:] + names[:turn]:
            spent = seconds(contenders[name])
            if repetition >= 0:
                times[name].append(spent)
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--scale", type=float, default=1.0, help="more or fewer repetitions")
    options = parser.parse_args()
    transformers_logging.set_verbosity_error()
    model = small().to(options.device)
    eager_model = small().to(options.device)
    eager_model.set_attn_implementation("eager")
    gpt = gptviz.wrap(model, tokenizer())
    threads = torch.get_num_threads()
    print(f"GPT-2 small, random weights, float32, {options.device}, {threads} threads, torch {torch.__version__}")
    print("tokens   plain forward   gptviz capture (ratio)   eager with output_attentions (ratio)   held by the trace")
    for length, repetitions in LENGTHS.items():
        ids = torch.randint(0, 50_257, (length,), generator=torch.Generator().manual_seed(length))
        batch = ids[None].to(options.device)
        held: list[Any] = []

        def plain(batch: torch.Tensor = batch) -> Any:
            with torch.no_grad():
                return model(batch, use_cache=False)

        def eager(batch: torch.Tensor = batch) -> Any:
            with torch.no_grad():
                return eager_model(batch, use_cache=False, output_attentions=True)

        def capture(ids: torch.Tensor = ids, held: list[Any] = held) -> Any:
            held[:] = [gpt.trace(ids)]
            return held[0]

        times = paired({"plain": plain, "capture": capture, "eager": eager}, max(2, round(repetitions * options.scale)))
        middle = {name: 1e3 * median(spent) for name, spent in times.items()}
        ratio = {
            name: median(a / b for a, b in zip(spent, times["plain"], strict=True)) for name, spent in times.items()
        }
        print(
            f"{length:6,}   {middle['plain']:10.2f} ms   {middle['capture']:10.2f} ms ({ratio['capture']:.3f})   "
            f"{middle['eager']:16.2f} ms ({ratio['eager']:.3f})   {held[0].nbytes / 1e6:20.1f} MB"
        )
    report(held[0])


def report(trace: Any) -> None:
    """Prints the longest trace's memory and the time to read from it."""
    logits = trace.logits.nbytes
    maps = trace.n_layers * trace.n_heads * len(trace.tokens) ** 2 * 4
    print(f"\nheld at {len(trace.tokens):,} tokens: {trace.nbytes / 1e6:.0f} MB (aim: at most 450), ", end="")
    print(f"{logits / 1e6:.0f} of it logits; all maps would be {maps / 1e6:.0f} MB")
    looks: dict[str, Callable[[], Any]] = {
        "one head's map": lambda: trace.attention(5, 7),
        "one layer's maps": lambda: trace.attention(5),
        "one head's score stages": lambda: trace.score_stages(5, 7),
        "one head's output": lambda: trace.head_output(5, 7),
        "one MLP's activations": lambda: trace.mlp_activations(5),
        "the logit lens": lambda: trace.logit_lens(),
    }
    for name, spent in paired(looks, 15).items():
        aim = " (aim: within 10)" if name == "one head's map" else ""
        print(f"  {name:24} {1e3 * median(spent):8.2f} ms{aim}")


if __name__ == "__main__":
    main()
