"""The sampling stages, from logits to the next token.

repetition penalty → temperature → top-k → top-p → min-p → draw

The stages, their order and their meaning are those of transformers' logits processors
(`generation/logits_process.py`), each renormalised before the next; the tests compare with the originals. Sources:
temperature, Ackley et al. 1985; repetition penalty, Keskar et al. 2019 (arXiv 1909.05858); top-k, Fan et al. 2018 (arXiv
1805.04833); top-p, Holtzman et al. 2020 (arXiv 1904.09751); min-p, Nguyen et al. 2024 (arXiv 2407.01082).

Once the logits are sorted, a temperature does not change their order, and each cut keeps the first tokens of that order.
So a stage is a temperature and a number of tokens to keep. The page computes the same in `widgets/sampling/math.js`, with
sums in the same order, so that both round to the same bits.

NumPy only, float64 inside. Not about models or the decode loop.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from gptviz.checks import check_token_ids
from gptviz.errors import WrongType, fail
from gptviz.sampling.philox import uniform
from gptviz.sampling.probabilities import UNDEFINED_REMEDY, entropy
from gptviz.sampling.settings import check_settings

STAGES = ("model", "repetition_penalty", "temperature", "top_k", "top_p", "min_p")


@dataclass(frozen=True, eq=False)
class Distribution:
    """The probabilities of the next token, stage by stage. Arrays are read-only.

    stages: the probabilities (vocab,), float64, after each of STAGES; a stage that is off equals the one before it.
    order: all ids (vocab,), highest probability after the repetition penalty first; in a tie, the lower id first.
    kept: how many tokens the cuts keep: the first `kept` of `order`.
    kept_mass: the probability of those tokens together after the temperature, before renormalising.
    """

    stages: dict[str, np.ndarray]
    order: np.ndarray
    kept: int
    kept_mass: float

    @property
    def probabilities(self) -> np.ndarray:
        """Returns the last stage, from which the token is drawn: (vocab,), with a sum of 1."""
        return self.stages["min_p"]

    @property
    def entropy(self) -> float:
        """Returns the Shannon entropy of the last stage, in bits."""
        return entropy(self.probabilities)

    @property
    def effective_choices(self) -> float:
        """Returns the perplexity, 2 ** entropy: the number of equally likely tokens with the same entropy."""
        return 2.0**self.entropy

    def draw(self, seed: int, choice: int = 0, step: int = 0, draw: int = 0) -> int:
        """Draws a token and returns its id, which is the same for the same arguments on every machine.

        It is the first token of `order` at which the cumulative probability exceeds `uniform(seed, choice, step, draw)`.
        `draw` counts repeated draws at the same step.
        """
        cumulative = np.cumsum(self.probabilities[self.order[: self.kept]])
        rank = np.searchsorted(cumulative, uniform(seed, choice, step, draw), side="right")
        last = np.searchsorted(cumulative, cumulative[-1])  # rounding can make the total slightly less than 1
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
    """Computes the distribution of the next token under these settings, with every stage.

    logits: (vocab,) real numbers; -inf for a token that cannot come next.
    previous_ids: ids of prompt and output so far, which the repetition penalty applies to; None for no tokens.
    temperature: divides the logits; at least 0, and 0 is greedy (the first token in order gets all probability).
    top_k: keeps the k most probable tokens, at least 1, and all that tie with the k-th.
    top_p: keeps the fewest tokens, most probable first, whose probability together reaches top_p; in (0, 1].
    min_p: keeps tokens with at least this share of the highest probability; in [0, 1].
    repetition_penalty: divides positive logits of previous tokens and multiplies negative ones; above 0, 1 is off.

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
    stages["temperature"] = ranked = ranked.with_temperature(settings.temperature)
    stages["top_k"] = ranked = ranked.first(_top_k(ranked, settings.top_k))
    stages["top_p"] = ranked = ranked.first(_top_p(ranked, settings.top_p))
    stages["min_p"] = ranked = ranked.first(_min_p(ranked, settings.min_p))
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
    """One stage in descending order.

    order: the ids (vocab,). gaps: logits less the highest one (vocab,). probabilities: of the tokens that are kept (kept,).
    """

    order: np.ndarray
    gaps: np.ndarray
    probabilities: np.ndarray

    @classmethod
    def of(cls, scores: np.ndarray) -> "_Sorted":
        order = np.argsort(-scores, kind="stable")  # stable: in a tie, the lower id first
        gaps = scores[order] - scores[order[0]]
        possible = int(np.count_nonzero(gaps > -np.inf))
        return cls(order, gaps, _normalised(np.exp(gaps[:possible])))

    def with_temperature(self, temperature: float) -> "_Sorted":
        if temperature == 1:
            return self
        if temperature == 0:
            return _Sorted(self.order, self.gaps, np.ones(1))
        with np.errstate(over="ignore"):  # with a tiny temperature a gap becomes -inf and its weight 0, which is right
            weights = np.exp(self.gaps[: len(self.probabilities)] / temperature)
        return _Sorted(self.order, self.gaps, _normalised(weights))

    def first(self, count: int) -> "_Sorted":
        if count == len(self.probabilities):
            return self
        return _Sorted(self.order, self.gaps, _normalised(self.probabilities[:count]))

    def by_id(self) -> np.ndarray:
        by_id = np.zeros(len(self.order))
        by_id[self.order[: len(self.probabilities)]] = self.probabilities
        return _read_only(by_id)


