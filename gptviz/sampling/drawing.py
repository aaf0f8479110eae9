"""Draws one token in torch: the sampling stages of `stages.py`, on the device where the logits are.

`stages.py` is the reference implementation, which the tests compare this one with. Sums are in float64, so that a seed
draws the same token here, there and in the page. Sources: see `stages.py` and `philox.py`.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from gptviz.errors import fail
from gptviz.sampling.philox import uniform
from gptviz.sampling.settings import LEADING, Settings


@dataclass(frozen=True)
class Draw:
    """A drawn token and the distribution that it came from; the fields are those of `completion.Step`.

    alternatives: (id, probability, sampling probability), highest probability first.
    """

    id: int
    probability: float
    sampling_probability: float
    alternatives: tuple[tuple[int, float, float], ...]
    entropy: float
    model_entropy: float
    kept: int
    kept_mass: float


def draw(logits: Tensor, previous: Tensor, settings: Settings, seed: int, choice: int, step: int) -> Draw:
    """Draws a token from logits (vocab,). previous: ids (T,) of prompt and output so far, for the repetition penalty."""
    # Apple's GPUs have no float64.
    scores = (logits.cpu() if logits.device.type == "mps" else logits).double()
    model = scores.softmax(-1)
    penalised = _penalise(scores, previous.to(scores.device), settings.repetition_penalty)
    ranked, order = penalised.sort(descending=True, stable=True)  # in a tie, the lower id first
    tempered = _apply_temperature(ranked, settings.temperature)
    kept = _count_kept(ranked, tempered, settings)
    final = tempered[:kept] / tempered[:kept].sum()
    cumulative = final.cumsum(0)
    point = torch.tensor([uniform(seed, choice, step)], dtype=cumulative.dtype, device=cumulative.device)
    rank = torch.searchsorted(cumulative, torch.minimum(point, cumulative[-1:] * (1 - 2**-53)), right=True)
    sampling = torch.zeros_like(scores).scatter_(0, order[:kept], final)
    by_model = order if penalised is scores else scores.sort(descending=True, stable=True)[1]
    ids = torch.cat([order[rank], by_model[:LEADING]])
    numbers = torch.stack([ids.double(), model[ids], sampling[ids]]).tolist()
    (drawn, *alternatives) = ((int(i), p, s) for i, p, s in zip(*numbers, strict=True))
    entropy, model_entropy, kept_mass = torch.stack([_entropy(final), _entropy(model), tempered[:kept].sum()]).tolist()
    return Draw(*drawn, tuple(alternatives), entropy, model_entropy, kept, min(1.0, kept_mass))


def _penalise(scores: Tensor, previous: Tensor, penalty: float) -> Tensor:
    """Divides positive logits of previous tokens by the penalty, and multiplies negative ones: (vocab,)."""
    if penalty == 1:
        return scores
    ids = previous.unique()
    previous_scores = scores[ids]
    new_scores = torch.where(previous_scores < 0, previous_scores * penalty, previous_scores / penalty)
    penalised = scores.scatter(0, ids, new_scores)
    if not penalised.max().isfinite():
        raise fail("a repetition_penalty that leaves the logits finite", f"{penalty}", "1.1 to 1.3 is usual.")
    return penalised


def _apply_temperature(ranked: Tensor, temperature: float) -> Tensor:
    """Returns the probabilities of descending logits (vocab,); temperature 0 gives all to the first."""
    if temperature == 0:
        return torch.zeros_like(ranked).index_fill_(0, torch.zeros(1, dtype=torch.long, device=ranked.device), 1.0)
    weights = ((ranked - ranked[0]) / temperature).exp()
    return weights / weights.sum()


def _count_kept(ranked: Tensor, tempered: Tensor, settings: Settings) -> int:
    """Returns how many of the first tokens top-k, top-p and min-p keep, each applied to what the one before kept."""
    kept = int((tempered > 0).sum()) if settings.temperature == 0 else int((ranked > -torch.inf).sum())
    if settings.top_k is not None and settings.top_k < kept:
        kept = int((ranked[:kept] >= ranked[settings.top_k - 1]).sum())
    if settings.top_p is not None and settings.top_p < 1:
        renormalised = tempered[:kept] / tempered[:kept].sum()
        kept = max(1, kept - int((renormalised.flip(0).cumsum(0) <= 1 - settings.top_p).sum()))
    if settings.min_p is not None:
        kept = int((tempered[:kept] >= settings.min_p * tempered[0]).sum())
    return kept


def _entropy(probabilities: Tensor) -> Tensor:
    """Returns the Shannon entropy in bits."""
    return -torch.special.xlogy(probabilities, probabilities).sum() / torch.log(torch.tensor(2.0, dtype=torch.float64))
