"""ComputedView: what a function of the lesson makes of the latest trace, covered until questions are answered."""

from collections.abc import Callable, Sequence
from typing import Any

from gptviz.lessons.question import Question
from gptviz.widgets.shared.view import View


class ComputedView(View):
    """The base of views that show what a function makes. function: of the trace, or of nothing without a source.

    until: the questions that must be answered before it is shown.
    """

    def __init__(
        self, function: Callable[..., Any], source: Any = None, *, until: Sequence[Question] = (), **keywords: Any
    ):
        self._function, self._has_no_source = function, source is None
        super().__init__(source, **keywords)
        for question in until:
            question.also_cover(self)

    def _has_source(self) -> bool:
        return self._has_no_source or self.trace is not None

    def _compute(self) -> Any:
        """Calls the lesson's function."""
        return self._function() if self._has_no_source else self._function(self.trace)
