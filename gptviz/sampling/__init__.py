"""Sampling: the stages from logits to a token, their settings, random numbers, and intervals of rates. No torch."""

from gptviz.sampling.intervals import wilson
from gptviz.sampling.philox import check_seed, uniform
from gptviz.sampling.probabilities import entropy, softmax
from gptviz.sampling.settings import Settings, check_settings
from gptviz.sampling.stages import STAGES, Distribution, check_logits, distribution

__all__ = [
    "STAGES", "Distribution", "Settings", "check_logits", "check_seed", "check_settings", "distribution", "entropy", "softmax",
    "uniform", "wilson",
]  # fmt: skip
