"""Edits to a pass, as small immutable values: what is changed, where, and the code that says so.

    gpt.trace(prompt, edits=[gptviz.ablate_head(3, 1), gptviz.steer(2, vector, 4.0)])

Edits of one place act in the order in which they are listed, only in the pass that they are given to. Layers, heads,
neurons and positions are counted from 0. While a text is generated, edits of heads, MLPs, neurons and the stream's
direction act at every step; those that name a position or a query act there, in the pass over the prompt. What a value
is good for is checked when it is made, whether the model has such a place when it is used (`editing.py`).

Sources: Vig et al. 2020 and Meng et al. 2022 (activation patching), Wang et al. 2022 (mean ablation), Jain & Wallace
2019 (set attention), Turner et al. 2023 (steering).
"""

import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import MISSING, dataclass, fields
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gptviz.checks import check_index
from gptviz.errors import GPTVizError, OutOfRange, WrongType, fail
from gptviz.trace.runnable import running_model
from gptviz.trace.trace import Trace

SITES = ("residual", "head_output", "attn_out", "mlp_out")

# Changes, in place, what is at the site: x (rows, T, d) of the edit's rows, whose first token stands at position
# `start` of the text; `value` (rows, T, d) has the head's values, at a head.
Writer = Callable[[Tensor, int, Tensor | None], None]
# What a trace has at a site: (trace, site, layer, head) -> (T, d).
Reader = Callable[[Trace, str, int, int | None], Tensor]


@dataclass(frozen=True, repr=False)
class Edit:
    """What all edits have: a layer, the site that they act at, and their code."""

    layer: int

    call = ""  # the function of gptviz that makes one
    site = ""  # "residual", "attn_out", "mlp_out", "head_output" (before the projection), "neurons"

    def __post_init__(self) -> None:
        for name in ("layer", "head", "neuron", "query"):
            if getattr(self, name, None) is not None:
                self._put(name, _counted(getattr(self, name), name))

    def _put(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)

    def needs(self) -> Trace | None:
        """The trace that it takes numbers from."""
        return None

    def writer(self, read: Reader) -> Writer:
        """What changes the site's numbers; everything that it needs is read here, before the pass."""
        raise NotImplementedError

    def code(
        self, named: Callable[[Any], str] = lambda value: "source" if isinstance(value, Trace) else "vector"
    ) -> str:
        """The line that makes it. named: the variable that holds a trace or a vector."""
        parts = []
        for field in fields(self):
            value = getattr(self, field.name)
            if field.default is not MISSING and value == field.default:
                continue
            shown = named(value) if isinstance(value, Trace) or field.name == "vector" else _shown(value)
            keyword = field.default is not MISSING or isinstance(value, Trace)
            parts.append(f"{field.name}={shown}" if keyword else shown)
        return f"gptviz.{self.call}({', '.join(parts)})"

    def __repr__(self) -> str:
        return self.code()


@dataclass(frozen=True, repr=False)
class AblateHead(Edit):
    """Take one head out of the pass.

    to: "zero", or "mean": its mean over the positions of `reference`, a trace of the same model. The head's part of the
    output projection's input is replaced at every position; its attention map stays what it was.
    """

    head: int
    to: str = "zero"
    reference: Trace | None = None
    call = "ablate_head"
    site = "head_output"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.to not in ("zero", "mean"):
            raise fail('to="zero" or to="mean"', f"{self.to!r}", "Zero takes the head's output away.")
        if self.to == "mean" and not isinstance(self.reference, Trace):
            got = "none" if self.reference is None else type(self.reference).__name__
            remedy = "Write reference=gpt.trace(text): the mean is over its positions."
            raise fail('a trace as reference with to="mean"', got, remedy, WrongType)
        if self.to == "zero" and self.reference is not None:
            raise fail('no reference with to="zero"', "one", 'Write to="mean", or leave the reference out.')

    def needs(self) -> Trace | None:
        return self.reference

    def writer(self, read: Reader) -> Writer:
        if self.reference is None:
            return lambda x, _start, _value: x.zero_()  # type: ignore[return-value]
        mean = read(self.reference, "head_output", self.layer, self.head).mean(0)
        return lambda x, _start, _value: x.copy_(mean.to(x).expand_as(x))  # type: ignore[return-value]


@dataclass(frozen=True, repr=False)
class ScaleHead(Edit):
    """Multiply what one head adds to the stream by `factor`, at every position; its attention map stays what it was."""

    head: int
    factor: float
    call = "scale_head"
    site = "head_output"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._put("factor", _finite(self.factor, "factor"))

    def writer(self, read: Reader) -> Writer:
        return lambda x, _start, _value: x.mul_(self.factor)  # type: ignore[return-value]


