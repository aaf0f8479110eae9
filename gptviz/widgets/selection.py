"""Keeps the import path `gptviz.widgets.selection`, which notebooks use."""

from gptviz.widgets.shared.selection import Selection

__all__ = ["Selection"]
