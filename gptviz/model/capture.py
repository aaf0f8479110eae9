"""Records one forward pass: what attention was given, and what each block took from and added to the stream.

gptviz does not ask the model for attention maps. It registers an attention function with transformers that *delegates*
to the function (and the mask function) that the model already had, so that the pass is the untouched model's own, and
keeps references to the query, key, value, mask and keyword arguments it was given. A map is computed when somebody looks
at it, by the family's own `eager_attention_forward`, in float32. Everything else is read by hooks at named sites (see
`anatomy.py`): held where it is expensive, and computed again from held inputs where it is cheap.

Families that do not call transformers' `AttentionInterface` take the eager route, `output_attentions=True`: the same
maps, more memory, no queries and keys. Reading and editing share one mechanism: a hook may return a replacement for what
it reads.
"""

import inspect
import sys
import threading
import weakref
from collections.abc import Callable, Collection, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS
from transformers.utils import output_capturing

from gptviz.model.changes import Block
from gptviz.model.compiled import run_uncompiled
from gptviz.model.evaluating import evaluate_in_this_thread
from gptviz.model.looking import looked_at
from gptviz.model.threads import use_threads

PREFIX = "gptviz_"
_locks: "weakref.WeakKeyDictionary[nn.Module, threading.RLock]" = weakref.WeakKeyDictionary()
_locks_guard = threading.Lock()


@dataclass
class AttentionCall:
    """What one attention module gave to the attention function."""

    module: nn.Module
    query: Tensor  # (1, H, T, d_head), already rotated
    key: Tensor  # (1, H_kv, T, d_head)
    value: Tensor  # (1, H_kv, T, d_value)
    mask: Tensor | None
    kwargs: dict[str, Any]
    output: Tensor | None = None  # (1, T, H, d_value), before edits; see `Recorder`
    function: Callable[..., Any] | None = None  # the attention function


# Takes a module's output (rows, T, H, d_value) and what the attention function was given; returns what replaces the output.
EditOutput = Callable[[Tensor, AttentionCall], Tensor]


@dataclass
class Recorder:
    """What the attention function keeps and edits during one pass in one thread.

    keep: "inputs" of each call, "outputs" for the inputs and the output, or "nothing". edits: by attention module.
    outputs_of: the modules whose output is kept as well.
    """

    keep: str = "inputs"
    edits: Mapping[nn.Module, EditOutput] = field(default_factory=dict)
    outputs_of: Collection[nn.Module] = ()
    calls: list[AttentionCall] = field(default_factory=list)


_recorder: ContextVar[Recorder | None] = ContextVar("gptviz_recorder", default=None)


def family_eager(module: nn.Module) -> Callable[..., Any] | None:
    """Returns the `eager_attention_forward` of the family that an attention module belongs to, or None without one."""
    for cls in type(module).__mro__:
        function = getattr(sys.modules.get(cls.__module__), "eager_attention_forward", None)
        if function is not None:
            return function
    return None


class _RecordingName(str):
    """The name of our implementation that also equals the original one, for families that ask `name in ("eager", "sdpa")`.

    Its hash is ours, so that a dictionary finds our implementation.
    """

    original: str

    def __eq__(self, other: object) -> bool:
        return str.__eq__(self, other) or other == self.original

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = str.__hash__


def recording_name(original: str) -> str:
    """Registers an attention implementation that records and delegates to `original`, and returns its name.

    Our name contains the original one, because transformers makes checks such as `"flash" in name`.
    """
    name = PREFIX + original
    if name not in ALL_ATTENTION_FUNCTIONS:

        def attend(
            module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, **kwargs: Any
        ) -> Any:
            eager = family_eager(module)
            delegate: Any = eager
            if original != "eager":
                delegate = ALL_ATTENTION_FUNCTIONS.get_interface(original, eager)  # type: ignore[arg-type]
            result = delegate(module, query, key, value, attention_mask, **kwargs)
            recorder = _recorder.get()
            if recorder is not None:
                output = result[0] if recorder.keep == "outputs" or module in recorder.outputs_of else None
                call = AttentionCall(module, query, key, value, attention_mask, kwargs, output, delegate)
                if recorder.keep != "nothing":
                    recorder.calls.append(call)
                if recorder.edits and module in recorder.edits:
                    return recorder.edits[module](result[0], call), *result[1:]
            return result

        AttentionInterface.register(name, attend)
        # Without a mask function of the same name transformers passes no mask at all, and causality is lost.
        if original in ALL_MASK_ATTENTION_FUNCTIONS:
            AttentionMaskInterface.register(name, ALL_MASK_ATTENTION_FUNCTIONS[original])
    both_names = _RecordingName(name)
    both_names.original = original
    return both_names


