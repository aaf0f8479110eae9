"""Switches off each head and each MLP alone, and measures what that does to the next token's probability."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gptviz.lens.sweep import run_each, supported
from gptviz.sampling.probabilities import softmax
from gptviz.trace.sources import Array
from gptviz.trace.trace import Trace
from gptviz.widgets.shared.edit_list import Spec
from gptviz.widgets.shared.stacks import stack_argument


def part_specs(shown: Trace) -> dict[tuple[int, int], Spec]:
    """Returns the specs that switch off one part of a layer each, by layer and column: each head, and the MLP last.

    shown: the trace of one stack; cross attention has no MLPs.
    """
    specs: dict[tuple[int, int], Spec] = {}
    for layer in range(shown.n_layers):
        of_stack = stack_argument(shown.stack)
        heads = range(shown.heads_in(layer))
        specs |= {(layer, head): {"kind": "ablate_head", "layer": layer, "head": head} | of_stack for head in heads}
        if shown.has_stream:
            specs[layer, shown.n_heads] = {"kind": "ablate_mlp", "layer": layer} | of_stack
    return specs


def switched_off(trace: Trace, shown: Trace, edits: Mapping[tuple[int, int], Any], ids: Sequence[int]) -> Array:
    """Returns what each edit alone adds to the probability of each next token: (ids, layers, heads + 1).

    shown: the trace of the stack that is edited. edits: by layer and column. NaN where the model has no such part or cannot
    be edited so; raises NotAvailable if that is true of all edits.
    """
    added = np.full((len(ids), shown.n_layers, shown.n_heads + 1), np.nan, np.float32)
    before = trace.probabilities()[ids].astype(np.float64)
    for (layer, column), logits in run_each(trace, supported(trace, edits)):
        added[:, layer, column] = softmax(logits)[ids] - before
    return added
