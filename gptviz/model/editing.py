"""Applies edits to a model: finds the module where each acts, and makes the hooks that change what passes there.

An `Editing` is made for one model and its edits before the pass: an edit that does not fit the model is rejected then, and
what an edit takes from another trace is read then. Several edits of one site act in order, on one copy of the module's
own tensor, so that nothing outside the pass is written to. What the edits mean is in `intervention/edits.py`.
"""

from collections.abc import Iterable
from functools import cache, partial

import torch
from torch import Tensor, nn

from gptviz.checks import check_index
from gptviz.errors import NotAvailable, fail
from gptviz.intervention.attention_edits import AblateAttention, AblateKey
from gptviz.intervention.edits import AblateNeuron, Edit, Patch, SetAttention, Steer, Writer
from gptviz.model.anatomy import Anatomy, Layer, Part, check_one_stream, no_attention
from gptviz.model.capture import AttentionCall, EditOutput, Hook, add_hooks, record
from gptviz.model.changes import Block
from gptviz.model.head_arguments import HeadArguments, family_attention
from gptviz.trace.trace import LEAVE_STACK_OUT, Trace

ALL_ROWS = slice(None)
RowsEdit = tuple[slice, Edit]  # an edit, and the rows of the batch that it acts in
PreparedEdit = tuple[slice, Edit, Writer]  # with the function that changes a site's numbers


class Editing:
    """Edits that were checked against one model and are ready for its passes."""

    def __init__(
        self,
        model: nn.Module,
        anatomy: Anatomy,
        edits: Iterable[RowsEdit],
        length: int,
        keys: int | None = None,
        stack: str = "decoder",
    ):
        """Checks and prepares the edits. length, keys, stack: see `check_edit`."""
        self.model, self.anatomy = model, anatomy
        rows_edits = tuple(edits)
        self.edits = tuple(edit for _, edit in rows_edits)
        for edit in self.edits:
            check_edit(edit, model, anatomy, length, keys, stack)
        read = cache(partial(_read, anatomy, stack))  # a sweep reads the same site of the same trace many times
        self._prepared: dict[tuple[str, int], list[PreparedEdit]] = {}
        for rows, edit in rows_edits:
            self._prepared.setdefault((edit.site, edit.layer), []).append((rows, edit, edit.writer(read)))

    def touches(self, site: str, layer: int) -> bool:
        """Returns whether an edit acts at this site of this layer."""
        return (site, layer) in self._prepared

    def hooks(self, rows: int = 1, start: int = 0) -> list[Hook]:
        """Returns the hooks for a pass of so many rows whose first token stands at position `start`."""
        return [
            (*module_at(self.anatomy, site, layer), partial(_edited, edits, rows, start))
            for (site, layer), edits in self._prepared.items()
            if site != "head_output"
        ]

    def heads(self, start: int = 0) -> dict[nn.Module, EditOutput]:
        """Returns, for each attention module, what changes its heads' outputs before the projection; see `recording`."""
        edits_of_layers = {layer: edits for (site, layer), edits in self._prepared.items() if site == "head_output"}
        by_module = ((self.anatomy.layers[layer].attention, edits) for layer, edits in edits_of_layers.items())
        return {module: partial(_edited_heads, edits, start) for module, edits in by_module if module is not None}

    def acting(self, rows: int = 1, start: int = 0) -> Block[None]:
        """Applies the edits to every pass inside the block and records nothing; see `hooks` for rows and start.

        The block raises ModelChanged if the model is not the one that the edits were prepared for. Without edits, only its
        blocks and settings are compared.
        """

        return acting(self.model, self.anatomy, bool(self.edits), self.hooks(rows, start), self.heads(start))

    def rewrite_eager(self, layer: int, head: int | None, output: Tensor, weights: Tensor, value: Tensor) -> None:
        """Applies the edits of heads, in place, to what the family's eager function returned.

        output: (1, T, H, d_value). weights: (1, H, T, T). value: (1, H_kv, T, d_value). head: the one head that these
        belong to, or None for all.
        """
        carried = weights.clone()
        for _, edit, write in self._prepared.get(("head_output", layer), []):
            for index in range(output.shape[2]):
                if _acts_in(edit, index if head is None else head):
                    edit.reweigh(carried[:, index], weights[:, index], 0)
                    write(output[:, :, index], 0, _values_of(index, value, output), carried[:, index])

    def carried(self, layer: int, weights: Tensor) -> Tensor:
        """Returns the weights with which values reach the heads' outputs, from those without any edit: (H, T, T).

        A head that is switched off or scaled keeps its map, but its values arrive with other weights.
        """
        carried, maps = weights.clone(), weights.clone()
        for _, edit, _ in self._prepared.get(("head_output", layer), []):
            for head in range(len(maps)):
                if _acts_in(edit, head):
                    edit.reweigh(carried[None, head], maps[None, head], 0)
        return carried

    def rows_left(self, layer: int, tokens: int) -> Tensor | None:
        """Returns 0 for each token whose attention output is switched off in a layer, 1 for the others: (T, 1).

        None if an edit has set the attention output to other numbers.
        """
        left = torch.ones(tokens, 1)
        for _, edit, write in self._prepared.get(("attn_out", layer), []):
            if not isinstance(edit, AblateAttention):
                return None
            write(left[None], 0, None, None)
        return left


