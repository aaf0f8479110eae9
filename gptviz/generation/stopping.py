"""The text of a choice while its tokens still arrive: what of it is certain, and where a stop string ends it.

A stop string may begin in one token and end in another, so any text that could still become one is held back, and so are
half characters and what the next token may change. Special tokens have no text, but a stop string may be one or contain
one, so stop strings are looked for in the text with its special tokens written out as well.
"""

from collections.abc import Sequence

from gptviz.text.decoding import Addition, Decoding, TextEnd
from gptviz.text.growing import REPLACEMENT, text_after

Marks = Sequence[tuple[int, str]]  # special tokens: how many characters of the text come before each, and its text


class ContinuationText:
    """The text of one choice. prompt: the prompt's ids; plain: those that are not special. stops: the stop strings.

    released: the text that has been returned. stopped: whether a stop string is complete.
    """

    def __init__(self, decoding: Decoding, prompt: Sequence[int], plain: Sequence[int], stops: tuple[str, ...] = ()):
        self._decoding, self._prompt, self._stops = decoding, prompt, stops
        self._ids, self._first = list(plain), len(plain)
        self._growing = decoding.growing(plain)
        self._marks: list[tuple[int, str]] = []
        self.released = ""
        self.stopped = False

    def end(self) -> TextEnd:
        """Returns the end of prompt and text, which tells what another token would add."""
        return self._decoding.after(self._ids)

    def add(self, addition: Addition, *, ends: bool = False, last: bool = False) -> str:
        """Adds a token and returns the text that is certain now and was not before.

        ends: the token ends the text and is not part of it. last: nothing follows, so nothing is held back.
        """
        token = addition.token
        if token.special:
            self._marks.append((len(self._growing.added), self._mark_text(token.id)))
        elif not ends:
            self._ids.append(token.id)
            self._growing.add(token.id)
        text = self._growing.added
        cut = find_stop(text, self._marks, self._stops)
        self.stopped = cut is not None
        if cut is not None:
            length = 0 if cut <= self._joining(text) else cut
        elif last:
            length = len(text)
        else:
            whole = min(len(text.rstrip(REPLACEMENT)), len(text) - addition.unsettled)
            length = min(whole, _certain_length(text, self._marks, self._stops))
            length = 0 if not self.released and length <= self._joining(text) else length
        return self._release(text, length)

    def final(self, ids: Sequence[int], stopped: bool) -> str:
        """Returns the text of generated ids, decoded as a whole. stopped: whether it ends before a stop string."""
        text = self._decoding.added(self._prompt, ids)
        cut = find_stop(text, self._marks, self._stops) if stopped else None
        return text if cut is None else "" if cut <= self._joining(text) else text[:cut]

    def _release(self, text: str, length: int) -> str:
        if not text.startswith(self.released):
            return ""  # the decoder has changed what was shown already, which only `final` can put right
        released = text[len(self.released) : length]
        self.released += released
        return released

    def _joining(self, text: str) -> int:
        """Returns how many spaces at the text's start only join it to the prompt: alone, they are no text.

        The decoder puts them there by a rule; a space that the first piece itself writes, as in "▁owl", is text.
        """
        ids = self._ids[self._first :]
        own = self._decoding.decode(ids)
        joins = own and text.endswith(own) and self._decoding.written(ids[:1])[0].startswith(own[0])
        return len(text) - len(own) if joins else 0

    def _mark_text(self, id: int) -> str:
        """Returns what a special token adds where the decoder writes special tokens."""
        before = self._ids[-1:]
        decode = self._decoding.decode
        return text_after(decode(before, marks=True), decode([*before, id], marks=True))


def find_stop(text: str, marks: Marks, stops: Sequence[str]) -> int | None:
    """Returns how many characters of a text come before its first stop string; None if it has none."""
    if not stops:
        return None
    starts = [
        offsets[start]
        for written, offsets in _writings(text, marks)
        for stop in stops
        if (start := written.find(stop)) >= 0
    ]
    return min(starts, default=None)


def _certain_length(text: str, marks: Marks, stops: Sequence[str]) -> int:
    """Returns the length of a text without the longest end of it that begins a stop string."""
    starts = [len(text)]
    for written, offsets in _writings(text, marks):
        for stop in stops:
            ends = range(min(len(stop) - 1, len(written)), 0, -1)
            starts += [offsets[len(written) - n] for n in ends if stop.startswith(written[-n:])][:1]
    return min(starts)


def _writings(text: str, marks: Marks) -> list[tuple[str, Sequence[int]]]:
    """Returns the text without and with its special tokens, each with the offset in `text` of every character."""
    plain: tuple[str, Sequence[int]] = text, range(len(text))
    if not marks:
        return [plain]
    written, offsets, start = "", list[int](), 0
    for offset, mark in [*marks, (len(text), "")]:
        offset = max(start, min(offset, len(text)))
        written += text[start:offset] + mark
        offsets += [*range(start, offset), *[offset] * len(mark)]
        start = offset
    return [plain, (written, offsets)]
