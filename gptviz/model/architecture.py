"""Architecture: which parts a model has, how they stand to each other, and to which part each parameter belongs.

It is found as `study.py` finds the parts that are traced: by one pass, with numbers that must agree, and without asking
which family the model is of.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gptviz.checks import did_you_mean
from gptviz.errors import NotAvailable, fail
from gptviz.model.anatomy import Anatomy, Layer, close
from gptviz.model.capture import hooked, running
from gptviz.model.mlps import MLP, mlp_modules, mlp_of
from gptviz.model.norms import Norm, norm_formula
from gptviz.model.requirements import checked_forward
from gptviz.model.studied_pass import ModuleCall, StudiedPass, same_numbers, watch
from gptviz.trace.predictions import as_array
from gptviz.trace.sources import Array

INSIDE, ON_STREAM = "inside attention", "on the stream itself"
_TOPICS = "blocks", "norms", "MLPs", "tables"


@dataclass(frozen=True, eq=False)
class BlockParts:
    """The parts of one block.

    order: "sequence" (the MLP reads what attention has added to), "parallel" (both read what enters the block), or None if
    the block is no sum of an attention and an MLP. norms: in the order in which they ran.
    """

    order: str | None
    has_attention: bool
    norms: tuple[Norm, ...]
    mlp: MLP


@dataclass(frozen=True, eq=False)
class Architecture:
    """The parts of a model; `GPT.architecture` returns it.

    blocks: in order. norms: all norms in the order in which they ran, those of the blocks too. is_tied: whether embedding
    and unembedding are one table. positions: "table", "rotary" or "other". part_of: for the name of each parameter, its part:
    "token table", "position table", "attention", "MLPs", "norms", "unembedding" or "other". block_of: the number of its
    block, None outside of all.
    """

    model: nn.Module
    blocks: tuple[BlockParts, ...]
    norms: tuple[Norm, ...]
    is_tied: bool
    positions: str
    part_of: dict[str, str]
    block_of: dict[str, int | None]

    def norm_to_read(self) -> Norm:
        """Returns the last norm that attention or an MLP reads through; in a model without one, the last norm of all.

        Raises NotAvailable for a model without norms.
        """
        outside = [norm for norm in self.norms if norm.where != INSIDE]
        if not outside:
            raise fail(
                "a model with a norm",
                f"{type(self.model).__name__}, in which none was recognised",
                "Load another model to see one: `gptviz.models()` names some.",
                NotAvailable,
            )
        return ([norm for norm in outside if norm.where.startswith("before")] or outside)[-1]

    def rows_at(self, norm: Norm, ids: Sequence[int]) -> tuple[Array, Array]:
        """Returns what enters a norm and what leaves it when the model reads these ids: (T, d) each. Runs the model once."""
        rows: list[Tensor] = []
        with (block := running(self.model)), block:
            with hooked([(norm.module, "in", rows.append), (norm.module, "out", rows.append)]):
                checked_forward(self.model, torch.tensor([list(ids)], device=_device(self.model)))
        before, after = (as_array(each.reshape(-1, each.shape[-1])) for each in rows[:2])
        return before, after

    def in_words(self, topic: str) -> str:
        """Returns in a few lines what this model has. topic: "blocks", "norms", "MLPs" or "tables"."""
        if topic not in _TOPICS:
            raise fail(f"one of the topics {', '.join(_TOPICS)}", f"{topic!r:.60}", did_you_mean(str(topic), _TOPICS))
        lines = {"blocks": self._blocks, "norms": self._norms, "MLPs": self._mlps, "tables": self._tables}[topic]()
        return "\n".join(lines)

    def _blocks(self) -> Iterator[str]:
        for order, which in _grouped(block.order for block in self.blocks):
            yield f"{which}: {_ORDERS[order]}"

    def _norms(self) -> Iterator[str]:
        per_block = [", ".join(f"{norm.kind} {norm.where}" for norm in block.norms) for block in self.blocks]
        for norms, which in _grouped(per_block):
            yield f"{which}: {norms or 'no norm'}"
        inside = {id(norm) for block in self.blocks for norm in block.norms}
        others = [f"{norm.kind} {norm.where}" for norm in self.norms if id(norm) not in inside]
        yield f"outside of the blocks: {', '.join(others) or 'no norm'}"

    def _mlps(self) -> Iterator[str]:
        for words, which in _grouped(block.mlp.in_words() for block in self.blocks):
            yield f"{which}: {words}"

    def _tables(self) -> Iterator[str]:
        tied = "one table (tied)" if self.is_tied else "two tables"
        yield f"embedding and unembedding: {tied}"
        yield f"positions: {_POSITIONS[self.positions]}"


_ORDERS = {
    "sequence": "attention first; then the MLP reads the stream to which attention has added",
    "parallel": "attention and the MLP side by side; both read what enters the block",
    None: "what leaves the block is not the sum of what entered it, what attention adds and what the MLP adds",
}
_POSITIONS = {
    "table": "a table of position rows, which are added to the token rows",
    "rotary": "no table; attention rotates its queries and keys",
    "other": "no table; they enter in another way",
}


def architecture_of(model: nn.Module, anatomy: Anatomy) -> Architecture:
    """Returns the parts of a decoder-only model whose anatomy is known. Runs four tokens through it."""
    rows = len(anatomy.token_embedding.weight)  # type: ignore[union-attr, arg-type]
    ids = torch.tensor([[rows // 7, rows // 3, rows // 2, rows // 5]], device=_device(model))
    with (block := running(model)), block:
        studied = watch(model, ids, anatomy.route)
        norms = _norms_of(studied, anatomy)
        blocks = tuple(
            BlockParts(
                _order(layer),
                layer.attention is not None,
                tuple(norm for norm in norms if norm.module in set(layer.block.modules())),
                mlp_of(studied, layer),
            )
            for layer in anatomy.layers
        )
    modules = dict(model.named_modules())
    part, number = _parts_of_modules(model, anatomy, {norm.module for norm in norms})
    named = {name: modules[name.rpartition(".")[0]] for name, _ in model.named_parameters(remove_duplicate=False)}
    head = model.get_output_embeddings()  # type: ignore[operator]
    return Architecture(
        model=model,
        blocks=blocks,
        norms=tuple(norms),
        is_tied=head is not None and head.weight is model.get_input_embeddings().weight,  # type: ignore[operator, union-attr]
        positions="table" if anatomy.position_embedding is not None else "rotary" if anatomy.rotary else "other",
        part_of={name: part.get(module, "other") for name, module in named.items()},
        block_of={name: number.get(module) for name, module in named.items()},
    )


def _device(model: nn.Module) -> torch.device:
    return model.get_input_embeddings().weight.device  # type: ignore[no-any-return, operator, union-attr]


def _order(layer: Layer) -> str | None:
    if layer.mlp_part is None:
        return None
    return "parallel" if layer.parallel else "sequence"


def _grouped(of_blocks: Iterable[str | None]) -> Iterator[tuple[str | None, str]]:
    """Yields each different value with the blocks that have it, in words."""
    values = list(of_blocks)
    for value, count in Counter(values).items():
        numbers = [str(i) for i, other in enumerate(values) if other == value]
        yield value, "each block" if count == len(values) else f"block{'s' * (count > 1)} {', '.join(numbers)}"


def _norms_of(studied: StudiedPass, anatomy: Anatomy) -> list[Norm]:
    """Returns the norms among the modules, in the order in which they ran."""
    names = {module: name for name, module in studied.model.named_modules()}
    norms = []
    for call in studied.module_calls:
        if list(call.module.children()) or call.input_copy is None or call.module not in names:
            continue
        formula = norm_formula(call.module, call.input_copy)
        if formula is not None:
            centred, gain, bias, epsilon = formula
            where, name = _where(studied, anatomy, call), names.pop(call.module)
            values = as_array(gain), as_array(bias)
            norms.append(Norm(name, where, centred, *values, epsilon, call.module, studied.model))
    return norms


def _where(studied: StudiedPass, anatomy: Anatomy, call: ModuleCall) -> str:
    """Returns in words where a norm stands: its input and the modules that read its output show it."""
    layer = next((layer for layer in anatomy.layers if call.module in set(layer.block.modules())), None)
    if layer is None:
        first = studied.call_of(anatomy.layers[0].block)
        is_early = studied.module_calls.index(call) < studied.module_calls.index(first)  # type: ignore[arg-type]
        return "before the first block" if is_early else "after the last block"
    if layer.attention is not None and call.module in set(layer.attention.modules()):
        return INSIDE
    after = {"attention": layer.attention_part, "the MLP": layer.mlp_part}
    for reader, part in after.items():
        if part is not None and call.module in part.chain[1:]:
            return f"after {reader}"
    if layer.mlp_part is None and _is_on_stream(studied, layer, call):
        return ON_STREAM
    readers = {"attention": [layer.attention] if layer.attention else [], "the MLP": mlp_modules(layer)}
    inputs = {reader: [studied.call_of(module) for module in modules][:1] for reader, modules in readers.items()}
    takers = [r for r, calls in inputs.items() if calls and same_numbers(calls[0].input_copy, call.output_copy)]  # type: ignore[union-attr]
    return f"before {' and '.join(takers)}" if takers else "elsewhere in the block"


def _is_on_stream(studied: StudiedPass, layer: Layer, call: ModuleCall) -> bool:
    """Returns whether a norm was given the stream after an addition, or gave what leaves the block."""
    whole = studied.call_of(layer.block)
    attention = None if layer.attention is None else studied.call_of(layer.attention)
    if whole is None or whole.input_copy is None or call.input_copy is None:
        return False
    if same_numbers(call.output_copy, whole.output_copy):
        return True
    added = None if attention is None else attention.output_copy
    total = whole.input_copy + added if added is not None and added.shape == whole.input_copy.shape else None
    return total is not None and close(total, call.input_copy.reshape(total.shape))


def _parts_of_modules(
    model: nn.Module, anatomy: Anatomy, norms: set[nn.Module]
) -> tuple[dict[nn.Module, str], dict[nn.Module, int]]:
    """Returns the part that each module belongs to, and the number of its block. What comes later counts."""
    part: dict[nn.Module, str] = {}
    number: dict[nn.Module, int] = {}
    for index, layer in enumerate(anatomy.layers):
        number |= dict.fromkeys(layer.block.modules(), index)
        part |= _parts_of_block(layer, norms)
    outside = [module for module in model.modules() if module not in number]
    part |= {module: "norms" for module in outside if _is_norm(module, norms)}
    for name, table in (
        ("unembedding", model.get_output_embeddings()),  # type: ignore[operator]
        ("position table", anatomy.position_embedding),
        ("token table", anatomy.token_embedding),
    ):
        if table is not None:
            part |= dict.fromkeys(table.modules(), name)
    return part, number


def _is_norm(module: nn.Module, norms: set[nn.Module]) -> bool:
    return module in norms or "norm" in type(module).__name__.lower()


def _parts_of_block(layer: Layer, norms: set[nn.Module]) -> dict[nn.Module, str]:
    """Returns the parts of a block's modules. Without a confirmed MLP, what is neither attention nor norm counts as one."""
    attention, mlp = layer.attention, {inner for module in mlp_modules(layer) for inner in module.modules()}
    around = next((child for child in layer.block.children() if attention in set(child.modules())), None)
    if around is not None and mlp & set(around.modules()):
        around = attention
    if not mlp and attention is not None:
        mlp = set(layer.block.modules()) - {layer.block}
    part = {module: "norms" for module in layer.block.modules() if _is_norm(module, norms)}
    part = dict.fromkeys(mlp, "MLPs") | part
    return part if around is None else part | dict.fromkeys(around.modules(), "attention")
