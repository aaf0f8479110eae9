"""The settings of sampling and their checks, for a single distribution and for the decode loop alike.

A setting is refused here, before any work is done with it, in words that say what was expected and what to
do. What the settings mean is said in `sampling.py`.
"""

import difflib
import math
from numbers import Integral, Real
from typing import Any, NamedTuple

from gptviz.errors import WrongType, fail


class Settings(NamedTuple):
    """How the next token is chosen, checked. None means that a cut is off."""

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
    """The same settings, checked. GPTVizError for values out of range, WrongType for types, unknown names."""
    for name in unknown:
        near = difflib.get_close_matches(name, Settings._fields, n=1)
        advice = f"Did you mean {near[0]}?" if near else "Leave it out."
        raise fail(f"settings among {', '.join(Settings._fields)}", f"{name}", advice, WrongType)

    heat = _number("temperature", temperature, "0 is greedy, 1 leaves the model's probabilities as they are.")
    if heat < 0:
        raise fail("a temperature of 0 or more", f"{temperature}", "0 is greedy, 1 is the model's own.")
    penalty = _number("repetition_penalty", repetition_penalty, "1 is off.")
    if penalty <= 0:
        raise fail(
            "a repetition_penalty above 0",
            f"{repetition_penalty}",
            "1 is off; 1.1 to 1.3 discourages repeats.",
        )
    if top_k is not None:
        if isinstance(top_k, bool) or not isinstance(top_k, Integral):
            raise fail("a whole number as top_k", f"{top_k!r}", "top_k counts tokens; None is off.", WrongType)
        if top_k < 1:
            raise fail("a top_k of 1 or more", f"{top_k}", "At least one token must be kept; None is off.")
        top_k = int(top_k)
    if top_p is not None:
        mass = _number("top_p", top_p, "None is off.")
        if not 0 < mass <= 1:
            raise fail("a top_p above 0 and at most 1", f"{top_p}", "It is a share of the mass; 1 or None is off.")
        top_p = mass
    if min_p is not None:
        share = _number("min_p", min_p, "None is off.")
        if not 0 <= share <= 1:
            raise fail("a min_p from 0 to 1", f"{min_p}", "It is a share of the leader's; 0 or None is off.")
        min_p = share
    return Settings(heat, top_k, top_p, min_p, penalty)


def _number(name: str, value: Any, remedy: str) -> float:
    if isinstance(value, bool) or not isinstance(value, Real):
        raise fail(f"a number as {name}", f"{value!r}", remedy, WrongType)
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise fail(f"a finite {name}", f"{value}"[:40], remedy)
    return number
