"""Edits of a pass, as small immutable values: what is changed and where.

    gpt.trace(prompt, edits=[gptviz.ablate_head(3, 1), gptviz.steer(2, vector, 4.0)])

Edits of one site act in the order in which they are listed, and only in the pass that they are given to. Layers, heads,
neurons and positions are counted from 0. While a text is generated, edits of heads, MLPs, neurons and the stream act at
every step; those that name a position or a query act at that position, in the pass over the prompt. An edit's own values
are checked when it is made; whether the model has such a layer or site is checked when it is used (`model/editing.py`).

Of an encoder-decoder, `stack="encoder"` edits the encoder, whose positions are those of the source, and `stack="cross"` cross
attention, whose queries are positions of the target and whose keys are positions of the source.

Sources: Vig et al. 2020 and Meng et al. 2022 (activation patching), Wang et al. 2022 (mean ablation), Jain & Wallace
2019 (set attention), Turner et al. 2023 (steering).
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import MISSING, dataclass, field, fields
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gptviz.checks import check_finite_number, check_index, short
from gptviz.errors import WrongType, fail
from gptviz.intervention.code import literal
from gptviz.sampling.probabilities import undefined_logits
from gptviz.trace.sequence import STACKS
from gptviz.trace.trace import Trace

SITES = ("residual", "head_output", "attn_out", "mlp_out")

# Changes a site's numbers in place. Called with x (rows, T, d), the rows that the edit acts in, whose first token stands
# at position `start` of the text, and, for a head, its values (rows, keys, d) and the weights with which these reach its
# output (rows, T, keys), after the edit's own `reweigh`. The weights are None in a pass where no edit reads them.
Writer = Callable[[Tensor, int, Tensor | None, Tensor | None], None]
# Returns a trace's numbers at a site, (T, d). Called with (trace, site, layer, head).
Reader = Callable[[Trace, str, int, int | None], Tensor]


@dataclass(frozen=True, repr=False)
class Edit:
    """What all edits have in common: a layer, the site where they act, and the code that makes them.

    call: the function of gptviz that makes the edit. site: "residual", "attn_out", "mlp_out", "head_output" (a head's
    output before the projection, and before a gate if the family has one) or "neurons". stack: of an encoder-decoder, the
    one in which it acts; cross attention has heads and an output only.
    """

    layer: int
    stack: str = field(default="decoder", kw_only=True)

    call = ""
    site = ""
    reads_weights = False  # whether the writer needs the weights of the head's values

    def __post_init__(self) -> None:
        for name in ("layer", "head", "neuron", "query", "key"):
            if getattr(self, name, None) is not None:
                self._set(name, check_index(getattr(self, name), None, name))
        if self.stack not in STACKS:
            raise fail(f"one of the stacks {', '.join(STACKS)}", short(self.stack), "Name the stack to edit.")
        if self.stack == "cross" and self.site not in ("head_output", "attn_out"):
            remedy = 'Its stream and MLPs are the decoder\'s: stack="decoder".'
            raise fail("an edit of heads or of attention with stack='cross'", self.call, remedy)

    @property
    def is_causal(self) -> bool:
        """Whether a query sees the keys up to its own position only, as in a decoder."""
        return self.stack == "decoder"

    def _set(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)

    def needs(self) -> Trace | None:
        """Returns the trace that the edit takes numbers from, or None."""
        return None

    def writer(self, read: Reader) -> Writer:
        """Returns the function that changes the site's numbers. What it needs from a trace is read now, before the pass."""
        raise NotImplementedError

    def reweigh(self, carried: Tensor, map: Tensor, start: int) -> None:
        """Changes, in place, the weights with which a head's values reach its output, and its map, as the edit does.

        Both are (rows, T, keys), for queries from position `start`. An edit whose numbers are not a mix of the values
        changes nothing here.
        """

    def code(
        self, named: Callable[[Any], str] = lambda value: "source" if isinstance(value, Trace) else "vector"
    ) -> str:
        """Returns the code that makes the edit. named: returns the variable that holds a trace or a vector."""
        parts = []
        for each in sorted(fields(self), key=lambda each: bool(each.kw_only)):
            value = getattr(self, each.name)
            if each.default is not MISSING and value == each.default:
                continue
            code = named(value) if isinstance(value, Trace) or each.name == "vector" else literal(value)
            by_keyword = each.default is not MISSING or isinstance(value, Trace)
            parts.append(f"{each.name}={code}" if by_keyword else code)
        return f"gptviz.{self.call}({', '.join(parts)})"

    def __repr__(self) -> str:
        return self.code()


@dataclass(frozen=True, repr=False)
class AblateHead(Edit):
    """Switches one head off, at every position.

    to: "zero", or "mean" for the head's mean over the positions of `reference`, a trace of the same model. Replaces the
    head's part of the output projection's input; its attention map stays as it is.
    """

    head: int
    to: str = "zero"
    reference: Trace | None = None
    call = "ablate_head"
    site = "head_output"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.to not in ("zero", "mean"):
            raise fail('to="zero" or to="mean"', short(self.to), "Zero removes the head's output.")
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
            return zero_at(None)
        mean = read(self.reference, "head_output", self.layer, self.head).mean(0)
        return lambda x, *_: x.copy_(mean.to(x).expand_as(x))  # type: ignore[return-value]

    def reweigh(self, carried: Tensor, map: Tensor, start: int) -> None:
        carried.zero_()


