"""Converts numbers for the page: arrays to bytes and back, with a header that states dtype and shape; others for JSON."""

import math
from typing import Any

import numpy as np

from gptviz.errors import WrongType, fail

DTYPES = ("float32", "uint8", "int32")  # those that a page reads without conversion: its typed arrays, little-endian


def pack(array: np.ndarray) -> tuple[dict[str, Any], bytes]:
    """Returns the header {"dtype", "shape"} and the bytes of an array, in row order, little-endian."""
    if array.dtype.name not in DTYPES:
        got = f"dtype {array.dtype}"
        raise fail(f"an array of {', '.join(DTYPES)}", got, "Convert it: array.astype('float32').", WrongType)
    contiguous = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    return {"dtype": array.dtype.name, "shape": list(array.shape)}, contiguous.tobytes()


def unpack(header: dict[str, Any], raw: bytes | memoryview) -> np.ndarray:
    """Returns the array that `pack` was given, read-only."""
    if not isinstance(header, dict) or header.get("dtype") not in DTYPES:
        raise fail(f"a header with a dtype among {', '.join(DTYPES)}", f"{header!r}", "Use pack().", WrongType)
    dtype = np.dtype(header["dtype"]).newbyteorder("<")
    expected = int(np.prod(header["shape"], dtype=np.int64)) * dtype.itemsize
    if len(raw) != expected:
        raise fail(f"{expected} bytes for shape {header['shape']}", f"{len(raw)}", "Send the whole array.")
    return np.frombuffer(raw, dtype=dtype).reshape(header["shape"])


def json_ready(value: Any) -> Any:
    """Returns the value with None for NaN and infinity, at any depth: JSON has neither, and no page can read them."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: json_ready(item) for name, item in value.items()}
    return [json_ready(item) for item in value] if isinstance(value, (list, tuple)) else value
