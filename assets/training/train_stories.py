"""Writes stories.txt, trains a small model on the stories, and keeps some of its steps in stories/, in half precision.

python assets/training/train_stories.py
"""

import json
import sys
from pathlib import Path
from random import Random

from safetensors.torch import load_file, save_file

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tales"))

from stories import tell  # noqa: E402

from gptviz.training import Run, pretrain  # noqa: E402

TEXT, RUN = HERE / "stories.txt", HERE / "stories"
STORIES, HELD_OUT = 1000, 100
STEPS, EVERY = 2000, 25
KEPT = (0, 25, 100, 300, 1000, 2000)


def write_text() -> list[str]:
    """Writes one story a line: those to learn, then those that are held out, whose combinations of words are none of theirs."""
    told = [tell(Random(seed), held=seed >= STORIES).text for seed in range(STORIES + HELD_OUT)]
    TEXT.write_text("\n".join(told) + "\n", "utf-8")
    return told


def train(stories: list[str]) -> Run:
    """Trains the run that the lesson begins and this script finishes."""
    learned, held_out = stories[:STORIES], stories[STORIES:]
    return pretrain("tiny", learned, STEPS, vocabulary=512, held_out=held_out, keep=STEPS // EVERY + 1).wait()


def keep_some() -> None:
    """Removes all saved steps but a few, and halves their precision. run.json has the measures of those, too."""
    description = json.loads((RUN / "run.json").read_text("utf-8"))
    measured = dict(zip(description["steps"], description["measured"], strict=True))
    description |= {"steps": list(KEPT), "measured": [measured[step] for step in KEPT]}
    description["losses"] = [round(loss, 4) for loss in description["losses"]]
    (RUN / "run.json").write_text(json.dumps(description), "utf-8")
    for file in (RUN / "steps").iterdir():
        if int(file.stem) in KEPT:
            save_file({name: tensor.half() for name, tensor in load_file(file).items()}, file)
        else:
            file.unlink()


if __name__ == "__main__":
    train(write_text()).save(RUN)
    keep_some()
