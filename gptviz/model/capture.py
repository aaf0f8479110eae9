"""One forward pass, watched: what attention was handed, and what each block took from and added to the stream.

The model is not asked for attention maps. It runs with one attention function of ours that *delegates* to the function
(and the mask function) it already had, so the pass is the untouched model's own, and keeps references to the query, key,
value, mask and keyword arguments it was handed. A map is computed when somebody looks at it, by the calling family's own
`eager_attention_forward`, in float32. Everything else is read by hooks at named sites (see `anatomy.py`), held where it
is dear and computed again, from kept inputs, where it is cheap.

Families that do not call transformers' `AttentionInterface` take the eager route: `output_attentions=True`, the same
maps, more memory, no queries and keys. Reading and editing are one mechanism: what watches a site may give back what
takes its place. Not about what the numbers mean to a reader: that is `trace.py`; nor about edits: `intervention.py`.
"""

import inspect
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

PREFIX = "gptviz_"
_locks: "weakref.WeakKeyDictionary[nn.Module, threading.RLock]" = weakref.WeakKeyDictionary()
_locks_guard = threading.Lock()


@dataclass
class AttentionCall:
    """What one attention module handed to the attention function."""

    module: nn.Module
    query: Tensor  # (1, H, T, d_head), already rotated
    key: Tensor  # (1, H_kv, T, d_head)
    value: Tensor  # (1, H_kv, T, d_value)
    mask: Tensor | None
    kwargs: dict[str, Any]
    output: Tensor | None = None  # (1, T, H, d_value); kept only while the anatomy is studied


# Given a module's output (rows, T, H, d_value) and values (rows, H_kv, T, d_value), what takes the output's place.
EditOutput = Callable[[Tensor, Tensor], Tensor]


@dataclass
class Sink:
    """Where the attention function puts what it was handed, during one pass of one thread, and what it edits."""

    keep: str = "inputs"  # "inputs" of each call, with "outputs" beside them, or "nothing"
    edits: Mapping[nn.Module, EditOutput] = field(default_factory=dict)
    calls: list[AttentionCall] = field(default_factory=list)


_sink: ContextVar[Sink | None] = ContextVar("gptviz_sink", default=None)


def family_eager(module: nn.Module) -> Callable[..., Any] | None:
    """The `eager_attention_forward` of the family whose attention module this is, or None where it has none."""
    import sys

    for cls in type(module).__mro__:
        found = getattr(sys.modules.get(cls.__module__), "eager_attention_forward", None)
        if found is not None:
            return found
    return None


class _Watching(str):
    """A name that is looked up as ours, and answers as the original to a family that asks `name in ("eager", "sdpa")`."""

    original: str

    def __eq__(self, other: object) -> bool:
        return str.__eq__(self, other) or other == self.original

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = str.__hash__


def watching(original: str) -> str:
    """The name of the attention implementation that watches and delegates to `original`.

    The delegate's name stays inside ours because transformers asks such questions as `"flash" in name`.
    """
    name = PREFIX + original
    if name not in ALL_ATTENTION_FUNCTIONS:

        def attend(
            module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, **kw: Any
        ) -> Any:
            eager = family_eager(module)
            delegate: Any = eager
            if original != "eager":
                delegate = ALL_ATTENTION_FUNCTIONS.get_interface(original, eager)  # type: ignore[arg-type]
            result = delegate(module, query, key, value, attention_mask, **kw)
            sink = _sink.get()
            if sink is not None:
                output = result[0] if sink.keep == "outputs" else None
                if sink.keep != "nothing":
                    sink.calls.append(AttentionCall(module, query, key, value, attention_mask, kw, output))
                if sink.edits and module in sink.edits:
                    return sink.edits[module](result[0], value), *result[1:]
            return result

        AttentionInterface.register(name, attend)
        # Without a mask function of the same name transformers passes no mask at all, and causality is lost.
        if original in ALL_MASK_ATTENTION_FUNCTIONS:
            AttentionMaskInterface.register(name, ALL_MASK_ATTENTION_FUNCTIONS[original])
    if original == "eager":
        return name  # families ask whether it is "eager" to go past the interface, where we watch
    answering = _Watching(name)
    answering.original = original
    return answering


def modules_of(model: nn.Module) -> list[nn.Module]:
    """Every module once, in no promised order. (`model.modules()` spends its time on names that nobody asked for, and
    this is asked three times a pass.)"""
    found: dict[int, nn.Module] = {}
    waiting: list[nn.Module | None] = [model]
    while waiting:
        module = waiting.pop()
        if module is not None and id(module) not in found:
            found[id(module)] = module
            waiting.extend(module._modules.values())
    return list(found.values())


def _configs(model: nn.Module) -> list[Any]:
    """Every configuration object that some module of the model reads its attention implementation from."""
    configs = {id(c): c for m in modules_of(model) if (c := m.__dict__.get("config")) is not None}
    return [c for c in configs.values() if hasattr(c, "_attn_implementation_internal")]


