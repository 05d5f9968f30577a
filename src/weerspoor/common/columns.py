"""Columns of tables as arrays, without the detour by which pyarrow would import pandas where that is installed."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

_KINDS = {"float": "f4", "double": "f8", "halffloat": "f2"}


def array_of(column: Any) -> npt.NDArray[Any]:
    """Return a column of numbers or booleans of a pyarrow table as an array, read only.

    Parameters
    ----------
    column : pyarrow.Array or pyarrow.ChunkedArray
        Without nulls; others are left to pyarrow.
    """
    import pyarrow as pa

    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if array.null_count or not (pa.types.is_boolean(array.type) or pa.types.is_primitive(array.type)):
        return np.asarray(array.to_numpy(zero_copy_only=False))
    buffer = array.buffers()[1]
    first, n = array.offset, len(array)
    if pa.types.is_boolean(array.type):
        bits = np.unpackbits(np.frombuffer(buffer, np.uint8), bitorder="little") if n else np.empty(0, np.uint8)
        return bits[first : first + n].astype(np.bool_)
    kind = np.dtype(_KINDS.get(str(array.type), str(array.type)))
    return np.frombuffer(buffer, kind, count=n, offset=first * kind.itemsize) if n else np.empty(0, kind)
