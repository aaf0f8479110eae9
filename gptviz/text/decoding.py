"""Decodes tokens with the tokenizer's own decoder: the text of ids, and the part of it that each token adds.

Nothing here depends on the kind of decoder. The text of a sequence is what the decoder returns. The text of a token is the
part that the token adds to it. A token may end inside a character. Then its bytes are taken from its name in the vocabulary,
if the decoder's text confirms them.
"""

from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

from gptviz.errors import GPTVizError, fail
from gptviz.text.encoding import encode, is_failure, is_read_as
from gptviz.text.growing import REPLACEMENT, GrowingText, kept, text_after
from gptviz.text.tokens import READINGS, Token, token_of_bytes, utf8

_CONTEXT = 4  # tokens before a new one that decide what it adds; more where these have no text
_TRIED = 500  # ids that are tried to find a word


class Addition(NamedTuple):
    """A token that is added to a text. unsettled: how many characters at the text's end the next token may still change."""

    token: Token
    unsettled: int


class Decoding:
    """The decoder of one tokenizer. It also knows tokens that are added to the tokenizer later."""

    def __init__(self, tokenizer: Any):
        self._tokenizer = tokenizer
        self._word: list[int] | None = None
        self._after_word: TextEnd | None = None
        self._added: tuple[int, dict[int, str]] | None = None

    def decode(self, ids: Iterable[int], *, marks: bool = False) -> str:
        """Returns the text of ids. marks: whether to write special tokens. An id that no token has adds nothing."""
        ids = list(ids)
        try:
            return str(self._tokenizer.decode(ids, skip_special_tokens=not marks))
        except BaseException as error:  # a decoder written in Python may fail at an id that it does not have
            if not is_failure(error):
                raise
            known = [id for id in ids if self._is_decoded(id)]
            if len(known) < len(ids):
                return self.decode(known, marks=marks)
            kind = type(self._tokenizer).__name__
            got = f"{type(error).__name__} from {kind}: {error}"
            raise fail("a tokenizer that can decode its tokens", got, "Use another tokenizer.") from error

    def _is_decoded(self, id: int) -> bool:
        try:
            self._tokenizer.decode([id])
        except BaseException as error:  # see `decode`
            if not is_failure(error):
                raise
            return False
        return True

    def written(self, ids: Sequence[int]) -> list[str]:
        """Returns the names of these tokens in the vocabulary, which differ from their texts; "" for an id that no token has."""
        return [self._written(id) for id in ids]

    def _written(self, id: int) -> str:
        try:
            return self._tokenizer.convert_ids_to_tokens(id) or ""
        except Exception:  # see `decode`
            return ""

    def piece_bytes(self, piece: str) -> bytes:
        """Returns the bytes that a piece of the vocabulary stands for, with the space at its beginning if it has one."""
        id = self._tokenizer.convert_tokens_to_ids(piece)
        alone = self.decode([id]) if id is not None and self._written(id) == piece else piece
        for read in READINGS:
            if read(piece).decode("utf-8", errors="replace").strip(" ") == alone.strip(" "):
                return read(piece)
        return utf8(alone)

    def special_ids(self) -> frozenset[int]:
        """Returns the ids of special tokens: those with a role (start, end, …), and others that were added as special."""
        added = self._tokenizer.added_tokens_decoder
        return frozenset(self._tokenizer.all_special_ids) | {id for id, token in added.items() if token.special}

    # Tokens of a text

    def tokens(self, ids: Iterable[int]) -> tuple[Token, ...]:
        """Returns the tokens of a sequence. Joined, the texts of its ordinary tokens are the decoded text."""
        ids, special = list(ids), self.special_ids()
        pieces = iter(self.pieces([id for id in ids if id not in special]))
        return tuple(
            self._mark(id, position) if id in special else token_of_bytes(id, next(pieces), position)
            for position, id in enumerate(ids)
        )

    def pieces(self, ids: Sequence[int]) -> list[bytes]:
        """Returns the part of the text that each token adds, in UTF-8. ids: of a sequence without special tokens."""
        whole, written = self.decode(ids), self.written(ids)
        for read in READINGS:
            parts = _trimmed([read(piece) for piece in written], whole)
            if parts is not None:
                return parts
        growing = GrowingText(self.decode)
        ends = list(accumulate((kept(growing.add(id), whole) for id in ids), max))
        ends[-1:] = [len(whole)] * bool(ids)
        parts = [utf8(whole[start:end]) for start, end in zip([0, *ends], ends, strict=False)]
        return _with_incomplete_characters(parts, written)

    def token(self, id: int, position: int = -1) -> Token:
        """Returns the token with this id. Its text is what it adds after a word."""
        if self._after_word is None:
            self._after_word = self.after(self.word())
        token = self._after_word.add(id, position).token
        added = self._added_text(id)
        if added is None or token.special or self._is_read_as(token.text, id) or not self._is_read_as(added, id):
            return token
        return token_of_bytes(id, utf8(added), position)  # the decoder takes its letters for written bytes

    def _added_text(self, id: int) -> str | None:
        """Returns the text of a token that was added to the vocabulary, None for any other. Called for whole vocabularies."""
        size = len(self._tokenizer)
        if self._added is None or self._added[0] != size:
            added = self._tokenizer.added_tokens_decoder
            self._added = size, {id: str(token) for id, token in added.items()}
        return self._added[1].get(id)

    def _is_read_as(self, text: str, id: int) -> bool:
        return is_read_as(self._tokenizer, text, [id], add_special_tokens=False)

    def token_id(self, text: str) -> int | None:
        """Returns the id of the token that has this text, alone or after a word; None if the text is not one token."""
        ids, _ = encode(self._tokenizer, text, add_special_tokens=False)
        if len(ids) == 1:
            return ids[0]
        after_word, _ = encode(self._tokenizer, self.decode(self.word()) + text, add_special_tokens=False)
        return next((id for id in after_word[-1:] if self.token(id).text == text), None)

    def after(self, ids: Sequence[int]) -> "TextEnd":
        """Returns the end of a text, from which one gets what a further token would add. ids: without special tokens."""
        return TextEnd(self, ids)

    def is_special(self, id: int) -> bool:
        """Returns whether this token is special, so that the decoder leaves it out."""
        if self.decode([id]):
            return False
        return self.decode([id], marks=True) != "" or id in self.special_ids()

    def _mark(self, id: int, position: int) -> Token:
        return token_of_bytes(id, utf8(self._written(id)), position, special=True)

    def word(self) -> list[int]:
        """Returns the id of a token that is a word or a letter by itself, in a list; an empty list if there is none."""
        if self._word is None:
            try:
                letters, _ = encode(self._tokenizer, "a", add_special_tokens=False)
            except GPTVizError:  # a tokenizer without an unknown token may refuse a letter that it does not have
                letters = []
            self._word = next(([id] for id in (*letters, *range(_TRIED)) if self._is_word(id)), [])
        return self._word

    def _is_word(self, id: int) -> bool:
        text = self.decode([id])
        twice = self.decode([id, id])
        return text.isalnum() and text.isascii() and len(twice) > len(text) and twice.startswith(text)

    # Texts

    def added(self, before: Sequence[int], ids: Sequence[int]) -> str:
        """Returns the text that ids add after other ids. A space between the two belongs to it."""
        return text_after(self.decode(before), self.decode([*before, *ids]))

    def growing(self, ids: Sequence[int]) -> GrowingText:
        """Returns an object that collects the text of the tokens that follow these ids, one token at a time."""
        return GrowingText(self.decode, ids)


