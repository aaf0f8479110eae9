"""One step's choice of a token, in torch: the stages of `sampling.py` on the logits where they lie.

`sampling.py` is the readable truth; this is tested to be equal to it. Sums are taken in float64, so that a seed picks
the same token here, there, and in the page. Sources: see `sampling.py` and `philox.py`.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from gptviz.errors import fail
from gptviz.sampling.philox import uniform
from gptviz.sampling.settings import Settings

LEADING = 10  # how many alternatives a step keeps


@dataclass(frozen=True)
class Draw:
    """What was drawn and from what. alternatives: (id, probability, sampling probability), by the model's own."""

    id: int
    probability: float
    sampling_probability: float
    alternatives: tuple[tuple[int, float, float], ...]
    entropy: float
    model_entropy: float
    kept: int
    kept_mass: float


def draw(logits: Tensor, previous: Tensor, settings: Settings, seed: int, choice: int, step: int) -> Draw:
    """Draw from logits (vocab,). previous: ids of prompt and output so far, (T,), for the repetition penalty."""
    # Apple's GPU has no float64.
    scores = (logits.cpu() if logits.device.type == "mps" else logits).double()
    model = scores.softmax(-1)
    penalised = _penalise(scores, previous.to(scores.device), settings.repetition_penalty)
    ranked, order = penalised.sort(descending=True, stable=True)  # equal logits by lower id
    heated = _heat(ranked, settings.temperature)
    kept = _cut(ranked, heated, settings)
    final = heated[:kept] / heated[:kept].sum()
    cumulative = final.cumsum(0)
    point = torch.tensor([uniform(seed, choice, step)], dtype=cumulative.dtype, device=cumulative.device)
    rank = torch.searchsorted(cumulative, torch.minimum(point, cumulative[-1:] * (1 - 2**-53)), right=True)
    sampling = torch.zeros_like(scores).scatter_(0, order[:kept], final)
    by_model = order if penalised is scores else scores.sort(descending=True, stable=True)[1]
    ids = torch.cat([order[rank], by_model[:LEADING]])
    numbers = torch.stack([ids.double(), model[ids], sampling[ids]]).tolist()
    (drawn, *leading) = ((int(i), p, s) for i, p, s in zip(*numbers, strict=True))
    bits = torch.stack([_entropy(final), _entropy(model), heated[:kept].sum()]).tolist()
    return Draw(*drawn, tuple(leading), bits[0], bits[1], kept, min(1.0, bits[2]))


def _penalise(scores: Tensor, previous: Tensor, penalty: float) -> Tensor:
    if penalty == 1:
        return scores
    ids = previous.unique()
    seen = scores[ids]
    penalised = scores.scatter(0, ids, torch.where(seen < 0, seen * penalty, seen / penalty))
    if not penalised.max().isfinite():
        raise fail("a repetition_penalty that leaves the logits finite", f"{penalty}", "1.1 to 1.3 is usual.")
    return penalised


def _heat(ranked: Tensor, temperature: float) -> Tensor:
    """Probabilities in descending order; temperature 0 puts everything on the first."""
    if temperature == 0:
        return torch.zeros_like(ranked).index_fill_(0, torch.zeros(1, dtype=torch.long, device=ranked.device), 1.0)
    weights = ((ranked - ranked[0]) / temperature).exp()
    return weights / weights.sum()


def _cut(ranked: Tensor, heated: Tensor, settings: Settings) -> int:
    """How many of the leading tokens top-k, top-p and min-p leave, each on what the one before left, renormalised."""
    kept = int((heated > 0).sum()) if settings.temperature == 0 else int((ranked > -torch.inf).sum())
    if settings.top_k is not None and settings.top_k < kept:
        kept = int((ranked[:kept] >= ranked[settings.top_k - 1]).sum())
    if settings.top_p is not None and settings.top_p < 1:
        left = heated[:kept] / heated[:kept].sum()
        kept = max(1, kept - int((left.flip(0).cumsum(0) <= 1 - settings.top_p).sum()))
    if settings.min_p is not None:
        kept = int((heated[:kept] >= settings.min_p * heated[0]).sum())
    return kept


def _entropy(probabilities: Tensor) -> Tensor:
    """Shannon entropy in bits."""
    return -torch.special.xlogy(probabilities, probabilities).sum() / torch.log(torch.tensor(2.0, dtype=torch.float64))
