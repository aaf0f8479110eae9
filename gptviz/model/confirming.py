"""Compares what is computed from a recorded pass with the numbers of that pass, up to rounding, and keeps the results.

Where the parts of a model are was found by watching one short pass. An adapter, a hook or another attention function may
do more than what was found, and a switch may be turned after the pass. So a quantity is given out only if it confirms
itself: heads and bias are what attention added, neurons and bias what the MLP added, parts the change of the stream, the
last row of the logit lens the logits. Otherwise it is refused.
"""

import math
from collections.abc import Callable, Iterable
from functools import partial
from itertools import takewhile
from types import BuiltinFunctionType, FunctionType
from typing import Any, TypeVar

import torch
import torch.nn.modules.module as global_hooks
from torch import Tensor, nn
from torch.utils.weak import WeakIdRef
from transformers import PreTrainedConfig

from gptviz.errors import ModelChanged, fail
from gptviz.model.capture import modules_of
from gptviz.model.looking import looked_at
from gptviz.text.tokens import Token
from gptviz.text.visible import quoted
from gptviz.trace.sources import Array

ROUNDINGS = 16  # that may add up in one number, from the largest number that went into it

_HALF = 1e-4  # an epsilon above this is that of half precision
_BIAS = 2  # epsilons that a mean of roundings may reach, since some are all in one direction

_PLAIN = (bool, int, float, str, type(None), torch.dtype, torch.device)
# Told by identity: what changes in them is seen elsewhere.
_FIXED = (PreTrainedConfig, type, BuiltinFunctionType)
_DEEPEST = 4  # of objects and collections inside each other
_PYTORCH = frozenset(nn.Module().__dict__)  # what every module has: hooks, parameters, whether it is training
_FLOAT32 = torch.finfo(torch.float32).eps  # everything here is computed in float32 or coarser
_Result = TypeVar("_Result")


def agree(actual: Tensor, expected: Tensor, *inputs: Tensor, exponent: float = 0.0) -> bool:
    """Returns whether two results, (..., T, d), are equal up to rounding at each token.

    inputs: what went into the results, a row for each of theirs; of other inputs the largest number counts. exponent: the
    largest that a softmax among the steps took: an error in it is a relative error of the result. A token's bound is
    ROUNDINGS × epsilon × the largest number among its results and inputs; epsilon is that of the coarsest dtype among them
    all. An operation rounds to within epsilon times the magnitude of what goes in, however small the result is. Numbers
    that are not finite must be the same.
    """
    if actual.shape != expected.shape:
        return False
    tensors = (actual, expected, *inputs)
    epsilon = max(_FLOAT32, *(torch.finfo(tensor.dtype).eps for tensor in tensors)) + exponent * _FLOAT32
    a, b = (tensor.float().reshape(-1, expected.shape[-1]) for tensor in (actual, expected))
    largest = torch.stack([_largest(tensor, len(b)) for tensor in tensors]).amax(0)
    near = (a - b).abs() <= ROUNDINGS * epsilon * largest[..., None]
    is_equal = bool((near | (a == b) | (a.isnan() & b.isnan())).all())
    return is_equal and (epsilon < _HALF or _is_without_bias(a, b, tensors, epsilon))


def _is_without_bias(a: Tensor, b: Tensor, tensors: Iterable[Tensor], epsilon: float) -> bool:
    """Returns whether a - b, (T, d), has no mean, and no part along b, as roundings have neither.

    In bfloat16 the bound of one number lets 12 % pass; the means of a whole tensor are far more exact. Both are compared with
    the root mean square of the largest tensor that went in.
    """
    finite = a.isfinite() & b.isfinite()
    if not finite.any():
        return True
    error, along = (a - b)[finite], b[finite]
    size = max(float(_finite(tensor).square().mean().sqrt()) for tensor in tensors)
    bound = _BIAS * epsilon * size
    of_b = float(along.square().mean().sqrt())
    return abs(float(error.mean())) <= bound and abs(float((error * along).mean())) <= bound * of_b


def _finite(tensor: Tensor) -> Tensor:
    return tensor.float().masked_fill(~tensor.isfinite(), 0.0)


def check_probability(token: Token, then: float, logits: Array, layers: int, dtype: torch.dtype, device: str) -> None:
    """Raises ModelChanged unless logits, (vocab,), give a token the probability `then`; see `same_probability`."""
    now = torch.tensor(logits)
    if not same_probability(then, now, token.id, layers, dtype, device):
        raise fail(
            f"{quoted(token.text)} with the probability {then:.4g}, as it was drawn",
            f"{float(now.softmax(-1)[token.id]):.4g} for the same text",
            "The model has changed since, or it computes other numbers when it reads the text step by step, from its cache.",
            ModelChanged,
        )


def same_probability(then: float, logits: Tensor, id: int, layers: int, dtype: torch.dtype, device: str) -> bool:
    """Returns whether logits, (vocab,), give a token the probability `then`, up to the rounding of each block.

    One pass read the text from a cache, and the other as a whole. dtype: of the model; autocast, for this type of
    device, may be coarser.
    """
    epsilon = torch.finfo(dtype).eps
    if torch.is_autocast_enabled(device):
        epsilon = max(epsilon, torch.finfo(torch.get_autocast_dtype(device)).eps)
    finite = logits[logits.isfinite()].abs()
    bound = ROUNDINGS * layers * max(epsilon, _FLOAT32) * max(1.0, float(finite.max()))
    now = float(logits.double().log_softmax(-1)[id])
    return abs(now - math.log(max(then, 5e-324))) <= bound or then < torch.finfo(torch.float32).tiny


