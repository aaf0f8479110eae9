"""PrintedView: what a function of the lesson prints about the latest trace. Made by `gptviz.lessons.printed`."""

import contextlib
import io
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import traitlets

from gptviz.display import still
from gptviz.lessons.computed import ComputedView
from gptviz.lessons.question import Question, error_text


class PrintedView(ComputedView):
    """Shows what a function prints, again for every new prompt. function: of the trace, or of nothing without a source.

    text: what was printed. follows: whether a new prompt prints at once. If not, the text of the prompt before stays, the
    view says whose it is, and a button prints anew. until: the questions that must be answered before it is shown.
    """

    _name = "printed"
    _titles: ClassVar[dict[str, str]] = {"en": "Printed", "zh": "打印结果"}
    _answers: ClassVar[dict[str, str]] = {**ComputedView._answers, "again": "_answer_again"}

    _about = traitlets.Dict().tag(sync=True)

    def __init__(
        self, function: Callable[..., Any], source: Any = None, *, until: Sequence[Question] = (), follows: bool = True,
        **keywords: Any,
    ):  # fmt: skip
        self._follows = follows
        self._prompt: str | None = None  # of the trace whose text is shown
        super().__init__(function, source, until=until, **keywords)

    @property
    def text(self) -> str:
        """What the function printed."""
        return str(self._about["text"])

    @property
    def is_of_another_prompt(self) -> bool:
        """Whether the text is of a prompt that is no longer the latest."""
        return self._about["stale"] is not None

    def print_again(self) -> None:
        """Prints anew, for the latest trace."""
        self._prompt = None
        self._refresh()

    def _fill(self) -> None:
        """Shows what the lesson's function prints. An error in it is shown in the view."""
        prompt = "" if self.trace is None else self.trace.text
        if self._prompt is not None and not self._follows:
            self._about = {**self._about, "stale": None if self._prompt == prompt else self._prompt}
            return
        self._prompt, problem = prompt, ""
        with contextlib.redirect_stdout(io.StringIO()) as output:
            try:
                self._compute()
            except Exception as error:
                problem = error_text(error)
        self._about = {"text": output.getvalue().rstrip("\n"), "problem": problem, "stale": None}

    def _answer_again(self) -> bool:
        """Prints anew; returns whether no error occurred."""
        self.print_again()
        return self._about["problem"] == ""

    def _shapes(self) -> list[still.Shape]:
        return [still.words(line) for line in (self.text or self._about["problem"]).splitlines()]

    def to_table(self) -> list[dict[str, Any]]:
        """Returns one row for each printed line."""
        return [{"line": line} for line in self.text.splitlines()]
