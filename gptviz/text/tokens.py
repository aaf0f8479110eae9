"""Tokens: an id, the exact bytes that it stands for, and a text that also shows incomplete characters.

Byte-level tokenizers (GPT-2's) write each byte as a printable character; SentencePiece tokenizers write a space as "▁"
and a single byte as "<0xF0>". Both are decoded here, so that the bytes of a text's tokens, joined, are the text's bytes.
Source of the byte table: GPT-2's `bytes_to_unicode` (Radford et al. 2019).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_SINGLE_BYTE = re.compile(r"<0x([0-9A-Fa-f]{2})>")


@dataclass(frozen=True)
class Token:
    """One token of a text.

    id: its row in the vocabulary. text: what it stands for; bytes of an incomplete character are written `\\xf0`. bytes:
    exactly what it stands for, in UTF-8. position: its index in the text, from 0; -1 if it is in no text. special:
    whether it is a mark of the tokenizer's own, such as a start token.
    """

    id: int
    text: str
    bytes: bytes
    position: int = -1
    special: bool = False


def byte_table() -> dict[str, int]:
    """Returns the byte of each character that GPT-2 writes for one: printable Latin-1 as itself, others from U+0100."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [b for b in range(256) if b not in printable]
    return {chr(b): b for b in printable} | {chr(256 + i): b for i, b in enumerate(others)}


_BYTE_OF = byte_table()


def table_bytes(piece: str) -> bytes:
    """Returns the bytes of a piece as a tokenizer's table writes it: bytes as characters, or "▁" for a space."""
    if all(c in _BYTE_OF for c in piece):
        return bytes(_BYTE_OF[c] for c in piece)
    return piece.replace("\u2581", " ").encode()


def piece_bytes(tokenizer: Any) -> Callable[[int], bytes]:
    """Returns the function that returns the bytes of a token's id in one tokenizer."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    state = backend.decoder.__getstate__().decode() if backend is not None and backend.decoder is not None else ""
    byte_level = '"ByteLevel"' in state
    added = tokenizer.added_tokens_decoder

    def bytes_of(id: int) -> bytes:
        if id in added:
            return str(added[id].content).encode()
        piece = tokenizer.convert_ids_to_tokens(id)
        if piece is None:  # the model's table may have more rows than the tokenizer has pieces
            return b""
        if byte_level and all(c in _BYTE_OF for c in piece):
            return bytes(_BYTE_OF[c] for c in piece)
        if match := _SINGLE_BYTE.fullmatch(piece):
            return bytes([int(match[1], 16)])
        if "\u2581" in piece or '"Metaspace"' in state or '"Replace"' in state:
            return piece.replace("\u2581", " ").encode()
        return str(tokenizer.decode([id])).encode()

    return bytes_of


def readable(raw: bytes) -> str:
    """Returns the bytes as text; bytes of an incomplete character as `\\x..`."""
    return raw.decode("utf-8", errors="backslashreplace")
