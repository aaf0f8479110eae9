"""The sampling settings and their checks, for a single distribution and for the decode loop.

Settings are checked before any work starts. What each means: see `stages.distribution`.
"""

import math
from numbers import Integral, Real
from typing import Any, NamedTuple

from gptviz.checks import did_you_mean
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

    checked_temperature = _number(
        "temperature", temperature, "0 is greedy, 1 leaves the model's probabilities as they are."
    )
    if checked_temperature < 0:
        raise fail(
            "a temperature of 0 or more",
            f"{temperature}",
            "0 is greedy, 1 leaves the model's probabilities as they are.",
        )
    penalty = _number("repetition_penalty", repetition_penalty, "1 is off.")
    if penalty <= 0:
        raise fail(
            "a repetition_penalty above 0",
            f"{repetition_penalty}",
            "1 is off; 1.1 to 1.3 makes repetitions less likely.",
        )
    if top_k is not None:
        if isinstance(top_k, bool) or not isinstance(top_k, Integral):
            raise fail("a whole number as top_k", f"{top_k!r}", "top_k is a number of tokens; None is off.", WrongType)
        if top_k < 1:
            raise fail("a top_k of 1 or more", f"{top_k}", "At least one token must be kept; None is off.")
        top_k = int(top_k)
    if top_p is not None:
        mass = _number("top_p", top_p, "None is off.")
        if not 0 < mass <= 1:
            raise fail(
                "a top_p above 0 and at most 1", f"{top_p}", "It is a share of all probability; 1 or None is off."
            )
        top_p = mass
    if min_p is not None:
        share = _number("min_p", min_p, "None is off.")
        if not 0 <= share <= 1:
            raise fail("a min_p from 0 to 1", f"{min_p}", "It is a share of the highest probability; 0 or None is off.")
        min_p = share
    return Settings(checked_temperature, top_k, top_p, min_p, penalty)


def _number(name: str, value: Any, remedy: str) -> float:
    """Returns `value` as a finite float. Raises WrongType if it is not a number."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise fail(f"a number as {name}", f"{value!r}", remedy, WrongType)
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise fail(f"a finite {name}", f"{value}"[:40], remedy)
    return number
