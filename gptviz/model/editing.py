"""Edits brought to a model: at which module each acts, in which rows of a batch, and whether the model has that place.

An `Editing` is made once for a model and its edits, before the pass: whatever is wrong is said here, and what an edit
takes from another trace is read here. Then it gives the hooks of a pass. Several edits of one place act in their order,
on one copy of the module's own tensor, so that nothing outside the pass is written to. Not about what an edit means:
that is `intervention.py`.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from typing import Any

import torch
from torch import Tensor, nn

from gptviz.checks import check_index
from gptviz.errors import NotAvailable, fail
from gptviz.intervention.edits import AblateNeuron, Edit, Patch, SetAttention, Steer, Writer
from gptviz.model.anatomy import Anatomy, Layer, Part
from gptviz.model.capture import EditOutput, Hook, hooked, watched
from gptviz.trace.trace import Trace

ALL_ROWS = slice(None)
Placed = tuple[slice, Edit]  # an edit, and the rows of the batch that it is for


class Editing:
    """Edits made ready for the passes of one model.

    edits: each with the rows that it acts in. length: tokens of the text that positions are counted in.
    """

    def __init__(self, model: nn.Module, anatomy: Anatomy, edits: Iterable[Placed], length: int):
        self.model, self.anatomy, self.placed = model, anatomy, tuple(edits)
        for _, edit in self.placed:
            _check(edit, model, anatomy, length)
        read = cache(partial(_read, anatomy))  # a sweep reads the same place of the same trace again and again
        self._at: dict[tuple[str, int], list[tuple[slice, Edit, Writer]]] = {}
        for rows, edit in self.placed:
            self._at.setdefault((edit.site, edit.layer), []).append((rows, edit, edit.writer(read)))

    @property
    def edits(self) -> tuple[Edit, ...]:
        """The edits, in the order in which they were listed."""
        return tuple(edit for _, edit in self.placed)

    def touches(self, site: str, layer: int) -> bool:
        """Whether something is edited there."""
        return (site, layer) in self._at

    def hooks(self, rows: int = 1, start: int = 0) -> list[Hook]:
        """What `hooked` takes, for a pass of so many rows whose first token stands at position `start`."""
        return [
            (*place(self.anatomy, site, layer), partial(_rewritten, edits, rows, start))
            for (site, layer), edits in self._at.items()
            if site != "head_output"
        ]

    def heads(self, start: int = 0) -> dict[nn.Module, EditOutput]:
        """What `watched` takes: for attention modules, how the heads' outputs before the projection are rewritten."""
        edited = {layer: edits for (site, layer), edits in self._at.items() if site == "head_output"}
        modules = [self.anatomy.layers[layer].attention for layer in edited]
        return {m: partial(_rewritten_heads, e, start) for m, e in zip(modules, edited.values(), strict=True) if m}

    @contextmanager
    def acting(self, rows: int = 1, start: int = 0) -> Iterator[None]:
        """Edit the passes that are made inside, and keep nothing of them."""
        heads = self.heads(start)
        with hooked(self.hooks(rows, start)):
            if heads:
                with watched(self.model, self.anatomy.route, keep="nothing", edits=heads):
                    yield
            else:
                yield

    def rewrite_eager(self, layer: int, head: int | None, output: Tensor, weights: Tensor, value: Tensor) -> None:
        """The same edits on what the family's eager function gave, in place: output (1, T, H, d), weights (1, H, T, T).

        head: the one head that these are of, or None for all. value: (1, H_kv, T, d).
        """
        for _, edit, write in self._at.get(("head_output", layer), []):
            if head is None or head == edit.head:  # type: ignore[attr-defined]
                h = edit.head if head is None else 0  # type: ignore[attr-defined]
                write(output[:, :, h], 0, value[:, h * value.shape[1] // output.shape[2]])
                if isinstance(edit, SetAttention):
                    edit.set_row(weights[0, h])


def _rewritten(edits: list[tuple[slice, Edit, Writer]], rows: int, start: int, tensor: Tensor) -> Tensor:
    """A copy of a module's input or output with the edits done. (OPT's MLP has the rows' tokens in one line.)"""
    copy = tensor.clone(memory_format=torch.contiguous_format)
    by_row = copy.view(rows, -1, tensor.shape[-1])
    for which, _, write in edits:
        write(by_row[which], start, None)
    return copy


def _rewritten_heads(edits: list[tuple[slice, Edit, Writer]], start: int, output: Tensor, value: Tensor) -> Tensor:
    """A copy of the heads' outputs (rows, T, H, d) with the edits done; value (rows, H_kv, T, d)."""
    copy = output.clone()
    for which, edit, write in edits:
        head: int = edit.head  # type: ignore[attr-defined]
        write(copy[which, :, head], start, value[which, head * value.shape[1] // output.shape[2]])
    return copy


def place(anatomy: Anatomy, site: str, layer: int) -> tuple[nn.Module, str]:
    """The module whose input ("in") or output ("out") a site is."""
    if site == "residual":
        last = layer == len(anatomy.layers)
        return anatomy.layers[layer - last].block, "out" if last else "in"
    found = anatomy.layers[layer]
    if site == "neurons":
        return found.down_projection, "in"  # type: ignore[return-value]
    return _part(found, site).chain[-1], "out"


def _part(layer: Layer, site: str) -> Part:
    found = layer.attention_part if site == "attn_out" else layer.mlp_part
    assert found is not None  # `_check_site` has seen to it
    return found


def _read(anatomy: Anatomy, trace: Trace, site: str, layer: int, head: int | None) -> Tensor:
    """What a trace has at a site (T, d), as the module there gives it: before any multiplier on its way to the stream."""
    if site == "head_output":
        return torch.tensor(trace.head_mix(layer, head))  # type: ignore[arg-type]
    there = torch.tensor(getattr(trace, site)(layer))
    return there if site == "residual" else there / _part(anatomy.layers[layer], site).scale


def _check(edit: Edit, model: nn.Module, anatomy: Anatomy, length: int) -> None:
    """Refuse, in words, what this model has no place for."""
    stream = edit.site == "residual"
    check_index(edit.layer, len(anatomy.layers) + stream, "depth" if stream else "layer")
    if getattr(edit, "head", None) is not None:
        check_index(edit.head, anatomy.n_heads, "head")  # type: ignore[attr-defined]
    if not stream:
        _check_site(edit, model, anatomy)
    if isinstance(edit, AblateNeuron):
        check_index(edit.neuron, anatomy.layers[edit.layer].d_mlp or 0, "neuron")
    if isinstance(edit, SetAttention):
        check_index(edit.query, length, "position")
    if isinstance(edit, Steer) and len(edit.vector) != anatomy.d_model:
        remedy = "Take the vector from this model's stream."
        raise fail(f"a vector of d_model, {anatomy.d_model} numbers", f"{len(edit.vector)}", remedy)
    _check_source(edit, anatomy, length)


def _check_site(edit: Edit, model: nn.Module, anatomy: Anatomy) -> None:
    layer = anatomy.layers[edit.layer]
    needed: dict[str, Any] = {
        "head_output": layer.out_projection, "attn_out": layer.attention_part, "mlp_out": layer.mlp_part,
        "neurons": layer.down_projection,
    }  # fmt: skip
    if needed[edit.site] is not None:
        return
    what = {
        "head_output": "whose heads' outputs can be had before its projection",
        "attn_out": "whose attention adds one output to the stream",
        "mlp_out": "whose MLP adds one output to the stream",
        "neurons": "whose MLP ends in one down projection",
    }[edit.site]
    by_eager = anatomy.route == "eager" and edit.site == "head_output"
    why = "its attention takes the eager route" if by_eager else "no such module was found in it"
    remedy = 'Edits of the stream (patch with the site "residual", steer) act in every family.'
    raise fail(f"a block {what}", f"{edit!r} in {type(model).__name__}: {why}", remedy, NotAvailable)


def _check_source(edit: Edit, anatomy: Anatomy, length: int) -> None:
    source = edit.needs()
    if source is None:
        return
    shape = (len(anatomy.layers), anatomy.n_heads, anatomy.d_model, anatomy.d_head)
    other = (source.n_layers, source.n_heads, source.d_model, source.d_head)
    if shape != other:
        names = "{} layers, {} heads, d_model {}, d_head {}"
        remedy = "Trace the source with this model."
        raise fail(f"a source of {names.format(*shape)}", f"{names.format(*other)}", remedy)
    if isinstance(edit, Patch) and len(source.tokens) != length:
        remedy = "Write two prompts of as many tokens, so that positions correspond."
        raise fail(f"a source of {length} tokens, as the prompt has", f"{len(source.tokens)}", remedy)
