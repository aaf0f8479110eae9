"""How near two computed numbers must be: bounds that hold on any processor.

A float computation rounds every intermediate result by up to half of eps times that result's magnitude. Two correct
programs, or one program with another processor's matrix kernels, add the same numbers in another order, so they differ
by a few eps times the largest magnitude that goes into the sums, however small the result is. A few: the error grows
with the number of roundings in a row, so with the depth of the model and slowly with the length of a sum. A fixed bound
such as 1e-5 is right for magnitudes near 1 only: in a stream that reaches 13 it is less than one rounding of each block.

So a bound here is FACTOR × eps × the largest magnitude that goes in. The worst computation of this suite needs 12 (with
SSE, AVX2 and AVX-512 kernels of torch and NumPy), and scores, which have two rounded factors, 20; a relative error of
1e-3 is thousands.
"""

from typing import Any

import numpy as np
import pytest
import torch

FACTOR = 32.0


def rounding(*inputs: Any, factor: float = FACTOR, dtype: Any = np.float32) -> float:
    """Returns the bound for one computation: factor × the dtype's eps × the largest finite magnitude among the inputs.

    Each input is a number, an array or a tensor, of any shape; the dtype is NumPy's or torch's. For
    `pytest.approx(…, abs=rounding(…))`.
    """
    eps = torch.finfo(dtype).eps if isinstance(dtype, torch.dtype) else np.finfo(dtype).eps
    return float(factor * eps * max(_magnitude(values) for values in inputs))


def approx_float32(expected: Any, *inputs: Any, factor: float = FACTOR) -> Any:
    """Returns what equals a number, a list or a dictionary of numbers that were computed in float32, to rounding.

    inputs: what goes into the computation, where it is larger than what comes out.
    """
    return pytest.approx(expected, rel=0, abs=rounding(expected, *inputs, factor=factor))


def approx_float64(expected: Any, *inputs: Any, factor: float = FACTOR) -> Any:
    """Like `approx_float32`, for numbers that Python, NumPy or JavaScript computed in double precision."""
    return pytest.approx(expected, rel=0, abs=rounding(expected, *inputs, factor=factor, dtype=np.float64))


def assert_close(
    actual: Any, expected: Any, *, scale: Any = (), factor: float = FACTOR, dtype: Any = np.float32
) -> None:
    """Fails unless the shapes are equal and all numbers agree to rounding.

    scale: what goes into the computation, one array or a list of arrays or numbers, where it is larger than what comes
    out: the parts of a sum, the stream whose norm is taken. The expected numbers always count. Infinities must be equal.
    """
    expected = np.asarray(expected)
    assert np.shape(actual) == expected.shape
    inputs = scale if isinstance(scale, list | tuple) else (scale,)
    np.testing.assert_allclose(
        np.asarray(actual), expected, rtol=0, atol=rounding(expected, *inputs, factor=factor, dtype=dtype)
    )


def assert_softmax_close(
    actual: Any, expected: Any, scores: Any, *, factor: float = FACTOR, dtype: Any = np.float32
) -> None:
    """Fails unless two arrays of probabilities or attention weights agree, small ones as exactly as large ones.

    An error d in a score multiplies its probability by exp(d), so the bound is relative: rounding at the size of the
    scores (or logits, or whatever larger goes into them), times each probability. Zeros must be zeros.
    """
    expected = np.asarray(expected)
    assert np.shape(actual) == expected.shape
    inputs = scores if isinstance(scores, list | tuple) else (scores,)
    np.testing.assert_allclose(
        np.asarray(actual), expected, rtol=rounding(1.0, *inputs, factor=factor, dtype=dtype), atol=TINY
    )


def assert_float32_close(actual: np.ndarray, expected: Any, **bound: Any) -> None:
    """Fails unless the array is float32, as a trace's are, and `assert_close` holds."""
    assert actual.dtype == np.float32
    assert_close(actual, expected, **bound)


def assert_float32_softmax_close(actual: np.ndarray, expected: Any, scores: Any, **bound: Any) -> None:
    """Fails unless the array is float32, as a trace's are, and `assert_softmax_close` holds."""
    assert actual.dtype == np.float32
    assert_softmax_close(actual, expected, scores, **bound)


def rounding_of_shares(trace: Any) -> float:
    """Returns the bound, relative to each, for a trace's attention weights and probabilities against another program's.

    For traces of the interface route, which have scores.
    """
    heads = [(layer, head) for layer in range(trace.n_layers) for head in range(trace.n_heads)]
    return rounding(trace.logits, *(trace.scores(layer, head, "scaled") for layer, head in heads))


TINY = 1e-30  # near the smallest float32, where a number no longer has all its digits


def _magnitude(values: Any) -> float:
    if isinstance(values, dict):
        values = list(values.values())
    values = np.abs(np.asarray(values, dtype=np.float64))
    values = values[np.isfinite(values)]
    return float(values.max()) if values.size else 0.0
