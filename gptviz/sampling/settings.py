"""The sampling settings and their checks, for a single distribution and for the decode loop.

Settings are checked before any work starts. What each means: see `stages.distribution`.
"""

from typing import Any, NamedTuple

from gptviz.checks import check_finite_number, check_whole_number, did_you_mean, short
from gptviz.errors import WrongType, fail

LEADING = 10  # alternatives that a step of a completion keeps


class Settings(NamedTuple):
    """Checked settings of how the next token is drawn. None means that a cut is off."""

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None
    repetition_penalty: float = 1.0


def check_settings(
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    min_p: float | None = None,
    repetition_penalty: float = 1.0,
    **unknown: Any,
) -> Settings:
    """Returns the settings, checked. Raises GPTVizError for values out of range, WrongType for types and unknown names."""
    for name in unknown:
        raise fail(
            f"settings among {', '.join(Settings._fields)}", name, did_you_mean(name, Settings._fields), WrongType
        )

    remedy = "0 is greedy, 1 leaves the model's probabilities as they are."
    temperature = check_finite_number(temperature, "temperature", remedy)
    if temperature < 0:
        raise fail("a temperature of 0 or more", short(temperature), remedy)
    repetition_penalty = check_finite_number(repetition_penalty, "repetition_penalty", "1 is off.")
    if repetition_penalty <= 0:
        remedy = "1 is off; 1.1 to 1.3 makes repetitions less likely."
        raise fail("a repetition_penalty above 0", short(repetition_penalty), remedy)
    if top_k is not None:
        top_k = check_whole_number(top_k, "top_k", "top_k is a number of tokens; None is off.")
        if top_k < 1:
            raise fail("a top_k of 1 or more", short(top_k), "At least one token must be kept; None is off.")
    if top_p is not None:
        top_p = check_finite_number(top_p, "top_p", "None is off.")
        if not 0 < top_p <= 1:
            remedy = "It is a share of all probability; 1 or None is off."
            raise fail("a top_p above 0 and at most 1", short(top_p), remedy)
    if min_p is not None:
        min_p = check_finite_number(min_p, "min_p", "None is off.")
        if not 0 <= min_p <= 1:
            remedy = "It is a share of the highest probability; 0 or None is off."
            raise fail("a min_p from 0 to 1", short(min_p), remedy)
    return Settings(temperature, top_k, top_p, min_p, repetition_penalty)