def acting(
    model: nn.Module, anatomy: Anatomy, has_edits: bool, hooks: list[Hook], heads: dict[nn.Module, EditOutput]
) -> Block[None]:
    """Returns a block in which hooks and edits of heads act; see `Editing.acting`."""

    def begin(block: Block[None]) -> None:
        structure = anatomy.structure
        structure.check() if has_edits else structure.check_for_generation()
        add_hooks(block, hooks)
        if heads:
            record(block, model, anatomy.route, keep="nothing", edits=heads)

    return Block(begin)


def _edited(edits: list[PreparedEdit], rows: int, start: int, tensor: Tensor) -> Tensor:
    """Returns an edited copy of a module's input or output. (OPT's MLP has the tokens of all rows in one dimension.)"""
    copy = tensor.clone(memory_format=torch.contiguous_format)
    by_row = copy.view(rows, -1, tensor.shape[-1])
    for which, _, write in edits:
        write(by_row[which], start, None, None)
    return copy


def _edited_heads(edits: list[PreparedEdit], start: int, output: Tensor, call: AttentionCall) -> Tensor:
    """Returns an edited copy of the heads' outputs, (rows, T, H, d_value). call: what the attention function was given."""
    copy, maps, carried = output.clone(), None, None
    if any(edit.reads_weights for _, edit, _ in edits):
        maps = family_attention(HeadArguments(call, None))[1]
        carried = maps.clone()
    for which, edit, write in edits:
        for head in range(output.shape[2]):
            if not _acts_in(edit, head):
                continue
            weights = None
            if maps is not None and carried is not None:
                weights = carried[which, head]
                edit.reweigh(weights, maps[which, head], start)
            write(copy[which, :, head], start, _values_of(head, call.value, output)[which], weights)
    return copy


def _acts_in(edit: Edit, head: int) -> bool:
    """Returns whether an edit of heads acts in this one; one without a head acts in all."""
    return edit.head in (None, head)  # type: ignore[attr-defined]


