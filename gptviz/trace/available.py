"""What functions over a whole model do if some layers do not have what they need: they leave those out."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from gptviz.errors import NotAvailable

Key = TypeVar("Key")
Value = TypeVar("Value")


def available(compute: Callable[[Key], Value], keys: Iterable[Key]) -> Iterator[tuple[Key, Value]]:
    """Yields (key, compute(key)) for each key, such as a layer, for which `compute` does not raise NotAvailable.

    If that is none of them, raises the error of the first, or of the first layer that has attention.
    """
    is_empty, refusal = True, None
    for key in keys:
        try:
            value = compute(key)
        except NotAvailable as error:
            if refusal is None or refusal.code == "no_attention":
                refusal = error
        else:
            is_empty = False
            yield key, value
    if is_empty and refusal is not None:
        raise refusal
