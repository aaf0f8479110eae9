"""From logits to probabilities, and how uncertain probabilities are. NumPy, float64."""

from collections.abc import Callable
from typing import Any

import numpy as np

from gptviz.errors import GPTVizError, fail

UNDEFINED_REMEDY = (
    'The likely cause is the dtype: float16 ends at 65,504. Load the model with dtype="float32"; if it is in float32 '
    "already, its weights hold NaN or are too large."
)


def undefined_logits(dtype: str = "", undefined_weight: Callable[[], str] = str) -> GPTVizError:
    """Returns the error for logits that are NaN or infinite.

    dtype: what they were computed in, if that is known. undefined_weight: finds the name of a weight of the model that
    holds NaN or infinity, "" for none. In float16 it is not asked: there a weight may be infinite because of the dtype.
    """
    computed = f" in {dtype}" if dtype else ""
    got = f"NaN or infinity among them{computed}"
    weight, remedy = "" if dtype == "float16" else undefined_weight(), UNDEFINED_REMEDY
    if weight:
        remedy = f"The weight {weight} holds NaN or infinity: load the model again, or save it anew."
    elif dtype not in ("", "float16"):
        remedy = "A weight is probably too large, or this text leads to numbers that are: try another text."
    return fail("logits that are numbers", got, remedy, code="undefined_logits", dtype=dtype, weight=weight)


def check_highest(highest: Any, dtype: str = "", undefined_weight: Callable[[], str] = str) -> None:
    """Raises GPTVizError unless the highest of the logits, at each position, is a finite number.

    The maximum of logits is NaN if one of them is, and -inf if all are. A lower one may be -inf: that token cannot come.
    dtype, undefined_weight: see `undefined_logits`.
    """
    if not np.isfinite(highest).all():
        raise undefined_logits(dtype, undefined_weight)


def softmax(logits: Any, axis: int = -1) -> np.ndarray:
    """Returns the probabilities of logits along an axis: exp(logits) / sum(exp(logits)), in float64.

    logits: an array of any shape, which the result has too; -inf gives 0. The largest logit is subtracted first, so that
    nothing overflows. Raises GPTVizError for logits that are NaN or infinite. Source: Bridle 1990, "Probabilistic
    Interpretation of Feedforward Classification Network Outputs".
    """
    scores = np.asarray(logits, dtype=np.float64)
    highest = scores.max(axis, keepdims=True)
    check_highest(highest)
    weights = np.exp(scores - highest)
    probabilities: np.ndarray = weights / weights.sum(axis, keepdims=True)
    return probabilities


def likeliest(probabilities: np.ndarray, k: int) -> list[int]:
    """Returns the ids of the `k` highest of probabilities (n,), highest first; in a tie, the lower id first."""
    k = min(k, len(probabilities))
    some = np.flatnonzero(probabilities >= np.partition(probabilities, -k)[-k])
    ids: list[int] = some[np.argsort(-probabilities[some], kind="stable")][:k].tolist()
    return ids


def entropy(probabilities: np.ndarray) -> float:
    """Returns the Shannon entropy in bits of probabilities (n,) that sum to 1; zeros add nothing.

    Source: Shannon 1948, "A Mathematical Theory of Communication".
    """
    present = probabilities[probabilities > 0]
    return max(0.0, float(-(present * np.log2(present)).sum()))
