"""What is being looked at: one head, and one cell of its map. Views that share a Selection move together.

In the page it is one model that all views listen to, so that pointing in one view moves the others without asking the
kernel; what is chosen by a click comes here too. Not about what can be selected: each view shows what it has of it.
"""

import anywidget
import traitlets


class Selection(anywidget.AnyWidget):
    """layer, head: counted from 0. query, key: positions; -1 is the last token (query), the largest weight (key)."""

    _esm = "export default {};"

    layer = traitlets.Int(0, min=0).tag(sync=True)
    head = traitlets.Int(0, min=0).tag(sync=True)
    query = traitlets.Int(-1, min=-1).tag(sync=True)
    key = traitlets.Int(-1, min=-1).tag(sync=True)

    @property
    def reference(self) -> str:
        """How a view's page side names it to its host."""
        return f"anywidget:{self.model_id}"
