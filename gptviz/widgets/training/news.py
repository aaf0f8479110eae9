"""Describes runs for the page: the losses that the page does not have yet, the kept steps, and how each run stands.

A long run has more losses than a page can draw. They are put together, the same number in each point: its mean, and the
smallest and the largest of them. How many depends on how long the run is meant to be, so that points stay as they are while
it goes on.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from gptviz.errors import error_for_page
from gptviz.training.run import Run

MOST_POINTS = 1000  # of one curve


@dataclass(frozen=True)
class Branch:
    """A run of the view. parent: the index of the run that it was forked from. offset: steps before its own step 0."""

    run: Run
    parent: int | None = None
    offset: int = 0


def describe(branch: Branch, have: int) -> dict[str, Any]:
    """Returns what the page shows of a run. have: how many of the curve's whole points the page has."""
    run, status, kept = branch.run, branch.run.status, branch.run.steps_kept
    loss = run.loss  # after the status, so that an ended run has all of its losses
    measures = {name: values.tolist() for name, values in run.measures_at(kept.tolist()).items()}
    settings = {"learning_rate": run.settings.learning_rate, "seed": run.settings.seed}
    return {
        "status": status,
        "error": None if run.error is None else error_for_page(run.error),
        "taken": len(loss),
        "steps": run.settings.steps,
        "settings": settings,
        "parent": branch.parent,
        "offset": branch.offset,
        "can_fork": run.can_fork,
        "kept": kept.tolist(),
        "losses": losses_at(kept, loss),
        "measures": measures,
        "curve": curve(loss, point_width(run.settings.steps), have),
    }


def losses_at(kept: np.ndarray, loss: np.ndarray) -> list[float | None]:
    """Returns the loss of the batch at each kept step; None after the last batch, for the step that has learned from all."""
    return [float(loss[step]) if step < len(loss) else None for step in kept.tolist()]


def point_width(steps: int) -> int:
    """Returns how many losses share one point of the curve of a run of so many steps."""
    return -(-steps // MOST_POINTS)


def curve(loss: np.ndarray, width: int, have: int) -> dict[str, Any]:
    """Returns the points of a curve from the one with index `have` on.

    width: losses in a point. mean, least, most: of each point's losses. whole: how many points will not change any more; the
    last point may have fewer losses than the others.
    """
    rest = loss[have * width :]
    starts = np.arange(0, len(rest), width)
    counts = np.minimum(width, len(rest) - starts)
    total, least, most = (
        kind.reduceat(rest, starts) if len(rest) else rest for kind in (np.add, np.minimum, np.maximum)
    )
    return {
        "width": width,
        "from": have,
        "whole": len(loss) // width,
        "mean": (total / counts).tolist(),
        "least": least.tolist(),
        "most": most.tolist(),
    }
