"""Checks that many packages make of their arguments."""

import difflib
import operator
from collections.abc import Iterable
from typing import Any

import numpy as np

from gptviz.errors import OutOfRange, WrongType, fail

ROUNDINGS = 8  # roundings that may add up in a computation of a few operations


def check_index(value: Any, size: int | None, what: str, negative: bool = False, where: str = "") -> int:
    """Returns `value` as an index from 0 to `size` - 1.

    size: how many there are; None if only the model knows, and any whole number from 0 will do. what: what is counted,
    such as "layer". negative: whether -1 means the last one, and so on. where: what has so many of them, such as
    " in layer 3", if that is not the whole model.

    Raises WrongType if `value` is not a whole number, OutOfRange if there is no such index.
    """
    index = _whole_number(value)
    if index is None:
        remedy = "Give a whole number from 0." if size is None else f"Give a whole number below {size}."
        raise fail(f"a whole number as {what}", f"{value!r:.60} ({type(value).__name__})", remedy, WrongType)
    if size is None:
        if index < 0:
            remedy = f"The first {what} is 0."
            facts = {"what": what, "least": 0, "last": None, "got": index}
            raise fail(f"a {what} of at least 0", f"{index}", remedy, OutOfRange, "out_of_range", **facts)
        return index
    if size == 0:
        remedy = f"There is no {what} here."
        raise fail(f"a {what} to choose", f"{index}", remedy, OutOfRange, code="none_here", what=what)
    least = -size if negative else 0
    if not least <= index < size:
        raise fail(
            f"a {what} from {least} to {size - 1}",
            f"{index}",
            f"There are {size} {what}s{where}, counted from 0." if size > 1 else f"There is one {what}{where}: 0.",
            OutOfRange,
            code="out_of_range",
            what=what,
            least=least,
            last=size - 1,
            got=index,
        )
    return index % size


def check_count(value: Any, what: str) -> int:
    """Returns `value` as a number of things, at least 1. what: the argument's name, such as "max_tokens".

    Raises WrongType if `value` is not a whole number, GPTVizError if it is below 1.
    """
    count = _whole_number(value)
    if count is None:
        raise fail(f"a whole number as {what}", f"{value!r:.60}", f"{what} must be at least 1.", WrongType)
    if count < 1:
        raise fail(f"{what} of at least 1", f"{count}", "Ask for one or more.")
    return count


def check_token_ids(ids: Any, vocab_size: int, remedy: str) -> None:
    """Raises OutOfRange, which names the first, if any of these whole numbers (T,) is not from 0 to `vocab_size` - 1."""
    ids = np.asarray(ids)
    for outside in ids[(ids < 0) | (ids >= vocab_size)][:1]:
        raise fail(f"token ids from 0 to {vocab_size - 1}", f"{outside}", remedy, OutOfRange)


def _whole_number(value: Any) -> int | None:
    """Returns Python's, NumPy's or torch's whole numbers as an int, and None for anything else; True and False are rejected."""
    if isinstance(value, (bool, np.bool_)):
        return None
    try:
        return operator.index(value)
    except TypeError:
        return None


def within_rounding(a: Any, b: Any, epsilon: float, magnitude: float | None = None) -> bool:
    """Returns whether two arrays or tensors of one shape differ by no more than the rounding of a few operations.

    epsilon: of the dtype that they were computed in. magnitude: the largest that went into the computation; None takes
    the largest of `b`. An operation rounds to within epsilon times the magnitude of what goes in, so a fixed bound would
    be too strict for large numbers and too loose for small ones.
    """
    magnitude = abs(b).max() if magnitude is None else magnitude
    return bool(abs(a - b).max() <= ROUNDINGS * epsilon * magnitude)


def epsilon_of(values: np.ndarray) -> float:
    """Returns the epsilon of the narrowest dtype that holds these float32 numbers exactly: bfloat16, float16 or float32.

    Arrays that leave a trace are float32, whatever dtype the model computed them in.
    """
    used_bits = int(np.bitwise_or.reduce(np.ravel(values).astype(np.float32).view(np.uint32), initial=0))
    for mantissa_bits in (7, 10):
        if not used_bits & ((1 << (23 - mantissa_bits)) - 1):
            return float(2.0**-mantissa_bits)
    return float(np.finfo(np.float32).eps)


def did_you_mean(name: str, known: Iterable[str], otherwise: str = "Leave it out.") -> str:
    """Returns the advice for a name that is not known: the most similar known name, or `otherwise`."""
    similar = difflib.get_close_matches(name, list(known), n=1)
    return f"Did you mean {similar[0]}?" if similar else otherwise
