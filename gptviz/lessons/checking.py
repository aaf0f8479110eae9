"""Check: compares a learner's numbers with the right ones, mostly the model's. Made by `gptviz.lessons.check`.

It shows where the first difference is, with the learner's number there, and never the right one.
"""

from typing import Any, ClassVar

import numpy as np
import traitlets

from gptviz.display import still
from gptviz.widgets.shared.view import View


class Check(View):
    """The result of a comparison. ok: whether it is right. comparison: see `compared`.

    unfolded: show the solution without a click.
    """

    _name = "check"
    _titles: ClassVar[dict[str, str]] = {"en": "Check", "zh": "核对"}

    unfolded = traitlets.Bool(False).tag(sync=True)
    _about = traitlets.Dict().tag(sync=True)

    def __init__(
        self, name: str, mine: Any, truth: Any, tolerance: float, *, hint: str = "", solution: str = "",
        of_model: bool = True, **keywords: Any,
    ):  # fmt: skip
        self.comparison = compared(mine, truth, tolerance)
        self._name_and_result = {"name": name, **self.comparison}
        self._texts = {"hint": hint, "solution": solution, "of_model": of_model}
        super().__init__(None, **keywords)

    @property
    def ok(self) -> bool:
        """Whether the learner's numbers are right."""
        return bool(self.comparison["result"] == "right")

    def _has_source(self) -> bool:
        return True

    def _fill(self) -> None:
        self._about = {**self._name_and_result, **self._texts}

    def _shapes(self) -> list[still.Shape]:
        return [still.words(f"{self._name_and_result['name']}: {self.comparison['result']}", 16)]

    def to_table(self) -> list[dict[str, Any]]:
        """Returns one row: the name and the result."""
        return [dict(self._name_and_result)]


def compared(mine: Any, truth: Any, tolerance: float) -> dict[str, Any]:
    """Compares `mine` with `truth`. The key "result" is "nothing", "unread", "shape", "value" or "right".

    "unread" comes with the type, "shape" with both shapes. "value" comes with the index of the first difference, the
    learner's value there, and how many values differ of how many; "right" with the largest difference, and with
    the learner's value if it is a single number.
    """
    if mine is None or mine is Ellipsis:
        return {"result": "nothing"}
    expected, array = _as_array(truth), _as_array(mine)
    if array is None or expected is None or (array.dtype == object) != (expected.dtype == object):
        return {"result": "unread", "type": type(mine).__name__}
    if array.shape != expected.shape:
        return {"result": "shape", "mine": list(array.shape), "wanted": list(expected.shape)}
    if expected.dtype == object:
        differs, largest = np.asarray(array != expected, bool), 0.0
    else:
        differs = ~np.isclose(array, expected, rtol=0, atol=tolerance, equal_nan=True)
        differences = np.abs(array - expected)[np.isfinite(array) & np.isfinite(expected)]
        largest = float(differences.max(initial=0))
    if not differs.any():
        single = {} if expected.ndim or expected.dtype == object else {"mine": _for_the_page(array[()])}
        return {"result": "right", "largest": largest, "tolerance": tolerance, "size": int(expected.size), **single}
    first = tuple(int(i) for i in np.argwhere(differs)[0]) if differs.ndim else ()
    return {"result": "value", "index": list(first), "mine": _for_the_page(array[first]),
            "count": int(differs.sum()), "size": int(expected.size)}  # fmt: skip


def _as_array(value: Any) -> np.ndarray | None:
    """Returns numbers as float64 and texts as objects; None for ragged lists and for what has no shape."""
    if hasattr(value, "detach"):  # a tensor of torch, which may require gradients
        value = value.detach().cpu().float().numpy()
    try:
        array = np.asarray(value)
    except (ValueError, TypeError):
        return None
    if array.dtype.kind in "biuf":
        return array.astype(np.float64)
    return array.astype(object) if array.dtype.kind in "US" or array.dtype == object else None


def _for_the_page(value: Any) -> float | str | None:
    """Returns a finite number as it is, and anything else as text: JSON has no infinity."""
    if isinstance(value, (float, np.floating)):
        return float(value) if np.isfinite(value) else str(float(value))
    return str(value)
