"""A reply that is read in a thread of its own.

So no wait is longer than the time-out, whatever the server does: the time-outs of an HTTP library count from byte to byte,
and a server that sends a byte now and then, and no token, would never exceed them. The wait can also be interrupted and
cancelled at any time.
"""

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

POLL = 0.05  # seconds between two looks at the cancel event


class TimedOut(Exception):
    """Nothing new arrived in time."""


class Reply:
    """The events of a reply, in order.

    send: sends the request and returns its events. timeout: the most seconds before the first event, and between two of
    which `note_news` is told. cancel: an event that ends the reply where it is.
    """

    def __init__(self, send: Callable[[], Iterable[Any]], timeout: float, cancel: threading.Event | None = None):
        self._send, self._timeout, self._cancel = send, timeout, cancel
        self._items: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self._first: tuple[str, Any] | None = None
        self._source: Any = None
        self._closed = False
        self.note_news()
        threading.Thread(target=self._read, name="gptviz-served", daemon=True).start()

    def note_news(self) -> None:
        """Starts the time-out anew."""
        self._deadline = time.monotonic() + self._timeout

    def first_problem(self) -> Exception | None:
        """Waits for the first event. Returns the exception that came instead, if one did."""
        self._first = self._take()
        self.note_news()
        kind, value = self._first
        return value if kind == "problem" else None

    def events(self) -> Iterator[Any]:
        """Yields the events. Raises what the request raised, or TimedOut."""
        while True:
            kind, value = self._first or self._take()
            self._first = None
            if kind == "end":
                return
            if kind == "problem":
                raise value
            yield value

    def close(self) -> None:
        """Ends the reply: the connection is closed, now or by the reading thread."""
        self._closed = True
        _close(self._source)

    def _take(self) -> tuple[str, Any]:
        """Returns the next item: an event, a problem or the end."""
        while True:
            if self._cancel is not None and self._cancel.is_set():
                return "end", None
            left = self._deadline - time.monotonic()
            if left <= 0 and self._items.empty():
                return "problem", TimedOut()
            with contextlib.suppress(queue.Empty):
                return self._items.get(timeout=max(0.0, left if self._cancel is None else min(left, POLL)))

    def _read(self) -> None:
        """Runs in the thread."""
        try:
            self._source = self._send()
            for event in self._source:
                if self._closed:
                    break
                self._items.put(("event", event))
            self._items.put(("end", None))
        except Exception as error:
            self._items.put(("problem", error))
        finally:
            _close(self._source)


def _close(source: Any) -> None:
    with contextlib.suppress(Exception):  # the other thread may be closing it, or reading from it
        getattr(source, "close", lambda: None)()
