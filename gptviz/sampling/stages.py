"""From logits to the next token, every stage kept.

repetition penalty → temperature → top-k → top-p → min-p → draw

The stages, their order and their meaning are those of transformers' logits processors
(`generation/logits_process.py`), each renormalised before the next; the tests chain the originals and
compare. Sources: temperature, Ackley et al. 1985; repetition penalty, Keskar et al. 2019 (arXiv
1909.05858); top-k, Fan et al. 2018 (arXiv 1805.04833); top-p, Holtzman et al. 2020 (arXiv 1904.09751);
min-p, Nguyen et al. 2024 (arXiv 2407.01082).

All of it rests on one observation: once the logits are sorted, temperature changes no order, and each cut
keeps the leading tokens of that order. So a stage is a temperature and a number of tokens kept. The page
computes the same in `widgets/static/sampling_math.js`, with the sums taken in the same order, so that both
sides round alike.

Pure NumPy, float64 inside. Not here: models, tokens' texts, the decode loop.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from gptviz.errors import OutOfRange, WrongType, fail
from gptviz.sampling.philox import uniform
from gptviz.sampling.probabilities import entropy
from gptviz.sampling.settings import check_settings

STAGES = ("model", "repetition_penalty", "temperature", "top_k", "top_p", "min_p")


@dataclass(frozen=True, eq=False)
class Distribution:
    """The probabilities of the next token, stage by stage. Arrays are float64 over the vocabulary, read-only.

    stages: the probabilities (vocab,) after each of STAGES, in that order; one that is off equals the last.
    order: all ids (vocab,), the likeliest after the repetition penalty first, equal logits by lower id.
    kept: how many tokens the cuts leave; they are the leading `kept` of `order`.
    kept_mass: what those tokens together had after the temperature, before the cuts renormalised it.
    """

    stages: dict[str, np.ndarray]
    order: np.ndarray
    kept: int
    kept_mass: float

    @property
    def probabilities(self) -> np.ndarray:
        """The last stage, which is drawn from: (vocab,), summing to 1."""
        return self.stages["min_p"]

    @property
    def entropy(self) -> float:
        """Of the last stage, in bits."""
        return entropy(self.probabilities)

    @property
    def effective_choices(self) -> float:
        """As many equally likely tokens would be as uncertain: 2 ** entropy (the perplexity)."""
        return 2.0**self.entropy

    def draw(self, seed: int, choice: int = 0, step: int = 0, draw: int = 0) -> int:
        """The id of the token that this random number picks: the same for the same arguments, everywhere.

        It is the first token, likeliest first, at which the cumulative probability exceeds
        `uniform(seed, choice, step, draw)`. `draw` counts repeated draws at the same step.
        """
        cumulative = np.cumsum(self.probabilities[self.order[: self.kept]])
        rank = np.searchsorted(cumulative, uniform(seed, choice, step, draw), side="right")
        last = np.searchsorted(cumulative, cumulative[-1])  # rounding may leave the total a hair below 1
        return int(self.order[min(rank, last)])


def distribution(
    logits: Any,
    previous_ids: Any = None,
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    min_p: float | None = None,
    repetition_penalty: float = 1.0,
    **unknown: Any,
) -> Distribution:
    """The distribution of the next token under these settings, with every stage on the way.

    logits: (vocab,) real numbers; -inf marks a token that cannot come.
    previous_ids: ids of prompt and output so far, which the repetition penalty looks at; None: no token yet.
    temperature: divides the logits; at least 0, and 0 is greedy (all mass on the first token in order).
    top_k: keep the k likeliest, at least 1; tokens that tie with the k-th stay.
    top_p: keep the fewest tokens, likeliest first, whose mass reaches it; in (0, 1].
    min_p: keep tokens with at least this share of the leader's probability; in [0, 1].
    repetition_penalty: divides positive, multiplies negative logits of previous tokens; above 0, 1 is off.

    Raises GPTVizError (a ValueError) for values out of range, WrongType for types and unknown keywords,
    OutOfRange for previous ids beyond the vocabulary.
    """
    settings = check_settings(
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        min_p=min_p,
        repetition_penalty=repetition_penalty,
        **unknown,
    )
    scores = check_logits(logits)
    penalised = _penalise(scores, previous_ids, settings.repetition_penalty)
    stages = {"model": _Sorted.of(scores)}
    ranked = stages["repetition_penalty"] = stages["model"] if penalised is scores else _Sorted.of(penalised)
    stages["temperature"] = ranked = ranked.heated(settings.temperature)
    stages["top_k"] = ranked = ranked.kept(_top_k(ranked, settings.top_k))
    stages["top_p"] = ranked = ranked.kept(_top_p(ranked, settings.top_p))
    stages["min_p"] = ranked = ranked.kept(_min_p(ranked, settings.min_p))
    count = len(ranked.probabilities)
    before = stages["temperature"].probabilities
    mass = 1.0 if count == len(before) else min(1.0, float(np.cumsum(before[:count])[-1]))
    return Distribution(
        {name: stage.by_id() for name, stage in stages.items()},
        _read_only(ranked.order),
        count,
        mass,
    )


@dataclass(frozen=True, eq=False)
class _Sorted:
    """One stage in descending order: the ids (vocab,), their log-weights (vocab,) from 0 down, and the
    probabilities (kept,) of the leading tokens that are left."""

    order: np.ndarray
    gaps: np.ndarray
    probabilities: np.ndarray

    @classmethod
    def of(cls, scores: np.ndarray) -> "_Sorted":
        order = np.argsort(-scores, kind="stable")  # stable: equal logits by lower id
        gaps = scores[order] - scores[order[0]]
        possible = int(np.count_nonzero(gaps > -np.inf))
        return cls(order, gaps, _normalised(np.exp(gaps[:possible])))

    def heated(self, temperature: float) -> "_Sorted":
        if temperature == 1:
            return self
        if temperature == 0:
            return _Sorted(self.order, self.gaps, np.ones(1))
        with np.errstate(over="ignore"):  # a tiny temperature: gap to -inf, weight to 0, as it should be
            weights = np.exp(self.gaps[: len(self.probabilities)] / temperature)
        return _Sorted(self.order, self.gaps, _normalised(weights))

    def kept(self, count: int) -> "_Sorted":
        if count == len(self.probabilities):
            return self
        return _Sorted(self.order, self.gaps, _normalised(self.probabilities[:count]))

    def by_id(self) -> np.ndarray:
        spread = np.zeros(len(self.order))
        spread[self.order[: len(self.probabilities)]] = self.probabilities
        return _read_only(spread)


def _top_k(stage: _Sorted, k: int | None) -> int:
    """How many tokens stay: the k-th and every token with exactly its logit, as in TopKLogitsWarper."""
    count = len(stage.probabilities)
    if k is None or k >= count:
        return count
    return int(np.count_nonzero(stage.gaps[:count] >= stage.gaps[k - 1]))


def _top_p(stage: _Sorted, p: float | None) -> int:
    """How many stay: the least likely go while those gone hold at most 1 - p, as in TopPLogitsWarper."""
    count = len(stage.probabilities)
    if p is None or p == 1:
        return count
    gone = int(np.count_nonzero(np.cumsum(stage.probabilities[::-1]) <= 1 - p))
    return max(1, count - gone)


def _min_p(stage: _Sorted, share: float | None) -> int:
    """How many stay: those with at least `share` of the leader's probability, as in MinPLogitsWarper."""
    if share is None:
        return len(stage.probabilities)
    return int(np.count_nonzero(stage.probabilities >= share * stage.probabilities[0]))


