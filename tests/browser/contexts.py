"""Browser contexts under watch: the faults of their pages, and a trace of what the running test did in them.

A broken view raises no error in its cell or in its Python object. So every page's errors, console errors and requests
beyond this machine are collected, and a fixture in conftest.py fails the test during which they happened. Contexts may
outlive a test (a notebook serves its module), so their traces are cut into one chunk a test.
"""

import contextlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, WebSocket

LOCAL_SCHEMES = ("data:", "blob:", "about:")  # addresses that no request is sent to


@dataclass
class WatchedContext:
    """A browser context. is_allowed: whether its pages may request an address. shared: whether it outlives its test."""

    context: BrowserContext
    is_allowed: Callable[[str], bool]
    shared: bool
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.context.on("page", self._watch)
        self.context.on("request", self._check_request)
        self.context.on("console", self._check_console)
        self.context.on("weberror", lambda error: self.faults.append(f"error in the page: {error.error}"))

    def _watch(self, page: Page) -> None:
        page.on("websocket", self._check_websocket)

    def _check_request(self, request: Request) -> None:
        if not self.is_allowed(request.url):
            self.faults.append(f"request: {request.url}")

    def _check_websocket(self, socket: WebSocket) -> None:
        if not self.is_allowed(socket.url):
            self.faults.append(f"request: {socket.url}")

    def _check_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.faults.append(f"error in the console: {message.text} ({message.location.get('url', '')})")


class OpenContexts:
    """All contexts that are open in this process."""

    def __init__(self) -> None:
        self._open: list[WatchedContext] = []

    def open(
        self, browser: Browser, is_allowed: Callable[[str], bool], shared: bool = False, **options: Any
    ) -> WatchedContext:
        """Opens a context and begins its trace. options: those of `Browser.new_context`."""
        watched = WatchedContext(browser.new_context(**options), is_allowed, shared)
        watched.context.tracing.start()
        self._open.append(watched)
        return watched

    def begin_test(self) -> None:
        """Begins a new chunk in the traces of the contexts that an earlier test has left open."""
        for watched in self._open:
            watched.context.tracing.stop_chunk()
            watched.context.tracing.start_chunk()

    def take_faults(self) -> list[str]:
        """Returns the faults since the last call."""
        faults = [fault for watched in self._open for fault in watched.faults]
        for watched in self._open:
            watched.faults.clear()
        return faults

    def save_traces(self, test: str, folder: Path) -> None:
        """Writes what happened in each context during this test, and a picture of each page as it is now."""
        name = re.sub(r"[^\w.-]+", "_", test)[-150:]
        folder.mkdir(parents=True, exist_ok=True)
        for number, watched in enumerate(self._open):
            with contextlib.suppress(Exception):  # a page that crashed must not hide why the test failed
                for page in watched.context.pages:
                    page.screenshot(path=folder / f"{name}.{number}.png", timeout=5_000)
                watched.context.tracing.stop_chunk(path=folder / f"{name}.{number}.zip")
                watched.context.tracing.start_chunk()

    def close(self, watched: WatchedContext) -> None:
        """Closes one context."""
        self._open.remove(watched)
        watched.context.close()

    def end_test(self) -> None:
        """Closes the contexts that belong to the test alone."""
        for watched in [one for one in self._open if not one.shared]:
            self.close(watched)
