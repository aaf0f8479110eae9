"""What the sampling settings make of the likeliest tokens, as far as these alone decide it.

A server reveals the log-probabilities of some leaders, and not those of the other tokens. The stages are those of
`sampling.stages`. What a stage does to the leaders is exact where it does not depend on the unseen tokens: top-k and min-p
compare leaders with leaders, a temperature of 1 keeps the sum of all probabilities at 1. Anything else is not known.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gptviz.sampling.probabilities import entropy
from gptviz.sampling.settings import Settings


@dataclass(frozen=True)
class Sampled:
    """The leaders after the sampling stages. Unknown numbers are NaN.

    probabilities: of each leader; None if they are unknown. kept, kept_mass, entropy: see `completion.Step`.
    """

    probabilities: tuple[float, ...] | None = None
    kept: float = math.nan
    kept_mass: float = math.nan
    entropy: float = math.nan


UNKNOWN = Sampled()


def is_neutral(settings: Settings) -> bool:
    """Returns whether the settings leave the model's probabilities as they are."""
    return settings.temperature == 1 and settings.repetition_penalty == 1 and _has_no_cut(settings)


def _has_no_cut(settings: Settings) -> bool:
    return settings.top_k is None and settings.top_p in (None, 1) and settings.min_p in (None, 0)


def after_sampling(logprobs: Sequence[float], settings: Settings) -> Sampled:
    """Returns what follows from the model's natural log-probabilities of the likeliest tokens, highest first.

    The settings act in the order of `sampling.distribution`. A repetition penalty acts on logits, of which log-probabilities
    give only the differences, so nothing is known after it.
    """
    if not logprobs or settings.repetition_penalty != 1:
        return UNKNOWN
    if settings.temperature == 0:
        return Sampled((1.0, *[0.0] * (len(logprobs) - 1)), 1, 1.0, 0.0)
    scores = np.asarray(logprobs, dtype=np.float64)
    weights = np.exp((scores - scores[0]) / settings.temperature)  # (leaders,), of the first: 1
    everything = math.exp(-scores[0]) if settings.temperature == 1 else math.nan  # the sum over the vocabulary
    if _has_no_cut(settings):
        shares = None if math.isnan(everything) else tuple((weights / everything).tolist())
        return Sampled(shares, kept_mass=1.0)
    kept = _count_kept(weights, everything, settings)
    if kept is None:
        return UNKNOWN
    mass = float(weights[:kept].sum())
    final = weights[:kept] / mass
    zeros = [0.0] * (len(weights) - kept)
    kept_mass = math.nan if math.isnan(everything) else min(1.0, mass / everything)
    return Sampled((*final.tolist(), *zeros), kept, kept_mass, entropy(final))


def _count_kept(weights: np.ndarray, everything: float, settings: Settings) -> int | None:
    """Returns how many leaders the cuts keep; None if that depends on tokens that are not among them.

    weights: of the leaders, relative to the first. everything: the sum of all weights, or NaN.
    """
    kept, mass = None, everything
    if settings.top_k is not None:
        if settings.top_k > len(weights):
            mass = math.nan
        else:
            kept = int((weights >= weights[settings.top_k - 1]).sum())  # tokens in a tie are kept together
            mass = float(weights[:kept].sum())
    if settings.top_p not in (None, 1):
        reached = weights[:kept].cumsum() / mass >= settings.top_p  # all False if the mass is NaN
        if not reached.any():
            return None
        kept = int(reached.argmax()) + 1
    if settings.min_p not in (None, 0):
        enough = weights[:kept] >= settings.min_p
        if kept is None and enough.all():
            return None
        kept = int(enough.sum())
    return kept
