"""Describes a token for the chips of the page."""

from typing import Any

from gptviz.text.tokens import Token


def describe(token: Token) -> dict[str, Any]:
    """Returns what a chip shows of a token. bytes: in hexadecimal if they are no whole characters, else None.

    role: only of a token in a chat that has one.
    """
    try:
        token.bytes.decode()
        raw = None
    except UnicodeDecodeError:
        raw = token.bytes.hex(" ")
    text = token.text if raw is None else ""
    described = {"id": token.id, "text": text, "bytes": raw, "position": token.position, "special": token.special}
    return described if token.role is None else described | {"role": token.role}
