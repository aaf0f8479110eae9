"""What a view shows of an encoder-decoder's three stacks: one of them at a time, which a menu of the page chooses."""

from typing import Any

import numpy as np
import traitlets

from gptviz.trace.sequence import STACKS
from gptviz.trace.trace import Trace
from gptviz.widgets.shared.chips import describe
from gptviz.widgets.shared.selection import Selection
from gptviz.widgets.shared.thumbnails import Thumbnails
from gptviz.widgets.shared.view import View


class OpensStack(View):
    """A view of one stack at a time. A subclass lets the page set `_stack`."""

    _shows_stacks = True
    _stack = traitlets.Enum(STACKS, "decoder").tag(sync=True)

    @property
    def stack(self) -> str:
        """The stack that is shown; set it to show another. A trace of a decoder-only model has the decoder only."""
        return self._stack if self._stack in self._require_trace().stacks else "decoder"

    @stack.setter
    def stack(self, value: str) -> None:
        self._stack = self._require_trace().of_stack(value).stack

    def _shown(self, stack: str | None = None) -> Trace:
        """Returns the trace of a stack; None for the one that is shown."""
        return self._require_trace().of_stack(self.stack if stack is None else stack)


def stack_argument(stack: str) -> dict[str, str]:
    """Returns how a stack is named in a question of the page, or in the spec of an edit: not at all if it is the decoder."""
    return {} if stack == "decoder" else {"stack": stack}


class StackMaps:
    """The thumbnails of all heads of all stacks of a trace. by_stack: those of each; pictures: all their bytes."""

    def __init__(self, trace: Trace):
        self._trace = trace
        self.by_stack = {stack: Thumbnails(trace.of_stack(stack)) for stack in trace.stacks}
        pictures = [thumbnails.to_bytes() for thumbnails in self.by_stack.values()]
        self.pictures = b"".join(pictures)
        self._starts = np.cumsum([0, *map(len, pictures)])[:-1].tolist()

    def describe(self, selection: Selection) -> dict[str, Any]:
        """Returns what the page knows of the decoder, and, if there are others, of every stack by name."""
        stacks = {
            stack: _describe(self._trace.of_stack(stack), thumbnails, selection) | {"start": start}
            for (stack, thumbnails), start in zip(self.by_stack.items(), self._starts, strict=True)
        }
        return stacks["decoder"] | ({"stacks": stacks} if len(stacks) > 1 else {})


def _describe(shown: Trace, thumbnails: Thumbnails, selection: Selection) -> dict[str, Any]:
    """Returns what the page knows of a stack. keys: the tokens that are looked at, if they are others than `tokens`."""
    is_own = shown.key_tokens is shown.tokens
    return {
        "tokens": [describe(token) for token in shown.tokens],
        "keys": None if is_own else [describe(token) for token in shown.key_tokens],
        "causal": shown.is_causal,
        "layers": shown.n_layers,
        "heads": shown.n_heads,
        "heads_in": [shown.heads_in(layer) for layer in range(shown.n_layers)],
        "side": thumbnails.side,
        "columns": thumbnails.columns,
        "absent": thumbnails.absent,
        "opening": selection.opening_for_page(shown),
    }