def modules_of(model: nn.Module) -> list[nn.Module]:
    """Returns every module once, in no particular order.

    `model.modules()` also builds each module's path, which takes most of its time, and every pass needs this three times.
    """
    return looked_at(_modules, model)


def _modules(model: nn.Module) -> list[nn.Module]:
    modules: dict[int, nn.Module] = {}
    waiting: list[nn.Module | None] = [model]
    while waiting:
        module = waiting.pop()
        if module is not None and id(module) not in modules:
            modules[id(module)] = module
            waiting.extend(module._modules.values())
    return list(modules.values())


def _configs(model: nn.Module) -> list[Any]:
    """Returns every configuration object from which a module of the model reads its attention implementation."""
    configs = {id(c): c for m in modules_of(model) if (c := m.__dict__.get("config")) is not None}
    return [c for c in configs.values() if hasattr(c, "_attn_implementation_internal")]


def attention_names(model: nn.Module) -> list[str]:
    """Returns the name of the attention function in every configuration of the model."""
    return [config._attn_implementation_internal or "eager" for config in _configs(model)]


def set_implementation(block: Block[Any], model: nn.Module, rename: Callable[[str], str]) -> None:
    """Sets the attention implementation in every config to `rename(its own)` until the block ends."""
    for config in _configs(model):
        original = config._attn_implementation_internal
        block.undo_with(partial(setattr, config, "_attn_implementation_internal", original))
        config._attn_implementation_internal = rename(original or "eager")


def lock_of(model: nn.Module) -> threading.RLock:
    """Returns the one lock of a model, which everything that wraps it shares."""
    with _locks_guard:
        return _locks.setdefault(model, threading.RLock())


def running(model: nn.Module) -> Block[None]:
    """Takes the model's lock for a `with` block; in this thread the model is in evaluation mode, without gradients.

    The threads that torch uses are those that the model needs; see `threads.py`.
    """
    return Block(partial(prepare, model=model))


def prepare(block: Block[Any], model: nn.Module) -> None:
    """Prepares this thread and the model for passes until the block ends; see `running`.

    It is `no_grad` and not `inference_mode`, because some families write into their own outputs in place, and only the
    version counters of ordinary tensors show that.
    """
    _hold(block, lock_of(model))
    if torch.is_inference_mode_enabled():
        outside = torch.inference_mode(False)
        block.undo_with(partial(_leave, outside))
        outside.__enter__()
    block.undo_with(partial(torch.set_grad_enabled, torch.is_grad_enabled()))
    torch.set_grad_enabled(False)
    use_threads(block, model)
    modules = modules_of(model)
    run_uncompiled(block, modules)
    evaluate_in_this_thread(block, [module for module in modules if module.training])
    _remove_transformers_hooks(block, modules)
    _return_outputs(block, model.config)


def _hold(block: Block[Any], lock: threading.RLock) -> None:
    """Takes a lock until the block ends. Taking it and noting that are one call of C, which no interrupt divides."""
    held: list[threading.RLock] = []
    kind: Any = type(lock)

    def release() -> None:
        if held:
            all(map(kind.release, iter(held.pop, None)))  # one lock: `release` returns None, where `all` ends

    block.undo_with(release)
    held.extend(filter(kind.acquire, [lock]))


def _leave(mode: torch.inference_mode) -> None:
    if hasattr(mode, "_inference_mode_context"):  # else it was not entered
        mode.__exit__(None, None, None)


_INSTALLED = "_output_capturing_hooks_installed"


def _remove_transformers_hooks(block: Block[Any], modules: list[nn.Module]) -> None:
    """Removes, at the block's end, the hooks that transformers installs for good in a pass that returns maps or the stream.

    A call asks for these outputs by a keyword (`output_attentions`) or by the model's config.
    """
    without = [m for m in modules if isinstance(m, PreTrainedModel) and not m.__dict__.get(_INSTALLED)]
    first_new = RemovableHandle.next_id

    def remove() -> None:
        installed = [m for m in without if m.__dict__.get(_INSTALLED)]
        for hooks in (m._forward_hooks for m in modules if installed and m._forward_hooks):
            for key in [key for key, hook in hooks.items() if key >= first_new and _is_transformers(hook)]:
                hooks.pop(key, None)
        for model in installed:  # last, so that an interrupt before this begins again
            model.__dict__.pop(_INSTALLED, None)

    block.undo_with(remove)


def _is_transformers(hook: Callable[..., Any]) -> bool:
    return getattr(hook, "__module__", "") == output_capturing.__name__


def _return_outputs(block: Block[Any], config: Any) -> None:
    """Has the model return outputs with `.logits` until the block ends, also where its config asks for tuples."""
    before = getattr(config, "return_dict", True)
    if not before:
        block.undo_with(partial(setattr, config, "return_dict", before))
        config.return_dict = True


