"""Where a model's parts are: found by watching one four-token pass, not by asking which family it is.

The pass answers general questions. Which modules called the attention function, and which list holds them? Whose input
is the attention's output (the output projection)? Whose output, carried through the norms that follow it, is added to
the stream, so that stream in + attention + MLP = stream out? An answer is used only if the numbers of that pass confirm
it; where none does, the quantity is refused, in words, when somebody asks for it. A companion of `capture.py`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import torch
from torch import Tensor, nn

from gptviz.errors import NotAvailable, fail
from gptviz.model.capture import AttentionCall, entering, first_tensor, running, watched


@dataclass(frozen=True)
class Part:
    """One of the two things a block adds to the stream: `scale * chain(input)`, the chain's modules called in turn."""

    chain: tuple[nn.Module, ...]
    scale: float = 1.0


@dataclass(frozen=True)
class Layer:
    """One block and its sites. What is None was not found, or not confirmed by the numbers."""

    block: nn.Module
    attention: nn.Module | None
    out_projection: nn.Module | None  # linear; maps the heads' outputs, side by side, to the stream
    attention_part: Part | None  # its chain begins with the module whose output is the attention's own
    mlp_part: Part | None
    down_projection: nn.Module | None  # linear; its input is the MLP's activations
    before_attention: tuple[nn.Module, ...] | None = None  # what enters the block goes through these into attention
    parallel: bool = False  # the MLP reads what enters the block, not what attention has added to

    @property
    def d_mlp(self) -> int | None:
        """How many neurons the down projection reads, or None where it was not found."""
        if self.down_projection is None:
            return None
        matrix = next(self.down_projection.parameters())
        return matrix.shape[1 if isinstance(self.down_projection, nn.Linear) else 0]  # Conv1D keeps it the other way


@dataclass(frozen=True)
class Tail:
    """From the stream that leaves the last block to the logits: modules, then the family's last step (soft-cap, scale)."""

    chain: tuple[nn.Module, ...]
    multiplier: float = 1.0
    cap: float | None = None

    def last_step(self, x: Tensor) -> Tensor:
        """What the family does to the scores that the modules give."""
        return x * self.multiplier if self.cap is None else self.cap * torch.tanh(x / self.cap)


@dataclass(frozen=True)
class Anatomy:
    """The parts of one model."""

    route: str  # "interface" | "eager"
    layers: tuple[Layer, ...]
    n_heads: int
    d_head: int
    d_model: int
    token_embedding: nn.Module
    position_embedding: nn.Module | None
    embedding_adds_up: bool  # token part + position part is what enters block 0
    rotary: bool
    tail: Tail | None
    moved: frozenset[nn.Module]  # modules whose input or output is written into after they had it, or gave it


@dataclass
class Visit:
    """One call of one module during the study pass, with copies of the numbers."""

    module: nn.Module
    entered: Tensor | None
    entered_copy: Tensor | None
    result: Any = None
    left: Tensor | None = None
    left_copy: Tensor | None = None

    @property
    def moved(self) -> bool:
        pairs = ((self.entered, self.entered_copy), (self.left, self.left_copy))
        return any(a is not None and b is not None and not torch.equal(a, b) for a, b in pairs)


@dataclass
class Study:
    """Every module's visits in the order in which they began, and the pass's logits."""

    visits: list[Visit] = field(default_factory=list)
    logits: Tensor | None = None

    def of(self, module: nn.Module) -> Visit | None:
        return next((v for v in self.visits if v.module is module), None)

    def inside(self, module: nn.Module) -> Iterator[Visit]:
        members = {id(m) for m in module.modules()} - {id(module)}
        return (v for v in self.visits if id(v.module) in members)


