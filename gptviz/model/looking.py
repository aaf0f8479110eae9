"""Checks once before many questions, and once after them, that a model has not changed.

Before a question about a pass is answered, gptviz checks that the model is as it was: its modules, their shapes and
settings, its weights. An exported page asks thousands of questions. In `looking_once` each check is made once, and its
result holds for all later questions; `Looks.check` checks again. No torch: pages of saved traces are written without it.
"""

import threading
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from gptviz.errors import ModelChanged, fail
from gptviz.model.changes import Block

_Result = TypeVar("_Result")
_in_thread = threading.local()


class Looks:
    """What was looked at in one `looking_once`, and what each look returned."""

    def __init__(self) -> None:
        self._results: dict[tuple[Callable[[Any], Any], int], tuple[Any, Any]] = {}

    def result(self, look: Callable[[Any], _Result], of: Any) -> _Result:
        """Returns `look(of)`, or what it returned before."""
        key = look, id(of)
        if key not in self._results:
            self._results[key] = of, look(of)  # `of` too, so that nothing else gets its id
        result: _Result = self._results[key][1]
        return result

    def check(self) -> None:
        """Looks again. Raises ModelChanged unless everything is as it was."""
        if any(look(of) != result for (look, _), (of, result) in self._results.items()):
            raise fail(
                "a model that stays as it is while its numbers are collected",
                "weights or modules that were changed meanwhile",
                "Wait until nothing trains the model, trace again, and try again.",
                ModelChanged,
            )


def looking_once() -> Block[Looks]:
    """Makes each look once in a `with` block, in this thread. Call `check` of its value after the block."""
    return Block(_begin)


def _begin(block: Block[Looks]) -> Looks:
    looks = Looks()
    block.undo_with(partial(setattr, _in_thread, "looks", getattr(_in_thread, "looks", None)))
    _in_thread.looks = looks
    return looks


def looked_at(look: Callable[[Any], _Result], of: Any) -> _Result:
    """Returns `look(of)`; in `looking_once` what it returned there the first time."""
    looks: Looks | None = getattr(_in_thread, "looks", None)
    return look(of) if looks is None else looks.result(look, of)
