"""Tables of the package: Parquet with a sidecar that describes every column."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from weerspoor.network.load import pieces_digest

DATA = Path(__file__).resolve().parents[2] / "src" / "weerspoor" / "data"

BY_PIECE = {"successors", "stops", "permissions", "neighbours"}
"""Tables whose rows name pieces by number: they carry a digest of the pieces they were made for."""


@dataclass(frozen=True)
class Column:
    """A column with its meaning.

    Attributes
    ----------
    values : array, list of str, or list of float
    unit : str
        Such as ``m``; ``-`` where there is none.
    meaning : str
    certainty : str
        sure, likely or assumed.
    """

    values: npt.NDArray[np.generic] | Sequence[object]
    unit: str
    meaning: str
    certainty: str


def write_table(name: str, description: str, source: str, licence: str, columns: Mapping[str, Column]) -> None:
    """Write ``<name>.parquet`` and ``<name>.meta.toml``; the same values give the same bytes.

    Whole numbers are stored as differences, everything is compressed with zstd.
    """
    arrays: dict[str, pa.Array] = {}
    encoding: dict[str, str] = {}
    dictionary: list[str] = []
    for key, column in columns.items():
        array = pa.array(column.values)
        arrays[key] = array
        if pa.types.is_integer(array.type):
            encoding[key] = "DELTA_BINARY_PACKED"
        elif pa.types.is_floating(array.type):
            encoding[key] = "BYTE_STREAM_SPLIT"
        elif pa.types.is_string(array.type):
            dictionary.append(key)
    table = pa.table(arrays)
    with pq.ParquetWriter(
        DATA / f"{name}.parquet",
        table.schema,
        compression="zstd",
        compression_level=19,
        use_dictionary=dictionary,
        column_encoding=encoding or None,
        write_statistics=False,
        store_schema=False,
    ) as writer:
        writer.write_table(table)
        if name in BY_PIECE:
            pieces = pq.read_table(DATA / "pieces.parquet", columns=["track", "from_m", "to_m"])
            writer.add_key_value_metadata({"pieces": pieces_digest(*(c.to_numpy() for c in pieces.columns))})
    lines = [
        f"description = {json.dumps(description, ensure_ascii=False)}",
        f"source = {json.dumps(source, ensure_ascii=False)}",
        f"licence = {json.dumps(licence, ensure_ascii=False)}",
        f"rows = {len(next(iter(arrays.values())))}",
    ]
    for key, column in columns.items():
        lines += [
            "",
            f"[columns.{key}]",
            f"unit = {json.dumps(column.unit, ensure_ascii=False)}",
            f"meaning = {json.dumps(column.meaning, ensure_ascii=False)}",
            f"certainty = {json.dumps(column.certainty)}",
        ]
    (DATA / f"{name}.meta.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
