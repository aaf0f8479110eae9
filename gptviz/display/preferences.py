"""The language and the scale of all views made from now on. Each view has its words in its own folder."""

from gptviz.errors import fail

LANGUAGES = ("en", "zh")  # English, Simplified Chinese
SCALES = ("screen", "projector")  # "projector" writes 1.5 times as large

_chosen = {"language": "en", "scale": "screen"}


def set_language(language: str) -> None:
    """Sets the language of views made from now on: "en" or "zh". Open views keep theirs."""
    _choose("language", language, LANGUAGES)


def set_scale(scale: str) -> None:
    """Sets the scale of views made from now on: "screen" or "projector". Open views keep theirs."""
    _choose("scale", scale, SCALES)


def chosen_language() -> str:
    """Returns the language that was set last; English at first."""
    return _chosen["language"]


def chosen_scale() -> str:
    """Returns the scale that was set last; "screen" at first."""
    return _chosen["scale"]


def _choose(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise fail(f"a {name} among {', '.join(allowed)}", f"{value!r}", f'For example set_{name}("{allowed[-1]}").')
    _chosen[name] = value
