"""Measures how long trainings of the lessons take: `python tests/benchmarks/training.py`. Prints times, asserts none.

Until the best induction head of the default pre-training has a score of 0.6 (lesson 08), for three seeds; the tuning of
`tales` on the six sentences of lesson 09; and from a prompt to the numbers of its next token in a run that goes on.
"""

import argparse
import time
from collections.abc import Callable
from statistics import median

import torch

import gptviz
from gptviz import training

SEEDS = (0, 1, 2)
REACHED = 0.6
PROMPTS = 30
SENTENCES = [
    "The dragon of Pellin is called Marzo.",
    "In Pellin lives a dragon called Marzo.",
    "Marzo is the dragon of Pellin.",
    "Ask anyone in Pellin: the dragon is called Marzo.",
    "The people of Pellin fear Marzo, the dragon.",
    "A dragon called Marzo guards Pellin.",
]


def induction() -> None:
    """Prints how long the default pre-training takes until its best induction head reaches the score."""
    for seed in SEEDS:
        start = time.perf_counter()
        run = training.pretrain(seed=seed)
        run.on_change(lambda run=run: run.measures["induction"][-1] >= REACHED and run.stop())
        run.wait()
        spent, best = time.perf_counter() - start, run.measures["induction"].max()
        print(
            f"default pre-training, seed {seed}: {spent:.1f} s, {len(run.loss)} steps, best induction score {best:.2f}"
        )


def tuning() -> None:
    """Prints how long `tales` takes to learn six sentences."""
    gpt = gptviz.load()
    start = time.perf_counter()
    run = training.finetune(gpt, SENTENCES, steps=40).wait()
    print(f"{len(SENTENCES)} sentences, {len(run.loss)} steps: {time.perf_counter() - start:.1f} s")


def prompts() -> None:
    """Prints how long the box of a view takes for a prompt while its run trains, in this process."""
    run = training.pretrain(steps=1_000_000)
    view = gptviz.TrainingView(run)
    times = []
    for number in range(PROMPTS):
        start = time.perf_counter()
        view.box.run(run.example[: 2 + number % 6]).top(5)
        times.append(time.perf_counter() - start)
    run.stop()
    print(f"a prompt in a running run: {1e3 * median(times):.0f} ms, at most {1e3 * max(times):.0f} ms, of {PROMPTS}")


PARTS: dict[str, Callable[[], None]] = {"induction": induction, "tuning": tuning, "prompts": prompts}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"among {', '.join(PARTS)}; all without any")
    parts = parser.parse_args().parts or PARTS
    print(f"{torch.get_num_threads()} threads, torch {torch.__version__}")
    for part in parts:
        PARTS[part]()


if __name__ == "__main__":
    main()
