"""The settings of a call that generates, checked before any work is done. They are the same wherever the model runs."""

import secrets
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from gptviz.checks import check_count, did_you_mean
from gptviz.errors import GPTVizError, WrongType, fail
from gptviz.sampling.philox import check_seed
from gptviz.sampling.settings import Settings, check_settings


@dataclass(frozen=True)
class Call:
    """Checked settings of a call; what they mean is in `loop.complete`. stop: none, one or several strings."""

    max_tokens: int
    n: int
    stop: tuple[str, ...]
    settings: Settings
    seed: int
    cancel: threading.Event | None


def check_call(
    max_tokens: int = 150,
    n: int = 1,
    stop: Any = None,
    temperature: float = 0.7,
    top_k: int | None = None,
    top_p: float | None = None,
    min_p: float | None = None,
    repetition_penalty: float = 1.0,
    seed: int | None = None,
    cancel: threading.Event | None = None,
) -> Call:
    """Returns the settings, checked, with a random seed if none is given.

    Raises GPTVizError for values out of range, WrongType for types.
    """
    settings = check_settings(
        temperature=temperature, top_k=top_k, top_p=top_p, min_p=min_p, repetition_penalty=repetition_penalty
    )
    max_tokens, n = check_count(max_tokens, "max_tokens"), check_count(n, "n")
    stops = _check_stop(stop)
    seed = secrets.randbelow(2**31) if seed is None else check_seed(seed)
    if cancel is not None and not isinstance(cancel, threading.Event):
        raise fail("a threading.Event as cancel", f"{cancel!r}", "Set it to end the choices where they are.", WrongType)
    return Call(max_tokens, n, stops, settings, seed, cancel)


def refuse_setting(name: str, known: Iterable[str]) -> GPTVizError:
    """Returns the error for a setting that does not exist."""
    known = list(known)
    return fail(f"settings among {', '.join(known)}", name, did_you_mean(name, known), WrongType)


def _check_stop(stop: Any) -> tuple[str, ...]:
    """Returns the stop strings as a tuple, from one string, several or None."""
    stops = (stop,) if isinstance(stop, str) else () if stop is None else stop
    if not isinstance(stops, (list, tuple)) or not all(isinstance(text, str) for text in stops):
        raise fail("a string or several as stop", f"{stop!r}", 'For example stop=["\\n", "The end"].', WrongType)
    if "" in stops:
        raise fail("stop strings of at least one character", "an empty one", "Leave stop out to go on to max_tokens.")
    return tuple(stops)
