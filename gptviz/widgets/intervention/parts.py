"""Switches off each head and each MLP alone, and measures what that does to the next token's probability."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gptviz.lens.sweep import run_each, supported
from gptviz.sampling.probabilities import softmax
from gptviz.trace.sources import Array
from gptviz.trace.trace import Trace
from gptviz.widgets.shared.edit_list import Spec


def part_specs(trace: Trace) -> dict[tuple[int, int], Spec]:
    """Returns the specs that switch off one part of a layer each, by layer and column: each head, and the MLP last."""
    specs: dict[tuple[int, int], Spec] = {}
    for layer in range(trace.n_layers):
        heads = range(trace.heads_in(layer))
        specs |= {(layer, head): {"kind": "ablate_head", "layer": layer, "head": head} for head in heads}
        specs[layer, trace.n_heads] = {"kind": "ablate_mlp", "layer": layer}
    return specs


def switched_off(trace: Trace, edits: Mapping[tuple[int, int], Any], ids: Sequence[int]) -> Array:
    """Returns what each edit alone adds to the probability of each next token: (ids, layers, heads + 1).

    edits: by layer and column. NaN where the model has no such part or cannot be edited so; raises NotAvailable if that
    is true of all edits.
    """
    added = np.full((len(ids), trace.n_layers, trace.n_heads + 1), np.nan, np.float32)
    before = trace.probabilities()[ids].astype(np.float64)
    for (layer, column), logits in run_each(trace, supported(trace, edits)):
        added[:, layer, column] = softmax(logits)[ids] - before
    return added
