"""Finds the parts of a model by watching one four-token pass, without asking which family it is.

The pass answers general questions. Which modules called the attention function, and which list holds them? Whose input
is attention's output (the output projection)? Whose output, carried through the norms that follow it, is added to the
stream, so that stream in + attention + MLP = stream out? An answer is used only if the numbers of that pass confirm it;
otherwise the part is None, and what needs it raises NotAvailable later.
"""

from collections import Counter
from collections.abc import Iterable
from itertools import product

import torch
from torch import Tensor, nn

from gptviz.errors import NotAvailable, fail
from gptviz.model.anatomy import Anatomy, Layer, Part, Tail, close, run_chain
from gptviz.model.capture import AttentionCall, running, takes
from gptviz.model.linear_maps import is_linear
from gptviz.model.requirements import check_forward
from gptviz.model.structure import Structure
from gptviz.model.studied_pass import ModuleCall, StudiedPass, map_makers, same_numbers, watch

# What each attention module gave to the attention function, by the module's id; None on the eager route.
Calls = dict[int, AttentionCall | None]
_OTHER_MODELS = "gptviz cannot look into this architecture; `gptviz.models()` names some that it can."


def study(model: nn.Module) -> Anatomy:
    """Runs four tokens through the model and returns where its parts are.

    Raises NotAvailable if its blocks do not stand in one list, each with at most one attention module, or if one of these
    is used twice, and GPTVizError if it cannot be run or is not causal.
    """
    vocab = model.get_input_embeddings().weight.shape[0]  # type: ignore[operator, union-attr]
    device = model.get_input_embeddings().weight.device  # type: ignore[operator, union-attr]
    ids = torch.tensor([[vocab // 7, vocab // 3, vocab // 2, vocab // 5]], device=device)
    with (block := running(model)), block:
        check_forward(model, ids)
        studied = watch(model, ids, "interface")
        if studied.attention_calls:
            check_attention(studied)
            calls: Calls = {id(call.module): call for call in studied.attention_calls}
            return anatomy_of(studied, "interface", calls, model.get_input_embeddings())  # type: ignore[operator]
        studied = watch(model, ids, "eager")
        makers = map_makers(studied)
        _check_used_once(model, makers)
        calls = {id(module): None for module in makers}
        return anatomy_of(studied, "eager", calls, model.get_input_embeddings())  # type: ignore[operator]


def check_attention(studied: StudiedPass) -> None:
    """Raises NotAvailable unless each attention module computed one map a head, and stands at one place."""
    _check_one_map(studied)
    _check_used_once(studied.model, [call.module for call in studied.attention_calls])


def _check_one_map(studied: StudiedPass) -> None:
    """Raises NotAvailable if a module that ran once called its attention function several times."""
    runs = Counter(id(call.module) for call in studied.module_calls)
    computed = Counter(id(call.module) for call in studied.attention_calls)
    for call in studied.attention_calls:
        module = call.module
        if computed[id(module)] > runs[id(module)] == 1:
            raise fail(
                "attention modules that each compute one attention map a head",
                f"{type(studied.model).__name__}, whose {type(module).__name__} computes {computed[id(module)]}",
                _OTHER_MODELS,
                NotAvailable,
            )


def _check_used_once(model: nn.Module, modules: list[nn.Module]) -> None:
    """Raises NotAvailable if a module is in the list twice: what it computes in two places could not be told apart."""
    if len({id(module) for module in modules}) < len(modules):
        raise fail(
            "a model whose blocks are modules of their own",
            f"{type(model).__name__}, where one module is used at several places",
            "Put a copy, copy.deepcopy(module), at each place; what each computes can then be told apart.",
            NotAvailable,
        )


def anatomy_of(
    studied: StudiedPass,
    route: str,
    calls: Calls,
    token: nn.Module | None,
    other: Calls | None = None,
    structure: Structure | None = None,
    tokens: int | None = None,
    causal: bool = True,
) -> Anatomy:
    """Returns the parts of the stack of blocks whose attention modules are those of `calls`.

    token: its token table. other: the second attention modules of its blocks. structure: of the model, if it is known.
    tokens: how many it read; None for the stack whose last stream becomes the logits. causal: see `Anatomy`.
    """
    model = studied.model
    blocks = [block for block in _blocks(model, set(calls)) if studied.call_of(block)]  # those that the pass runs
    first, last = studied.call_of(blocks[0]), studied.call_of(blocks[-1])
    assert first is not None and last is not None and first.input_copy is not None
    stream, d_model = first.input_copy, first.input_copy.shape[-1]
    layers = tuple(_layer(studied, block, calls, other or {}) for block in blocks)
    widths = [call.query.shape[-1] for call in calls.values() if call]
    position, adds_up = _position_embedding(studied, token, blocks[0], stream)
    return Anatomy(
        route=route,
        layers=layers,
        d_head=max(widths, default=d_model // max(layer.n_heads for layer in layers)),
        d_model=d_model,
        one_stream=_has_one_stream(studied, blocks, (studied.logits.shape[1] if tokens is None else tokens, d_model)),  # type: ignore[union-attr]
        vocab_size=studied.logits.shape[-1],  # type: ignore[union-attr]
        token_embedding=token,
        position_embedding=position,
        embedding_adds_up=adds_up,
        rotary=any("rotary" in type(m).__name__.lower() for m in model.modules()),
        tail=_tail(studied, last) if tokens is None else None,
        takes_positions=studied.counts_from_zero and takes(model.forward, "position_ids"),
        overwritten=frozenset(call.module for call in studied.module_calls if call.overwritten),
        structure=structure or Structure(model),
        causal=causal,
    )


def _blocks(model: nn.Module, attention: set[int]) -> list[nn.Module]:
    """Returns the members of the one list whose members hold the attention modules with these ids."""
    for candidate in model.modules():
        if isinstance(candidate, nn.ModuleList):
            held = [attention & {id(m) for m in member.modules()} for member in candidate]
            is_attention = any(id(member) in attention for member in candidate)  # XLM has a list for each kind of part
            if (
                attention
                and set().union(*held) == attention
                and all(len(ids) <= 1 for ids in held)
                and not is_attention
            ):
                _check_used_once(model, list(candidate))
                return list(candidate)
    raise fail(
        "a causal language model whose blocks stand in one list, each with one attention module",
        f"{type(model).__name__}, which has {len(attention)} attention modules and no such list",
        _OTHER_MODELS,
        NotAvailable,
    )


def _layer(studied: StudiedPass, block: nn.Module, calls: Calls, other_calls: Calls) -> Layer:
    """Returns the sites of one block. other_calls: of the second attention module of each block, if they have one."""
    attention, other = (next((m for m in block.modules() if id(m) in of), None) for of in (calls, other_calls))
    if attention is None:
        return Layer(block, None)
    call = calls[id(attention)]
    whole, n_heads = studied.call_of(block), _head_count(studied, attention, call)
    if whole is None or whole.output_copy is None or whole.input_copy is None:
        return Layer(block, attention, n_heads=n_heads)
    projection_call = _out_projection(studied, attention, call)
    projection = projection_call.module if projection_call else None
    gated = projection_call is not None and not same_numbers(projection_call.input_copy, call.output)  # type: ignore
    attention_chains = _chains_from(studied, block, [attention])
    other_chains = _chains_from(studied, block, [other]) if other else [()]
    mlp_chains = _chains_from(studied, block, _others(block, attention, other))
    scales = _scales(studied.model, block)
    for of_attention, of_other, of_mlp, scale in product(attention_chains, other_chains, mlp_chains, scales):
        ends = [chain[-1] for chain in (of_attention, of_other, of_mlp) if chain]
        if _adds_up(studied, ends, scale, whole):
            down = _down_projection(studied, of_mlp)
            returned = studied.call_of(of_attention[0]).output_copy  # type: ignore[union-attr]
            return Layer(
                block,
                attention,
                projection,
                projection_call is not None and same_numbers(projection_call.output_copy, returned),
                Part(of_attention, scale),
                Part(of_mlp, scale),
                down.module if down else None,
                down.input_copy.shape[-1] if down else None,  # type: ignore[union-attr]
                _modules_before(studied, block, attention, whole),
                parallel=_modules_before(studied, block, of_mlp[0], whole) is not None,
                n_heads=n_heads,
                gated=gated,
                other_part=Part(of_other, scale) if of_other else None,
            )
    return Layer(block, attention, projection, n_heads=n_heads, gated=gated)


def _head_count(studied: StudiedPass, attention: nn.Module, call: AttentionCall | None) -> int:
    """Returns the number of heads of an attention module, from its queries or, on the eager route, from its map."""
    if call is not None:
        return call.query.shape[1]
    returned = studied.call_of(attention).result  # type: ignore[union-attr]
    return next(m.shape[1] for m in studied.maps if any(value is m for value in returned))


def _has_one_stream(studied: StudiedPass, blocks: list[nn.Module], shape: tuple[int, int]) -> bool:
    """Returns whether each block takes in, and the last one returns, one vector a token. shape: (T, d_model)."""
    calls = [studied.call_of(block) for block in blocks]
    tensors = [*(call.input_copy for call in calls if call), calls[-1].output_copy]  # type: ignore[union-attr]
    whole = (studied.logits.shape[0], *shape)  # type: ignore[union-attr]
    return all(tensor is not None and tensor.shape == whole for tensor in tensors)


def _others(block: nn.Module, attention: nn.Module, other: nn.Module | None) -> list[nn.Module]:
    """Returns the block's children without attention, the largest first: the MLP is the largest of them.

    A block whose only child is a list keeps its parts there, as T5 does.
    """
    children = list(block.children())
    if len(children) == 1 and isinstance(children[0], nn.ModuleList):
        children = list(children[0])
    attends = [module for module in (attention, other) if module is not None]
    others = [child for child in children if not any(_contains(child, module) for module in attends)]
    return sorted(others, key=lambda child: -sum(p.numel() for p in child.parameters()))


def _scales(model: nn.Module, block: nn.Module) -> set[float]:
    """Returns the factors that the family may multiply the parts by on their way to the stream."""
    multipliers = (getattr(owner, "residual_multiplier", None) for owner in (block, model.config))
    return {1.0} | {float(multiplier) for multiplier in multipliers if multiplier}  # type: ignore[arg-type]


def _chains_from(studied: StudiedPass, block: nn.Module, modules: Iterable[nn.Module]) -> list[tuple[nn.Module, ...]]:
    """Returns the chains of modules at whose end a part may be added to the stream."""
    return [chain for module in modules for end in _ends(studied, module) for chain in _with_norms(studied, block, end)]


def _ends(studied: StudiedPass, module: nn.Module) -> list[nn.Module]:
    """Returns the modules whose output may be the part's own: the module itself, or the last linear one that it called.

    (BLOOM adds the stream inside its attention and MLP modules; there the last projection's output is the part. In T5 it is
    that of a module around the projection.) Of a projection with parts of its own, such as an adapter, it is the outermost
    module. A module that the pass called twice has two outputs, and is none.
    """
    call = studied.call_of(module)
    if call is None or call.output is None:
        return []
    linear = [inner.module for inner in studied.calls_inside(module) if _is_linear(inner.module)]
    outermost = [m for m in linear if not any(m is not other and _contains(other, m) for other in linear)]
    around = [_around(studied, module, last) for last in outermost[-1:]]
    return [end for end in (module, *around) if studied.called_once(end)]


def _around(studied: StudiedPass, module: nn.Module, last: nn.Module) -> nn.Module:
    """Returns the outermost module inside `module` that returned the very output of `last`, which it contains: or `last`."""
    output = studied.call_of(last).output  # type: ignore[union-attr]
    inside = (call for call in studied.calls_inside(module) if call.output is output)
    return next((call.module for call in inside if _contains(call.module, last)), last)


def _with_norms(studied: StudiedPass, block: nn.Module, start: nn.Module) -> list[tuple[nn.Module, ...]]:
    """Returns `start` alone, then followed by each further module of the block that took the last one's very output."""
    chain = [start]
    while True:
        output = studied.call_of(chain[-1]).output  # type: ignore[union-attr]
        following = [
            call.module for call in studied.calls_inside(block) if call.input is output and call.output is not None
        ]
        following = [module for module in following if not any(_contains(earlier, module) for earlier in chain)]
        following = [module for module in following if studied.called_once(module)]
        if not following:
            return [tuple(chain[: i + 1]) for i in range(len(chain))]
        chain.append(following[0])


def _adds_up(studied: StudiedPass, parts: list[nn.Module], scale: float, whole: ModuleCall) -> bool:
    """Returns whether stream in + scale * (the outputs of all parts) is the stream out. (OPT's MLP flattens the stream.)"""
    added = [studied.call_of(part).output_copy for part in parts]  # type: ignore[union-attr]
    total, after = whole.input_copy, whole.output_copy
    if any(output.numel() != after.numel() for output in added):  # type: ignore[union-attr]
        return False
    for output in added:
        total = total + scale * output.view_as(after)  # type: ignore[operator, union-attr, arg-type]
    return close(total, after)  # type: ignore[arg-type]


def _modules_before(
    studied: StudiedPass, block: nn.Module, module: nn.Module, whole: ModuleCall
) -> tuple[nn.Module, ...] | None:
    """Returns what lies between the block's input and this module's: nothing or one norm. None if it is something else."""
    tensor = studied.call_of(module).input  # type: ignore[union-attr]
    if tensor is whole.input:
        return ()
    norms = [call for call in studied.calls_inside(block) if call.output is tensor and call.input is whole.input]
    return (norms[0].module,) if norms and tensor is not None else None


def _out_projection(studied: StudiedPass, attention: nn.Module, call: AttentionCall | None) -> ModuleCall | None:
    """Returns the call of the linear module that took the heads' outputs side by side; None on the eager route.

    It is the outermost such module: an adapter's parts take the heads' outputs too. Best is one whose output is
    attention's own.
    """
    if call is None or call.output is None:
        return None
    whole = studied.call_of(attention)
    inside = list(studied.calls_inside(attention))
    took = [inner for inner in inside if same_numbers(inner.input_copy, call.output)]
    took = took or [inner for inner in inside if _are_gated(inner.input_copy, call.output)]
    took.sort(key=lambda inner: whole is None or not same_numbers(inner.output_copy, whole.output_copy))
    return next(filter(_is_projection, took), None)


def _are_gated(x: Tensor | None, heads: Tensor) -> bool:
    """Returns whether x is what the heads gave, each number times a positive gate: whether it has the signs of theirs.

    In a tensor that has nothing to do with theirs, half of the numbers would have another sign.
    """
    if x is None or x.numel() != heads.numel():
        return False
    gated, whole = x.flatten().float(), heads.flatten().float()
    return bool((gated * whole >= 0).all() and gated.any())


def _down_projection(studied: StudiedPass, mlp: tuple[nn.Module, ...]) -> ModuleCall | None:
    """Returns the call of the outermost linear module whose output is the MLP's own, so that its input is the activations.

    The last module of the chain that has one counts. In half precision a whole MLP may look linear, so the innermost such
    module is found first, and then the outermost that was given the same. None for mixtures of experts, whose experts have
    activations of their own. A module before the activations may belong to the chain too: its output has another width.
    """
    width = studied.call_of(mlp[-1]).output_copy.shape[-1]  # type: ignore[union-attr]
    for part in reversed(mlp):
        whole = studied.call_of(part)
        assert whole is not None
        if whole.output_copy.shape[-1] != width:  # type: ignore[union-attr]
            return None
        same_output = [
            call for call in (whole, *studied.calls_inside(part)) if same_numbers(call.output_copy, whole.output_copy)
        ]
        if projections := list(filter(_is_projection, same_output)):
            return next(call for call in projections if same_numbers(call.input_copy, projections[-1].input_copy))
    return None


def _is_projection(call: ModuleCall) -> bool:
    """Returns whether the call was of a linear map, and not of one that changes nothing, such as a dropout."""
    changes = not same_numbers(call.input_copy, call.output_copy)
    return call.input_copy is not None and changes and is_linear(call.module, call.input_copy)


def _position_embedding(
    studied: StudiedPass, token: nn.Module | None, block: nn.Module, stream: Tensor
) -> tuple[nn.Module | None, bool]:
    """Returns the module that gives the position part before the first block, and whether it and the token part sum up.

    token: None for a stack that reads no tokens, such as one for sound.
    """
    calls = studied.module_calls
    before = calls[: next(i for i, call in enumerate(calls) if call.module is block)]
    rows = None if token is None else studied.call_of(token).output_copy  # type: ignore[union-attr]
    others = [call for call in before if call.module is not token and call.output_copy is not None]
    others = [call for call in others if call.output_copy.shape[-2:] == stream.shape[-2:]]  # type: ignore[union-attr]
    for call in others:
        if rows is None or rows.shape != stream.shape:
            break
        if close(rows + call.output_copy, stream):  # type: ignore[operator]
            return call.module, True
    return next((call.module for call in others if isinstance(call.module, nn.Embedding)), None), False


def _tail(studied: StudiedPass, last: ModuleCall) -> Tail | None:
    """Returns the modules between the last block and the logits, and what the family does to the logits after them."""
    model, logits = studied.model, studied.logits
    chain, tensor = [], last.output
    for call in studied.module_calls[studied.module_calls.index(last) :]:
        if call.input is tensor and call.output is not None and not _contains(last.module, call.module):
            if call.output is not tensor:  # a dropout, which returns its very input
                chain.append(call.module)
            tensor = call.output
    head = model.get_output_embeddings()  # type: ignore[operator]
    if head is not None and head not in chain:
        chain.append(head)
    modules = tuple(chain)
    try:
        scores = run_chain(modules, last.output_copy)  # type: ignore[arg-type]
    except (RuntimeError, TypeError):
        return None
    config = model.config.get_text_config()  # type: ignore[union-attr, operator]
    names = ("final_logit_softcapping", "logit_scale", "logits_scaling")
    cap, factor, divisor = (getattr(config, name, None) for name in names)
    biased = model if isinstance(getattr(model, "final_logits_bias", None), Tensor) else None
    tails = [Tail(modules, biased=biased)]
    tails += [Tail(modules, cap=cap)] if cap else []
    tails += [Tail(modules, factor)] if factor else []
    tails += [Tail(modules, 1 / divisor)] if divisor else []
    tails += [Tail(modules, last.output_copy.shape[-1] ** -0.5)]  # type: ignore[union-attr]  # T5 with a tied head
    return next((tail for tail in tails if logits is not None and close(tail.last_step(scores), logits)), None)


def _is_linear(module: nn.Module) -> bool:
    weight = getattr(module, "weight", None)
    return isinstance(weight, Tensor) and weight.ndim == 2 and not isinstance(module, nn.Embedding)


def _contains(module: nn.Module, other: nn.Module) -> bool:
    return any(m is other for m in module.modules())
