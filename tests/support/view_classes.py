"""The view classes of the package, found by looking, so that a new view is tested with the others."""

import importlib
import inspect
import pkgutil
import sys

import gptviz
from gptviz.widgets.shared.view import View


def view_classes() -> dict[str, type[View]]:
    """Returns every view class of the package, by its `_name`."""
    for module in pkgutil.walk_packages(gptviz.__path__, "gptviz."):
        if module.name.startswith(("gptviz.widgets.", "gptviz.lessons.")):
            importlib.import_module(module.name)
    classes, waiting = {}, [View]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        # A view that another test installed and took away again may live on; its module does not.
        is_registered = getattr(sys.modules.get(kind.__module__), kind.__name__, None) is kind
        if "_name" in kind.__dict__ and kind.__module__.startswith("gptviz.") and is_registered:
            classes[kind._name] = kind
    return classes


def views_of_a_trace() -> tuple[type[View], ...]:
    """Returns the public view classes that a trace alone makes: their first argument is a source that may be left out."""
    public = [getattr(gptviz, name) for name in gptviz.__all__]
    return tuple(
        kind
        for kind in public
        if inspect.isclass(kind)
        and issubclass(kind, View)
        and "source" in (parameters := inspect.signature(kind.__init__).parameters)
        and parameters["source"].default is None
    )