@dataclass(frozen=True, repr=False)
class ScaleHead(Edit):
    """Multiplies what one head adds to the stream by `factor`, at every position; its attention map stays as it is."""

    head: int
    factor: float
    call = "scale_head"
    site = "head_output"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set("factor", check_finite_number(self.factor, "factor", "For example factor=0.5."))

    def writer(self, read: Reader) -> Writer:
        return lambda x, *_: x.mul_(self.factor)  # type: ignore[return-value]

    def reweigh(self, carried: Tensor, map: Tensor, start: int) -> None:
        carried.mul_(self.factor)


@dataclass(frozen=True, repr=False)
class SetAttention(Edit):
    """Replaces the attention weights of one query of a head.

    query: its position. weights: one for each key up to the query, (query + 1,), or (T,) with 0 for later keys; in an
    encoder and in cross attention one for each source token, (S,). They are divided by their sum. The row is set after the
    softmax, so the scores stay as they are. While a text is generated, the query is a position of the prompt.
    """

    head: int
    query: int
    weights: tuple[float, ...]
    call = "set_attention"
    site = "head_output"

    def __post_init__(self) -> None:
        super().__post_init__()
        weights = _vector(self.weights, "weights")
        if self.is_causal and len(weights) <= self.query:
            got = f"{len(weights)} for the query at {self.query}"
            expected = f"{self.query + 1} weights, one for each key up to the query"
            raise fail(expected, got, "Give 0 to the keys that get no weight.")
        if self.is_causal and any(weights[self.query + 1 :]):
            got = f"weight on position {next(i for i, w in enumerate(weights) if i > self.query and w)}"
            remedy = f"A query sees the keys up to its own position: give {self.query + 1} weights."
            raise fail(f"no weight after position {self.query}, the query", got, remedy)
        if min(weights) < 0 or not 0 < sum(weights) < math.inf:
            got = f"{min(weights):g} among them" if min(weights) < 0 else f"a sum of {sum(weights):g}"
            remedy = "Give at least one key a positive weight, and none a negative one."
            raise fail("weights of at least 0 with a positive sum", got, remedy)
        self._set("weights", weights[: self.query + 1] if self.is_causal else weights)

    @property
    def row(self) -> tuple[float, ...]:
        """The weights divided by their sum."""
        total = sum(self.weights)
        return tuple(weight / total for weight in self.weights)

    def writer(self, read: Reader) -> Writer:
        row = torch.tensor(self.row, dtype=torch.float32)

        def write(x: Tensor, start: int, value: Tensor | None, *_: Tensor | None) -> None:
            assert value is not None
            if 0 <= self.query - start < x.shape[1]:
                x[:, self.query - start] = (row.to(x.device) @ value[:, : len(row)].float()).to(x.dtype)

        return write

    def reweigh(self, carried: Tensor, map: Tensor, start: int) -> None:
        if 0 <= self.query - start < map.shape[1]:
            for weights in (carried, map):
                row = weights[:, self.query - start]
                row.zero_()
                row[:, : len(self.row)] = torch.tensor(self.row, dtype=torch.float32).to(row)


@dataclass(frozen=True, repr=False)
class Patch(Edit):
    """Replaces the numbers at one site with those of another pass: activation patching.

    site: "residual" (the stream that enters block `layer`; n_layers is what leaves the last), "head_output" (with a
    head), "attn_out" or "mlp_out". position: which token, counted from the end if negative; None for all. source: a trace
    with the same number of tokens, of a model of the same shape. While a text is generated, positions are those of the
    prompt.
    """

    position: int | None
    source: Trace
    head: int | None = None
    site: str = "residual"
    call = "patch"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.site, str) or self.site not in SITES:
            raise fail(f"one of the sites {', '.join(SITES)}", short(self.site), "Name the site to patch.")
        if not isinstance(self.source, Trace):
            raise fail("a trace as source", type(self.source).__name__, "Write source=gpt.trace(text).", WrongType)
        if (self.head is None) == (self.site == "head_output"):
            got = f"site={self.site!r} with head={short(self.head)}"
            raise fail('a head only with site="head_output"', got, "Give the head, or leave it out.")
        if self.position is not None:
            tokens = len(self.source.of_stack(self.stack).tokens)
            self._set("position", check_index(self.position, tokens, "position", negative=True))

    def needs(self) -> Trace | None:
        return self.source

    def writer(self, read: Reader) -> Writer:
        numbers = read(self.source, self.site, self.layer, self.head)  # (T, d)
        first = 0 if self.position is None else self.position
        replacement = numbers if self.position is None else numbers[first][None]

        def write(x: Tensor, start: int, *_: Tensor | None) -> None:
            overlap = replacement[max(start - first, 0) : max(start + x.shape[1] - first, 0)]  # with x's tokens
            index = max(first - start, 0)
            x[:, index : index + len(overlap)] = overlap.to(x)

        return write

    def code(self, named: Callable[[Any], str] = lambda _value: "source") -> str:
        head = "" if self.head is None else f", head={self.head}"
        stack = "" if self.stack == "decoder" else f", stack={literal(self.stack)}"
        arguments = f"{literal(self.site)}, {self.layer}, {self.position}"
        return f"gptviz.patch({arguments}, source={named(self.source)}{head}{stack})"


