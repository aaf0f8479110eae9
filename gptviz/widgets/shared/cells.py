"""Closes views that no notebook cell shows any more.

ipywidgets keeps every widget as long as the kernel lives, and IPython keeps every result, so a cell that is run sixty times
would keep sixty traces. A view belongs to the cell runs that made or displayed it. When each of these cells has been run
again, no page shows the view and it is closed; it opens again when it is displayed again. A view that was made outside of
a cell is never closed.
"""

import gc
import sys
import threading
from typing import Any
from weakref import WeakKeyDictionary

from ipywidgets.widgets.widget import _instances

from gptviz.pages.answering import PageWidget

_latest_run: dict[str, str] = {}  # of each cell, the id of its latest execution
_runs_of: WeakKeyDictionary[PageWidget, dict[str, str]] = WeakKeyDictionary()  # of each view: {cell: execution id}
_watched_shells: list[Any] = []
_has_let_go = threading.Event()  # whether a view was let go of since the last cell


def note_use(view: PageWidget) -> None:
    """Records that the running cell made or displayed this view."""
    shell, run = _running()
    if run is not None:
        _runs_of.setdefault(view, {}).update([run])
        if shell not in _watched_shells:
            _watched_shells.append(shell)
            shell.events.register("post_run_cell", _after_cell)


def let_go(view: PageWidget) -> None:
    """Removes a closed view from IPython's results, so that what it alone holds is freed after the cell: its runs end."""
    shell, _ = _running()
    if shell is not None:
        _forget_results(shell, [view])
        _has_let_go.set()


def _running() -> tuple[Any, tuple[str, str] | None]:
    """Returns the shell and the running cell with its execution id; None in place of these outside of a cell."""
    shell: Any = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    request = shell.get_parent() if hasattr(shell, "get_parent") else {}
    header, cell = request.get("header", {}), request.get("metadata", {}).get("cellId")
    return shell, (cell, header["msg_id"]) if cell and header.get("msg_type") == "execute_request" else None


def _after_cell(_result: Any) -> None:
    shell, run = _running()
    if run is not None:
        _latest_run.update([run])
        _close_unshown(shell, [view for view in _runs_of if view.comm is not None])
    if _has_let_go.is_set():
        _has_let_go.clear()
        gc.collect()  # a view is part of circles of references, which Python may leave for minutes


def _close_unshown(shell: Any, views: list[PageWidget]) -> None:
    """Closes those of these open views that no page shows, and their selections that no other view uses."""
    shown = [view for view in views if any(_latest_run.get(cell, run) == run for cell, run in _runs_of[view].items())]
    kept = {member for view in shown for member in view.family()} | _in_containers()
    closed = [view for view in views if view not in kept]
    for view in closed:
        view.close()
        view.layout.close()
    used = {getattr(widget, "selection", None) for widget in _open_widgets()}
    for selection in {view.selection for view in closed} - used:
        selection.close()
        selection.layout.close()
    _forget_results(shell, closed)


def _forget_results(shell: Any, views: list[PageWidget]) -> None:
    """Removes these views from the results that IPython keeps: `Out[3]` and `_3`, and `_`, `__` and `___`."""
    for name in ("_", "__", "___"):
        for names in (shell.user_ns, shell.user_ns_hidden, vars(shell.displayhook)):  # or IPython sets them no more
            if any(names.get(name) is view for view in views):
                names[name] = ""  # as before the first result
    results = shell.user_ns.get("_oh", {})
    for number in [number for number, result in results.items() if any(result is view for view in views)]:
        del results[number]
        for names in (shell.user_ns, shell.user_ns_hidden):
            names.pop(f"_{number}", None)


def _in_containers() -> set[Any]:
    """Returns the widgets that stand in a container of ipywidgets."""
    return {child for widget in _open_widgets() for child in getattr(widget, "children", ())}


def _open_widgets() -> list[Any]:
    return list(_instances.values())
