"""How a token is written so that all of it can be seen. The page does the same in JavaScript."""

from gptviz.text.tokens import Token

_MARKS = str.maketrans({" ": "␣", "\n": "⏎", "\t": "⇥"})


def visible(token: Token) -> str:
    """A token's text with white space to be seen; bytes where it is no whole character."""
    return visible_text(token.text)


def visible_text(text: str) -> str:
    """Returns a text with visible white space, and the code of each character that cannot be drawn."""
    return drawable(text.translate(_MARKS))


def drawable(text: str) -> str:
    """What cannot be drawn, such as a control character, which XML refuses, by its number."""
    return "".join(c if c.isprintable() else f"U+{ord(c):04X}" for c in text)


def columns(text: str) -> int:
    return sum(2 if ord(c) > 0x2E7F else 1 for c in text)
