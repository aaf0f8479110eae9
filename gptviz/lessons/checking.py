"""Check: a learner's numbers beside the model's own. Made by `gptviz.lessons.check`.

It says where they part first, with the learner's number there and never the model's. Not about what was computed.
"""

from typing import Any, ClassVar

import numpy as np
import traitlets

from gptviz.display import still
from gptviz.widgets.shared.view import View


class Check(View):
    """What a comparison found. ok: whether it is right. found: what the page shows of it. unfolded: solution and all."""

    _name = "check"
    _titles: ClassVar[dict[str, str]] = {"en": "Check", "zh": "核对"}

    unfolded = traitlets.Bool(False).tag(sync=True)
    _about = traitlets.Dict().tag(sync=True)

    def __init__(
        self, name: str, mine: Any, truth: Any, tolerance: float, *, hint: str = "", solution: str = "", **keywords: Any
    ):
        self.found = compared(mine, truth, tolerance)
        self._told = {"name": name, "hint": hint, "solution": solution, **self.found}
        super().__init__(None, **keywords)

    @property
    def ok(self) -> bool:
        """Whether the learner's numbers are the model's."""
        return bool(self.found["result"] == "right")

    def _has_source(self) -> bool:
        return True

    def _fill(self) -> None:
        self._about = self._told

    def _shapes(self) -> list[still.Shape]:
        return [still.words(f"{self._told['name']}: {self.found['result']}", 16)]

    def to_table(self) -> list[dict[str, Any]]:
        """One row: the name and what was found."""
        return [{"name": self._told["name"], **self.found}]


def compared(mine: Any, truth: Any, tolerance: float) -> dict[str, Any]:
    """How `mine` differs from `truth`, in words' keys: result is "nothing", "unread", "shape", "value" or "right".

    With "value" come where it differs first, the learner's value there, and how many places differ of how many; with
    "right" the largest difference.
    """
    if mine is None or mine is Ellipsis:
        return {"result": "nothing"}
    wanted, given = _array(truth), _array(mine)
    if given is None or wanted is None or (given.dtype == object) != (wanted.dtype == object):
        return {"result": "unread", "type": type(mine).__name__}
    if given.shape != wanted.shape:
        return {"result": "shape", "mine": list(given.shape), "wanted": list(wanted.shape)}
    if wanted.dtype == object:
        differs, largest = np.asarray(given != wanted, bool), 0.0
    else:
        differs = ~np.isclose(given, wanted, rtol=0, atol=tolerance, equal_nan=True)
        gaps = np.abs(given - wanted)[np.isfinite(given) & np.isfinite(wanted)]
        largest = float(gaps.max(initial=0))
    if not differs.any():
        return {"result": "right", "largest": largest, "tolerance": tolerance, "size": int(wanted.size)}
    place = tuple(int(i) for i in np.argwhere(differs)[0]) if differs.ndim else ()
    return {"result": "value", "place": list(place), "mine": _plain(given[place]),
            "count": int(differs.sum()), "size": int(wanted.size)}  # fmt: skip


def _array(value: Any) -> np.ndarray | None:
    """Numbers as float64, anything else that has a shape as objects; None for what is ragged or cannot be read."""
    if hasattr(value, "detach"):  # a tensor of torch that may want gradients
        value = value.detach().cpu().float().numpy()
    try:
        array = np.asarray(value)
    except (ValueError, TypeError):
        return None
    if array.dtype.kind in "biuf":
        return array.astype(np.float64)
    return array.astype(object) if array.dtype.kind in "US" or array.dtype == object else None


def _plain(value: Any) -> float | str | None:
    """For the page: a number; text for what is none, and for what JSON has no number for."""
    if isinstance(value, (float, np.floating)):
        return float(value) if np.isfinite(value) else str(float(value))
    return str(value)
