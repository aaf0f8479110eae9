"""The selected head and the selected cell of its map. Views that share a Selection select together.

Until somebody chooses a layer or a head, the first view of attention chooses where to open; see `lens/opening.py`.

In the page the Selection is one model that all its views listen to, so pointing in one view updates the others without a
message to the kernel. A click is also sent to the kernel.
"""

from dataclasses import asdict
from typing import Any
from weakref import WeakKeyDictionary

import traitlets

from gptviz.checks import check_index
from gptviz.lens.opening import OpeningHead, opening_head
from gptviz.trace.trace import Trace
from gptviz.widgets.shared.guarded import Guarded


class Selection(Guarded):
    """layer, head: counted from 0. query, key: positions; -1 is the last token (query), the largest weight (key).

    Raises OutOfRange for a value that no view sharing it has.
    """

    _esm = "export default {};"

    layer = traitlets.Int(0).tag(sync=True)
    head = traitlets.Int(0).tag(sync=True)
    query = traitlets.Int(-1).tag(sync=True)
    key = traitlets.Int(-1).tag(sync=True)

    def __init__(self, **keywords: Any):
        self._sizes: WeakKeyDictionary[Any, dict[str, int]] = WeakKeyDictionary()
        self._openings: WeakKeyDictionary[Trace, OpeningHead] = WeakKeyDictionary()
        self._is_chosen = not keywords.keys().isdisjoint(("layer", "head"))
        super().__init__(**keywords)

    @property
    def reference(self) -> str:
        """The name by which a view's page side asks its host for this model."""
        return f"anywidget:{self.model_id}"

    def reach(self, view: Any, trace: Trace) -> None:
        """Allows every layer, head and position of `trace`, which `view` shows."""
        stacks = [trace.of_stack(stack) for stack in trace.stacks]
        self._sizes[view] = {
            "layer": max(stack.n_layers for stack in stacks),
            "head": max(stack.n_heads for stack in stacks),
            "query": max(len(stack.tokens) for stack in stacks),
            "key": max(len(stack.key_tokens) for stack in stacks),
        }

    def views(self) -> list[Any]:
        """Returns the views that share this selection and show a trace."""
        return list(self._sizes)

    def open_head(self, trace: Trace, layer: int | None = None) -> None:
        """Selects the head at which views of attention open, unless a layer or a head was chosen before.

        layer: in which to choose; None for all.
        """
        if not self._is_chosen:
            opening = opening_head(trace, None if layer is None else [layer])
            self.layer, self.head = opening.layer, opening.head
            self._openings[trace] = opening

    def opening_for_page(self, trace: Trace) -> dict[str, Any] | None:
        """Returns the head that `open_head` selected for this trace, with the weight that chose it; None for any other."""
        opening = self._openings.get(trace)
        return None if opening is None or opening.key is None else asdict(opening)

    @traitlets.validate("layer", "head", "query", "key")
    def _check(self, proposal: dict[str, Any]) -> int:
        name, value = proposal["trait"].name, int(proposal["value"])
        if name in ("layer", "head"):
            self._is_chosen = True  # also by a value that changes nothing
        if value == -1 and name in ("query", "key"):
            return value
        return check_index(value, max((sizes[name] for sizes in self._sizes.values()), default=None), name)
