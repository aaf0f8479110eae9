"""Checks that many packages make of their arguments."""

import difflib
import math
import operator
import traceback
from collections.abc import Iterable
from typing import Any

import numpy as np

from gptviz.errors import OutOfRange, WrongType, fail

ROUNDINGS = 8  # roundings that may add up in a computation of a few operations
LARGEST = 1e38  # float32 holds all numbers up to here
_TEXTS = (str, bytes, bytearray)  # `float` reads numbers from them
_REAL_DTYPES = ("int", "uint", "float", "bfloat")  # how the names of dtypes of real numbers begin


def check_index(value: Any, size: int | None, name: str, negative: bool = False, where: str = "") -> int:
    """Returns `value` as an index from 0 to `size` - 1.

    size: how many there are; None if only the model knows, and any whole number from 0 will do. name: what is counted,
    such as "layer". negative: whether -1 means the last one, and so on. where: what has so many of them, such as
    " in layer 3", if that is not the whole model.

    Raises WrongType if `value` is not a whole number, OutOfRange if there is no such index.
    """
    below = "from 0" if size is None else f"below {size}"
    index = check_whole_number(value, name, f"Give a whole number {below}.")
    if size is None:
        if index < 0:
            remedy = f"The first {name} is 0."
            facts = {"what": name, "least": 0, "last": None, "got": index}
            raise fail(f"{article(name)} of at least 0", short(index), remedy, OutOfRange, "out_of_range", **facts)
        return index
    if size == 0:
        remedy = f"There is no {name} here."
        raise fail(f"{article(name)} to choose", short(index), remedy, OutOfRange, code="none_here", what=name)
    least = -size if negative else 0
    if not least <= index < size:
        raise fail(
            f"{article(name)} from {least} to {size - 1}",
            short(index),
            f"There are {size} {name}s{where}, counted from 0." if size > 1 else f"There is one {name}{where}: 0.",
            OutOfRange,
            code="out_of_range",
            what=name,
            least=least,
            last=size - 1,
            got=index,
        )
    return index % size


def check_count(value: Any, name: str, least: int = 1, most: int | None = None) -> int:
    """Returns `value` as a number of things. name: the argument's name, such as "max_tokens". least, most: the bounds.

    Raises WrongType if `value` is not a whole number, GPTVizError if it is outside the bounds.
    """
    count = check_whole_number(value, name, f"{name} must be at least {least}.")
    if count < least:
        remedy = "Ask for one or more." if least == 1 else f"{least} is the smallest that is possible."
        raise fail(f"{name} of at least {least}", short(count), remedy)
    if most is not None and count > most:
        raise fail(f"{name} of at most {most:,}", short(count), f"{most:,} is the largest that is possible.")
    return count


def check_number(value: Any, name: str, remedy: str, above: float = -LARGEST) -> float:
    """Returns Python's, NumPy's or torch's real number as a float. name: the argument's name. above: it must be larger.

    Raises WrongType if `value` is no number, GPTVizError if it is NaN or outside the bounds.
    """
    number = _check_real(value, name, remedy)
    if not above < number < LARGEST:
        raise fail(f"{article(name)} above {above:g} and below {LARGEST:g}", short(value), remedy)
    return number


def check_finite_number(value: Any, name: str, remedy: str) -> float:
    """Returns Python's, NumPy's or torch's real number as a float. name: the argument's name.

    Raises WrongType if `value` is no number, GPTVizError if it is NaN, or too large for a float.
    """
    number = _check_real(value, name, remedy)
    if not math.isfinite(number):
        raise fail(f"a finite {name}", short(value), remedy)
    return number


def _check_real(value: Any, name: str, remedy: str) -> float:
    """Returns a real number as a float. Raises WrongType if `value` is no number."""
    number = as_number(value)
    if number is None:
        raise fail(f"a number as {name}", short(value), remedy, WrongType)
    return number


