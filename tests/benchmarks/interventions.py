"""Measures the cost of edits: `python tests/benchmarks/interventions.py`. Prints times, asserts none.

GPT-2 small (random weights) and `tales`, plain and edited passes paired in one run as in `capture.py`. Aims: an edited
pass at most 1.3 of a plain one; every head of `tales` switched off once, on one prompt, within 3 s on two cores.
"""

import argparse
import time
from statistics import median

import numpy as np
import torch
from capture import paired, small
from families import tokenizer
from transformers import logging as transformers_logging

import gptviz
from gptviz import lens

PROMPT = "When Anna and Tom went to the park, Tom gave a book to"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="more or fewer repetitions")
    scale = parser.parse_args().scale
    transformers_logging.set_verbosity_error()
    print(f"float32, {torch.get_num_threads()} threads, torch {torch.__version__}")
    print("an edited pass against a plain one (aim: at most 1.3)")
    ids = torch.randint(0, 50_257, (64,), generator=torch.Generator().manual_seed(64)).tolist()
    gpt, tales = gptviz.wrap(small(), tokenizer()), gptviz.load()
    ratios("GPT-2 small, 64 tokens", gpt, ids, max(2, round(15 * scale)))
    ratios(f"tales, {len(tales.encode(PROMPT))} tokens", tales, tales.encode(PROMPT), max(4, round(40 * scale)))
    sweeps(tales)


def ratios(name: str, gpt: gptviz.GPT, ids: list[int], repetitions: int) -> None:
    source = gpt.trace(ids[::-1])
    edits = {
        "one head": [gptviz.ablate_head(3, 1)],
        "a row of attention": [gptviz.set_attention(3, 1, 7, [1, *[0] * 7])],
        "one place patched": [gptviz.patch("residual", 3, 5, source=source)],
        "one MLP": [gptviz.ablate_mlp(3)],
        "every layer steered": [gptviz.steer(layer, np.ones(gpt.d_model)) for layer in range(gpt.n_layers)],
        "every head scaled": [gptviz.scale_head(i, j, 0.5) for i in range(gpt.n_layers) for j in range(gpt.n_heads)],
    }
    contenders = {"plain": lambda: gpt.trace(ids)} | {
        what: (lambda these=these: gpt.trace(ids, edits=these)) for what, these in edits.items()
    }
    times = paired(contenders, repetitions)
    print(f"{name}: plain {1e3 * median(times['plain']):.1f} ms")
    for what in edits:
        ratio = median(a / b for a, b in zip(times[what], times["plain"], strict=True))
        print(f"  {what:22} {ratio:.3f}")


def sweeps(tales: gptviz.GPT) -> None:
    trace = tales.trace(PROMPT)
    other = tales.trace(PROMPT.replace("park, Tom", "park, Anna"))
    metric = lens.probability_of(int(trace.logits[-1].argmax()))
    print(f"sweeps of tales: {trace.n_layers} layers × {trace.n_heads} heads, {len(trace.tokens)} tokens")
    calls = {
        "every head switched off (aim: within 3 s)": lambda: lens.ablation_sweep(trace, metric),
        "the stream patched everywhere": lambda: lens.patch_sweep(other, trace, metric),
        "every head patched": lambda: lens.patch_sweep(other, trace, metric, site="head_output"),
    }
    for what, call in calls.items():
        spent = []
        for _ in range(3):
            start = time.perf_counter()
            call()
            spent.append(time.perf_counter() - start)
        print(f"  {what:42} {median(spent):.2f} s")


if __name__ == "__main__":
    main()
