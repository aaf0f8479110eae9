"""Checks what a file of a trace says of itself before anything is read from it: a file may come from anywhere.

Each entry of the metadata must have its own kind of value, and each tensor the shape that the metadata tells. So no
number is read from a damaged or invented file, and no error of Python's own comes later.
"""

import base64
from collections.abc import Callable, Mapping
from typing import Any

from gptviz.trace.file_format import WITH_STACKS

Shape = tuple[int | None, ...]  # None is any length


def wrong_entry(metadata: Any, shapes: Mapping[str, tuple[int, ...]]) -> str | None:
    """Returns the name of the first entry or tensor that a saved trace cannot have, or None if all are right.

    metadata: as JSON was read. shapes: of every tensor in the file.
    """
    if not isinstance(metadata, dict):
        return "metadata"
    if (wrong := _wrong_in(metadata, _OF_STACK | _OF_MODEL)) is not None:
        return wrong
    tokens = len(metadata["tokens"])
    stacks = {"": (metadata, tokens)}
    if metadata.get("version") == WITH_STACKS:
        others = metadata.get("stacks")
        if not (isinstance(others, dict) and set(others) == {"encoder", "cross"} and _by_name(_is_dict)(others)):
            return "stacks"
        for name, of_stack in others.items():
            if (wrong := _wrong_in(of_stack, _OF_STACK)) is not None:
                return f"{name}.{wrong}"
        if len(others["cross"]["tokens"]) != tokens:
            return "cross.tokens"
        stacks |= {f"{name}.": (of_stack, len(others["encoder"]["tokens"])) for name, of_stack in others.items()}
    if not _fits_readout(metadata["readout"], tokens, "gain" in shapes):
        return "readout"
    of_stacks: dict[str, dict[str, tuple[int, ...]]] = {prefix: {} for prefix in stacks}
    for name, shape in shapes.items():
        prefix = next((prefix for prefix in stacks if prefix and name.startswith(prefix)), "")
        of_stacks[prefix][name.removeprefix(prefix)] = shape
    wrong_names = ((prefix, _wrong_in_stack(*stacks[prefix], of_stacks[prefix], prefix)) for prefix in stacks)
    return next((prefix + wrong for prefix, wrong in wrong_names if wrong is not None), None)


def _wrong_in(metadata: dict[str, Any], entries: "Mapping[str, Callable[[Any], bool]]") -> str | None:
    return next((name for name, is_right in entries.items() if not is_right(metadata.get(name))), None)


def _wrong_in_stack(
    metadata: dict[str, Any], keys: int, shapes: Mapping[str, tuple[int, ...]], prefix: str
) -> str | None:
    """Returns what is wrong in one stack. keys: how many tokens its attention looks at."""
    layers, heads = metadata["layers"], metadata["heads"]
    if prefix != "cross." and f"residual.{layers}" not in {*shapes, *metadata["refused"]}:
        return "layers"
    heads_in = metadata.get("heads_in", [heads] * layers)
    if not (_each(_is_count)(heads_in) and len(heads_in) == layers and max(heads_in) <= heads):
        return "heads_in"
    names = (name for name, shape in shapes.items() if not _fits(shape, _expected(name, metadata, heads_in, keys)))
    return next(names, None)


def _expected(name: str, metadata: dict[str, Any], heads_in: list[int], keys: int) -> Shape | None:
    """Returns the shape of a tensor, or None for a name that no saved trace has."""
    tokens, width, layers = len(metadata["tokens"]), metadata["d_model"], metadata["layers"]
    kind, *rest = name.split(".")
    if kind == "role" or name in ("unrotated.query", "unrotated.key") or kind == "embedding":
        return {"role": (layers, metadata["heads"]), "embedding": (tokens, None)}.get(kind, (None, tokens, None))
    if not rest:
        return _WHOLE.get(kind, lambda *_: None)(tokens, width, layers)
    if not rest[0].isdecimal() or int(rest[0]) >= layers + (kind == "residual"):
        return None
    heads = heads_in[int(rest[0])] if kind != "residual" else 0
    if kind in _OF_KEYS:
        return _OF_KEYS[kind](tokens, keys, width, heads)
    return _OF_LAYER.get(kind, lambda *_: None)(tokens, width, heads)


