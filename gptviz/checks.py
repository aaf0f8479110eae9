"""Checks that many packages make of their arguments."""

import difflib
import operator
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from gptviz.errors import OutOfRange, WrongType, fail


def check_index(value: Any, size: int, what: str, negative: bool = False) -> int:
    """`value` as an index below `size`; `negative` lets it count from the end."""
    if isinstance(value, (bool, np.bool_)) or not hasattr(value, "__index__"):
        raise fail(
            f"an integer {what}", f"{value!r} ({type(value).__name__})", f"Give a whole number below {size}.", WrongType
        )
    index = operator.index(value)
    low = -size if negative else 0
    if not low <= index < size:
        raise fail(
            f"a {what} from {low} to {size - 1}",
            f"{index}",
            f"There are {size} {what}s, counted from 0." if size > 1 else f"There is one {what}, 0.",
            OutOfRange,
            code="out_of_range",
            what=what,
            least=low,
            last=size - 1,
            got=index,
        )
    return index % size


def did_you_mean(name: str, known: Iterable[str], otherwise: str = "Leave it out.") -> str:
    """Returns the advice for a name that is not known: the nearest known name, or `otherwise`."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"Did you mean {near[0]}?" if near else otherwise


def check_folder(target: Path) -> None:
    """Raises GPTVizError if the folder that `target` is to be written into does not exist."""
    if not target.parent.is_dir():
        raise fail("a path in a folder that exists", f"{target}", "Make the folder first, or give another path.")
