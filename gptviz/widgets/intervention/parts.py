"""Switches off each head and each MLP alone, and measures what that does to the next token's probability."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from gptviz.errors import NotAvailable
from gptviz.lens.sweep import run_edited
from gptviz.sampling.probabilities import softmax
from gptviz.trace.runnable import RunnableModel
from gptviz.trace.sources import Array
from gptviz.trace.trace import Trace
from gptviz.widgets.intervention.edit_list import Spec


def part_specs(trace: Trace, layer: int) -> list[Spec]:
    """Returns the specs that switch off one part of a layer each: its heads in order, then its MLP."""
    heads: list[Spec] = [{"kind": "ablate_head", "layer": layer, "head": head} for head in range(trace.n_heads)]
    return [*heads, {"kind": "ablate_mlp", "layer": layer}]


def switched_off(gpt: RunnableModel, trace: Trace, edits: Sequence[Any], ids: Sequence[int]) -> Array:
    """Returns what each edit alone adds to the probability of each next token: (ids, edits); one pass for all.

    NaN where the model cannot be edited so. Raises NotAvailable if that is true of all edits.
    """
    possible = _possible(gpt, trace, edits)
    logits = run_edited(gpt, [token.id for token in trace.tokens], [[edit] for edit in possible.values()])
    added = np.full((len(ids), len(edits)), np.nan, np.float32)
    added[:, list(possible)] = (softmax(logits)[:, ids] - trace.probabilities()[ids].astype(np.float64)).T
    return added


def _possible(gpt: RunnableModel, trace: Trace, edits: Sequence[Any]) -> dict[int, Any]:
    """Returns the edits that the model supports, by their index."""
    possible = {}
    for index, edit in enumerate(edits):
        try:
            gpt.editing([edit], len(trace.tokens))
        except NotAvailable as error:
            reason = error
        else:
            possible[index] = edit
    if not possible:
        raise reason
    return possible
