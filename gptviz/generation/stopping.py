"""The text that can be shown while tokens still arrive: no half characters, and no part of a stop string.

A stop string may begin in one token and end in another, so any text that could still become one is held back.
"""

import codecs


class TextRelease:
    """Takes the bytes of tokens and returns the text that is certain; `stopped` is True once a stop string is complete."""

    def __init__(self, stops: tuple[str, ...] = ()):
        self._stops = stops
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""
        self.text = ""
        self.stopped = False

    def add(self, raw: bytes, last: bool = False) -> str:
        """Returns the text that these bytes release. last: nothing follows, so nothing is held back."""
        self._held += self._decoder.decode(raw, final=last)
        starts = [start for stop in self._stops if (start := self._held.find(stop)) >= 0]
        if starts:
            self.stopped = True
            return self._release(min(starts))
        return self._release(len(self._held) - (0 if last else self._pending()))

    def _release(self, length: int) -> str:
        released, self._held = self._held[:length], self._held[length:]
        self.text += released
        return released

    def _pending(self) -> int:
        """Returns the length of the longest end of the held text that begins a stop string."""
        lengths = (n for stop in self._stops for n in range(min(len(stop) - 1, len(self._held)), 0, -1))
        return max((n for n in lengths if any(stop.startswith(self._held[-n:]) for stop in self._stops)), default=0)