_WHOLE: dict[str, Callable[[int, int, int], Shape | None]] = {
    "logits": lambda tokens, width, layers: (tokens, None),
    "lens": lambda tokens, width, layers: (None, layers + 1, None),
    "gain": lambda tokens, width, layers: (tokens, width),
    "offset": lambda tokens, width, layers: (tokens, width),
    "rows": lambda tokens, width, layers: (None, width),
    "plane": lambda tokens, width, layers: (None, 2),
    "plane_shares": lambda tokens, width, layers: (2,),
} | dict.fromkeys(
    ("row_ids", "row_biases", "vocabulary", "vocabulary_ends", "vocabulary_special"),
    lambda tokens, width, layers: (None,),
)
_OF_LAYER: dict[str, Callable[[int, int, int], Shape | None]] = {
    "parallel": lambda tokens, width, heads: (1,),
    "q": lambda tokens, width, heads: (heads, tokens, None),
    "sink": lambda tokens, width, heads: (heads,),
    "head_output": lambda tokens, width, heads: (heads, tokens, width),
    "neurons": lambda tokens, width, heads: (None, width),
    "mlp_bias": lambda tokens, width, heads: (width,),
    "mlp_activations": lambda tokens, width, heads: (tokens, None),
} | dict.fromkeys(
    ("residual", "attn_in", "attn_out", "mlp_in", "mlp_out", "head_bias", "head_gain"),
    lambda tokens, width, heads: (tokens, width),
)

_OF_KEYS: dict[str, Callable[[int, int, int, int], Shape | None]] = {
    "k": lambda queries, keys, width, heads: (None, keys, None),
    "v": lambda queries, keys, width, heads: (None, keys, None),
    "attention": lambda queries, keys, width, heads: (heads, queries, keys),
    "stage": lambda queries, keys, width, heads: (heads, queries, keys),
    "head_value": lambda queries, keys, width, heads: (heads, keys, width),
}


def _fits(shape: tuple[int, ...], expected: Shape | None) -> bool:
    if expected is None or len(shape) != len(expected):
        return False
    return all(wanted in (None, length) for length, wanted in zip(shape, expected, strict=True))


# The entries of the metadata. `heads_in` and `roles` are not in every file.


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_dict(value: Any) -> bool:
    return isinstance(value, dict)


def _is_id(value: Any) -> bool:
    """Returns whether a value can be a token's id: -1 is a frame of a sound."""
    return value == -1 or _is_count(value)


def _is_rank(value: Any) -> bool:
    return value is None or _is_count(value)


def _are_facts(value: Any) -> bool:
    """Returns whether these can be the facts of an error, whose code is named apart."""
    return isinstance(value, dict) and "code" not in value


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _each(is_right: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """Returns the check of a list whose every item passes `is_right`."""
    return lambda value: isinstance(value, list) and all(map(is_right, value))


def _by_name(is_right: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """Returns the check of a dictionary whose every value passes `is_right`."""
    return lambda value: isinstance(value, dict) and all(map(is_right, value.values()))


def _row(*kinds: Callable[[Any], bool], least: int | None = None) -> Callable[[Any], bool]:
    """Returns the check of a list whose items pass these checks, one each. least: how many must be there; None for all."""
    return lambda value: (
        isinstance(value, list)
        and len(value) in (len(kinds) if least is None else least, len(kinds))
        and all(is_right(item) for is_right, item in zip(kinds, value, strict=False))
    )


def _is_base64(value: Any) -> bool:
    try:
        base64.b64decode(value, validate=True)
    except (TypeError, ValueError):
        return False
    return True


def _is_hex(value: Any) -> bool:
    try:
        bytes.fromhex(value)
    except (TypeError, ValueError):
        return False
    return True


def _fits_readout(readout: Any, tokens: int, has_gain: bool) -> bool:
    """Returns whether the readout has the norm's kind for each token, a multiplier, and a cap or None.

    has_gain: whether the file has the readout's tensors; without them it is None.
    """
    if readout is None:
        return not has_gain
    centred, cap = readout.get("centred"), readout.get("cap")
    has_centred = _each(lambda item: isinstance(item, bool))(centred) and len(centred) == tokens
    return has_centred and _is_number(readout.get("multiplier")) and (cap is None or _is_number(cap))


_OF_STACK: dict[str, Callable[[Any], bool]] = {
    "text": _is_text,
    "tokens": _each(_row(_is_id, _is_base64, lambda value: isinstance(value, bool), _is_text, least=3)),
    "layers": lambda value: _is_count(value) and value > 0,
    "heads": _is_count,
    "d_model": _is_count,
    "d_head": _is_count,
    "route": lambda value: value in ("interface", "eager"),
    "kept": _each(_is_count),
    "neurons": lambda value: isinstance(value, bool),
    "merges": _by_name(_each(_row(_is_rank, _each(_is_text), _each(_is_hex), least=2))),  # 2 and 3: in files of 0.1
    "refused": _by_name(_row(_is_text, _is_text, _is_text, _is_text, _are_facts, least=3)),
}
_OF_MODEL: dict[str, Callable[[Any], bool]] = {
    "model": _is_text,
    "nearest": _by_name(_each(_row(_is_count, _is_number))),
    "readout": lambda value: value is None or isinstance(value, dict),
    "roles": lambda value: value is None or _each(_is_text)(value),
}
