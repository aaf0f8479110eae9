"""Arrays packed into bytes and unpacked are the same, whatever their layout in memory."""

import numpy as np
import pytest

from gptviz.errors import GPTVizError, WrongType
from gptviz.pages.wire import DTYPES, pack, unpack


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", ["rows", "columns", "strided", "other byte order"])
def test_an_array_of_any_layout_is_unpacked_unchanged(dtype, layout):
    array = (np.arange(30) * 7 % 256).reshape(5, 6).astype(dtype)
    laid_out = {
        "rows": array,
        "columns": np.asfortranarray(array),
        "strided": np.repeat(array, 2, axis=1)[:, ::2],
        "other byte order": array.astype(array.dtype.newbyteorder(">")),
    }[layout]
    header, raw = pack(laid_out)
    assert header == {"dtype": dtype, "shape": [5, 6]}
    assert raw == array.astype(array.dtype.newbyteorder("<")).tobytes()
    np.testing.assert_array_equal(unpack(header, raw), array)


@pytest.mark.parametrize("shape", [(), (0,), (0, 3), (1, 2, 3)])
def test_shapes_are_kept(shape):
    array = np.ones(shape, np.float32)
    assert unpack(*pack(array)).shape == shape


def test_arrays_that_a_page_cannot_read_are_refused():
    with pytest.raises(WrongType, match="float64"):
        pack(np.zeros(2))
    with pytest.raises(WrongType):
        unpack({"dtype": "object", "shape": [1]}, b"12345678")
    with pytest.raises(GPTVizError, match="24"):
        unpack({"dtype": "float32", "shape": [2, 3]}, b"too few")
