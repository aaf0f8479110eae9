"""Which cells of a notebook show which views, so that a cell that is run again lets go of what it showed before.

ipywidgets keeps every widget for as long as the kernel lives, and IPython every result: a cell run sixty times would keep
sixty traces. A view belongs to the runs of cells that made or displayed it. Once each of these cells has been run anew, no
page shows it any more, and it is closed; displayed again, it opens again. Views made outside of cells are left alone.
"""

import sys
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from ipywidgets.widgets.widget import _instances

if TYPE_CHECKING:
    from gptviz.widgets.shared.view import View

_runs: dict[str, str] = {}  # each cell's latest execution
_places: "WeakKeyDictionary[View, dict[str, str]]" = (
    WeakKeyDictionary()
)  # the cells that a view was seen in, and in which run
_watched: list[Any] = []  # the shell, once its cells are watched


def seen(view: "View") -> None:
    """The running cell made or displayed this view."""
    shell, run = _running()
    if run is not None:
        _places.setdefault(view, {}).update([run])
        if shell not in _watched:
            _watched.append(shell)
            shell.events.register("post_run_cell", _cell_has_run)


def _running() -> tuple[Any, tuple[str, str] | None]:
    """The shell, and the cell that it executes with the execution's id; None outside of a notebook's cells."""
    shell: Any = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    request = shell.get_parent() if hasattr(shell, "get_parent") else {}
    header, cell = request.get("header", {}), request.get("metadata", {}).get("cellId")
    return shell, (cell, header["msg_id"]) if cell and header.get("msg_type") == "execute_request" else None


def _cell_has_run(_result: Any) -> None:
    shell, run = _running()
    if run is not None:
        _runs.update([run])
        _close(shell, [view for view in _places if view.comm is not None])


def _close(shell: Any, views: "list[View]") -> None:
    """Close those of these open views that no page shows, and their selections where no other view has them."""
    on_a_page = [view for view in views if any(_runs.get(cell, run) == run for cell, run in _places[view].items())]
    held = {one for view in on_a_page for one in view.family()} | _in_boxes()
    closed = [view for view in views if view not in held]
    for view in closed:
        view.close()
        view.layout.close()
    used = {getattr(widget, "selection", None) for widget in _open_widgets()}
    for selection in {view.selection for view in closed} - used:
        selection.close()
        selection.layout.close()
    results = shell.user_ns.get("_oh", {})
    for number in [number for number, result in results.items() if any(result is view for view in closed)]:
        del results[number]
        for names in (shell.user_ns, shell.user_ns_hidden):
            names.pop(f"_{number}", None)


def _in_boxes() -> set[Any]:
    """What stands in a container of ipywidgets."""
    return {child for widget in _open_widgets() for child in getattr(widget, "children", ())}


def _open_widgets() -> list[Any]:
    return list(_instances.values())
