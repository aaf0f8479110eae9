"""Sweeps: the same edit at every place of a model, one place at a time, and the effect of each on a metric.

Each place is a row of a batch with an edit of its own, so that a sweep takes a few passes and not hundreds. Sources: Wang
et al. 2022, "Interpretability in the Wild" (ablating heads); Meng et al. 2022, "Locating and Editing Factual Associations
in GPT" (patching over layers and positions). Not about single edits: see `gptviz.intervention`.

This module is imported with views of saved traces, which work without torch; so torch, and what needs it, is imported in
the functions that run the model.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, TypeVar

import numpy as np

from gptviz.checks import check_index
from gptviz.display.labels import part_label
from gptviz.display.numbers import significant
from gptviz.errors import WrongType, fail
from gptviz.lens.metrics import Metric, measure, metric_name
from gptviz.progress import progress
from gptviz.trace.available import available
from gptviz.trace.runnable import RunnableModel, check_can_run, check_runs, rerunning_model, running_model
from gptviz.trace.sources import Array, PassEdit
from gptviz.trace.trace import Trace

Key = TypeVar("Key")  # of an edit in a dict

_OF_STACK = {"decoder": "", "encoder": " of the encoder", "cross": " of cross attention"}  # in a title
_TOKENS_A_PASS = 512  # in all rows of a batch together


@dataclass(frozen=True, eq=False)
class Sweep:
    """The effect of an edit at each place on a metric.

    metric: (rows, columns), the metric with the edit at that place; float64; NaN where the model has no such place, such
    as a head in a layer without attention. axes: what rows and columns are, such as
    ("layer", "head"). columns: a text for each column. baseline: the metric without the edit. target: the metric of the
    pass that patches came from; None in a sweep of ablations. title: what was done. name: what the metric is called.
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
        """Returns what each edit adds to the metric: (rows, columns)."""
        return self.metric - self.baseline

    @property
    def restored(self) -> np.ndarray:
        """Returns how far each patch moves the metric from the baseline (0) to the target (1): (rows, columns).

        Raises GPTVizError for ablations, and if baseline and target are equal.
        """
        if self.target is None or self.target == self.baseline:
            got = "ablations" if self.target is None else f"two passes with the same metric, {self.target:g}"
            raise fail("a patch between two passes with different metrics", got, "Use `effects`, the differences.")
        return self.effects / (self.target - self.baseline)

    def largest(self, k: int = 5) -> list[tuple[int, int, float]]:
        """Returns the `k` largest effects of either sign as (row, column, effect), largest first."""
        order = np.argsort(-np.abs(self.effects), axis=None, kind="stable")[: min(k, np.isfinite(self.metric).sum())]
        indices = zip(*np.unravel_index(order, self.effects.shape), strict=True)
        return [(int(row), int(column), float(self.effects[row, column])) for row, column in indices]

    def to_table(self) -> list[dict[str, Any]]:
        """Returns a row for each place that there is: its indices, the token at a position, the metric and the effect."""
        (row_axis, column_axis), with_token = self.axes, self.axes[1] == "position"
        return [
            {row_axis: row, column_axis: column}
            | ({"token": self.columns[column]} if with_token else {})
            | {"metric": float(self.metric[row, column]), "effect": float(self.effects[row, column])}
            for row in range(self.metric.shape[0])
            for column in range(self.metric.shape[1])
            if not np.isnan(self.metric[row, column])
        ]

    def figure(self, theme: str | None = None) -> Any:
        """Returns a heat map as a plotly Figure: of patches what they restored, in per cent; otherwise the effects.

        theme: "light" or "dark"; None for a figure that can be read in both. Blue is below 0, orange above.
        """
        from gptviz import figures  # plotly takes longer to import than all of `gptviz.lens`

        rows = [part_label(row) for row in range(len(self.metric))]
        if self.target in (None, self.baseline):
            values, title = self.effects, self.title
            scale = f"added to the {self.name}\nbaseline {significant(self.baseline)}"
        else:
            values, title = 100 * self.restored, f"{self.title}: what each restores"
            scale = f"% of the way\n{self.name}\nfrom {significant(self.baseline)} to {significant(self.target)}"
        return figures.effects(values, rows, self.columns, title=title, axes=self.axes, scale=scale, theme=theme)

    def __repr__(self) -> str:
        rows, columns = self.metric.shape
        target = "" if self.target is None else f", target {self.target:.4g}"
        return f"Sweep({self.title}: {rows} × {columns}, baseline {self.baseline:.4g}{target})"


