"""Sweeps: the same small edit at every place of a model, one place at a time, and what each does to one number.

A metric turns the logits after the last token into that number. Each place is a row of a batch with an edit of its own,
so that a sweep is a few passes and not hundreds. Sources: Wang et al. 2022, "Interpretability in the Wild" (ablating
heads, logit difference); Meng et al. 2022, "Locating and Editing Factual Associations in GPT" (patching over layers and
positions). Not about single edits: that is `intervention.py`. NumPy only; torch is met where the passes are made.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from gptviz.checks import check_index
from gptviz.errors import OutOfRange, WrongType, fail
from gptviz.progress import progress
from gptviz.sampling.probabilities import softmax
from gptviz.text.visible import visible
from gptviz.trace.runnable import RunnableModel, running_model
from gptviz.trace.sources import Array, PassEdit
from gptviz.trace.trace import Trace

Metric = Callable[[Array], float]
_TOKENS_A_PASS = 512


@dataclass(frozen=True, eq=False)
class Sweep:
    """What an edit at each place does to a metric.

    metric: (rows, columns), the metric with the edit at that place; float64. axes: what rows and columns count, such as
    ("layer", "head"). columns: a text for each column. baseline: the metric of the pass that was edited, without the
    edit. target: that of the pass that was patched from, None in a sweep of ablations. title: what was done. name: what
    the metric is called.
    """

    metric: np.ndarray
    axes: tuple[str, str]
    columns: tuple[str, ...]
    baseline: float
    target: float | None
    title: str
    name: str = "metric"

    @property
    def effects(self) -> np.ndarray:
        """What each edit adds to the metric: (rows, columns)."""
        return self.metric - self.baseline

    @property
    def restored(self) -> np.ndarray:
        """Of patches, the share of the way from the baseline (0) to the target (1): (rows, columns)."""
        if self.target is None or self.target == self.baseline:
            got = "ablations" if self.target is None else f"two passes that both give {self.target:g}"
            remedy = "`effects` has the differences."
            raise fail("a patch between two passes that the metric tells apart", got, remedy)
        return self.effects / (self.target - self.baseline)

    def largest(self, k: int = 5) -> list[tuple[int, int, float]]:
        """The places with the largest effects of either sign: (row, column, effect), largest first."""
        order = np.argsort(-np.abs(self.effects), axis=None, kind="stable")[:k]
        places = zip(*np.unravel_index(order, self.effects.shape), strict=True)
        return [(int(row), int(column), float(self.effects[row, column])) for row, column in places]

    def to_table(self) -> list[dict[str, Any]]:
        """One row a place: its indices, the column's text where it has one, the metric, and the effect."""
        (down, across), named = self.axes, self.axes[1] == "position"
        return [
            {down: row, across: column}
            | ({"token": self.columns[column]} if named else {})
            | {"metric": float(self.metric[row, column]), "effect": float(self.effects[row, column])}
            for row in range(self.metric.shape[0])
            for column in range(self.metric.shape[1])
        ]

    def figure(self, theme: str | None = None) -> Any:
        """A heatmap, as a plotly Figure: what patches restored, in per cent, else the effects; blue below 0, orange above."""
        from gptviz import figures

        rows = [f"L{row}" for row in range(len(self.metric))]
        if self.target in (None, self.baseline):
            values, title = self.effects, self.title
            scale = f"added to the {self.name}\nbaseline {_signed(self.baseline)}"
        else:
            values, title = 100 * self.restored, f"{self.title}: how much each restores"
            scale = f"% of the way\n{self.name}\nfrom {_signed(self.baseline)} to {_signed(self.target)}"
        return figures.effects(values, rows, self.columns, title=title, axes=self.axes, scale=scale, theme=theme)

    def __repr__(self) -> str:
        rows, columns = self.metric.shape
        towards = "" if self.target is None else f", target {self.target:.4g}"
        return f"Sweep({self.title}: {rows} × {columns}, baseline {self.baseline:.4g}{towards})"


@dataclass(frozen=True)
class _ProbabilityOf:
    id: int

    def __call__(self, logits: Array) -> float:
        return float(softmax(logits)[check_index(self.id, len(logits), "token id")])

    def named(self, trace: Trace) -> str:
        return f"probability of {visible(trace.vocab_token(self.id))}"


@dataclass(frozen=True)
class _LogitDifference:
    right: int
    wrong: int

    def __call__(self, logits: Array) -> float:
        right, wrong = (logits[check_index(id, len(logits), "token id")] for id in (self.right, self.wrong))
        return float(np.float64(right) - np.float64(wrong))

    def named(self, trace: Trace) -> str:
        right, wrong = (visible(trace.vocab_token(id)) for id in (self.right, self.wrong))
        return f"logit of {right} less {wrong}"


def probability_of(id: int) -> Metric:
    """A metric: the probability of token `id` as the next one."""
    return _ProbabilityOf(_token(id))


def logit_difference(right: int, wrong: int) -> Metric:
    """A metric: the logit of token `right` less that of token `wrong`."""
    return _LogitDifference(_token(right), _token(wrong))


def ablation_sweep(trace: Trace, metric: Metric, to: str = "zero", reference: Trace | None = None) -> Sweep:
    """Every head switched off alone, in the pass of `trace`: (layers, heads).

    metric: logits (vocab,) after the last token -> a number. to, reference: as in `gptviz.ablate_head`. Edits that the
    trace has stay.
    """
    from gptviz.intervention.edits import AblateHead

    _check_trace(trace, "trace")
    places = [(layer, head) for layer in range(trace.n_layers) for head in range(trace.n_heads)]
    edits = [AblateHead(*place, to=to, reference=reference) for place in places]
    values = _measured(trace, edits, metric, "head").reshape(trace.n_layers, trace.n_heads)
    how = "switched off" if to == "zero" else "at its mean"
    heads = tuple(f"H{head}" for head in range(trace.n_heads))
    baseline, name = _value(metric, trace.logits[-1]), _named(metric, trace)
    return Sweep(values, ("layer", "head"), heads, baseline, None, f"Each head {how}", name)