@dataclass(frozen=True, repr=False)
class AblateMLP(Edit):
    """Switches the MLP of one block off: it adds nothing to the stream, at one position or at all.

    position: counted from 0; None for all. While a text is generated, it is a position of the prompt.
    """

    position: int | None = None
    call = "ablate_mlp"
    site = "mlp_out"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.position is not None:
            self._set("position", check_index(self.position, None, "position"))

    def writer(self, read: Reader) -> Writer:
        return zero_at(self.position)


@dataclass(frozen=True, repr=False)
class AblateNeuron(Edit):
    """Sets the activation of one neuron, which enters the MLP's down projection, to 0 at every position."""

    neuron: int
    call = "ablate_neuron"
    site = "neurons"

    def writer(self, read: Reader) -> Writer:
        return lambda x, *_: x[..., self.neuron].zero_()  # type: ignore[return-value]


@dataclass(frozen=True, repr=False)
class Steer(Edit):
    """Adds `strength` times a vector to the stream, at every position.

    layer: the block that the stream enters; n_layers is what leaves the last. vector: (d_model,).
    """

    vector: tuple[float, ...]
    strength: float = 1.0
    call = "steer"
    site = "residual"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set("vector", _vector(self.vector, "vector"))
        self._set("strength", check_finite_number(self.strength, "strength", "For example strength=0.5."))

    def writer(self, read: Reader) -> Writer:
        added = self.strength * torch.tensor(self.vector, dtype=torch.float32)
        return lambda x, *_: x.add_(added.to(x))  # type: ignore[return-value]


def patch(
    site: str, layer: int, position: int | None, source: Trace, head: int | None = None, *, stack: str = "decoder"
) -> Patch:
    # The site comes first here; in the dataclass it has a default and must come last. The docstring is the class's.
    return Patch(layer, position, source, head, site, stack=stack)


patch.__doc__ = Patch.__doc__
ablate_head, scale_head, set_attention = AblateHead, ScaleHead, SetAttention
ablate_mlp, ablate_neuron, steer = AblateMLP, AblateNeuron, Steer


def zero_at(position: int | None) -> Writer:
    """Returns the function that sets a site's numbers to 0 at one position, or at all if it is None."""

    def write(x: Tensor, start: int, *_: Tensor | None) -> None:
        if position is None:
            x.zero_()
        elif 0 <= position - start < x.shape[1]:
            x[:, position - start] = 0

    return write


def check_edits(edits: Any) -> tuple[Edit, ...]:
    """Returns a list or tuple of edits as a tuple; raises WrongType for anything else."""
    remedy = "For example edits=[gptviz.ablate_head(0, 1)]."
    if not isinstance(edits, (list, tuple)):
        raise fail("edits as a list", type(edits).__name__, remedy, WrongType)
    for edit in edits:
        if not isinstance(edit, Edit):
            raise fail("edits, such as gptviz.ablate_head makes", short(edit), remedy, WrongType)
    return tuple(edits)


def check_finite(logits: Tensor, edits: Sequence[Any], undefined_weight: Callable[[], str] = str) -> None:
    """Raises GPTVizError if logits (..., vocab) are NaN or infinite, because of the edits of their pass or without any.

    undefined_weight: see `undefined_logits`.
    """
    if logits.amax(-1).isfinite().all():
        return
    if edits:
        remedy = "Take a smaller factor or strength."
        raise fail("edits that leave the logits finite", "infinity or NaN among them", remedy)
    raise undefined_logits(str(logits.dtype).removeprefix("torch."), undefined_weight)


def _vector(values: Iterable[float] | Tensor, name: str) -> tuple[float, ...]:
    """Returns one row of finite numbers from a list, an array or a tensor."""
    if isinstance(values, Tensor):
        values = values.detach().float().cpu().numpy()
    advice = "Replace infinity and NaN with numbers."
    try:
        array = np.asarray(values, dtype=np.float64)
    except OverflowError:
        raise fail(f"finite {name}", short(values), advice) from None
    except (TypeError, ValueError):
        raise fail(f"numbers as {name}", short(values), "Give a list, an array or a tensor.", WrongType) from None
    if array.ndim != 1 or not array.size:
        raise fail(f"{name} in one row", f"shape {array.shape}", "Give a one-dimensional array.", WrongType)
    if not np.isfinite(array).all():
        raise fail(f"finite {name}", f"{array[~np.isfinite(array)][0]}", advice)
    return tuple(array.tolist())
