"""What counts as an answer to a lesson's question: four kinds, each of which reads a guess, settles the truth, compares.

A guess and a truth are compared in the form in which they cross to the page: a choice is its place among the choices, a
ranking a list of places, a number a float, a head [layer, head]. Not about models or pages.
"""

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any, ClassVar

from gptviz.errors import GPTVizError, WrongType, fail
from gptviz.text.tokens import Token


class Kind:
    """One kind of answer. choices: what can be chosen, in the order in which it is shown; empty for the other kinds."""

    name: ClassVar[str]

    def __init__(self, choices: Sequence[Any] = ()):
        self.choices = list(choices)

    def read(self, given: Any) -> Any:
        """A guess in the page's form. Raises GPTVizError for what is no guess of this kind."""
        raise NotImplementedError

    def settle(self, truth: Any) -> Any:
        """What the lesson's answer function returned, in the page's form. Raises GPTVizError for what is none."""
        return self.read(truth)

    def told(self, value: Any) -> Any:
        """A value of the page's form as Python has it."""
        return value

    def is_right(self, given: Any, truth: Any) -> bool:
        """Whether the guess is the truth; both in the page's form."""
        return bool(given == truth)


class Choice(Kind):
    """One of the choices."""

    name = "choice"

    def read(self, given: Any) -> int:
        return _place(given, self.choices)

    def told(self, value: int) -> Any:
        return self.choices[value]


class Ranking(Kind):
    """All of the choices, in an order."""

    name = "ranking"

    def read(self, given: Any) -> list[int]:
        if isinstance(given, str) or not isinstance(given, Sequence):
            raise fail("the choices in an order, as a list", f"{given!r:.80}", "Give every choice once.", WrongType)
        places = [_place(one, self.choices) for one in given]
        if sorted(places) != list(range(len(self.choices))):
            raise fail(f"each of the {len(self.choices)} choices once", f"{len(places)}", "Give every choice once.")
        return places

    def told(self, value: list[int]) -> list[Any]:
        return [self.choices[place] for place in value]


class Number(Kind):
    """A number; right if it is no farther from the truth than the tolerance."""

    name = "number"

    def __init__(self, tolerance: float, unit: str):
        super().__init__()
        self.tolerance, self.unit = tolerance, unit

    def read(self, given: Any) -> float:
        return read_number(given, self.unit)

    def is_right(self, given: float, truth: float) -> bool:
        return abs(given - truth) <= self.tolerance + 1e-9 * max(1.0, abs(truth))


class Head(Kind):
    """A head, as (layer, head); the truth may be several, any of which is right."""

    name = "head"

    def read(self, given: Any) -> list[int]:
        try:
            layer, head = (int(part) for part in given)
        except (TypeError, ValueError) as error:
            raise fail("a head as (layer, head)", f"{given!r:.80}", "For example (1, 6).", WrongType) from error
        return [layer, head]

    def settle(self, truth: Any) -> list[list[int]]:
        several = isinstance(truth, Sequence) and len(truth) > 0 and isinstance(truth[0], Sequence)
        return [self.read(one) for one in (truth if several else [truth])]

    def told(self, value: list[Any]) -> Any:
        if value and isinstance(value[0], list):
            heads = [tuple(one) for one in value]
            return heads[0] if len(heads) == 1 else heads
        return tuple(value)

    def is_right(self, given: list[int], truth: list[list[int]]) -> bool:
        return given in truth


def read_number(given: Any, unit: str = "") -> float:
    """A number, also as somebody types it: "0.5", "0,5", "−3", "43 %"; a comma is a decimal comma."""
    if isinstance(given, str):
        text = given.strip().removesuffix(unit) if unit else given
        text = "".join(text.split()).replace("\u2212", "-")
        text = text.replace(",", "") if "." in text else text.replace(",", ".")
        try:
            number = float(text)
        except ValueError:
            number = math.nan
    elif isinstance(given, bool) or not (isinstance(given, Real) or hasattr(given, "__float__")):
        raise fail("a number", f"{type(given).__name__}", "For example 0.5.", WrongType)
    else:
        number = float(given)
    if not math.isfinite(number):
        raise fail("a number such as 0.5 or 0,5", f"{given!r:.40}", "Write digits alone.")
    return number


def _place(given: Any, choices: list[Any]) -> int:
    """Where a choice stands among the choices; tokens are the same if their ids are."""
    for place, choice in enumerate(choices):
        if isinstance(given, Token) and isinstance(choice, Token):
            found = given.id == choice.id
        else:
            found = type(given) is type(choice) and bool(given == choice)
        if found:
            return place
    for place, choice in enumerate(choices):  # a NumPy integer for an int, text for a token
        if label(choice) == label(given):
            return place
    shown = ", ".join(repr(label(choice)) for choice in choices)
    raise fail(f"one of the choices {shown}", f"{label(given)!r:.80}", "Give one of them.", GPTVizError)


def label(choice: Any) -> str:
    """A choice as text."""
    return choice.text if isinstance(choice, Token) else str(choice)
