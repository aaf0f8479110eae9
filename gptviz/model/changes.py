"""Makes changes for a `with` block and undoes them when it ends, however it ends: an interrupt may come at any moment.

An interrupt can arrive between a change and the next line, or while changes are being undone. So a block notes how to undo
a change before it makes it; undoing twice, or undoing what was not done, does no harm; and an interrupt that arrives
meanwhile is raised when everything is undone.
"""

import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

Value = TypeVar("Value", covariant=True)
_MOST_INTERRUPTS = 1_000  # while one block is undone; more can only come from a change that cannot be undone
_in_thread = threading.local()


def _open_blocks() -> "list[Block[Any]]":
    """Returns the blocks that are open in this thread, the outermost first."""
    blocks: list[Block[Any]] = _in_thread.__dict__.setdefault("blocks", [])
    return blocks


class Block(Generic[Value]):
    """A `with` block whose changes are undone when it ends, the last one first.

    make: the function that makes the changes when the block begins. It is called with this Block; what it returns is the
    value of `with … as`.

    A block that ends also ends the blocks that were opened in it and are still open, because an interrupt came in the
    moment in which their `__exit__` began. The outermost block has no other around it: write `with block, block:`, so
    that it ends a second time. A second entry makes no changes.
    """

    def __init__(self, make: "Callable[[Block[Value]], Value]"):
        self._make = make
        self._undo: list[Callable[[], object]] = []
        self._value: Any = None

    def undo_with(self, undo: Callable[[], object]) -> None:
        """Notes how to undo a change. Call it before the change. undo: may run more than once, and without the change."""
        self._undo.append(undo)

    def __enter__(self) -> Value:
        blocks = _open_blocks()
        if self not in blocks:
            try:
                blocks.append(self)
                self._value = self._make(self)
            except BaseException:
                self._end()
                raise
        value: Value = self._value
        return value

    def __exit__(self, *_error: object) -> None:
        self._end()

    def _end(self) -> None:
        blocks = _open_blocks()
        interrupts: list[BaseException] = []
        while True:
            try:
                while self in blocks:
                    blocks[-1]._undo_changes()
                    blocks.pop()
                break
            except BaseException as error:
                interrupts.append(error)
                if len(interrupts) > _MOST_INTERRUPTS:
                    break
        if interrupts:
            raise interrupts[0]

    def _undo_changes(self) -> None:
        while self._undo:
            self._undo[-1]()
            self._undo.pop()