def _penalise(scores: np.ndarray, previous_ids: Any, penalty: float) -> np.ndarray:
    """scores (vocab,), those of previous tokens divided by the penalty where positive, else multiplied."""
    ids = _check_previous(previous_ids, len(scores))
    if penalty == 1 or not len(ids):
        return scores
    penalised = scores.copy()
    with np.errstate(over="ignore"):
        penalised[ids] = np.where(scores[ids] < 0, scores[ids] * penalty, scores[ids] / penalty)
    if not np.isfinite(penalised.max()):
        raise fail("a repetition_penalty that leaves the logits finite", f"{penalty}", "1.1 to 1.3 is usual.")
    return penalised


def _normalised(weights: np.ndarray) -> np.ndarray:
    # Not `softmax`: the page adds weights one after another, and np.sum adds them in pairs, which rounds otherwise.
    return weights / np.cumsum(weights)[-1]


def _read_only(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array


def check_logits(logits: Any) -> np.ndarray:
    """logits as float64 (vocab,)."""
    remedy = "Hand over one position's logits as numbers, for example trace.logits[-1]."
    try:
        array = np.asarray(logits)
    except (TypeError, ValueError, RuntimeError):
        remedy = "Hand over a plain array, for example tensor.detach().float().cpu().numpy()."
        raise fail("logits that NumPy can read", type(logits).__name__, remedy, WrongType) from None
    if array.dtype.kind not in "fiu":
        raise fail("logits that are real numbers", f"{type(logits).__name__} of {array.dtype}", remedy, WrongType)
    if array.ndim != 1 or not len(array):
        raise fail("logits of shape (vocab,)", f"shape {array.shape}", remedy)
    scores = array.astype(np.float64)
    broken = np.isnan(scores) | (scores == np.inf)
    if broken.any():
        first = int(np.argmax(broken))
        raise fail(
            "logits that are finite, or -inf for tokens that cannot come",
            f"{scores[first]} at {first}",
            remedy,
        )
    if scores.max() == -np.inf:
        raise fail("at least one token that can come", "-inf everywhere", remedy)
    return scores


def _check_previous(previous_ids: Any, vocab: int) -> np.ndarray:
    """previous_ids as an array of distinct ids, possibly empty."""
    if previous_ids is None:
        return np.empty(0, dtype=np.int64)
    try:
        ids = np.asarray(previous_ids)
    except (TypeError, ValueError, RuntimeError):
        got, remedy = type(previous_ids).__name__, "Hand over one list of token ids."
        raise fail("previous_ids that NumPy can read", got, remedy, WrongType) from None
    if ids.ndim != 1:
        raise fail("previous_ids of shape (T,)", f"shape {ids.shape}", "Hand over one list of token ids.", WrongType)
    if not len(ids):
        return np.empty(0, dtype=np.int64)
    if ids.dtype.kind not in "iu":
        raise fail("previous_ids that are whole numbers", f"{ids.dtype}", "Hand over a list of token ids.", WrongType)
    for outside in ids[(ids < 0) | (ids >= vocab)][:1]:
        raise fail(
            f"token ids from 0 to {vocab - 1}",
            f"{outside}",
            "Encode with the model's own tokenizer.",
            OutOfRange,
        )
    return np.unique(ids)
