"""Makes tokens visible: marks for white space, codes for what cannot be drawn. The page does the same in JavaScript."""

from gptviz.text.tokens import Token

_MARKS = str.maketrans({" ": "␣", "\n": "⏎", "\t": "⇥"})


def visible(token: Token) -> str:
    """Returns a token's text with marks for white space; bytes of an incomplete character as `\\xf0`."""
    return visible_text(token.text)


def visible_text(text: str) -> str:
    """Returns a text with marks for white space, and the code of each character that cannot be drawn."""
    return drawable(text.translate(_MARKS))


def drawable(text: str) -> str:
    """Returns a text in which a character that cannot be drawn, such as a control character, is replaced by its code.

    XML allows no control characters at all.
    """
    return "".join(c if c.isprintable() else f"U+{ord(c):04X}" for c in text)


def columns(text: str) -> int:
    """Returns how many columns a text takes in a font of fixed width; Chinese and other wide characters take two."""
    return sum(2 if ord(c) > 0x2E7F else 1 for c in text)
