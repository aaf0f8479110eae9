"""What answers a Trace: the values that cross between a trace and the pass or the file behind it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
EMBEDDINGS = ("sum", "token", "position")


@dataclass(frozen=True)
class Readout:
    """norm(x) = gain * (x, less its mean if `centred`) + offset; logit = cap(multiplier * (row . norm(x) + bias)).

    gain, offset: (d_model,) tensors or arrays.
    """

    gain: Any
    offset: Any
    centred: bool
    multiplier: float
    cap: float | None
