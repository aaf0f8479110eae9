"""Positions that depend on the length of the text: longrope has one set of rotations for short texts and one for long."""

from collections.abc import Iterator
from typing import Any


def length_of_short_texts(config: Any) -> int | None:
    """Returns the longest text, in tokens, that is read with the rotations of short texts; None if there is one set only.

    With one token more, all tokens of the text are rotated in another way, so that the keys in a cache no longer fit.
    Source: Ding et al. 2024, "LongRoPE".
    """
    lengths = [
        parameters.get("original_max_position_embeddings") or getattr(config, "original_max_position_embeddings", None)
        for parameters in _rope_parameters(config)
        if parameters.get("rope_type", parameters.get("type")) == "longrope"
    ]
    return min((length for length in lengths if length), default=None)


def _rope_parameters(config: Any) -> Iterator[dict[str, Any]]:
    """Yields the settings of each kind of rotation: one, or one for each type of layer."""
    parameters = getattr(config, "rope_parameters", None) or {}
    yield from [parameters, *(value for value in parameters.values() if isinstance(value, dict))]
