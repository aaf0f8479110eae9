"""Tokens: an id, what it adds to its text, and the ways in which vocabularies write bytes.

`decoding.py` derives what a token stands for from the tokenizer's own decoder. A decoder gives characters, and a token may
end inside one, so the bytes of such a token come from how the vocabulary writes it: byte-level tokenizers (GPT-2's) write
each byte as a printable character, SentencePiece tokenizers write a space as "▁" and a single byte as "<0xF0>", ByT5
writes the Latin-1 character of the byte. Source of the first: GPT-2's `bytes_to_unicode` (Radford et al. 2019).
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

_SINGLE_BYTE = re.compile(r"<0x([0-9A-Fa-f]{2})>")


@dataclass(frozen=True)
class Token:
    """One token of a text.

    id: its row in the vocabulary. text: what it adds to its text; bytes of an incomplete character are written `\\xf0`. A
    token of no text has what it adds after a word. bytes: the same in UTF-8, exactly. position: its index in the text, from
    0; -1 if it is in no text. special: whether it is a mark of the tokenizer's own, such as a start token, which adds
    nothing to a decoded text; its text is the mark's name then. role: in a chat, whose message the token belongs to, such
    as "user"; None in other texts, for a start token before all messages, and where it cannot be told.
    """

    id: int
    text: str
    bytes: bytes
    position: int = -1
    special: bool = False
    role: str | None = None


def token_of_bytes(id: int, raw: bytes, position: int = -1, special: bool = False, role: str | None = None) -> Token:
    """Returns the token that stands for these bytes."""
    return Token(id, readable(raw), raw, position, special, role)


def with_roles(tokens: Sequence[Token], roles: Sequence[str | None]) -> tuple[Token, ...]:
    """Returns the tokens of a text with these roles, one each."""
    return tuple(
        replace(token, role=role) if role != token.role else token for token, role in zip(tokens, roles, strict=True)
    )


def written_characters(text: str, tokens: Sequence[Token]) -> int:
    """Returns how many characters of a text are not those of marks, such as "<|im_end|>", that it spells out."""
    count, at = len(text), 0
    for token in tokens:
        start = text.find(token.text, at) if token.special and token.text else -1
        if start >= 0:
            count, at = count - len(token.text), start + len(token.text)
    return count


def readable(raw: bytes) -> str:
    """Returns the bytes as text; bytes of an incomplete character as `\\x..`."""
    return raw.decode("utf-8", errors="backslashreplace")


def utf8(text: str) -> bytes:
    """Returns the text's bytes. A lone surrogate, which only a decoder written in Python can give, keeps its three bytes."""
    return text.encode("utf-8", errors="surrogatepass")


def byte_table() -> dict[str, int]:
    """Returns the byte of each character that GPT-2 writes for one: printable Latin-1 as itself, others from U+0100."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [b for b in range(256) if b not in printable]
    return {chr(b): b for b in printable} | {chr(256 + i): b for i, b in enumerate(others)}


_BYTE_OF = byte_table()


def _read_alphabet(piece: str) -> bytes:
    if all(c in _BYTE_OF for c in piece):
        return bytes(_BYTE_OF[c] for c in piece)
    return utf8(piece)


def _read_marks(piece: str) -> bytes:
    if match := _SINGLE_BYTE.fullmatch(piece):
        return bytes([int(match[1], 16)])
    return utf8(piece.replace("\u2581", " "))


def _read_latin(piece: str) -> bytes:
    return piece.encode("latin-1") if all(ord(c) < 256 for c in piece) else utf8(piece)


def guessed_bytes(piece: str) -> bytes:
    """Returns what a piece probably stands for, where there is no decoder to ask."""
    raw = _read_alphabet(piece)
    return _read_marks(piece) if raw == utf8(piece) else raw


# What a vocabulary's piece may stand for. Each is a guess, which holds only where the decoder's text agrees with it.
READINGS: tuple[Callable[[str], bytes], ...] = (_read_alphabet, _read_marks, _read_latin)
