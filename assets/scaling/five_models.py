"""Trains five micro models on the same stories, and writes how their loss fell to runs.json: the data of lesson 13.

They have the architecture of GPT-2 with two layers and differ in width alone. Each reads the same stories for as many
steps, so that only the size differs. All five take three minutes of one core:

    python assets/scaling/five_models.py
"""

import json
import sys
from pathlib import Path
from random import Random

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tales"))  # which has the stories

import stories  # noqa: E402

from gptviz import training  # noqa: E402

WIDTHS = (8, 12, 20, 32, 48)
LAYERS, HEAD = 2, 4  # layers, and numbers in a head
STEPS, BATCH, LENGTH = 600, 32, 64  # steps, texts in a batch, tokens in a text
VOCABULARY = 512
TEXTS, HELD_OUT = 8_000, 80  # stories


def told(count: int, seed: int, held: bool = False) -> list[str]:
    """Returns stories. held: of combinations of plot, hero and place that training never uses."""
    rng = Random(seed)
    return [stories.tell(rng, held).text for _ in range(count)]


def train(width: int, steps: int = STEPS) -> training.Run:
    """Starts the training of a model of this width, and returns the run."""
    return training.pretrain(
        (LAYERS, width // HEAD, width), told(TEXTS, seed=0), steps, positions="learned", length=LENGTH,
        vocabulary=VOCABULARY, held_out=told(HELD_OUT, seed=1, held=True), batch=BATCH, keep=13, learning_rate=0.006,
    )  # fmt: skip


def entry(width: int, run: training.Run) -> dict[str, object]:
    """Returns what runs.json has of a finished run. Losses are in nats a token."""
    table, positions = run.before.vocab_size * width, run.before.context_length * width
    total = sum(parameter.numel() for parameter in run.before.model.parameters())
    return {
        "width": width, "layers": LAYERS, "heads": width // HEAD, "vocabulary": run.before.vocab_size,
        "parameters": total, "in_blocks": total - table - positions,
        "tokens": [int(step) * BATCH * LENGTH for step in run.steps_kept],
        "held_out": [round(loss, 5) for loss in run.measures["held_out"].tolist()],
        "first_losses": [round(loss, 5) for loss in run.loss[:40].tolist()],
    }  # fmt: skip


if __name__ == "__main__":
    runs = [entry(width, train(width).wait()) for width in WIDTHS]
    (HERE / "runs.json").write_text(json.dumps(runs, indent=1) + "\n")
