"""Edits of a forward pass, and the code that makes them."""

from gptviz.intervention.code import as_code
from gptviz.intervention.edits import (
    SITES,
    AblateHead,
    AblateMLP,
    AblateNeuron,
    Edit,
    Patch,
    ScaleHead,
    SetAttention,
    Steer,
    ablate_head,
    ablate_mlp,
    ablate_neuron,
    check_edits,
    patch,
    scale_head,
    set_attention,
    steer,
)  # fmt: skip

__all__ = [
    "SITES", "AblateHead", "AblateMLP", "AblateNeuron", "Edit", "Patch", "ScaleHead", "SetAttention", "Steer",
    "ablate_head", "ablate_mlp", "ablate_neuron", "as_code", "check_edits", "patch", "scale_head", "set_attention", "steer",
]  # fmt: skip
