"""What a run has computed, as it is saved and opened."""

from dataclasses import dataclass, field

from gptviz.errors import GPTVizError
from gptviz.training.learner import State


@dataclass
class Record:
    """A run without its thread. losses: by step. states, measured: by kept step. status, error, example: see `Run`."""

    losses: list[float]
    states: dict[int, State]
    measured: dict[int, dict[str, float]]
    status: str
    error: GPTVizError | None = None
    example: str = ""
    has_ended: bool = field(default=True, init=False)
