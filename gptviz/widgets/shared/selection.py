"""What is being looked at: one head, and one cell of its map. Views that share a Selection move together.

In the page it is one model that all views listen to, so that pointing in one view moves the others without asking the
kernel; what is chosen by a click comes here too. Not about what can be selected: each view says how far it reaches.
"""

from typing import Any
from weakref import WeakKeyDictionary

import traitlets

from gptviz.errors import OutOfRange, fail
from gptviz.trace.trace import Trace
from gptviz.widgets.shared.guarded import Guarded

LEAST = {"layer": 0, "head": 0, "query": -1, "key": -1}


class Selection(Guarded):
    """layer, head: counted from 0. query, key: positions; -1 is the last token (query), the largest weight (key).

    OutOfRange for what none of the views that share it has.
    """

    _esm = "export default {};"

    layer = traitlets.Int(0).tag(sync=True)
    head = traitlets.Int(0).tag(sync=True)
    query = traitlets.Int(-1).tag(sync=True)
    key = traitlets.Int(-1).tag(sync=True)

    def __init__(self, **keywords: Any):
        self._reach: WeakKeyDictionary[Any, dict[str, int]] = WeakKeyDictionary()
        super().__init__(**keywords)

    @property
    def reference(self) -> str:
        """How a view's page side names it to its host."""
        return f"anywidget:{self.model_id}"

    def reach(self, view: Any, trace: Trace) -> None:
        """Let everything be selected that `view`, showing `trace`, has."""
        tokens = len(trace.tokens)
        self._reach[view] = {"layer": trace.n_layers, "head": trace.n_heads, "query": tokens, "key": tokens}

    @traitlets.validate("layer", "head", "query", "key")
    def _check(self, proposal: dict[str, Any]) -> int:
        name, value = proposal["trait"].name, int(proposal["value"])
        least, most = LEAST[name], max((has[name] for has in self._reach.values()), default=None)
        if value < least or (most is not None and value >= most):
            last = "on" if most is None else f"to {most - 1}"
            raise fail(
                f"a {name} from {least} {last}", f"{value}", "Choose one that is shown.", OutOfRange,
                "out_of_range", what=name, least=least, last=None if most is None else most - 1, got=value,
            )  # fmt: skip
        return value