@dataclass(frozen=True, repr=False)
class SetAttention(Edit):
    """Give one query of a head another row of attention.

    query: its position. weights: one for each key up to the query, (query + 1,), or (T,) with nothing on the future;
    divided by their sum. Scores stay what they were: the row is set after the softmax. In a generation the query is a
    position of the prompt.
    """

    head: int
    query: int
    weights: tuple[float, ...]
    call = "set_attention"
    site = "head_output"

    def __post_init__(self) -> None:
        super().__post_init__()
        weights = _vector(self.weights, "weights")
        if len(weights) <= self.query:
            got = f"{len(weights)} for the query at {self.query}"
            raise fail(
                f"{self.query + 1} weights, one for each key up to the query", got, "Give 0 where none is meant."
            )
        if any(weights[self.query + 1 :]):
            got = f"weight on position {next(i for i, w in enumerate(weights) if i > self.query and w)}"
            remedy = f"A query sees the keys up to its own position: give {self.query + 1} weights."
            raise fail(f"no weight after position {self.query}, the query", got, remedy)
        if min(weights) < 0 or not 0 < sum(weights) < math.inf:
            got = f"{min(weights):g} among them" if min(weights) < 0 else f"a sum of {sum(weights):g}"
            remedy = "Give at least one key a positive weight, and none a negative one."
            raise fail("weights of at least 0 with a positive sum", got, remedy)
        self._put("weights", weights[: self.query + 1])

    @property
    def row(self) -> tuple[float, ...]:
        """The weights, with a sum of 1."""
        total = sum(self.weights)
        return tuple(weight / total for weight in self.weights)

    def writer(self, read: Reader) -> Writer:
        row = torch.tensor(self.row)

        def write(x: Tensor, start: int, value: Tensor | None) -> None:
            assert value is not None
            if 0 <= self.query - start < x.shape[1]:
                x[:, self.query - start] = (row.to(x.device) @ value[:, : self.query + 1].float()).to(x.dtype)

        return write

    def set_row(self, weights: Tensor) -> None:
        """The same change to the head's map, (T, T), in place."""
        weights[self.query] = 0
        weights[self.query, : self.query + 1] = torch.tensor(self.row).to(weights)


@dataclass(frozen=True, repr=False)
class Patch(Edit):
    """Put what another pass had at one place there: activation patching.

    site: "residual" (the stream that enters block `layer`; n_layers is what leaves the last), "head_output" (with a
    head), "attn_out" or "mlp_out". position: which token, from the end if negative; None for all. source: a trace, of as
    many tokens and of a model of the same shape. In a generation the positions are those of the prompt.
    """

    position: int | None
    source: Trace
    head: int | None = None
    site: str = "residual"
    call = "patch"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.site, str) or self.site not in SITES:
            raise fail(f"one of the sites {', '.join(SITES)}", f"{self.site!r}", "Name where the patch goes.")
        if not isinstance(self.source, Trace):
            raise fail("a trace as source", type(self.source).__name__, "Write source=gpt.trace(text).", WrongType)
        if (self.head is None) == (self.site == "head_output"):
            got = f"site={self.site!r} with head={self.head!r}"
            raise fail('a head with the site "head_output", and with no other', got, "Give the head, or leave it out.")
        if self.position is not None:
            self._put("position", check_index(self.position, len(self.source.tokens), "position", negative=True))

    def needs(self) -> Trace | None:
        return self.source

    def writer(self, read: Reader) -> Writer:
        there = read(self.source, self.site, self.layer, self.head)  # (T, d)
        first, kept = (0, there) if self.position is None else (self.position, there[self.position][None])

        def write(x: Tensor, start: int, _value: Tensor | None) -> None:
            inside = kept[max(start - first, 0) : max(start + x.shape[1] - first, 0)]
            at = max(first - start, 0)
            x[:, at : at + len(inside)] = inside.to(x)

        return write

    def code(self, named: Callable[[Any], str] = lambda _value: "source") -> str:
        head = "" if self.head is None else f", head={self.head}"
        return f"gptviz.patch({_shown(self.site)}, {self.layer}, {self.position}, source={named(self.source)}{head})"


@dataclass(frozen=True, repr=False)
class AblateMLP(Edit):
    """Let the MLP of one block add nothing to the stream, at every position."""

    call = "ablate_mlp"
    site = "mlp_out"

    def writer(self, read: Reader) -> Writer:
        return lambda x, _start, _value: x.zero_()  # type: ignore[return-value]


@dataclass(frozen=True, repr=False)
class AblateNeuron(Edit):
    """Set one neuron's activation, what enters the MLP's down projection, to 0 at every position."""

    neuron: int
    call = "ablate_neuron"
    site = "neurons"

    def writer(self, read: Reader) -> Writer:
        return lambda x, _start, _value: x[..., self.neuron].zero_()  # type: ignore[return-value]


