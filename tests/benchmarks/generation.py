"""Measures a step of the decode loop: `python tests/benchmarks/generation.py`. Prints times, asserts none.

Compares with transformers' own `generate` at the same settings, paired in one run, with random weights: GPT-2 small,
and a model of the embedded one's size. Our steps keep exact probabilities, alternatives and entropies, which `generate`
does not. Also measures how long a trace from another thread waits while a text is being generated.
"""

import argparse
import sys
import threading
import time
from pathlib import Path
from statistics import median

import torch
from transformers import GPT2Config, GPT2LMHeadModel

sys.path.extend([str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "support")])
from benchmarks.capture import paired
from families import tokenizer

import gptviz

SIZES = {
    "GPT-2 small": {},
    "the embedded model's size": dict(vocab_size=4096, n_positions=512, n_embd=256, n_layer=6, n_head=8),
}
PROMPT = list(range(16))
TOKENS = 48


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--repetitions", type=int, default=5)
    arguments = parser.parse_args()
    for name, size in SIZES.items():
        torch.manual_seed(0)
        gpt = gptviz.wrap(GPT2LMHeadModel(GPT2Config(**size)).eval().to(arguments.device), tokenizer())
        gpt.end_ids = frozenset()
        print(f"{name}, {TOKENS} tokens after {len(PROMPT)}, on {gpt.device}")
        for label, ours, theirs in (
            ("greedy", {"temperature": 0}, {"do_sample": False}),
            (
                "sampled",
                {"temperature": 0.7, "top_p": 0.9},
                {"do_sample": True, "temperature": 0.7, "top_p": 0.9, "top_k": 0},
            ),
            ("sampled, n=4", {"temperature": 0.7, "n": 4}, {"do_sample": True, "top_k": 0, "num_return_sequences": 4}),
        ):
            compare(gpt, label, ours, theirs, arguments.repetitions)
        print(f"  a trace asked for meanwhile by another thread: {waiting(gpt)}")


def compare(gpt: "gptviz.GPT", label: str, ours: dict, theirs: dict, repetitions: int) -> None:
    """Prints milliseconds per step of both, and the median of the ratios within each repetition."""
    ids = torch.tensor([PROMPT], device=gpt.device)
    mask = torch.ones_like(ids)
    times = paired(
        {
            "gptviz": lambda: gpt.complete(PROMPT, max_tokens=TOKENS, seed=1, **ours),
            "generate": lambda: gpt.model.generate(
                ids, attention_mask=mask, max_new_tokens=TOKENS, eos_token_id=None, pad_token_id=0, **theirs
            ),
        },
        repetitions,
    )
    ratio = median(a / b for a, b in zip(times["gptviz"], times["generate"], strict=True))
    spent = {name: 1000 * median(values) / TOKENS for name, values in times.items()}
    print(f"  {label:14} {spent['gptviz']:6.2f} ms a step, generate {spent['generate']:6.2f}: {ratio:.2f}")


def waiting(gpt: "gptviz.GPT") -> str:
    """Returns a line on how long a trace takes alone, and while a text is being generated."""
    alone = median(timed(gpt) for _ in range(5))
    thread = threading.Thread(target=lambda: gpt.complete(PROMPT, max_tokens=200, seed=1))
    thread.start()
    beside = []
    while thread.is_alive():
        beside.append(timed(gpt))
        time.sleep(0.01)
    thread.join()
    return f"{1000 * max(beside):.0f} ms at most ({len(beside)} asked), alone {1000 * alone:.0f} ms"


def timed(gpt: "gptviz.GPT") -> float:
    start = time.perf_counter()
    gpt.trace(PROMPT)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