def _largest(tensor: Tensor, rows: int) -> Tensor:
    """Returns the largest finite magnitude of each row, or in all if there is another number of rows: (rows,)."""
    magnitude = tensor.float().abs().reshape(-1, tensor.shape[-1])
    largest = magnitude.nan_to_num(0.0, 0.0, 0.0).amax(-1)
    return largest if len(largest) == rows else largest.amax().expand(rows)


def is_causal_map(weights: Tensor, tokens: int) -> bool:
    """Returns whether the rows of attention maps sum to at most 1 and give nothing to later tokens.

    weights: (H, T, keys); the last keys are the T tokens. tokens: T. An attention sink takes a share, so that a row may sum
    to less.
    """
    if not is_map(weights, tokens) or weights.shape[-1] < tokens:
        return False
    future = weights.float().triu(1 + weights.shape[-1] - tokens).abs()
    epsilon = max(_FLOAT32, torch.finfo(weights.dtype).eps)
    return bool((future <= epsilon).all()) or bool(weights.isnan().any())


def is_map(weights: Tensor, tokens: int) -> bool:
    """Returns whether the rows of attention maps, (H, T, keys), sum to at most 1. tokens: T."""
    if weights.ndim != 3 or weights.shape[-2] != tokens:
        return False
    rows = weights.float().sum(-1)
    epsilon = max(_FLOAT32, torch.finfo(weights.dtype).eps)
    return bool((rows <= 1 + ROUNDINGS * epsilon).all()) or bool(rows.isnan().any())


class Confirmations:
    """The results of the checks of one pass, so that each is made once.

    A check is made again if a module that it concerns has another setting, buffer or hook by then: a part that is switched
    off after the pass would be computed in another way than the pass did. It is made each time if a module has what cannot
    be compared: a hook may do something else at each call.
    """

    def __init__(self) -> None:
        self._results: dict[Any, tuple[Any, Any]] = {}

    def result(self, name: Any, modules: Iterable[nn.Module], check: Callable[[], _Result]) -> _Result:
        """Returns what `check` returns, or what it returned before. name: of the check. modules: that it runs."""
        settings = [looked_at(settings_of, module) for module in modules]
        known = self._results.get(name)
        if known is None or None in settings or known[0] != settings:
            known = settings, check()
            self._results[name] = known
        return known[1]  # type: ignore[no-any-return]


class _CannotBeCompared(Exception):
    """Raised where a module has what may be another at each call."""


def settings_of(module: nn.Module) -> tuple[Any, ...] | None:
    """Returns what decides, besides weights, how a module and its submodules compute: buffers, attributes and class.

    None if they have a hook, or what cannot be compared.
    """
    modules = modules_of(module)
    if has_global_hooks() or any(m._forward_pre_hooks or m._forward_hooks for m in modules):
        return None
    try:
        return tuple(
            (
                id(m),
                type(m).forward,
                _class_attributes(type(m)),
                tuple((name, _comparable(value)) for name, value in m._buffers.items()),
                tuple((name, _comparable(value)) for name, value in m.__dict__.items() if name not in _PYTORCH),
            )
            for m in modules
        )
    except _CannotBeCompared:
        return None


def _class_attributes(kind: type) -> list[tuple[str, Any]]:
    """Returns the plain attributes of a class of modules and of those that it is made from, without PyTorch's own."""
    own = takewhile(lambda base: base is not nn.Module, kind.__mro__)
    return [(name, value) for base in own for name, value in vars(base).items() if isinstance(value, _PLAIN)]


def has_global_hooks() -> bool:
    """Returns whether a hook of all modules is registered in PyTorch."""
    return bool(global_hooks._global_forward_hooks or global_hooks._global_forward_pre_hooks)


def _comparable(value: Any, depth: int = 0) -> Any:
    """Returns what tells later whether a value is still the same. Raises _CannotBeCompared for a value of unknown kind.

    depth: how many objects and collections the value is inside of. A tensor is told by its identity and by how often it was
    written to. Configs are not looked into: `structure.py` compares them.
    """
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, Tensor) and not value.is_inference():
        return WeakIdRef(value), value._version
    if isinstance(value, _FIXED) or (isinstance(value, FunctionType) and value.__closure__ is None):
        return id(value)
    if isinstance(value, partial):
        value = value.func, value.args, value.keywords
    # A module that is not a registered one: nothing else sees what changes in it.
    if depth == _DEEPEST or isinstance(value, (Tensor, nn.Module)):
        raise _CannotBeCompared
    if isinstance(value, (list, tuple, set)):
        return tuple(_comparable(item, depth + 1) for item in value)
    if isinstance(value, dict):
        return tuple((str(name), _comparable(item, depth + 1)) for name, item in value.items())
    attributes = getattr(value, "__dict__", None)
    if not attributes:
        raise _CannotBeCompared
    return id(value), _comparable(attributes, depth + 1)
