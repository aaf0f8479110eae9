"""Sampling: the stages from logits to a token, their settings, and the random numbers of a draw. No torch."""

from gptviz.sampling.philox import check_seed, uniform
from gptviz.sampling.probabilities import entropy, softmax
from gptviz.sampling.settings import Settings, check_settings
from gptviz.sampling.stages import STAGES, Distribution, check_logits, distribution

__all__ = [
    "STAGES", "Distribution", "Settings", "check_logits", "check_seed", "check_settings", "distribution", "entropy", "softmax",
    "uniform",
]  # fmt: skip
