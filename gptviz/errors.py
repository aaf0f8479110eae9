"""Errors in three parts: what was expected, what came instead, and what to do about it.

Every error that gptviz raises on purpose is a `GPTVizError`. Each kind is also the built-in exception that a Python
programmer expects, so `except IndexError` works as well as `except GPTVizError`.

Errors that a learner may meet in a page also have a code and facts, from which the page writes the message in its own
language: `errors` in `widgets/shared/words.js`, and in the words of
the views that can meet them. A page shows all others as they are.
"""

from typing import Any


class GPTVizError(ValueError):
    """gptviz cannot use what it was given.

    expected, got, remedy: the three parts of the message. code: the name by which a page finds its own wording, or "".
    facts: the numbers and names in the message, as JSON-ready values.
    """

    code = ""
    facts: dict[str, Any] = {}  # noqa: RUF012

    def __init__(self, expected: str, got: str, remedy: str):
        super().__init__(f"Expected {expected}. Got {got}. {remedy}")
        self.expected, self.got, self.remedy = expected, got, remedy

    def __reduce__(self):
        return type(self), (self.expected, self.got, self.remedy), self.__dict__


class WrongType(GPTVizError, TypeError):
    """A value has the wrong type, or a keyword does not exist."""


class OutOfRange(GPTVizError, IndexError):
    """The model has no such layer, head, position or token id."""


class NotAvailable(GPTVizError, LookupError):
    """The model's family, the route of its attention maps or a saved file does not have this quantity."""


class ModelNotFound(GPTVizError, OSError):
    """The model is not here and cannot be fetched, or opening it would not be safe."""


class FileNotWritten(GPTVizError, OSError):
    """A file cannot be written: the disk is full, or writing there is not allowed. What was there before is kept."""


class ModelChanged(GPTVizError, RuntimeError):
    """The model is not the one that was wrapped, or its weights are not those that the trace was made with."""


class ServerError(GPTVizError, ConnectionError):
    """The server of a model cannot be reached, or does not answer as the protocol says.

    completion: the `Completion` of the tokens that had arrived; None if there were none.
    """

    completion: Any = None


class ServerTimeout(ServerError, TimeoutError):
    """The server did not answer in time."""


class ServerBusy(ServerError):
    """The server has too many requests."""


class KeyRefused(ServerError, PermissionError):
    """The server does not accept the key, or needs one."""


class RequestRefused(ServerError):
    """The server does not accept a request, such as a setting that it does not know or a text that is too long."""


def fail(
    expected: str, got: str, remedy: str, kind: type[GPTVizError] = GPTVizError, /, code: str = "", **facts: Any
) -> GPTVizError:
    """Returns the error to raise: `raise fail("a layer from 0 to 5", "6", "Layers are counted from 0.", OutOfRange)`.

    expected and got begin in the middle of a sentence and have no full stop; remedy is a sentence. code, facts: see
    `GPTVizError`.
    """
    error = kind(expected, got, remedy)
    if code:
        error.code, error.facts = code, facts
    return error


def error_for_page(error: BaseException) -> dict[str, Any]:
    """Returns what is sent to the page about an error: its message, and its code and facts if it has them."""
    if not isinstance(error, Exception):
        return {"error": "Interrupted before the answer was there. Ask again.", "code": "interrupted", "facts": {}}
    if isinstance(error, GPTVizError):
        facts = {name: _sendable(fact) if isinstance(fact, str) else fact for name, fact in error.facts.items()}
        return {"error": _sendable(str(error)), "code": error.code, "facts": facts}
    return {"error": _sendable(f"{type(error).__name__}: {error}"), "code": "", "facts": {}}


def _sendable(text: str) -> str:
    """Returns a text that can be sent: an error may quote half a character, which is written as its code."""
    return text.encode("utf-8", "backslashreplace").decode()
