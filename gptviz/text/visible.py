"""Makes tokens visible: marks for white space, codes for what cannot be drawn. The page does the same in JavaScript."""

from unicodedata import category

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

    XML allows no control characters at all. The zero-width joiner within an emoji is kept, since the emoji is drawn as one. A
    combining mark at the beginning stands on a dotted circle, or it would stand on what is drawn before.
    """
    shown = [c if c.isprintable() or _joins_emoji(text, i) else f"U+{ord(c):04X}" for i, c in enumerate(text)]
    return "".join(["◌" if category(text[:1] or " ").startswith("M") else "", *shown])


def _joins_emoji(text: str, i: int) -> bool:
    """Returns whether the character is a joiner between two emoji, of which the first may have a colour or a style."""
    before = text[:i].rstrip("\ufe0f\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff")[-1:]
    is_between = category(before or " ") == category(text[i + 1 : i + 2] or " ") == "So"
    return text[i] == "\u200d" and is_between


def columns(text: str) -> int:
    """Returns how many columns a text takes in a font of fixed width; Chinese and other wide characters take two."""
    return sum(2 if ord(c) > 0x2E7F else 1 for c in text)


def quoted(text: str, most: int = 60) -> str:
    """Returns a text in quotes, as `repr` writes it; of one that is longer than `most` characters, its two ends."""
    if len(text) <= most:
        return repr(text)
    return repr(f"{text[: most // 2]}…{text[-(most - most // 2) + 1 :]}")
