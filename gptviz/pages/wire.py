"""Arrays on their way to the page and back: bytes, with a header that says dtype and shape. What they mean is not known here."""

from typing import Any

import numpy as np

from gptviz.errors import WrongType, fail

DTYPES = ("float32", "uint8", "int32")  # what a page can read without converting: its typed arrays, little-endian


def pack(array: np.ndarray) -> tuple[dict[str, Any], bytes]:
    """The header {"dtype", "shape"} and the bytes of an array, rows first, little-endian."""
    if array.dtype.name not in DTYPES:
        got = f"dtype {array.dtype}"
        raise fail(f"an array of {', '.join(DTYPES)}", got, "Convert it: array.astype('float32').", WrongType)
    whole = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    return {"dtype": array.dtype.name, "shape": list(array.shape)}, whole.tobytes()


def unpack(header: dict[str, Any], raw: bytes | memoryview) -> np.ndarray:
    """The array that `pack` was given, read-only."""
    if not isinstance(header, dict) or header.get("dtype") not in DTYPES:
        raise fail(f"a header with a dtype among {', '.join(DTYPES)}", f"{header!r}", "Use pack().", WrongType)
    dtype = np.dtype(header["dtype"]).newbyteorder("<")
    expected = int(np.prod(header["shape"], dtype=np.int64)) * dtype.itemsize
    if len(raw) != expected:
        raise fail(f"{expected} bytes for shape {header['shape']}", f"{len(raw)}", "Send the array whole.")
    return np.frombuffer(raw, dtype=dtype).reshape(header["shape"])
