"""A token as the page's chips want it."""

from typing import Any

from gptviz.text.tokens import Token


def describe(token: Token) -> dict[str, Any]:
    """A token as the page's chips want it; `bytes` is set where it is no whole character."""
    try:
        token.bytes.decode()
        broken = None
    except UnicodeDecodeError:
        broken = token.bytes.hex(" ")
    text = token.text if broken is None else ""
    return {"id": token.id, "text": text, "bytes": broken, "position": token.position, "special": token.special}
