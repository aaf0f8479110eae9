"""The log of a training that was made ahead: what was measured at which step, and what the model was given when."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

_GAP = 3  # times the median distance of two entries, from which on nothing was measured between them


@dataclass(frozen=True)
class TrainingLog:
    """A log. steps: (entries,). curves: what was measured, by name, (entries,) each.

    changes: what the model was given, in order: {"from": step, "label": a short name, "what": in words}.
    """

    steps: np.ndarray
    curves: dict[str, np.ndarray]
    changes: list[dict[str, Any]]

    @property
    def gaps(self) -> list[tuple[int, int]]:
        """The pairs of neighbouring steps between which nothing was measured for long."""
        return [(int(self.steps[i]), int(self.steps[i + 1])) for i in self._before_gaps()]

    def _before_gaps(self) -> np.ndarray:
        distances = np.diff(self.steps)
        return np.flatnonzero(distances > _GAP * np.median(distances))

    def points(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Returns the steps and values of a curve for a drawing; in each gap is a step without a value, NaN."""
        before = self._before_gaps()
        steps = np.insert(self.steps.astype(float), before + 1, self.steps[before] + 1.0)
        return steps, np.insert(self.curves[name].astype(float), before + 1, np.nan)

    def first(self, name: str, limit: float) -> float:
        """Returns the first step with at least this value; infinity if there is none."""
        return first_step(self.steps, self.curves[name], limit)

    def steepest(self, name: str) -> int:
        """Returns the index of the entry after which a curve rises fastest, for each step."""
        return int((np.diff(self.curves[name]) / np.diff(self.steps)).argmax())

    def change_before(self, step: float) -> dict[str, Any] | None:
        """Returns the latest change before a step; None for none, and for a step that never came."""
        earlier = [change for change in self.changes if 0 < change["from"] < step < np.inf]
        return earlier[-1] if earlier else None


def first_step(steps: Any, values: Any, limit: float) -> float:
    """Returns the first of `steps` at which the value is at least `limit`; infinity if there is none."""
    return next((float(step) for step, value in zip(steps, values, strict=True) if value >= limit), np.inf)


def training_log(file: Any) -> TrainingLog:
    """Opens a log: a JSON list of entries, each with a step and what was measured. Changes are in stretches.json beside it."""
    entries = json.loads(Path(file).read_text("utf-8"))
    beside = Path(file).with_name("stretches.json")
    changes = json.loads(beside.read_text("utf-8")) if beside.is_file() else []
    names = [name for name in entries[0] if name != "step"]
    curves = {name: np.array([entry[name] for entry in entries], float) for name in names}
    return TrainingLog(np.array([entry["step"] for entry in entries]), curves, changes)
