"""Metrics: functions from the logits after the last token to one number, which a sweep measures."""

from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from gptviz.checks import check_index
from gptviz.errors import WrongType, fail
from gptviz.sampling.probabilities import softmax
from gptviz.text.visible import visible
from gptviz.trace.sources import Array
from gptviz.trace.trace import Trace

Metric = Callable[[Array], float]  # logits (vocab,) to a number


@dataclass(frozen=True)
class _ProbabilityOf:
    id: int

    def __call__(self, logits: Array) -> float:
        return float(softmax(logits)[check_index(self.id, len(logits), "token id")])

    def name(self, trace: Trace) -> str:
        return f"probability of {visible(trace.vocab_token(self.id))}"


@dataclass(frozen=True)
class _LogitDifference:
    right: int
    wrong: int

    def __call__(self, logits: Array) -> float:
        right, wrong = (logits[check_index(id, len(logits), "token id")] for id in (self.right, self.wrong))
        return float(np.float64(right) - np.float64(wrong))

    def name(self, trace: Trace) -> str:
        right, wrong = (visible(trace.vocab_token(id)) for id in (self.right, self.wrong))
        return f"logit of {right} minus {wrong}"


def probability_of(id: int) -> Metric:
    """Returns a metric: the probability that token `id` comes next."""
    return _ProbabilityOf(check_index(id, None, "token id"))


def logit_difference(right: int, wrong: int) -> Metric:
    """Returns a metric: the logit of token `right` minus the logit of token `wrong`.

    Source: Wang et al. 2022, "Interpretability in the Wild".
    """
    return _LogitDifference(check_index(right, None, "token id"), check_index(wrong, None, "token id"))


def measure(metric: Any, logits: Array) -> float:
    """Returns the metric of logits (vocab,). Raises GPTVizError unless that is one finite number."""
    remedy = "For example metric=lens.probability_of(id), or a function of logits (vocab,)."
    if not callable(metric):
        raise fail("a metric that can be called with logits (vocab,)", type(metric).__name__, remedy, WrongType)
    value = metric(logits)
    if not isinstance(value, Real) and getattr(value, "ndim", None) != 0:
        raise fail("a metric that returns one number", f"{type(value).__name__}", remedy, WrongType)
    if not np.isfinite(float(value)):
        raise fail("a metric that returns a finite number", f"{value}", remedy)
    return float(value)


def metric_name(metric: Metric, trace: Trace) -> str:
    """Returns what a chart calls the metric, with the tokens of the trace's model."""
    if isinstance(metric, (_ProbabilityOf, _LogitDifference)):
        return metric.name(trace)
    name: str = getattr(metric, "__name__", "metric")
    return "metric" if name == "<lambda>" else name