class TextEnd:
    """The end of a text, to which a further token can be added. ids: those of the text, without special tokens."""

    def __init__(self, decoding: Decoding, ids: Sequence[int]):
        self._decoding, self._ids, self._text = decoding, *_context(decoding, ids)
        self._raw = b"".join(decoding.pieces(self._ids))

    def add(self, id: int, position: int = -1) -> Addition:
        """Returns the token with the text that it adds here. The end itself does not change."""
        written, after = self._decoding.written([id])[0], self._decoding.decode([*self._ids, id])
        for read in READINGS:
            raw = read(written)
            if raw and (self._raw + raw).decode("utf-8", errors="replace") == after:
                return Addition(token_of_bytes(id, raw, position), 0)
        if not written and after == self._text:  # an id of no token
            return Addition(token_of_bytes(id, b"", position), 0)
        if self._decoding.is_special(id):
            return Addition(token_of_bytes(id, utf8(written), position, special=True), 0)
        followed = self._decoding.decode([*self._ids, id, *self._decoding.word()])
        start, end = kept(self._text, followed), kept(after, followed)
        (raw,) = _with_incomplete_characters([utf8(followed[start:end])], [written])
        unsettled = 0 if followed.startswith(after) else len(after) - min(end, len(after))
        return Addition(token_of_bytes(id, raw, position), unsettled)


def _context(decoding: Decoding, ids: Sequence[int]) -> tuple[list[int], str]:
    """Returns as many of the last ids as are needed for a text that is not empty, and that text."""
    count = _CONTEXT
    while not (text := decoding.decode(ids[-count:])).strip() and count < len(ids):
        count *= 2
    return list(ids[-count:]), text


def _trimmed(parts: list[bytes], whole: str) -> list[bytes] | None:
    """Returns the parts, without spaces that the decoder drops at both ends, if they make the whole text; else None."""
    text = b"".join(parts).decode("utf-8", errors="replace")
    start = text.find(whole)
    end = len(text) - start - len(whole)
    if start < 0 or text[:start].strip(" ") or text[len(text) - end :].strip(" "):
        return None
    for index in range(len(parts)):
        dropped = min(start, len(parts[index]))
        parts[index], start = parts[index][dropped:], start - dropped
    for index in reversed(range(len(parts))):
        left = max(0, len(parts[index]) - end)
        parts[index], end = parts[index][:left], end - len(parts[index]) + left
    return parts


def _with_incomplete_characters(parts: list[bytes], written: Sequence[str]) -> list[bytes]:
    """Divides each character that several tokens make among the tokens that write its bytes; returns the new parts.

    parts: what each token adds, in whole characters. The token that completes a character has all of it. Tokens that
    complete none have nothing, or U+FFFD.
    """
    parts, start = list(parts), 0
    while start < len(parts):
        end = start
        while end < len(parts) - 1 and _is_incomplete(parts[end]):
            end += 1
        if _is_incomplete(parts[start]):
            text = b"".join(parts[start : end + 1]).decode("utf-8", errors="replace")
            for read in READINGS:
                raw = [read(piece) for piece in written[start : end + 1]]
                if text and b"".join(raw).decode("utf-8", errors="replace") == text:
                    parts[start : end + 1] = raw
                    break
        start = end + 1
    return parts


def _is_incomplete(part: bytes) -> bool:
    return not part.replace(utf8(REPLACEMENT), b"")
