"""The decoded text of a sequence that grows by a token at a time, without decoding all of it for each token.

A decoder may join pieces by a rule, drop a space, or make one character of several tokens, so a token cannot be decoded
alone. But decoders look at neighbours only. So the last tokens are decoded twice, with and without the new ones, and the
difference is what these add. Whether this window gives the text of the whole is checked each time it is moved, and
wherever a new token changes the text before it, the whole is decoded.
"""

from collections.abc import Callable, Sequence

Decode = Callable[[Sequence[int]], str]

_STEP, _NEW, _CONTEXT = 24, 6, 8  # tokens: between two moves of the window, and left in its two parts by a move
REPLACEMENT = "\ufffd"  # a decoder's character for bytes that are none


class GrowingText:
    """What tokens add to the text of those before them.

    decode: returns the text of ids. ids: the tokens that are there at first; their text is not in `added`.
    """

    def __init__(self, decode: Decode, ids: Sequence[int] = ()):
        self._decode, self._ids = decode, list(ids)
        self._begin, self._middle = 0, len(self._ids)  # the window's context is ids[begin:middle]
        self._text_before = self._context = decode(self._ids)  # of the tokens that were there at first; of the context
        self._settled = ""  # what the tokens before `middle` added
        self.added = ""

    def add(self, id: int) -> str:
        """Adds a token. Returns what all tokens so far have added."""
        self._ids.append(id)
        window = self._decode(self._ids[self._begin :])
        if window.startswith(self._context):
            self.added = self._settled + window[len(self._context) :]
        else:
            self.added = self._added_to_whole()
        if len(self._ids) - self._middle >= _STEP:
            self._move()
        return self.added

    def _move(self) -> None:
        """Moves the window to the last tokens, if it gives the same text there."""
        middle = len(self._ids) - _NEW
        begin = max(0, middle - _CONTEXT)
        context, window = self._decode(self._ids[begin:middle]), self._decode(self._ids[begin:])
        new = window[len(context) :]
        settled = self.added[: len(self.added) - len(new)]
        unclear = not context or not new or settled.endswith(REPLACEMENT)
        if unclear or not window.startswith(context) or settled + new != self._added_to_whole():
            return
        self._begin, self._middle, self._context, self._settled = begin, middle, context, settled

    def _added_to_whole(self) -> str:
        return text_after(self._text_before, self._decode(self._ids))


def text_after(before: str, whole: str) -> str:
    """Returns what a whole text has after the text of its first tokens, which the tokens after them may have changed."""
    return whole[kept(before, whole) :]


def kept(before: str, whole: str) -> int:
    """Returns how many characters of a whole text are those of its first tokens, whose own text is `before`.

    Where the two part, a decoder has changed the end: it joins "play@@" and "ing", makes a character of bytes, or takes
    away a space before a comma. What is left of the end, in order, still counts.
    """
    if whole.startswith(before):
        return len(before)
    length, high = 0, min(len(before), len(whole))  # the common beginning, by bisection: texts may be long
    while length < high:
        middle = (length + high + 1) // 2
        if before[length:middle] == whole[length:middle]:
            length = middle
        else:
            high = middle - 1
    for character in before[length:]:
        length += whole[length : length + 1] == character
    return length
