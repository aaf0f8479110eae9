"""The language that views speak, for all views made from now on. The words themselves: `widgets/static/words.js`."""

from gptviz.errors import fail

LANGUAGES = ("en", "zh")  # English, Simplified Chinese

_chosen = "en"


def set_language(language: str) -> None:
    """Let views made from now on speak this language: "en" or "zh"; those that are open keep theirs."""
    global _chosen
    if language not in LANGUAGES:
        raise fail(f"a language among {', '.join(LANGUAGES)}", f"{language!r}", 'For example set_language("en").')
    _chosen = language


def chosen_language() -> str:
    """What was set last; English at first."""
    return _chosen
