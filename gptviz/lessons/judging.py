"""The four kinds of answer to a question: each reads a guess, reads the right answer, and compares the two.

A guess and a right answer are compared in their page form, in which they travel to the page: a choice is its index among
the choices, a ranking a list of indices, a number a float, a head [layer, head].
"""

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any, ClassVar

from gptviz.checks import check_index
from gptviz.errors import GPTVizError, WrongType, fail
from gptviz.text.tokens import Token


class Kind:
    """One kind of answer. choices: what can be chosen, in the order in which it is shown; empty for the other kinds."""

    name: ClassVar[str]

    def __init__(self, choices: Sequence[Any] = ()):
        self.choices = list(choices)

    def read_guess(self, guess: Any) -> Any:
        """Returns a guess in its page form. Raises GPTVizError if it is no guess of this kind."""
        raise NotImplementedError

    def read_page(self, value: Any) -> Any:
        """Returns a guess that a page sent, in its page form. Raises GPTVizError if it is none."""
        return self.read_guess(value)

    def read_truth(self, truth: Any) -> Any:
        """Returns the page form of what the lesson's answer function returned. Raises GPTVizError if it has none."""
        return self.read_guess(truth)

    def to_python(self, value: Any) -> Any:
        """Returns the Python form of a value in its page form."""
        return value

    def is_right(self, guess: Any, truth: Any) -> bool:
        """Returns whether the guess is right; both in their page form."""
        return bool(guess == truth)

    def direction(self, guess: Any, truth: Any) -> str:
        """Returns where the truth is from a wrong guess: "higher", "lower", or "" if the kind has no order."""
        return ""


class Choice(Kind):
    """One of the choices."""

    name = "choice"

    def read_guess(self, guess: Any) -> int:
        return _choice_index(guess, self.choices)

    def read_page(self, value: Any) -> int:
        return check_index(value, len(self.choices), "choice")

    def to_python(self, value: int) -> Any:
        return self.choices[value]


class Ranking(Kind):
    """All of the choices, in an order."""

    name = "ranking"

    def read_guess(self, guess: Any) -> list[int]:
        if isinstance(guess, str) or not isinstance(guess, Sequence):
            raise fail("the choices in an order, as a list", f"{guess!r:.80}", "Give every choice once.", WrongType)
        indices = [_choice_index(choice, self.choices) for choice in guess]
        if sorted(indices) != list(range(len(self.choices))):
            raise fail(f"each of the {len(self.choices)} choices once", f"{len(indices)}", "Give every choice once.")
        return indices

    def read_page(self, value: Any) -> list[int]:
        if not isinstance(value, list):
            raise fail("the choices in an order, as a list", f"{value!r:.80}", "Give every choice once.", WrongType)
        return self.read_guess([self.choices[check_index(index, len(self.choices), "choice")] for index in value])

    def to_python(self, value: list[int]) -> list[Any]:
        return [self.choices[index] for index in value]


class Number(Kind):
    """A number; right if it differs from the truth by no more than the tolerance."""

    name = "number"

    def __init__(self, tolerance: float, unit: str):
        super().__init__()
        self.tolerance, self.unit = tolerance, unit

    def read_guess(self, guess: Any) -> float:
        return read_number(guess, self.unit)

    def is_right(self, guess: float, truth: float) -> bool:
        return abs(guess - truth) <= self.tolerance + 1e-9 * max(1.0, abs(truth))

    def direction(self, guess: float, truth: float) -> str:
        return "higher" if truth > guess else "lower"


class Head(Kind):
    """A head, as (layer, head); the truth may be several, any of which is right."""

    name = "head"

    def read_guess(self, guess: Any) -> list[int]:
        try:
            layer, head = (int(part) for part in guess)
        except (TypeError, ValueError) as error:
            raise fail("a head as (layer, head)", f"{guess!r:.80}", "For example (1, 6).", WrongType) from error
        return [layer, head]

    def read_truth(self, truth: Any) -> list[list[int]]:
        are_several = isinstance(truth, Sequence) and len(truth) > 0 and isinstance(truth[0], Sequence)
        return [self.read_guess(head) for head in (truth if are_several else [truth])]

    def to_python(self, value: list[Any]) -> Any:
        if value and isinstance(value[0], list):
            heads = [tuple(head) for head in value]
            return heads[0] if len(heads) == 1 else heads
        return tuple(value)

    def is_right(self, guess: list[int], truth: list[list[int]]) -> bool:
        return guess in truth


def read_number(value: Any, unit: str = "") -> float:
    """Returns a number, also from text as people type it: "0.5", "0,5", "−3", "43 %"; a single comma is a decimal comma."""
    if isinstance(value, str):
        text = value.strip().removesuffix(unit) if unit else value
        text = "".join(text.split()).replace("\u2212", "-")
        text = text.replace(",", "") if "." in text else text.replace(",", ".")
        try:
            number = float(text)
        except ValueError:
            number = math.nan
    elif isinstance(value, bool) or not (isinstance(value, Real) or hasattr(value, "__float__")):
        raise fail("a number", f"{type(value).__name__}", "For example 0.5.", WrongType)
    else:
        number = float(value)
    if not math.isfinite(number):
        raise fail("a number such as 0.5 or 0,5", f"{value!r:.40}", "Write digits alone.")
    return number


def _choice_index(guess: Any, choices: list[Any]) -> int:
    """Returns the index of the choice that equals the guess; tokens are equal if their ids are."""
    for index, choice in enumerate(choices):
        if isinstance(guess, Token) and isinstance(choice, Token):
            is_equal = guess.id == choice.id
        else:
            is_equal = type(guess) is type(choice) and bool(guess == choice)
        if is_equal:
            return index
    for index, choice in enumerate(choices):  # a NumPy integer for an int, text for a token
        if label(choice) == label(guess):
            return index
    labels = ", ".join(repr(label(choice)) for choice in choices)
    raise fail(f"one of the choices {labels}", f"{label(guess)!r:.80}", "Give one of them.", GPTVizError)


def label(choice: Any) -> str:
    """Returns a choice as text."""
    return choice.text if isinstance(choice, Token) else str(choice)