def ablation_sweep(
    trace: Trace, metric: Metric, to: str = "zero", reference: Trace | None = None, *, stack: str = "decoder"
) -> Sweep:
    """Switches off each head alone in the pass of `trace`, and measures the metric: (layers, heads).

    NaN where a layer has no such head, or its heads cannot be switched off; raises NotAvailable if none can be.
    metric: a function from the logits (vocab,) after the last token to a number. to, reference: see
    `gptviz.ablate_head`. stack: the stack whose heads are switched off, in an encoder-decoder. Edits of the trace stay.
    """
    from gptviz.intervention.edits import AblateHead

    check_trace(trace, "trace", any_stack=True)
    swept = trace.of_stack(stack)
    edits = {head: AblateHead(*head, to=to, reference=reference, stack=stack) for head in heads_of(swept)}
    values = _measure_each(trace, edits, metric, "head", (swept.n_layers, swept.n_heads))
    state = "switched off" if to == "zero" else "at its mean"
    heads = tuple(part_label(head=head) for head in range(swept.n_heads))
    baseline, name = measure(metric, trace.logits[-1]), metric_name(metric, trace)
    title = f"Each head{_OF_STACK[stack]} {state}"
    return Sweep(values, ("layer", "head"), heads, baseline, None, title, name)


def patch_sweep(
    clean: Trace, corrupted: Trace, metric: Metric, site: str = "residual", *, stack: str = "decoder"
) -> Sweep:
    """Copies each place of the clean pass into the corrupted one, one at a time (activation patching).

    site: "residual", "attn_out" and "mlp_out" are swept over layers and positions; "head_output" over layers and heads,
    each head at all positions. metric: a function from the logits (vocab,) after the last token to a number. stack: the
    stack that is patched, in an encoder-decoder; positions of the encoder are those of the source. Both prompts have
    the same number of tokens. NaN where the model has no such place; raises NotAvailable if it has none.
    """
    from gptviz.intervention.edits import SITES, Patch

    check_trace(clean, "clean", any_stack=True)
    check_trace(corrupted, "corrupted", any_stack=True)
    source, swept = clean.of_stack(stack), corrupted.of_stack(stack)
    if site not in SITES:
        raise fail(f"one of the sites {', '.join(SITES)}", f"{site!r}", "Choose where the patches go.")
    by_head = site == "head_output"
    tokens = [token.text for token in swept.tokens]
    columns = [part_label(head=head) for head in range(source.n_heads)] if by_head else tokens
    if by_head:
        edits = {(layer, head): Patch(layer, None, clean, head, site, stack=stack) for layer, head in heads_of(swept)}
    elif len(source.tokens) != len(tokens):
        remedy = "Write two prompts with the same number of tokens, so that positions correspond."
        raise fail(f"a clean prompt of {len(tokens)} tokens, like the corrupted one", f"{len(source.tokens)}", remedy)
    else:
        cells = product(range(swept.n_layers), range(len(tokens)))
        edits = {cell: Patch(*cell, clean, None, site, stack=stack) for cell in cells}
    values = _measure_each(corrupted, edits, metric, "patch", (swept.n_layers, len(columns)))
    baseline, target = (measure(metric, trace.logits[-1]) for trace in (corrupted, clean))
    axes = ("layer", "head" if by_head else "position")
    title, name = f"{site}{_OF_STACK[stack]} patched from the clean pass", metric_name(metric, corrupted)
    return Sweep(values, axes, tuple(columns), baseline, target, title, name)


def heads_of(trace: Trace) -> list[tuple[int, int]]:
    """Returns every head that there is as (layer, head)."""
    return [(layer, head) for layer in range(trace.n_layers) for head in range(trace.heads_in(layer))]


def _measure_each(
    trace: Trace, edits: Mapping[tuple[int, int], PassEdit], metric: Metric, unit: str, shape: tuple[int, int]
) -> np.ndarray:
    """Returns the metric of the trace's pass with each edit alone: (layers, columns); NaN where there is no edit.

    edits: by layer and column. unit: what the progress bar counts. shape: layers, columns.
    """
    measure(metric, trace.logits[-1])  # raises before the first pass if the metric cannot be used
    values, possible = np.full(shape, np.nan), supported(trace, edits)
    with progress(len(possible), unit) as advance:
        for cell, logits in run_each(trace, possible):
            values[cell] = measure(metric, logits)
            advance(1)
    return values