def check_whole_number(value: Any, name: str, remedy: str) -> int:
    """Returns Python's, NumPy's or torch's whole number as an int. name: the argument's name.

    Raises WrongType if `value` is not a whole number.
    """
    number = as_whole_number(value)
    if number is None:
        raise fail(f"a whole number as {name}", f"{short(value)} ({type(value).__name__})", remedy, WrongType)
    return number


def check_choice(value: Any, known: Iterable[str], name: str) -> str:
    """Returns `value`, one of some names. name: what is chosen, such as "method". Raises GPTVizError for any other value."""
    names = list(known)
    if not isinstance(value, str) or value not in names:
        remedy = did_you_mean(value if isinstance(value, str) else "", names, f"{names[0]} is one.")
        raise fail(f"{article(name)} among {', '.join(names)}", short(value), remedy)
    return value


def check_token_ids(ids: Any, vocab_size: int, remedy: str) -> None:
    """Raises OutOfRange if one of these whole numbers, (T,), is not from 0 to `vocab_size` - 1; the error names the first."""
    ids = np.asarray(ids)
    for outside in ids[(ids < 0) | (ids >= vocab_size)][:1]:
        raise fail(f"token ids from 0 to {vocab_size - 1}", f"{outside}", remedy, OutOfRange)


def as_whole_number(value: Any) -> int | None:
    """Returns Python's, NumPy's or torch's whole numbers as an int, and None for anything else; True and False are rejected."""
    if not _may_be_real(value):
        return None
    try:
        return operator.index(value)
    except (TypeError, RuntimeError):
        return None


def as_number(value: Any) -> float | None:
    """Returns Python's, NumPy's or torch's real numbers as a float, and None for anything else; True and False are rejected.

    A whole number that no float can hold becomes infinity.
    """
    if not _may_be_real(value):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
    except (TypeError, ValueError, RuntimeError):
        return None


def _may_be_real(value: Any) -> bool:
    """Returns whether a value may be one real number: no text, no truth value, and of an array's type only if it is a scalar.

    The dtype is known by its name, so that torch need not be imported.
    """
    if isinstance(value, (bool, *_TEXTS)) or getattr(value, "shape", ()) != ():
        return False
    dtype = getattr(value, "dtype", None)
    return dtype is None or str(dtype).removeprefix("torch.").startswith(_REAL_DTYPES)


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
    """Returns the advice for a name that is not known: the most similar known name, or `otherwise`.

    Upper and lower case are the same here. A short form is similar too: `lr` or `rate` for `learning_rate`, `temp` for
    `temperature`.
    """
    names = {one.casefold(): one for one in known}
    short_form = name.casefold()
    similar = difflib.get_close_matches(short_form, names, n=1) or [one for one in names if _is_short(short_form, one)]
    return f"Did you mean {names[similar[0]]}?" if similar else otherwise


def _is_short(form: str, name: str) -> bool:
    """Returns whether a text is a short form of a name: its initials, its beginning, or one of its words."""
    words = name.split("_")
    initials = "".join(word[:1] for word in words)
    return (len(words) > 1 and form == initials) or (len(form) > 2 and (form in words or name.startswith(form)))


def article(name: str) -> str:
    """Returns a noun with "a" or "an" before it."""
    return f"an {name}" if name[:1] in "aeiou" else f"a {name}"


def short(value: Any, most: int = 60) -> str:
    """Returns a value as an error quotes it: its `repr`, a long one without its middle.

    Some values have no `repr`: Python writes no whole number of more than 4,300 digits.
    """
    try:
        text = repr(value)
    except Exception:
        return f"a value of type {type(value).__name__}"
    return text if len(text) <= most else f"{text[: most // 2]}…{text[-most // 4 :]}"


def described(error: BaseException) -> str:
    """Returns the kind and the message of an error as one text."""
    return "".join(traceback.format_exception_only(error)).strip()
