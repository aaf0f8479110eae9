"""Widgets that answer the questions of their page, from the kernel or from an exported page.

The page asks by name, with arguments; the widget answers with an array or with what JSON can hold. The kernel answers one
message at a time. For an exported page the widget lists its questions with their answers beforehand.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import anywidget
import numpy as np

from gptviz.errors import GPTVizError, WrongType, error_for_page, fail
from gptviz.pages.arguments import wrong_argument
from gptviz.pages.wire import json_ready, pack

PageQuestion = tuple[str, dict[str, Any]]  # its name and its arguments


class PageWidget(anywidget.AnyWidget):
    """A widget that answers questions of its page. A subclass lists them in `_answers`: {name: name of the method}.

    selection: the Selection that it shares with other widgets. language: "en" or "zh".
    """

    _name: ClassVar[str]
    _answers: ClassVar[dict[str, str]] = {}
    _sealed: ClassVar[bool] = (
        False  # whether an exported page encodes the answers, so that its source does not show them
    )
    # Questions without arguments whose answers depend on the model alone, not on the text that is shown.
    _of_the_model: ClassVar[tuple[str, ...]] = ()
    _titles: ClassVar[dict[str, str]]  # in each language
    _is_unfilled: Any = False  # whether it has nothing to show or to answer, and says why
    selection: Any
    language: Any

    def __init__(self, **keywords: Any):
        super().__init__(**keywords)
        self.on_msg(self._on_message)

    def get_state(self, key: Any = None, drop_defaults: bool = False) -> dict[str, Any]:
        """Returns the state that is sent to the page; see `ipywidgets.Widget.get_state`."""
        state: dict[str, Any] = json_ready(super().get_state(key, drop_defaults))
        return state

    def family(self) -> list[Any]:
        """Returns this widget and those that it holds."""
        return [self]

    def shared_models(self) -> list[Any]:
        """Returns the models without a view that this widget shares with others."""
        return [self.selection]

    def page_family(self) -> list[Any]:
        """Returns what an exported page holds: `family`, and widgets that a notebook makes when its page asks for them."""
        return self.family()

    def live_children(self) -> "dict[str, PageWidget]":
        """Returns the widgets, by name, that a page which runs the model shows when a question asks for them."""
        return {}

    @contextmanager
    def filming(self) -> "Iterator[tuple[list[PageQuestion], PageQuestion | None]]":
        """Yields the questions of the widget's film, in order, and the one whose answer is shown; see `film.py`.

        Their answers change other widgets. After the block everything is shown as it was before.
        """
        yield [], None

    def answers_for_a_page(self) -> Iterator[tuple[str, dict[str, Any], Any]]:
        """Yields (name, arguments, answer) for an exported page, the most useful first; an answer may be a GPTVizError."""
        for name, args in self._page_questions():
            try:
                yield name, args, self._answer({"kind": "ask", "id": 0, "name": name, "args": args})
            except GPTVizError as error:
                yield name, args, error

    def _page_questions(self) -> Iterator[PageQuestion]:
        """Yields the questions whose answers an exported page keeps, the most useful first."""
        yield from ()

    def _on_message(self, _widget: Any, content: Any, _buffers: Any) -> None:
        """Answers one message of the page. Any error goes to the page, so that the kernel keeps running.

        An interrupt goes on after the page was told: a page asks nothing more while it waits for an answer.
        """
        id = content.get("id") if isinstance(content, dict) else None
        try:
            value = self._answer(content)
            header, raw = pack(value) if isinstance(value, np.ndarray) else (None, None)
            reply = {"kind": "answer", "id": id, "array": header, "value": None if header else json_ready(value)}
        except BaseException as error:
            self.send({"kind": "answer" if isinstance(id, int) else "refused", "id": id, **error_for_page(error)})
            if not isinstance(error, Exception):
                raise
        else:
            self.send(reply, [raw] if raw is not None else None)

    def _answer(self, content: Any) -> Any:
        """Returns the answer to a message {"kind": "ask", "id", "name", "args"}; raises WrongType for any other message."""
        if not _is_question(content) or content["name"] not in self._answers:
            names = ", ".join(self._answers)
            got = "another message from the page"
            raise fail(f"a question among {names}", got, "Reload the page.", WrongType, "message")
        name, args = content["name"], content["args"]
        method = getattr(self, self._answers[name])
        if (why := wrong_argument(method, args)) is not None:
            expected, got, remedy = f"the arguments of {name}", f"others: {why}", "Reload the page."
            raise fail(expected, got, remedy, WrongType, "arguments", name=name, why=why)
        return method(**args)


def _is_question(content: Any) -> bool:
    return (
        isinstance(content, dict)
        and content.get("kind") == "ask"
        and isinstance(content.get("id"), int)
        and isinstance(content.get("args"), dict)
        and isinstance(content.get("name"), str)
    )
