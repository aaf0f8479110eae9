"""Tokens as they are: an id, the exact bytes it stands for, and a text that never hides a broken character.

Byte-level tokenizers (GPT-2's) write each byte as a printable character; SentencePiece ones write a space as "▁" and a
lone byte as "<0xF0>". Both are undone here, so that the bytes of a text's tokens, one after the other, are the text's.
Source of the byte table: GPT-2's `bytes_to_unicode` (Radford et al. 2019), restated.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_LONE_BYTE = re.compile(r"<0x([0-9A-Fa-f]{2})>")


@dataclass(frozen=True)
class Token:
    """One token of a text.

    id: row of the vocabulary. text: what it stands for; bytes that are no whole character are written `\\xf0`.
    bytes: exactly what it stands for, in UTF-8. position: its place in the text, counted from 0; -1 if it has none.
    special: a mark that the tokenizer added or keeps for itself, such as a start token.
    """

    id: int
    text: str
    bytes: bytes
    position: int = -1
    special: bool = False


def byte_table() -> dict[str, int]:
    """GPT-2's printable character for each byte: itself if printable Latin-1, else the next free one from U+0100."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [b for b in range(256) if b not in printable]
    return {chr(b): b for b in printable} | {chr(256 + i): b for i, b in enumerate(others)}


_BYTE_OF = byte_table()


def table_bytes(piece: str) -> bytes:
    """The bytes behind a piece as a tokenizer's table writes it: bytes as characters, or "▁" for a space."""
    if all(c in _BYTE_OF for c in piece):
        return bytes(_BYTE_OF[c] for c in piece)
    return piece.replace("\u2581", " ").encode()


def piece_bytes(tokenizer: Any) -> Callable[[int], bytes]:
    """The function from a token's id to the bytes it stands for, for one tokenizer."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    state = backend.decoder.__getstate__().decode() if backend is not None and backend.decoder is not None else ""
    byte_level = '"ByteLevel"' in state
    added = tokenizer.added_tokens_decoder

    def of(id: int) -> bytes:
        if id in added:
            return str(added[id].content).encode()
        piece = tokenizer.convert_ids_to_tokens(id)
        if piece is None:  # a row of the model's table that the tokenizer has no piece for
            return b""
        if byte_level and all(c in _BYTE_OF for c in piece):
            return bytes(_BYTE_OF[c] for c in piece)
        if lone := _LONE_BYTE.fullmatch(piece):
            return bytes([int(lone[1], 16)])
        if "\u2581" in piece or '"Metaspace"' in state or '"Replace"' in state:
            return piece.replace("\u2581", " ").encode()
        return str(tokenizer.decode([id])).encode()

    return of


def readable(raw: bytes) -> str:
    """The bytes as text, with `\\x..` for what is no whole character."""
    return raw.decode("utf-8", errors="backslashreplace")
