"""The steps of a text as the chips of a still picture, and as the rows of a table."""

import math
from collections.abc import Sequence
from typing import Any

from gptviz.display import still
from gptviz.display.numbers import percent
from gptviz.generation.completion import Step


def chips_of(steps: Sequence[Step]) -> still.Shape:
    """Returns the tokens with their probabilities; "–" for one that a server does not reveal."""
    known = [None if math.isnan(step.probability) else step.probability for step in steps]
    below = ["–" if share is None else percent(share) for share in known]
    return still.chips([step.token for step in steps], below, [share or 0.0 for share in known])


def table_of(steps: Sequence[Step]) -> list[dict[str, Any]]:
    """Returns a row for each step."""
    return [
        {"index": i, "id": s.token.id, "token": s.token.text, "probability": s.probability,
         "sampling_probability": s.sampling_probability, "entropy": s.entropy, "kept": s.kept, "kept_mass": s.kept_mass}
        for i, s in enumerate(steps)
    ]  # fmt: skip
