"""Opens a run that was saved into a folder. Only safetensors and JSON are read; no code from the folder is run."""

import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file

from gptviz.errors import GPTVizError, fail
from gptviz.files import check_path, shortened
from gptviz.loading import load
from gptviz.training.record import Record
from gptviz.training.run import Run
from gptviz.training.saving import BEFORE, DESCRIPTION, FORMAT, STEPS, file_of
from gptviz.training.settings import Settings


def open_run(folder: Any) -> Run:
    """Opens a run that `run.save(folder)` saved. It has everything but its data: it cannot train on, or be forked.

    Raises GPTVizError for a folder that holds no run, or a damaged one.
    """
    path = check_path(folder)
    description = _description(path)
    try:
        before = load(path / BEFORE, dtype="auto")
        before.name, before.end_ids = str(description["name"]), description["end_ids"]
        steps = [int(step) for step in description["steps"]]
        states = {step: load_file(path / STEPS / file_of(step)) for step in steps}
        measured = dict(zip(steps, description["measured"], strict=True))
        error = None if description["error"] is None else GPTVizError(*description["error"])
        losses = [float(loss) for loss in description["losses"]]
        record = Record(
            losses, states, measured, str(description["status"]), error, str(description.get("example", ""))
        )
        return Run(before, None, Settings(**description["settings"]), record)
    except (KeyError, TypeError, ValueError, OSError, SafetensorError) as error:
        got = f"{shortened(path)}, which is damaged ({type(error).__name__}: {error!s:.120})"
        raise fail("a folder with a whole run", got, "Save the run again.") from error


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
