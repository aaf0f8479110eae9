"""A widget that its page may tell anything: what cannot be is refused in words, in the page, and changes nothing.

A page's state comes from a browser, where anybody can write to it. Every value is checked before the first is set, so
that a message is taken whole or not at all. Names that begin with "_" are the kernel's own to set, but for those that
a widget lists. Not about questions: `View` answers those.
"""

from typing import Any, ClassVar

import anywidget
import traitlets

from gptviz.errors import GPTVizError, WrongType, fail, refusal

METHODS = ("update", "request_state", "custom")  # of the widgets' protocol


class Guarded(anywidget.AnyWidget):
    """Refuses what its page side may not say; the page's own copy goes back to what it was."""

    _page_sets: ClassVar[tuple[str, ...]] = ()  # of the names that begin with "_", those that its page side writes to

    def set_state(self, sync_data: Any) -> None:
        """Take the page's state if all of it can be."""
        names = [name for name in sync_data if name in self.keys] if isinstance(sync_data, dict) else []
        try:
            if not isinstance(sync_data, dict):
                raise _another_message()
            for name in names:
                from_json = self.trait_metadata(name, "from_json", self._trait_from_json)
                value = from_json(sync_data[name], self)
                self._check_value(name, value, "Reload the page.")
                if name.startswith("_") and name not in self._page_sets and value != getattr(self, name):
                    raise _kernels_own(name)
            super().set_state(sync_data)
        except Exception as error:
            self.send_state(names)
            self._refuse(error)

    def _handle_msg(self, msg: dict[str, Any]) -> None:
        data = msg["content"]["data"]
        if isinstance(data, dict) and data.get("method") in METHODS:
            super()._handle_msg(msg)
        else:
            self._refuse(_another_message())

    def _refuse(self, error: Exception) -> None:
        self.send({"kind": "refused", "id": None, **refusal(error)})

    def _check_value(self, name: str, value: Any, remedy: str) -> None:
        """Raises where the trait `name` does not take `value`."""
        trait = self.traits()[name]
        try:
            trait._validate(self, value)
        except traitlets.TraitError as error:
            ends = [getattr(trait, end, None) for end in ("min", "max")]
            between = "" if ends == [None, None] else f" from {ends[0]} to {ends[1]}"
            got = f"{value!r:.60}"
            raise fail(
                f"{trait.info()}{between} as {name}", got, remedy, WrongType, "value", name=name, got=got
            ) from error


def _kernels_own(name: str) -> GPTVizError:
    got, remedy = f"another {name}, which only the kernel sets", "Reload the page."
    return fail("a change that a page makes", got, remedy, WrongType, "kernels_own", name=name)


def _another_message() -> GPTVizError:
    got, remedy = "another message from the page", "Reload the page."
    return fail("an update or a question", got, remedy, WrongType, "message")
