"""Text as it may be shown while tokens still come: no half characters, and nothing of a stop string.

A stop string may begin in one token and end in another, so whatever could still become one is held back.
"""

import codecs


class TextRelease:
    """Takes tokens' bytes, gives back the text that is certain; `stopped` once a stop string was completed."""

    def __init__(self, stops: tuple[str, ...] = ()):
        self._stops = stops
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""
        self.text = ""
        self.stopped = False

    def add(self, raw: bytes, last: bool = False) -> str:
        """The text that these bytes release. last: nothing follows, so nothing need be held back."""
        self._held += self._decoder.decode(raw, final=last)
        found = [at for stop in self._stops if (at := self._held.find(stop)) >= 0]
        if found:
            self.stopped = True
            return self._release(min(found))
        return self._release(len(self._held) - (0 if last else self._pending()))

    def _release(self, length: int) -> str:
        released, self._held = self._held[:length], self._held[length:]
        self.text += released
        return released

    def _pending(self) -> int:
        """Length of the longest end of the held text that begins a stop string."""
        lengths = (n for stop in self._stops for n in range(min(len(stop) - 1, len(self._held)), 0, -1))
        return max((n for n in lengths if any(stop.startswith(self._held[-n:]) for stop in self._stops)), default=0)
