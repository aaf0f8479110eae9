"""Checks the arguments of a page's question against the annotations of the method that answers it.

A page's message comes from a browser, where anybody can write one. So an answering method is called only with values of
the kinds that its annotations name, and checks only their range itself.
"""

import inspect
import types
from collections.abc import Callable
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints


def wrong_argument(method: Callable[..., Any], args: dict[str, Any]) -> str | None:
    """Returns what is wrong with the arguments of a question, or None. method: the function that answers it."""
    function = getattr(method, "__func__", method)
    parameters, hints = _signature(function)
    for name, value in args.items():
        if name not in parameters:
            return f"{name!r:.40}, which it does not take"
        if not _is_of_kind(value, hints.get(name, Any)):
            return f"{value!r:.40} as {name}"
    missing = [name for name, default in parameters.items() if default is inspect.Parameter.empty and name not in args]
    return f"none as {missing[0]}" if missing else None


@cache
def _signature(function: Callable[..., Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns the default of each parameter after `self`, and the annotations."""
    parameters = list(inspect.signature(function).parameters.values())[1:]
    return {parameter.name: parameter.default for parameter in parameters}, get_type_hints(function)


def _is_of_kind(value: Any, hint: Any) -> bool:
    """Returns whether a value that came as JSON is what an annotation names."""
    if hint is Any:
        return True
    if hint in (None, type(None)):
        return value is None
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return any(_is_of_kind(value, kind) for kind in inner)
    if origin is list:
        return isinstance(value, list) and all(_is_of_kind(item, inner[0]) for item in value)
    if origin is dict or hint is dict:
        return isinstance(value, dict)
    if hint is str:
        return isinstance(value, str) and _is_whole_text(value)
    if hint is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return type(value) is hint


def _is_whole_text(text: str) -> bool:
    """Returns whether a text has no half of a surrogate pair, which could not be sent back."""
    return not any("\ud800" <= character <= "\udfff" for character in text)
