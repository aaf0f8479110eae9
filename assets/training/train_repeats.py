"""Trains on repeated random symbols, with settings that make induction heads and settings that do not; writes repeats.json.

python assets/training/train_repeats.py            # all of them, one after the other
python assets/training/train_repeats.py learned    # only those whose name begins so; the others stay as they are
"""

import json
import sys
from pathlib import Path
from typing import Any

from gptviz.training import pretrain

LOG = Path(__file__).with_name("repeats.json")
STEPS, EVERY = 1000, 25

CONFIGURATIONS: dict[str, dict[str, Any]] = {
    "rotary": {"steps": STEPS},
    "learned": {"steps": STEPS, "positions": "learned"},
}
SEEDS = (0, 1, 2)


def train(settings: dict[str, Any], seed: int) -> dict[str, list[float]]:
    """Trains and returns what was measured every 25 steps, by name, beside the steps."""
    run = pretrain(seed=seed, keep=settings["steps"] // EVERY + 1, **settings).wait()
    measures = {name: [round(value, 4) for value in values.tolist()] for name, values in run.measures.items()}
    return {"step": run.steps_kept.tolist(), **measures}


def main() -> None:
    log = json.loads(LOG.read_text("utf-8")) if LOG.is_file() else {}
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    for name, settings in CONFIGURATIONS.items():
        for seed in SEEDS:
            if f"{name}, seed {seed}".startswith(wanted):
                log[f"{name}, seed {seed}"] = train(settings, seed)
                LOG.write_text(json.dumps(log, indent=None).replace('}, "', '},\n"') + "\n", "utf-8")


if __name__ == "__main__":
    main()