def _values_of(head: int, value: Tensor, output: Tensor) -> Tensor:
    """Returns a head's values, (rows, keys, d_value), from those of all key heads, (rows, H_kv, keys, d_value)."""
    return value[:, head * value.shape[1] // output.shape[2]]


def module_at(anatomy: Anatomy, site: str, layer: int) -> tuple[nn.Module, str]:
    """Returns the module whose input ("in") or output ("out") a site is."""
    if site == "residual":
        is_last = layer == len(anatomy.layers)
        return anatomy.layers[layer - is_last].block, "out" if is_last else "in"
    sites = anatomy.layers[layer]
    if site == "neurons":
        return sites.down_projection, "in"  # type: ignore[return-value]
    return _part(sites, site).chain[-1], "out"


def _part(layer: Layer, site: str) -> Part:
    part = layer.attention_part if site == "attn_out" else layer.mlp_part
    assert part is not None  # `_check_site` has rejected the edit otherwise
    return part


def _read(anatomy: Anatomy, stack: str, trace: Trace, site: str, layer: int, head: int | None) -> Tensor:
    """Returns a trace's numbers at a site, (T, d), as the module there returns them: before any multiplier.

    stack: the one that the edit acts in.
    """
    trace = trace.of_stack(stack)
    if site == "head_output":
        return torch.tensor(trace.head_mix(layer, head))  # type: ignore[arg-type]
    numbers = torch.tensor(getattr(trace, site)(layer))
    return numbers if site == "residual" else numbers / _part(anatomy.layers[layer], site).scale


def check_edit(
    edit: Edit, model: nn.Module, anatomy: Anatomy, length: int, keys: int | None = None, stack: str = "decoder"
) -> None:
    """Raises an error if the edit does not fit the model or the text.

    length: tokens of the text in which the edit counts positions. keys: how many tokens every query sees; None for those up
    to its own position. stack: the one that the edit is for.
    """
    if edit.stack != stack:
        raise fail("an edit of the decoder, for a decoder-only model", f"{edit!r}", LEAVE_STACK_OUT)
    in_stream = edit.site == "residual"
    check_index(edit.layer, len(anatomy.layers) + in_stream, "depth" if in_stream else "layer")
    if in_stream:
        check_one_stream(anatomy, type(model).__name__)
    else:
        _check_site(edit, model, anatomy)
    if getattr(edit, "head", None) is not None:
        heads = anatomy.layers[edit.layer].n_heads
        check_index(edit.head, heads, "head", where=f" in layer {edit.layer}")  # type: ignore[attr-defined]
    if isinstance(edit, AblateNeuron):
        check_index(edit.neuron, anatomy.layers[edit.layer].d_mlp or 0, "neuron")
    for name in ("position", "query"):
        if edit.needs() is None and getattr(edit, name, None) is not None:
            check_index(getattr(edit, name), length, "position")
    if keys is not None and isinstance(edit, AblateKey):
        check_index(edit.key, keys, "key")
    if keys is not None and isinstance(edit, SetAttention) and len(edit.weights) != keys:
        remedy = "Give 0 to the keys that get no weight."
        raise fail(f"{keys} weights, one for each source token", f"{len(edit.weights)}", remedy)
    if isinstance(edit, Steer) and len(edit.vector) != anatomy.d_model:
        remedy = "Take the vector from this model's stream."
        raise fail(f"a vector of d_model, {anatomy.d_model} numbers", f"{len(edit.vector)}", remedy)
    _check_source(edit, anatomy, length)


def _check_site(edit: Edit, model: nn.Module, anatomy: Anatomy) -> None:
    layer = anatomy.layers[edit.layer]
    if layer.attention is None and edit.site in ("head_output", "attn_out"):
        raise no_attention(edit.layer, type(model).__name__)
    module, description = {
        "head_output": (layer.out_projection, "whose heads have separate outputs before its projection"),
        "attn_out": (layer.attention_part, "whose attention adds one output to the stream"),
        "mlp_out": (layer.mlp_part, "whose MLP adds one output to the stream"),
        "neurons": (layer.down_projection, "whose MLP ends in one down projection"),
    }[edit.site]
    if module is None:
        by_eager = anatomy.route == "eager" and edit.site == "head_output"
        reason = "its attention takes the eager route" if by_eager else "no such module was found in it"
        remedy = "Other edits, such as those of the stream (steer), may be possible."
        got = f"{edit!r} in {type(model).__name__}: {reason}"
        facts = {"edit": repr(edit), "family": type(model).__name__}
        raise fail(f"a block {description}", got, remedy, NotAvailable, "no_edit", **facts)


def _check_source(edit: Edit, anatomy: Anatomy, length: int) -> None:
    if (whole := edit.needs()) is None:
        return
    source = whole.of_stack(edit.stack)
    expected = ([layer.n_heads for layer in anatomy.layers], anatomy.d_model, anatomy.d_head)
    shape = ([source.heads_in(layer) for layer in range(source.n_layers)], source.d_model, source.d_head)
    if shape != expected:
        remedy = "Trace the source with this model."
        raise fail(f"a source of {_describe_shape(*expected)}", _describe_shape(*shape), remedy)
    if isinstance(edit, Patch) and len(source.tokens) != length:
        remedy = "Write two prompts with the same number of tokens, so that positions correspond."
        raise fail(f"a source of {length} tokens, as the prompt has", f"{len(source.tokens)}", remedy)


def _describe_shape(heads: list[int], d_model: int, d_head: int) -> str:
    """Returns a model's shape in words. heads: the number of heads of each layer."""
    counts = f"{heads[0]}" if len(set(heads)) == 1 else ", ".join(map(str, heads))
    return f"{len(heads)} layers, {counts} heads, d_model {d_model}, d_head {d_head}"
