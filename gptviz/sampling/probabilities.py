"""From logits to probabilities, and how uncertain probabilities are. NumPy, float64."""

from typing import Any

import numpy as np


def softmax(logits: Any, axis: int = -1) -> np.ndarray:
    """Returns the probabilities of logits along an axis: exp(logits) / sum(exp(logits)), in float64.

    logits: an array of any shape, which the result has too; -inf gives 0. The largest logit is subtracted first, so that
    nothing overflows. Source: Bridle 1990, "Probabilistic Interpretation of Feedforward Classification Network Outputs".
    """
    scores = np.asarray(logits, dtype=np.float64)
    weights = np.exp(scores - scores.max(axis, keepdims=True))
    probabilities: np.ndarray = weights / weights.sum(axis, keepdims=True)
    return probabilities


def entropy(probabilities: np.ndarray) -> float:
    """Returns the Shannon entropy in bits of probabilities (n,) that sum to 1; zeros add nothing.

    Source: Shannon 1948, "A Mathematical Theory of Communication".
    """
    present = probabilities[probabilities > 0]
    return max(0.0, float(-(present * np.log2(present)).sum()))
