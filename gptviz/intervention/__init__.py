"""Edits of a forward pass, and the code that makes them."""

from gptviz.intervention.attention_edits import AblateAttention, AblateKey, ablate_attention, ablate_key
from gptviz.intervention.code import as_code
from gptviz.intervention.edits import (
    SITES,
    AblateHead,
    AblateMLP,
    AblateNeuron,
    Edit,
    Patch,
    Reader,
    ScaleHead,
    SetAttention,
    Steer,
    Writer,
    ablate_head,
    ablate_mlp,
    ablate_neuron,
    check_edits,
    check_finite,
    patch,
    scale_head,
    set_attention,
    steer,
)  # fmt: skip

__all__ = [
    "SITES", "AblateAttention", "AblateHead", "AblateKey", "AblateMLP", "AblateNeuron", "Edit", "Patch", "Reader",
    "ScaleHead", "SetAttention", "Steer", "Writer", "ablate_attention", "ablate_head", "ablate_key", "ablate_mlp",
    "ablate_neuron", "as_code", "check_edits", "check_finite", "patch", "scale_head", "set_attention", "steer",
]  # fmt: skip