def first_tensor(value: Any) -> Tensor | None:
    """Returns the tensor among a module's arguments or results that comes first: the value itself, or a tuple's first."""
    if isinstance(value, (tuple, list)):
        value = value[0] if value else None
    return value if isinstance(value, Tensor) else None


def entering(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor | None:
    """Returns the hidden states that enter a module, whether they are passed by position or by keyword."""
    return first_tensor(args) if args else first_tensor(kwargs.get("hidden_states"))


def _with_first_tensor(value: Any, tensor: Tensor) -> Any:
    """Returns a module's arguments or results with `tensor` in place of the one that `first_tensor` returns."""
    if isinstance(value, Tensor):
        return tensor
    items = (tensor, *value[1:])
    is_named = hasattr(value, "_fields")  # a named tuple takes its items one by one
    return type(value)(*items) if is_named else type(value)(items)


# A module, "in" or "out", and what is called with the tensor there; it returns a replacement or None.
Hook = tuple[nn.Module, str, Callable[[Tensor], Tensor | None]]


def hooked(hooks: list[Hook]) -> Block[None]:
    """Calls each hook with what enters ("in") or leaves ("out") its module inside the block; all are removed afterwards.

    A tensor that a hook returns replaces the one it was called with; later hooks of a module see the replacement. Only
    calls in this thread count: another thread may run the same model directly, without our lock.
    """
    return Block(partial(add_hooks, hooks=hooks))


def add_hooks(block: Block[Any], hooks: list[Hook]) -> None:
    """Adds hooks until the block ends; see `hooked`."""
    thread = threading.get_ident()

    def before(callback: Callable[[Tensor], Tensor | None]) -> Callable[..., Any]:
        def hook(_module: nn.Module, args: Any, kwargs: Any) -> Any:
            tensor = entering(args, kwargs)
            if tensor is None or threading.get_ident() != thread:
                return None
            replacement = callback(tensor)
            if replacement is None:
                return None
            if args:
                return _with_first_tensor(args, replacement), kwargs
            return args, kwargs | {"hidden_states": replacement}

        return hook

    def after(callback: Callable[[Tensor], Tensor | None]) -> Callable[..., Any]:
        def hook(_module: nn.Module, _args: Any, result: Any) -> Any:
            tensor = first_tensor(result)
            if tensor is None or threading.get_ident() != thread:
                return None
            replacement = callback(tensor)
            return None if replacement is None else _with_first_tensor(result, replacement)

        return hook

    for module, end, callback in hooks:
        register(block, module, end, before(callback) if end == "in" else after(callback))


def register(block: Block[Any], module: nn.Module, end: str, hook: Callable[..., Any]) -> None:
    """Registers torch's own kind of hook until the block ends.

    end: "in" to be called with (module, args, kwargs) before the module runs, "out" with (module, args, result) after it.
    """
    if end == "in":
        hooks, takes_kwargs = module._forward_pre_hooks, module._forward_pre_hooks_with_kwargs
        handle = RemovableHandle(hooks, extra_dict=takes_kwargs)
    else:
        hooks, takes_kwargs = module._forward_hooks, {}
        handle = RemovableHandle(hooks)
    block.undo_with(handle.remove)
    takes_kwargs[handle.id] = True  # first, since another thread may run the module at any moment
    hooks[handle.id] = hook  # type: ignore[assignment]


def recording(
    model: nn.Module,
    route: str,
    keep: str = "inputs",
    edits: Mapping[nn.Module, EditOutput] | None = None,
    outputs_of: Collection[nn.Module] = (),
) -> Block[Recorder]:
    """Records the attention calls of passes inside the block (route "interface") or has maps computed (route "eager").

    keep, edits, outputs_of: see `Recorder`; they are for the interface route.
    """
    return Block(partial(record, model=model, route=route, keep=keep, edits=edits, outputs_of=outputs_of))


def record(
    block: Block[Any],
    model: nn.Module,
    route: str,
    keep: str = "inputs",
    edits: Mapping[nn.Module, EditOutput] | None = None,
    outputs_of: Collection[nn.Module] = (),
) -> Recorder:
    """Records until the block ends; see `recording`."""
    recorder = Recorder(keep, edits or {}, outputs_of=outputs_of)
    block.undo_with(partial(_recorder.set, _recorder.get()))
    _recorder.set(recorder)
    if route == "interface":
        set_implementation(block, model, recording_name)
    else:
        set_implementation(block, model, lambda _original: "eager")
    return recorder


def takes(forward: Callable[..., Any], keyword: str) -> bool:
    """Returns whether a forward pass has a parameter of this name, such as "logits_to_keep" for the last logits alone."""
    return keyword in inspect.signature(forward).parameters