def _top_k(stage: _Sorted, k: int | None) -> int:
    """Returns how many tokens stay: the first k and every token with the logit of the k-th, as in TopKLogitsWarper."""
    count = len(stage.probabilities)
    if k is None or k >= count:
        return count
    return int(np.count_nonzero(stage.gaps[:count] >= stage.gaps[k - 1]))


def _top_p(stage: _Sorted, p: float | None) -> int:
    """Returns how many stay: the least probable go as long as they sum to at most 1 - p, as in TopPLogitsWarper."""
    count = len(stage.probabilities)
    if p is None or p == 1:
        return count
    removed = int(np.count_nonzero(np.cumsum(stage.probabilities[::-1]) <= 1 - p))
    return max(1, count - removed)


def _min_p(stage: _Sorted, share: float | None) -> int:
    """Returns how many stay: those with at least `share` of the highest probability, as in MinPLogitsWarper."""
    if share is None:
        return len(stage.probabilities)
    return int(np.count_nonzero(stage.probabilities >= share * stage.probabilities[0]))


def _penalise(scores: np.ndarray, previous_ids: Any, penalty: float) -> np.ndarray:
    """Divides positive scores of previous tokens by the penalty, and multiplies negative ones: (vocab,)."""
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
    """Returns logits as float64 (vocab,). Raises GPTVizError or WrongType for anything that cannot be logits."""
    remedy = "Give the logits of one position, for example trace.logits[-1]."
    try:
        array = np.asarray(logits)
    except (TypeError, ValueError, RuntimeError):
        remedy = "Give an array, for example tensor.detach().float().cpu().numpy()."
        raise fail("logits that NumPy can read", type(logits).__name__, remedy, WrongType) from None
    if array.dtype.kind not in "fiu":
        raise fail("logits that are real numbers", f"{type(logits).__name__} of {array.dtype}", remedy, WrongType)
    if array.ndim != 1 or not len(array):
        raise fail("logits of shape (vocab,)", f"shape {array.shape}", remedy)
    scores = array.astype(np.float64)
    invalid = np.isnan(scores) | (scores == np.inf)
    if invalid.any():
        first = int(np.argmax(invalid))
        raise fail(
            "logits that are finite, or -inf for tokens that cannot come next",
            f"{scores[first]} at {first}",
            f"In a model's logits: {UNDEFINED_REMEDY[0].lower()}{UNDEFINED_REMEDY[1:]}",
        )
    if scores.max() == -np.inf:
        raise fail("at least one token that can come next", "-inf everywhere", remedy)
    return scores


def _check_previous(previous_ids: Any, vocab: int) -> np.ndarray:
    """Returns previous_ids as an array of distinct ids, which may be empty."""
    if previous_ids is None:
        return np.empty(0, dtype=np.int64)
    try:
        ids = np.asarray(previous_ids)
    except (TypeError, ValueError, RuntimeError):
        got, remedy = type(previous_ids).__name__, "Give one list of token ids."
        raise fail("previous_ids that NumPy can read", got, remedy, WrongType) from None
    if ids.ndim != 1:
        raise fail("previous_ids of shape (T,)", f"shape {ids.shape}", "Give one list of token ids.", WrongType)
    if not len(ids):
        return np.empty(0, dtype=np.int64)
    if ids.dtype.kind not in "iu":
        raise fail("previous_ids that are whole numbers", f"{ids.dtype}", "Give a list of token ids.", WrongType)
    check_token_ids(ids, vocab, "Encode the text with the tokenizer of this model.")
    return np.unique(ids)
