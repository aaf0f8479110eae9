"""Opens a run that was saved into a folder. Only safetensors and JSON are read; no code from the folder is run."""

import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file

from gptviz.checks import short
from gptviz.errors import GPTVizError, fail
from gptviz.files import check_path, shortened
from gptviz.gpt import GPT
from gptviz.loading import load
from gptviz.training.record import Record
from gptviz.training.remainder import known_functions, restore
from gptviz.training.run import Run
from gptviz.training.saving import BEFORE, DESCRIPTION, FORMAT, REMAINDER, STEPS, file_of
from gptviz.training.settings import Settings
from gptviz.training.states import check_state
from gptviz.training.worker import ENDED, FAILED


def open_run(folder: Any) -> Run:
    """Opens a run that `run.save(folder)` saved. It has everything but its data: it cannot train on, or be forked.

    Its models are on the CPU, and compute the numbers that those of the run compute on a CPU. Raises GPTVizError for a folder
    that holds no run, or a damaged one.
    """
    path = check_path(folder)
    description = _description(path)
    try:
        settings, before = Settings(**description["settings"]), _before(path, description)
        return Run(before, None, settings, _record(path, description, before, settings))
    except (KeyError, TypeError, ValueError, OSError, AttributeError, SafetensorError) as error:
        got = f"{shortened(path)}, which is damaged ({type(error).__name__}: {error!s:.120})"
        raise fail("a folder with a whole run", got, "Save the run again.") from error


def _before(path: Path, description: dict[str, Any]) -> GPT:
    """Returns the model before, number for number."""
    before = load(path / BEFORE, dtype="auto", **known_functions(description.get("functions", {})))
    if "dtype" in description:  # else the folder was written before there was a remainder
        restore(before.model, description["dtype"], load_file(path / REMAINDER))
        before = GPT(before.model, before.tokenizer)
    before.name, before.end_ids = str(description["name"]), description["end_ids"]
    return before


def _record(path: Path, description: dict[str, Any], before: GPT, settings: Settings) -> Record:
    """Returns what a folder holds of a run. Raises ValueError for what no run can have."""
    status, error = description["status"], description["error"]
    losses = [float(loss) for loss in description["losses"]]
    steps = [int(step) for step in description["steps"]]
    if status not in ENDED or (status == FAILED) != (error is not None):
        raise ValueError(f"the status is {short(status)} and the error {short(error)}")
    if steps[:1] != [0] or steps != sorted(set(steps)) or steps[-1] > len(losses) or len(losses) > settings.steps:
        raise ValueError(f"{len(losses)} losses and the steps {short(steps)}")
    measured = [{name: float(value) for name, value in one.items()} for one in description["measured"]]
    if any(one.keys() != measured[0].keys() for one in measured):
        raise ValueError("steps with different measures")
    states = {step: load_file(path / STEPS / file_of(step)) for step in steps}
    for state in states.values():
        check_state(before, state, settings)
    of_step = dict(zip(steps, measured, strict=True))
    failure = None if error is None else GPTVizError(*map(str, error))
    return Record(losses, states, of_step, status, failure, str(description.get("example", "")))


def _description(path: Path) -> dict[str, Any]:
    file = path / DESCRIPTION
    if not file.is_file():
        remedy = "run.save(folder) writes one."
        raise fail("a folder with a saved run", f"{shortened(path)}, which has no {DESCRIPTION}", remedy)
    try:
        description = json.loads(file.read_text("utf-8"))
    except ValueError:
        description = None
    if not isinstance(description, dict) or description.get("format") != FORMAT:
        got = f"{shortened(file)}, which is damaged or was written by another version"
        raise fail(f"a run in format {FORMAT}", got, "Save the run again.")
    return description
