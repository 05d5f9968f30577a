"""Columns as arrays equal what pyarrow itself makes of them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from weerspoor.common.columns import array_of

ARRAYS = [
    pa.array([1, -2, 3], pa.int32()),
    pa.array([1, 255], pa.uint8()),
    pa.array([1.5, -0.25, 3.0], pa.float32()),
    pa.array([1.5, None, 3.0], pa.float64()),
    pa.array([True, False, True] * 5, pa.bool_()),
    pa.array([], pa.int64()),
    pa.array([], pa.bool_()),
    pa.array(range(20), pa.int16())[3:11],
    pa.array([True, False, False, True] * 5, pa.bool_())[3:17],
]


@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: f"{array.type}-{len(array)}")
def test_an_array_is_what_pyarrow_says(array: pa.Array) -> None:
    for column in (array, pa.chunked_array([array[:1], array[1:]]) if len(array) else pa.chunked_array([array])):
        found = array_of(column)
        wanted = array.to_numpy(zero_copy_only=False)
        assert found.dtype == wanted.dtype
        np.testing.assert_array_equal(found, wanted)