def patch_sweep(clean: Trace, corrupted: Trace, metric: Metric, site: str = "residual") -> Sweep:
    """Each place of the clean pass put into the corrupted one, alone: activation patching.

    site: "residual", "attn_out" or "mlp_out" are swept over layers and positions; "head_output" over layers and heads, each
    head at all positions. metric: logits (vocab,) after the last token -> a number. Two prompts of as many tokens.
    """
    from gptviz.intervention.edits import SITES, Patch

    _check_trace(clean, "clean")
    _check_trace(corrupted, "corrupted")
    if site not in SITES:
        raise fail(f"one of the sites {', '.join(SITES)}", f"{site!r}", "Name where the patches go.")
    by_head = site == "head_output"
    tokens = [token.text for token in corrupted.tokens]
    columns = [f"H{head}" for head in range(clean.n_heads)] if by_head else tokens
    places = [(layer, column) for layer in range(corrupted.n_layers) for column in range(len(columns))]
    if by_head:
        edits = [Patch(layer, None, clean, head, site) for layer, head in places]
    elif len(clean.tokens) != len(tokens):
        remedy = "Write two prompts of as many tokens, so that positions correspond."
        raise fail(f"a clean prompt of {len(tokens)} tokens, as the corrupted one", f"{len(clean.tokens)}", remedy)
    else:
        edits = [Patch(layer, position, clean, None, site) for layer, position in places]
    values = _measured(corrupted, edits, metric, "patch").reshape(corrupted.n_layers, len(columns))
    baseline, target = (_value(metric, trace.logits[-1]) for trace in (corrupted, clean))
    axes = ("layer", "head" if by_head else "position")
    title, name = f"{site} patched from the clean pass", _named(metric, corrupted)
    return Sweep(values, axes, tuple(columns), baseline, target, title, name)


def _measured(trace: Trace, edits: Sequence[PassEdit], metric: Metric, unit: str) -> np.ndarray:
    """The metric of the trace's own pass with each edit alone: (edits,)."""
    _value(metric, trace.logits[-1])  # a metric that cannot be used is refused before any pass
    ids = [token.id for token in trace.tokens]
    rows = max(1, _TOKENS_A_PASS // len(ids))
    values: list[float] = []
    with progress(len(edits), unit) as done:
        for first in range(0, len(edits), rows):
            batch = [[*trace.edits, edit] for edit in edits[first : first + rows]]
            values += [_value(metric, logits) for logits in run_edited(running_model(trace), ids, batch)]
            done(len(batch))
    return np.array(values)


def run_edited(gpt: RunnableModel, ids: Sequence[int], rows: Sequence[Sequence[PassEdit]]) -> Array:
    """One pass over as many copies of a text as there are rows, each with edits of its own: logits (rows, vocab).

    They are those after the last token, in float32; no more than that is kept. ids: token ids (T,). rows: for each copy a
    list of edits, as `gptviz.ablate_head` and its kin make them. What a sweep of one's own is made of: edits that the
    model has no place for are refused before the pass.
    """
    import torch

    from gptviz.model.capture import keeps_logits

    editing = gpt.editing_rows(rows, len(ids))
    batch = torch.tensor([list(ids)] * len(rows), device=gpt.device)
    last_only = {"logits_to_keep": 1} if keeps_logits(type(gpt.model)) else {}
    with gpt.running(), editing.acting(len(rows)):
        logits = gpt.model(batch, use_cache=False, **last_only).logits[:, -1]
    found: Array = logits.float().cpu().numpy()
    return found


def _value(metric: Any, logits: Array) -> float:
    """The metric of one row of logits, which must be one finite number."""
    remedy = "For example metric=lens.probability_of(id), or a function of logits (vocab,)."
    if not callable(metric):
        raise fail("a metric that can be called with logits (vocab,)", type(metric).__name__, remedy, WrongType)
    value = metric(logits)
    if not isinstance(value, Real) and getattr(value, "ndim", None) != 0:
        raise fail("a metric that gives one number", f"{type(value).__name__}", remedy, WrongType)
    if not np.isfinite(float(value)):
        raise fail("a metric that gives a finite number", f"{value}", remedy)
    return float(value)


def _signed(value: float) -> str:
    return f"{value:.3g}".replace("-", "−")


def _named(metric: Metric, trace: Trace) -> str:
    if isinstance(metric, (_ProbabilityOf, _LogitDifference)):
        return metric.named(trace)
    name: str = getattr(metric, "__name__", "metric")
    return "metric" if name == "<lambda>" else name


def _token(id: Any) -> int:
    if isinstance(id, (bool, np.bool_)) or not hasattr(id, "__index__"):
        raise fail("a token id", f"{id!r:.40}", 'For example gpt.encode(" Anna")[-1].', WrongType)
    if id < 0:
        raise fail("a token id of at least 0", f"{id}", "Ids count from 0.", OutOfRange)
    return id.__index__()


def _check_trace(value: Any, name: str) -> None:
    if not isinstance(value, Trace):
        raise fail(f"a trace as {name}", type(value).__name__, "gpt.trace(prompt) makes one.", WrongType)
    running_model(value)
