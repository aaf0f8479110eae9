"""LessonProgress: which questions of a lesson are answered. All questions of a kernel share one.

In the page it is one model that all questions listen to, so that each shows the same bar, in an exported page too.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

import traitlets

from gptviz.widgets.shared.guarded import Guarded


class LessonProgress(Guarded):
    """_answered: for each question that can be answered, by its key, whether it is."""

    _esm = "export default {};"
    _shared: ClassVar["LessonProgress | None"] = None

    _answered = traitlets.Dict().tag(sync=True)

    def __init__(self) -> None:
        self._owners: dict[str, str | None] = {}  # of each key, the id of the widget that noted it last
        super().__init__()

    @classmethod
    def shared(cls) -> "LessonProgress":
        """Returns the one that questions share; a new one after all widgets were closed."""
        if cls._shared is None or cls._shared.comm is None:
            cls._shared = cls()
        return cls._shared

    @classmethod
    @contextmanager
    def of_one_lesson(cls) -> Iterator[None]:
        """Counts the questions that are made inside the block by themselves."""
        outer, cls._shared = cls._shared, None
        try:
            yield
        finally:
            cls._shared = outer

    @property
    def reference(self) -> str:
        """The name by which a question's page side asks its host for this model."""
        return f"anywidget:{self.model_id}"

    def note(self, key: str, owner: str | None, is_answered: bool) -> None:
        """Records whether a question is answered. owner: the id of its widget; a cell that is run again makes a new one."""
        self._owners[key] = owner
        self._answered = {**self._answered, key: is_answered}

    def forget(self, key: str, owner: str | None) -> None:
        """Removes a question that is closed, or has no clear answer, unless another widget has noted it since."""
        if self._owners.get(key) == owner:
            self._owners.pop(key, None)
            self._answered = {other: value for other, value in self._answered.items() if other != key}
