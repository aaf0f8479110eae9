"""Measures the embedded models: `python tests/benchmarks/embedded.py`. Prints times, asserts none.

Aims on two cores: `tales` and `translator` load within a second in a new process, once torch and transformers are imported,
and a pass of `tales` over 64 tokens takes less than 40 ms; medians. Compares transformers' own pass with a capture by gptviz.
"""

import argparse
import subprocess
import sys
from statistics import median

import torch
from capture import paired

import gptviz

LOAD = """
import sys, time, torch, transformers
from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer, GPT2LMHeadModel, GPT2TokenizerFast
from transformers import M2M100ForConditionalGeneration
import gptviz
start = time.perf_counter()
gptviz.load(sys.argv[1])
print(time.perf_counter() - start)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="more or fewer repetitions")
    scale = parser.parse_args().scale
    for name in ("tales", "translator"):
        loads = [loading(name) for _ in range(max(3, round(7 * scale)))]
        print(f"{name} loads in {median(loads):.3f} s (aim: 1 s), {min(loads):.3f} to {max(loads):.3f}")
    gpt = gptviz.load()
    ids = torch.randint(0, gpt.vocab_size, (64,), generator=torch.Generator().manual_seed(64)).tolist()
    batch = torch.tensor([ids])

    def plain() -> None:
        with torch.inference_mode():
            gpt.model(batch)

    times = paired({"forward": plain, "captured": lambda: gpt.trace(ids)}, max(10, round(60 * scale)))
    forward, captured = (1e3 * median(times[name]) for name in ("forward", "captured"))
    print(
        f"64 tokens, {torch.get_num_threads()} threads: forward {forward:.1f} ms (aim: 40), captured {captured:.1f} ms"
    )


def loading(name: str) -> float:
    """Returns the seconds that loading a model takes in a new process."""
    command = [sys.executable, "-c", LOAD, name]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


if __name__ == "__main__":
    main()