@contextmanager
def implementation(model: nn.Module, name: Callable[[str], str]) -> Iterator[None]:
    """Let every config of the model name `name(its own implementation)` inside the block, and the old one after it."""
    configs = _configs(model)
    before = [c._attn_implementation_internal for c in configs]
    try:
        for config, old in zip(configs, before, strict=True):
            config._attn_implementation_internal = name(old or "eager")
        yield
    finally:
        for config, old in zip(configs, before, strict=True):
            config._attn_implementation_internal = old


def lock_of(model: nn.Module) -> threading.RLock:
    """The one lock of a model, shared by everything that wraps it."""
    with _locks_guard:
        return _locks.setdefault(model, threading.RLock())


@contextmanager
def running(model: nn.Module) -> Iterator[None]:
    """Alone with the model, in evaluation mode and without gradients; each module's mode is put back afterwards.

    `no_grad` rather than `inference_mode`: some families write into their own outputs in place, which only the version
    counters of ordinary tensors show.
    """
    with lock_of(model), torch.inference_mode(False), torch.no_grad():
        training = [m for m in modules_of(model) if m.training]
        try:
            for module in training:
                module.training = False
            yield
        finally:
            for module in training:
                module.training = True


def first_tensor(value: Any) -> Tensor | None:
    """The tensor a module was handed or gave back first: itself, or the first of a tuple."""
    if isinstance(value, (tuple, list)):
        value = value[0] if value else None
    return value if isinstance(value, Tensor) else None


def entering(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor | None:
    """The hidden states that enter a module, however the family passes them."""
    return first_tensor(args) if args else first_tensor(kwargs.get("hidden_states"))


def _instead(value: Any, tensor: Tensor) -> Any:
    """What a module was handed or gave back, with `tensor` where `first_tensor` finds one."""
    return tensor if isinstance(value, Tensor) else type(value)((tensor, *value[1:]))


Hook = tuple[nn.Module, str, Callable[[Tensor], Tensor | None]]


@contextmanager
def hooked(stack: list[Hook]) -> Iterator[None]:
    """Call `callback(tensor)` with what enters ("in") or leaves ("out") each module; all hooks are gone afterwards.

    A tensor that a callback gives back takes the place of its argument; of one module's callbacks the later sees it. Only
    what passes in this thread counts: another may run the same model by itself, without our lock.
    """
    mine = threading.get_ident()

    def before(callback: Callable[[Tensor], Tensor | None]) -> Callable[..., Any]:
        def hook(_module: nn.Module, args: Any, kwargs: Any) -> Any:
            tensor = entering(args, kwargs)
            if tensor is None or threading.get_ident() != mine:
                return None
            edited = callback(tensor)
            if edited is None:
                return None
            return (_instead(args, edited), kwargs) if args else (args, kwargs | {"hidden_states": edited})

        return hook

    def after(callback: Callable[[Tensor], Tensor | None]) -> Callable[..., Any]:
        def hook(_module: nn.Module, _args: Any, result: Any) -> Any:
            tensor = first_tensor(result)
            if tensor is None or threading.get_ident() != mine:
                return None
            edited = callback(tensor)
            return None if edited is None else _instead(result, edited)

        return hook

    with ExitStack() as handles:
        for module, end, callback in stack:
            if end == "in":
                handle = module.register_forward_pre_hook(before(callback), with_kwargs=True)
            else:
                handle = module.register_forward_hook(after(callback))
            handles.callback(handle.remove)
        yield


_INSTALLED = "_output_capturing_hooks_installed"


@contextmanager
def _without_leftovers(model: nn.Module) -> Iterator[None]:
    """Take away the hooks that transformers installs, once and for good, when it is first asked for `output_attentions`."""
    modules = modules_of(model)
    before = [(set(m._forward_hooks), m.__dict__.get(_INSTALLED)) for m in modules]
    try:
        yield
    finally:
        for module, (hooks, installed) in zip(modules, before, strict=True):
            for key in set(module._forward_hooks) - hooks:
                del module._forward_hooks[key]
            if installed is None:
                module.__dict__.pop(_INSTALLED, None)


@contextmanager
def watched(
    model: nn.Module, route: str, keep: str = "inputs", edits: Mapping[nn.Module, EditOutput] | None = None
) -> Iterator[Sink]:
    """Run the model inside with its attention watched (route "interface") or computed eagerly (route "eager").

    keep, edits: see `Sink`; both are for the interface route.
    """
    sink = Sink(keep, edits or {})
    token = _sink.set(sink)
    try:
        if route == "interface":
            with implementation(model, watching):
                yield sink
        else:
            with _without_leftovers(model), implementation(model, lambda _old: "eager"):
                yield sink
    finally:
        _sink.reset(token)


def keeps_logits(model: type) -> bool:
    """Whether the family can be asked for the last logits alone."""
    return "logits_to_keep" in inspect.signature(model.forward).parameters  # type: ignore[attr-defined]
