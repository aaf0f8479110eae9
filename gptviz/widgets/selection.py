"""Where notebooks import `Selection` from."""

from gptviz.widgets.shared.selection import Selection

__all__ = ["Selection"]