def study(model: nn.Module) -> Anatomy:
    """Run four tokens through the model and say where its parts are."""
    vocab = model.get_input_embeddings().weight.shape[0]  # type: ignore[operator, union-attr]
    device = model.get_input_embeddings().weight.device  # type: ignore[operator, union-attr]
    ids = torch.tensor([[vocab // 7, vocab // 3, vocab // 2, vocab // 5]], device=device)
    with running(model):
        seen, calls, _ = _watch(model, ids, "interface")
        if calls:
            return _anatomy(model, seen, "interface", {id(c.module): c for c in calls})
        seen, _, maps = _watch(model, ids, "eager")
        return _anatomy(model, seen, "eager", {id(m): None for m in _gave(seen, maps)}, maps[0] if maps else None)


def _watch(model: nn.Module, ids: Tensor, route: str) -> tuple[Study, list[AttentionCall], tuple[Tensor, ...]]:
    """Visits of every module, calls of the attention function, and the maps of the eager route."""
    seen, open_visits, handles = Study(), [], []

    def before(module: nn.Module, args: Any, kwargs: Any) -> None:
        entered = entering(args, kwargs)
        visit = Visit(module, entered, None if entered is None else entered.clone())
        seen.visits.append(visit)
        open_visits.append(visit)

    def after(module: nn.Module, _args: Any, result: Any) -> None:
        visit = open_visits.pop()
        visit.result, visit.left = result, first_tensor(result)
        visit.left_copy = None if visit.left is None else visit.left.clone()

    for module in model.modules():
        if module is not model:
            handles.append(module.register_forward_pre_hook(before, with_kwargs=True))
            handles.append(module.register_forward_hook(after))
    try:
        with watched(model, route, keep="outputs") as sink:
            result = model(ids, use_cache=False, **({"output_attentions": True} if route == "eager" else {}))
    finally:
        for handle in handles:
            handle.remove()
    seen.logits = result.logits
    return seen, sink.calls, tuple(m for m in getattr(result, "attentions", None) or () if m is not None)


def _gave(seen: Study, maps: tuple[Tensor, ...]) -> list[nn.Module]:
    """The innermost module that gave back each map, in order."""

    def has(visit: Visit, one: Tensor) -> bool:
        return isinstance(visit.result, (tuple, list)) and any(part is one for part in visit.result)

    found = [[v.module for v in seen.visits if has(v, one)] for one in maps]
    return [modules[-1] for modules in found if modules]


def _blocks(model: nn.Module, attention: list[nn.Module]) -> list[nn.Module]:
    """The members of the one list whose members hold the attention modules."""
    wanted = {id(m) for m in attention}
    for candidate in model.modules():
        if isinstance(candidate, nn.ModuleList):
            held = [wanted & {id(m) for m in member.modules()} for member in candidate]
            if wanted and set().union(*held) == wanted and all(len(h) <= 1 for h in held):
                return list(candidate)
    raise fail(
        "a causal language model whose blocks stand in one list, each with one attention module",
        f"{type(model).__name__}, where {len(attention)} attention modules were seen and no such list",
        "gptviz cannot look into this architecture; `gptviz.models()` names some that it can.",
        NotAvailable,
    )


def _anatomy(
    model: nn.Module, seen: Study, route: str, calls: dict[int, AttentionCall | None], one_map: Tensor | None = None
) -> Anatomy:
    by_id = {id(m): m for m in model.modules()}
    blocks = _blocks(model, [by_id[i] for i in calls])
    layers = tuple(_layer(model, seen, block, calls) for block in blocks)
    first, last = seen.of(blocks[0]), seen.of(blocks[-1])
    assert first is not None and last is not None and first.entered_copy is not None
    stream, d_model = first.entered_copy, first.entered_copy.shape[-1]
    call = next(iter(calls.values()))
    n_heads = call.query.shape[1] if call else one_map.shape[1]  # type: ignore[union-attr]
    d_head = call.query.shape[-1] if call else d_model // n_heads
    token = model.get_input_embeddings()  # type: ignore[operator]
    position, adds_up = _position_embedding(seen, token, blocks[0], stream)
    return Anatomy(
        route=route,
        layers=layers,
        n_heads=n_heads,
        d_head=d_head,
        d_model=d_model,
        token_embedding=token,
        position_embedding=position,
        embedding_adds_up=adds_up,
        rotary=any("rotary" in type(m).__name__.lower() for m in model.modules()),
        tail=_tail(model, seen, last),
        moved=frozenset(v.module for v in seen.visits if v.moved),
    )


def close(a: Tensor, b: Tensor) -> bool:
    """Equal up to the rounding of a few operations in the coarser of the two dtypes, relative to the largest value."""
    eps = max(torch.finfo(a.dtype).eps, torch.finfo(b.dtype).eps)
    return a.shape == b.shape and bool((a.float() - b.float()).abs().max() <= 8 * eps * b.float().abs().max())


def _is_linear(module: nn.Module) -> bool:
    weight = getattr(module, "weight", None)
    return isinstance(weight, Tensor) and weight.ndim == 2 and not isinstance(module, nn.Embedding)


def _contains(module: nn.Module, other: nn.Module) -> bool:
    return any(m is other for m in module.modules())


def _layer(model: nn.Module, seen: Study, block: nn.Module, calls: dict[int, AttentionCall | None]) -> Layer:
    """The sites of one block; whatever the numbers do not confirm is None."""
    attention = next((m for m in block.modules() if id(m) in calls), None)
    whole = seen.of(block)
    if attention is None or whole is None or whole.left_copy is None or whole.entered_copy is None:
        return Layer(block, attention, None, None, None, None)
    projection = _out_projection(seen, attention, calls[id(attention)])
    others = [child for child in block.children() if not _contains(child, attention)]
    others.sort(key=lambda child: -sum(p.numel() for p in child.parameters()))  # the MLP is the largest of them
    of_attention = [chain for end in _ends(seen, attention) for chain in _chains(seen, block, end)]
    of_mlp = [chain for child in others for end in _ends(seen, child) for chain in _chains(seen, block, end)]
    scales = {1.0} | {float(s) for o in (block, model.config) if (s := getattr(o, "residual_multiplier", None))}
    for a, m, scale in product(of_attention, of_mlp, scales):
        if _adds_up(seen, a[-1], m[-1], scale, whole):
            before, between = _way(seen, block, attention, whole), _way(seen, block, m[0], whole)
            parts = Part(a, scale), Part(m, scale), _down_projection(seen, m)
            return Layer(block, attention, projection, *parts, before, parallel=between is not None)
    return Layer(block, attention, projection, None, None, None)


def _way(seen: Study, block: nn.Module, module: nn.Module, whole: Visit) -> tuple[nn.Module, ...] | None:
    """What lies between the block's input and this module's: nothing, or one norm; None where the way is another."""
    entered = seen.of(module).entered  # type: ignore[union-attr]
    if entered is whole.entered:
        return ()
    norms = [v for v in seen.inside(block) if v.left is entered and v.entered is whole.entered]
    return (norms[0].module,) if norms and entered is not None else None


def _adds_up(seen: Study, attention: nn.Module, mlp: nn.Module, scale: float, whole: Visit) -> bool:
    """Whether stream in + scale * (attention + MLP) is the stream out. (OPT's MLP works on a flattened stream.)"""
    a, m = seen.of(attention).left_copy, seen.of(mlp).left_copy  # type: ignore[union-attr]
    before, after = whole.entered_copy, whole.left_copy
    if a.numel() != after.numel() or m.numel() != after.numel():  # type: ignore[union-attr]
        return False
    return close(before + scale * a.view_as(after) + scale * m.view_as(after), after)  # type: ignore


def _ends(seen: Study, module: nn.Module) -> list[nn.Module]:
    """Modules whose output may be the part's own: the module itself, or the last linear one that it called.

    (BLOOM adds the stream inside its attention and MLP modules; there the last projection's output is the part.)
    """
    visit = seen.of(module)
    if visit is None or visit.left is None:
        return []
    return [module, *[v.module for v in seen.inside(module) if _is_linear(v.module)][-1:]]


def _chains(seen: Study, block: nn.Module, start: nn.Module) -> list[tuple[nn.Module, ...]]:
    """`start` alone, then followed by the modules of the block through which its very output went on (norms)."""
    chain = [start]
    while True:
        left = seen.of(chain[-1]).left  # type: ignore[union-attr]
        onward = [v.module for v in seen.inside(block) if v.entered is left and v.left is not None]
        onward = [m for m in onward if not any(_contains(c, m) for c in chain)]
        if not onward:
            return [tuple(chain[: i + 1]) for i in range(len(chain))]
        chain.append(onward[0])


def _out_projection(seen: Study, attention: nn.Module, call: AttentionCall | None) -> nn.Module | None:
    """The linear module that was handed the heads' outputs side by side; None on the eager route, which has no values."""
    if call is None or call.output is None:
        return None
    inside = [v for v in seen.inside(attention) if _is_linear(v.module) and v.entered_copy is not None]
    return next((v.module for v in reversed(inside) if _same(v.entered_copy, call.output)), None)


def _down_projection(seen: Study, mlp: tuple[nn.Module, ...]) -> nn.Module | None:
    """The last linear module of the MLP, if its output is the MLP's own; its input is the activations.

    None for mixtures of experts, whose experts have activations of their own.
    """
    linear = [m for part in mlp for m in (part, *(v.module for v in seen.inside(part))) if _is_linear(m)]
    outputs = [visit.left_copy for visit in map(seen.of, mlp) if visit is not None]
    last = seen.of(linear[-1]) if linear else None
    return last.module if last is not None and any(_same(last.left_copy, output) for output in outputs) else None


def _same(a: Tensor | None, b: Tensor | None) -> bool:
    """The same numbers in the same order, whatever the shape."""
    return a is not None and b is not None and a.numel() == b.numel() and torch.equal(a.flatten(), b.flatten())


def _position_embedding(
    seen: Study, token: nn.Module, block: nn.Module, stream: Tensor
) -> tuple[nn.Module | None, bool]:
    """What gave the positions' part before the first block, and whether it and the token's part are the whole stream."""
    before = seen.visits[: next(i for i, v in enumerate(seen.visits) if v.module is block)]
    rows = seen.of(token).left_copy  # type: ignore[union-attr]
    others = [v for v in before if v.module is not token and v.left_copy is not None]
    others = [v for v in others if v.left_copy.shape[-2:] == stream.shape[-2:]]  # type: ignore[union-attr]
    for visit in others:
        if rows.shape == stream.shape and close(rows + visit.left_copy, stream):  # type: ignore[operator, union-attr]
            return visit.module, True
    return next((v.module for v in others if isinstance(v.module, nn.Embedding)), None), False


def _tail(model: nn.Module, seen: Study, last: Visit) -> Tail | None:
    """The modules between the last block and the logits, and what the family does to the logits after them."""
    chain, entered = [], last.left
    for visit in seen.visits[seen.visits.index(last) :]:
        if visit.entered is entered and visit.left is not None and not _contains(last.module, visit.module):
            chain.append(visit.module)
            entered = visit.left
    head = model.get_output_embeddings()  # type: ignore[operator]
    if head is not None and head not in chain:
        chain.append(head)
    config = model.config.get_text_config()  # type: ignore[union-attr, operator]
    cap, times, over = (getattr(config, n, None) for n in ("final_logit_softcapping", "logit_scale", "logits_scaling"))
    tails = [Tail(tuple(chain))]
    tails += [Tail(tuple(chain), cap=cap)] if cap else []
    tails += [Tail(tuple(chain), times)] if times else []
    tails += [Tail(tuple(chain), 1 / over)] if over else []
    try:
        x = run_chain(tuple(chain), last.left_copy)  # type: ignore[arg-type]
    except (RuntimeError, TypeError):
        return None
    logits = seen.logits
    return next((tail for tail in tails if logits is not None and close(tail.last_step(x), logits)), None)


def run_chain(chain: tuple[nn.Module, ...], x: Tensor) -> Tensor:
    """Call the modules in turn, each on the first tensor that the one before gave back."""
    for module in chain:
        x = first_tensor(module(x))  # type: ignore[assignment]
    return x
