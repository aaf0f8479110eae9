"""What tokens say: the text of ids, and what each token adds to it, by the tokenizer's own decoder.

Nothing here knows a kind of decoder. The text of a sequence is the decoder's; a token's text is the part of it that the
token adds; and the bytes of tokens that end inside a character are read from how the vocabulary writes them, where the
decoder's text agrees with that.
"""

from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

from gptviz.errors import GPTVizError, fail
from gptviz.text.encoding import encode, is_failure, is_read_as
from gptviz.text.growing import REPLACEMENT, GrowingText, kept, text_after
from gptviz.text.tokens import READINGS, Token, token_of_bytes, utf8

_CONTEXT = 4  # tokens before a new one that decide what it adds; more where these have no text
_TRIED = 500  # ids among which a word is looked for


class Addition(NamedTuple):
    """A token that is added to a text. unsettled: how many of the text's last characters the next token may change."""

    token: Token
    unsettled: int


class Decoding:
    """The decoder of one tokenizer. Tokens that are added to the tokenizer later are known as well."""

    def __init__(self, tokenizer: Any):
        self._tokenizer = tokenizer
        self._word: list[int] | None = None
        self._after_word: TextEnd | None = None
        self._added: tuple[int, dict[int, str]] | None = None

    def decode(self, ids: Iterable[int], *, marks: bool = False) -> str:
        """Returns the text of ids. marks: with special tokens, which are left out otherwise. Ids of no token add nothing."""
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
        """Returns how the vocabulary writes these tokens, which is not what they say; "" for an id of no token."""
        return [self._written(id) for id in ids]

    def _written(self, id: int) -> str:
        try:
            return self._tokenizer.convert_ids_to_tokens(id) or ""
        except Exception:  # see `decode`
            return ""

    def piece_bytes(self, piece: str) -> bytes:
        """Returns what a piece that the vocabulary writes so stands for, with a space that begins it."""
        id = self._tokenizer.convert_tokens_to_ids(piece)
        alone = self.decode([id]) if id is not None and self._written(id) == piece else piece
        for read in READINGS:
            if read(piece).decode("utf-8", errors="replace").strip(" ") == alone.strip(" "):
                return read(piece)
        return utf8(alone)

    def special_ids(self) -> frozenset[int]:
        """Returns the ids of the tokenizer's marks: those with a name (start, end, …) and those that were only added."""
        added = self._tokenizer.added_tokens_decoder
        return frozenset(self._tokenizer.all_special_ids) | {id for id, token in added.items() if token.special}

    # Tokens of a text

    def tokens(self, ids: Iterable[int]) -> tuple[Token, ...]:
        """Returns the tokens of a sequence. The texts of those that are not special, joined, are the decoded text."""
        ids, special = list(ids), self.special_ids()
        pieces = iter(self.pieces([id for id in ids if id not in special]))
        return tuple(
            self._mark(id, position) if id in special else token_of_bytes(id, next(pieces), position)
            for position, id in enumerate(ids)
        )

    def pieces(self, ids: Sequence[int]) -> list[bytes]:
        """Returns what each token adds to the text of the sequence, in UTF-8. ids: without special tokens."""
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
        """Returns the token of an id, with what it adds after a word."""
        if self._after_word is None:
            self._after_word = self.after(self.word())
        token = self._after_word.add(id, position).token
        added = self._added_text(id)
        if added is None or token.special or self._is_read_as(token.text, id) or not self._is_read_as(added, id):
            return token
        return token_of_bytes(id, utf8(added), position)  # the decoder takes its letters for written bytes

    def _added_text(self, id: int) -> str | None:
        """Returns what a token that was added to the vocabulary stands for; None for another. Asked for whole vocabularies."""
        size = len(self._tokenizer)
        if self._added is None or self._added[0] != size:
            added = self._tokenizer.added_tokens_decoder
            self._added = size, {id: str(token) for id, token in added.items()}
        return self._added[1].get(id)

    def _is_read_as(self, text: str, id: int) -> bool:
        return is_read_as(self._tokenizer, text, [id], add_special_tokens=False)

    def token_id(self, text: str) -> int | None:
        """Returns the token that a text is, alone or after a word; None if it is not one token."""
        ids, _ = encode(self._tokenizer, text, add_special_tokens=False)
        if len(ids) == 1:
            return ids[0]
        after_word, _ = encode(self._tokenizer, self.decode(self.word()) + text, add_special_tokens=False)
        return next((id for id in after_word[-1:] if self.token(id).text == text), None)

    def after(self, ids: Sequence[int]) -> "TextEnd":
        """Returns the end of the text of ids, which tells what another token would add. ids: without special tokens."""
        return TextEnd(self, ids)

    def is_special(self, id: int) -> bool:
        """Returns whether the decoder leaves this token out as a mark."""
        if self.decode([id]):
            return False
        return self.decode([id], marks=True) != "" or id in self.special_ids()

    def _mark(self, id: int, position: int) -> Token:
        return token_of_bytes(id, utf8(self._written(id)), position, special=True)

    def word(self) -> list[int]:
        """Returns a token that is a word or letter of its own, as a list; an empty list if none is found."""
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
        """Returns what ids add to the text of those before them. A space that joins the two belongs to it."""
        return text_after(self.decode(before), self.decode([*before, *ids]))

    def growing(self, ids: Sequence[int]) -> GrowingText:
        """Returns what tokens add to the text of these ids, as they come."""
        return GrowingText(self.decode, ids)


class TextEnd:
    """The end of a text, which tells what a further token would add. ids: of the text, without special tokens."""

    def __init__(self, decoding: Decoding, ids: Sequence[int]):
        self._decoding, self._ids, self._text = decoding, *_context(decoding, ids)
        self._raw = b"".join(decoding.pieces(self._ids))

    def add(self, id: int, position: int = -1) -> Addition:
        """Returns the token, with what it adds here."""
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
    """Returns the last ids, as many as have a text of their own, and their text."""
    count = _CONTEXT
    while not (text := decoding.decode(ids[-count:])).strip() and count < len(ids):
        count *= 2
    return list(ids[-count:]), text


def _trimmed(parts: list[bytes], whole: str) -> list[bytes] | None:
    """Returns the parts if they make the whole text, without spaces at the ends that the decoder drops; else None."""
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
    """Returns the parts with a character that several tokens make given to those that write its bytes.

    parts: what each token adds, in whole characters: the token that completes a character has all of it, and tokens that
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