def supported(trace: Trace, edits: Mapping[Key, PassEdit]) -> dict[Key, PassEdit]:
    """Returns the edits that the trace's model supports, by their keys; raises NotAvailable if it supports none."""
    gpt, length = rerunning_model(trace), len(trace.tokens)
    return {key: edits[key] for key, _ in available(lambda key: gpt.check_edit(edits[key], length), edits)}


def run_each(trace: Trace, edits: Mapping[Key, PassEdit], position: int = -1) -> Iterator[tuple[Key, Array]]:
    """Runs the trace's pass with each edit alone, and yields its key with the logits (vocab,) after one token.

    The edits of the trace stay, and autocast is on or off as it was in the trace. If the edits take several passes and act
    at late tokens only, the tokens before are read once, where the model's family allows it; see `from_cache.py`.
    """
    from gptviz.lens.from_cache import cached_beginning  # here and not above: see the module's docstring

    ids, keys = [token.id for token in trace.tokens], list(edits)
    in_encoder = any(edit.stack == "encoder" for edit in (*trace.edits, *edits.values()))
    gpt = rerunning_model(trace, each_row=in_encoder)
    position = check_index(position, len(ids), "position", negative=True)
    rows = max(1, _TOKENS_A_PASS // max(len(trace.of_stack(stack).key_tokens) for stack in trace.stacks))
    # A cached beginning is of a decoder alone.
    beginning = cached_beginning(trace, edits.values(), position) if len(keys) > rows and gpt.decoder_only else None
    rows = rows if beginning is None else beginning.rows
    for first in range(0, len(keys), rows):
        batch = keys[first : first + rows]
        edits_of_rows = [[*trace.edits, edits[key]] for key in batch]
        with (guard := trace.guarding_weights()), guard:
            logits = beginning.run(edits_of_rows) if beginning else _run_rows(gpt, ids, edits_of_rows, position)
        yield from zip(batch, logits, strict=True)


def run_edited(gpt: RunnableModel, ids: Sequence[int], rows: Sequence[Sequence[PassEdit]], position: int = -1) -> Array:
    """Runs one pass over a batch of copies of a text, each with edits of its own: logits (rows, vocab).

    The logits are those after the token at `position`, in float32; nothing else of the pass is kept. ids: token ids (T,).
    rows: a list of edits for each copy, made by `gptviz.ablate_head` and similar functions. Use it to write sweeps of your
    own.
    Raises GPTVizError before the pass for an edit of a place that the model does not have, and after it for logits that
    are NaN or infinite.
    """
    return _run_rows(check_runs(gpt), ids, rows, position)


def _run_rows(gpt: RunnableModel, ids: Sequence[int], rows: Sequence[Sequence[PassEdit]], position: int) -> Array:
    """Returns what `run_edited` returns; the model may be a decoder with its source."""
    import torch  # here and not above: see the module's docstring

    from gptviz.intervention.edits import check_finite
    from gptviz.model.capture import takes

    editing = gpt.editing_rows(rows, len(ids))
    kept = len(ids) - check_index(position, len(ids), "position", negative=True)  # logits, counted from the last token
    batch = torch.tensor([list(ids)] * len(rows), device=gpt.device)
    last_only = {"logits_to_keep": kept} if takes(type(gpt.reader).forward, "logits_to_keep") else {}
    with (block := gpt.running()), block, editing.acting(len(rows)):
        logits = gpt.reader(batch, use_cache=False, **last_only).logits[:, -kept]
        check_finite(logits, editing.edits, gpt.undefined_weight)
    result: Array = logits.float().cpu().numpy()
    return result


def check_trace(value: Any, name: str, any_stack: bool = False) -> None:
    """Raises an error if `value` is not a trace whose model is loaded and unchanged. name: the argument's.

    any_stack: whether the model may be an encoder-decoder.
    """
    if not isinstance(value, Trace):
        raise fail(f"a trace as {name}", type(value).__name__, "gpt.trace(prompt) makes one.", WrongType)
    if any_stack:
        check_can_run(value.gpt)
    else:
        running_model(value)
    value.check_repeats()