@dataclass(frozen=True, repr=False)
class Steer(Edit):
    """Add `strength` times a vector to the stream that enters block `layer` (n_layers: leaves the last), everywhere.

    vector: (d_model,).
    """

    vector: tuple[float, ...]
    strength: float = 1.0
    call = "steer"
    site = "residual"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._put("vector", _vector(self.vector, "vector"))
        self._put("strength", _finite(self.strength, "strength"))

    def writer(self, read: Reader) -> Writer:
        added = self.strength * torch.tensor(self.vector)
        return lambda x, _start, _value: x.add_(added.to(x))  # type: ignore[return-value]


def patch(site: str, layer: int, position: int | None, source: Trace, head: int | None = None) -> Patch:
    """Put what another pass had at one place there; see `Patch`."""
    return Patch(layer, position, source, head, site)


patch.__doc__ = Patch.__doc__
ablate_head, scale_head, set_attention = AblateHead, ScaleHead, SetAttention
ablate_mlp, ablate_neuron, steer = AblateMLP, AblateNeuron, Steer


def check_edits(edits: Any) -> tuple[Edit, ...]:
    """A list or tuple of edits, as a tuple."""
    remedy = "For example edits=[gptviz.ablate_head(0, 1)]."
    if not isinstance(edits, (list, tuple)):
        raise fail("edits as a list", type(edits).__name__, remedy, WrongType)
    for edit in edits:
        if not isinstance(edit, Edit):
            raise fail("edits, such as gptviz.ablate_head makes", f"{edit!r:.60}", remedy, WrongType)
    return tuple(edits)


def check_finite(logits: Tensor, edits: Sequence[Any]) -> None:
    """Refuse edits that took a pass beyond what its numbers can hold: its probabilities would be none."""
    if edits and not logits.isfinite().all():
        remedy = "Take a smaller factor or strength."
        raise fail("edits that leave the logits finite", "infinity or NaN among them", remedy)


def as_code(trace: Trace) -> str:
    """The lines that make this trace from a model named `gpt`: its sources and vectors first, then the pass."""
    lines: list[str] = []
    names: dict[str, str] = {}  # by the code that makes them: traces of one text have one name

    def named(value: Any) -> str:
        made = _traced(value, named) if isinstance(value, Trace) else repr(list(value))
        if made not in names:
            kind = "source" if isinstance(value, Trace) else "vector"
            count = sum(name.startswith(kind) for name in names.values())
            names[made] = kind if not count else f"{kind}_{count + 1}"
            lines.append(f"{names[made]} = {made}")
        return names[made]

    last = f"trace = {_traced(trace, named)}"
    return "\n".join([*lines, last])


def _traced(trace: Trace, named: Callable[[Any], str]) -> str:
    """The call that makes a trace: by its text, or by its ids where the text gives others."""
    ids = [token.id for token in trace.tokens]
    try:
        prompt: Any = trace.text if running_model(trace).encode(trace.text) == ids else ids
    except GPTVizError:
        prompt = ids
    shown = _shown(prompt)
    if not trace.edits:
        return f"gpt.trace({shown})"
    edits = "".join(f"    {edit.code(named)},\n" for edit in trace.edits)
    return f"gpt.trace({shown}, edits=[\n{edits}])"


def _shown(value: Any) -> str:
    """A literal, with double quotes around text, as the code that people write has them."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(_shown, value))}]"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def _counted(value: Any, what: str) -> int:
    """A whole number from 0; how many there are is the model's to say."""
    if isinstance(value, (bool, np.bool_)) or not hasattr(value, "__index__"):
        raise fail(f"a whole number as {what}", f"{value!r:.60}", f"{what.capitalize()} counts from 0.", WrongType)
    if value < 0:
        raise fail(f"a {what} of at least 0", f"{value}", f"{what.capitalize()} counts from 0.", OutOfRange)
    return value.__index__()


def _finite(value: Any, what: str) -> float:
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise fail(f"a number as {what}", f"{value!r:.60}", f"For example {what}=0.5.", WrongType)
    if not math.isfinite(value):
        raise fail(f"a finite {what}", f"{value}", f"For example {what}=0.5.")
    return float(value)


def _vector(values: Iterable[float] | Tensor, what: str) -> tuple[float, ...]:
    """One row of finite numbers from a list, an array or a tensor."""
    if isinstance(values, Tensor):
        values = values.detach().float().cpu().numpy()
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise fail(f"numbers as {what}", f"{values!r:.60}", "Give a list, an array or a tensor.", WrongType) from None
    if array.ndim != 1 or not array.size:
        raise fail(f"{what} in one row", f"shape {array.shape}", "Give a one-dimensional array.", WrongType)
    if not np.isfinite(array).all():
        raise fail(f"finite {what}", f"{array[~np.isfinite(array)][0]}", "Replace what is not a number.")
    return tuple(array.tolist())
