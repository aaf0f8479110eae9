"""Validates every message from the page before applying it; rejects invalid ones with an error.

A page's state comes from a browser, where anybody can write to it. All values of a message are checked before the first is
set, so that a message is applied whole or not at all. Only the kernel sets names that begin with "_", except those that a
widget lists in `_page_sets`. Questions of the page are answered by `PageWidget`.
"""

from typing import Any, ClassVar

import anywidget
import traitlets

from gptviz.errors import GPTVizError, WrongType, error_for_page, fail

METHODS = ("update", "request_state", "custom")  # of the widgets' protocol


class Guarded(anywidget.AnyWidget):
    """A widget that rejects invalid messages of its page, and then restores the page's copy of the state."""

    _page_sets: ClassVar[tuple[str, ...]] = ()  # the names that begin with "_" and that the page may set

    def open(self) -> None:
        """Opens the widget for pages, whose messages are handled beside a running cell.

        JupyterLab sends them to a thread of their own. ipykernel 7.4 hands the first one after a cell has changed the widget to
        the thread of cells, where it would wait until the cells that run have ended.
        """
        super().open()
        if hasattr(self.comm, "_reply_subshell_for"):
            self.comm._reply_subshell_for = lambda _data, of_page: of_page

    def set_state(self, sync_data: Any) -> None:
        """Applies the page's state if all of it is valid."""
        names = [name for name in sync_data if name in self.keys] if isinstance(sync_data, dict) else []
        try:
            if not isinstance(sync_data, dict):
                raise _unknown_message()
            for name in names:
                from_json = self.trait_metadata(name, "from_json", self._trait_from_json)
                value = from_json(sync_data[name], self)
                self._check_value(name, value, "Reload the page.")
                if name.startswith("_") and name not in self._page_sets and value != getattr(self, name):
                    raise _kernel_only(name)
            super().set_state(sync_data)
        except BaseException as error:
            self.send_state(names)
            self._send_error(error)
            if not isinstance(error, Exception):
                raise

    def _handle_msg(self, msg: dict[str, Any]) -> None:
        """Handles a message of the widgets' protocol; ipywidgets logs a traceback for one that is malformed."""
        data = msg["content"].get("data")
        if isinstance(data, dict) and data.get("method") in METHODS and not _has_unused_parts(data):
            super()._handle_msg(msg)
        else:
            self._send_error(_unknown_message())

    def _send_error(self, error: BaseException) -> None:
        self.send({"kind": "refused", "id": None, **error_for_page(error)})

    def _check_value(self, name: str, value: Any, remedy: str) -> None:
        """Raises WrongType if the trait `name` does not accept `value`."""
        trait = self.traits()[name]
        try:
            trait._validate(self, value)
        except traitlets.TraitError as error:
            limits = [getattr(trait, end, None) for end in ("min", "max")]
            between = "" if limits == [None, None] else f" from {limits[0]} to {limits[1]}"
            got = f"{value!r:.60}"
            raise fail(
                f"{trait.info()}{between} as {name}", got, remedy, WrongType, "value", name=name, got=got
            ) from error


def _has_unused_parts(data: dict[str, Any]) -> bool:
    """Returns whether a message has a part that no page of ours sends: state in buffers, or a command of anywidget."""
    content = data.get("content")
    is_command = isinstance(content, dict) and content.get("kind") == "anywidget-command"
    return data.get("buffer_paths", []) != [] or is_command


def _kernel_only(name: str) -> GPTVizError:
    got, remedy = f"another {name}, which only the kernel sets", "Reload the page."
    return fail("a change that a page makes", got, remedy, WrongType, "kernels_own", name=name)


def _unknown_message() -> GPTVizError:
    got, remedy = "another message from the page", "Reload the page."
    return fail("an update or a question", got, remedy, WrongType, "message")
