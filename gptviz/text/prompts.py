"""The text that a tokenizer reads as given ids."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from gptviz.text.decoding import Decoding
from gptviz.text.encoding import encode, is_read_as


def prompt_of(tokenizer: Any, decoding: Decoding, ids: Sequence[int]) -> str:
    """Returns the text that the tokenizer reads as these ids. If there is none, returns one that decodes to the same text.

    Special tokens that the tokenizer adds to every text are left out; others are written, as one would type them.
    """
    ids, special = list(ids), decoding.special_ids()
    inner = ids if special.isdisjoint(ids) else _without(ids, encode(tokenizer, "")[0])
    if special.isdisjoint(inner):
        return decoding.decode(inner)
    parts = groupby(inner, special.__contains__)
    joined = "".join("".join(decoding.written(list(p))) if s else decoding.decode(p) for s, p in parts)
    candidates = (decoding.decode(inner, marks=True), joined)
    return next((text for text in candidates if is_read_as(tokenizer, text, ids)), candidates[0])


def _without(ids: list[int], added: list[int]) -> list[int]:
    """Returns ids without those that are added around every text: some at the start, the others at the end."""
    for count in range(len(added), -1, -1):
        end = len(ids) - (len(added) - count)
        if count <= end and ids[:count] == added[:count] and ids[end:] == added[count:]:
            return ids[count:end]
    return ids
