"""Errors that say what was expected, what came instead, and what to do about it.

Every error that gptviz raises on purpose is a `GPTVizError`. Each kind is also the built-in exception that a Python
programmer would reach for, so `except IndexError` works as well as `except GPTVizError`.

Those that a learner meets in a page have a code and its facts besides, by which the page words them in its own language:
`errors` in `widgets/static/words.js`. The others are told as they are.
"""

from typing import Any


class GPTVizError(ValueError):
    """Something handed to gptviz cannot be used; the message has the expectation, the finding and the remedy.

    code: what the page calls it, or nothing. facts: the numbers and names in it, which JSON can hold.
    """

    code = ""
    facts: dict[str, Any] = {}  # noqa: RUF012

    def __init__(self, expected: str, got: str, remedy: str):
        super().__init__(f"Expected {expected}. Got {got}. {remedy}")
        self.expected, self.got, self.remedy = expected, got, remedy

    def __reduce__(self):
        return type(self), (self.expected, self.got, self.remedy), self.__dict__


class WrongType(GPTVizError, TypeError):
    """A value of the wrong type, or a keyword that does not exist."""


class OutOfRange(GPTVizError, IndexError):
    """A layer, head, position or token id that the model does not have."""


class NotAvailable(GPTVizError, LookupError):
    """A quantity that does not exist for this model's family or for the route that its maps take."""


class ModelNotFound(GPTVizError, OSError):
    """A model that is not here and cannot be fetched, or that must not be opened as it is."""


class ModelChanged(GPTVizError, RuntimeError):
    """The weights were written to or replaced since the trace was made."""


def fail(
    expected: str, got: str, remedy: str, kind: type[GPTVizError] = GPTVizError, /, code: str = "", **facts: Any
) -> GPTVizError:
    """The error to raise: `raise fail("a layer from 0 to 5", "6", "Layers are counted from 0.", OutOfRange)`."""
    error = kind(expected, got, remedy)
    if code:
        error.code, error.facts = code, facts
    return error


def refusal(error: Exception) -> dict[str, Any]:
    """What the page is told about an error: in words, and by code where it has words of its own."""
    if isinstance(error, GPTVizError):
        return {"error": str(error), "code": error.code, "facts": error.facts}
    return {"error": f"{type(error).__name__}: {error}", "code": "", "facts": {}}
