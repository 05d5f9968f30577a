"""Reads the embedded railway: the tables under ``weerspoor/data`` into a :class:`~weerspoor.network.model.Network`."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from weerspoor.common.columns import array_of
from weerspoor.common.errors import DataError
from weerspoor.common.files import content_hash
from weerspoor.network.model import (
    Floats,
    Ints,
    Neighbours,
    Network,
    Objects,
    Permissions,
    Pieces,
    Points,
    Stops,
    Tracks,
)

if TYPE_CHECKING:
    import pyarrow as pa

DATA = Path(__file__).parents[1] / "data"
CORE_TABLES = ("tracks", "shapes", "pieces", "zones", "successors")
"""Without these there is no network."""

OTHER_TABLES = ("lines", "points", "places", "stops", "permissions", "neighbours", "objects")
"""Each may be absent: then the network has none of what it holds."""


@cache
def _load(folder: Path) -> Network:
    import pyarrow as pa
    import pyarrow.parquet as pq

    tables: dict[str, _Table] = {}
    parts: list[bytes] = []
    for name in (*CORE_TABLES, *OTHER_TABLES):
        path = folder / f"{name}.parquet"
        if not path.is_file():
            if name in CORE_TABLES:
                raise DataError("this table of the network is missing", where=str(path), hint="reinstall the package")
            continue
        content = path.read_bytes()
        parts += [name.encode(), content]
        try:
            tables[name] = _Table(name, pq.ParquetFile(pa.BufferReader(content)).read(use_threads=False))
        except (OSError, ValueError) as error:
            raise DataError(f"this table of the network is damaged: {error}", where=str(path)) from error
    return _assemble(tables, content_hash(*parts))


class _Table:
    """A table read, with its columns as arrays."""

    def __init__(self, name: str, table: pa.Table) -> None:
        self.name = name
        self.table = table

    def column(self, key: str) -> Any:
        if key not in self.table.column_names:
            raise DataError(f"table {self.name!r} has no column {key!r}", hint="it was made by another version")
        return self.table.column(key)

    def array(self, key: str, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        return np.ascontiguousarray(array_of(self.column(key)), dtype=dtype)

    def ints(self, key: str) -> Ints:
        return self.array(key, np.int32)

    def floats(self, key: str) -> Floats:
        return self.array(key, np.float32)

    def texts(self, key: str) -> list[str]:
        texts: list[str] = self.column(key).to_pylist()
        return texts


def pieces_digest(track: npt.NDArray[Any], from_m: npt.NDArray[Any], to_m: npt.NDArray[Any]) -> str:
    """Return what tells one numbering of pieces from another; tables that name pieces by number carry it."""
    return content_hash(track.astype("<i4").tobytes(), from_m.astype("<f4").tobytes(), to_m.astype("<f4").tobytes())


def load_network(path: Path | None = None) -> Network:
    """Return the railway; read once per process and folder.

    Parameters
    ----------
    path : Path, optional
        Folder with the tables; the package's own when left out.

    Returns
    -------
    Network

    Raises
    ------
    DataError
        If a table is missing, damaged, of another version, or names pieces that are numbered otherwise.
    """
    return _load((path or DATA).resolve())


def _assemble(tables: dict[str, _Table], digest: str) -> Network:
    pieces = _pieces(tables["pieces"])
    n = len(pieces.track)
    digest_of_pieces = pieces_digest(pieces.track, pieces.from_m, pieces.to_m)
    for table in tables.values():
        made_for = (table.table.schema.metadata or {}).get(b"pieces", digest_of_pieces.encode()).decode()
        if made_for != digest_of_pieces:
            raise DataError(f"table {table.name!r} was made for other pieces of track", hint="run make data")
    pairs = tables["successors"]
    return Network(
        tracks=_tracks(tables["tracks"], tables["shapes"]),
        pieces=pieces,
        successor_start=_offsets(pairs.ints("directed"), 2 * n),
        successor=pairs.ints("successor"),
        zone_name=tables["zones"].texts("name"),
        lines=tables["lines"].texts("name") if "lines" in tables else [],
        points=_points(tables.get("points"), tables.get("places")),
        stops=_stops(tables.get("stops")),
        neighbours=_neighbours(tables.get("neighbours"), n),
        permissions=_permissions(tables.get("permissions"), n),
        objects=_objects(tables.get("objects")),
        content_hash=digest,
    )


def _offsets(keys: Ints, n: int) -> Ints:
    """Return CSR offsets of sorted keys."""
    start = np.zeros(n + 1, np.int32)
    np.cumsum(np.bincount(keys, minlength=n), out=start[1:])
    return start


def _both(rising: npt.NDArray[np.bool_], falling: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return a value by directed piece from the two by piece."""
    return np.ascontiguousarray(np.stack([rising, falling], axis=1).reshape(-1))


def _tracks(table: _Table, shapes: _Table) -> Tracks:
    counts = table.ints("vertices")
    return Tracks(
        name=table.texts("name"),
        length_m=table.floats("length_m"),
        line=table.ints("line"),
        shape_start=np.concatenate([np.zeros(1, np.int32), np.cumsum(counts, dtype=np.int32)]),
        lon=shapes.array("lon_e7", np.float64) / 1e7,
        lat=shapes.array("lat_e7", np.float64) / 1e7,
    )


def _pieces(table: _Table) -> Pieces:
    return Pieces(
        track=table.ints("track"),
        from_m=table.floats("from_m"),
        to_m=table.floats("to_m"),
        zone=table.ints("zone"),
        kind=table.array("kind", np.uint8),
        name=table.texts("name"),
        speed_kmh=table.floats("speed_kmh"),
        signal=_both(table.array("signal_rising", np.bool_), table.array("signal_falling", np.bool_)),
        radius_m=table.floats("radius_m"),
        right_hand=_both(table.array("right_rising", np.bool_), table.array("right_falling", np.bool_)),
    )


def _points(points: _Table | None, places: _Table | None) -> Points:
    none = np.zeros(0, np.int32)
    nowhere = np.zeros(0, np.float32)
    return Points(
        code=points.texts("code") if points else [],
        name=points.texts("name") if points else [],
        kind=points.texts("kind") if points else [],
        lon=points.array("lon", np.float64) if points else np.zeros(0),
        lat=points.array("lat", np.float64) if points else np.zeros(0),
        certain=points.array("certain", np.bool_) if points else np.zeros(0, np.bool_),
        place_point=places.ints("point") if places else none,
        place_track=places.ints("track") if places else none,
        place_from_m=places.floats("from_m") if places else nowhere,
        place_to_m=places.floats("to_m") if places else nowhere,
        place_at_m=places.floats("at_m") if places else nowhere,
    )


def _stops(table: _Table | None) -> Stops:
    if table is None:
        return Stops(np.zeros(0, np.int32), np.zeros(0, np.int32), [], np.zeros(0, np.float32), np.zeros(0, np.float32))
    return Stops(
        directed=table.ints("directed"),
        point=table.ints("point"),
        name=table.texts("name"),
        platform_m=table.floats("platform_m"),
        usable_m=table.floats("usable_m"),
    )


def _neighbours(table: _Table | None, n: int) -> Neighbours:
    if table is None:
        return Neighbours(np.zeros(n + 1, np.int32), np.zeros(0, np.int32), np.zeros(0, np.float32))
    return Neighbours(_offsets(table.ints("piece"), n), table.ints("other"), table.floats("distance_m"))


def _permissions(table: _Table | None, n: int) -> Permissions:
    """Return the permissions; without a table, empty arrays that nobody can mistake for permission."""
    size = n if table is not None else 0
    empty: dict[str, npt.NDArray[Any]] = {}

    def column(key: str, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        if table is None:
            return empty.setdefault(key, np.zeros(0, dtype))
        values = table.array(key, dtype)
        if len(values) != size:
            raise DataError(f"table 'permissions' has {len(values)} rows for {size} pieces", hint="run make data")
        return values

    return Permissions(
        voltage=column("voltage", np.uint8),
        protection=column("protection", np.uint8),
        line_category=column("line_category", np.uint8),
        max_train_m=column("max_train_m", np.float32),
        gauge=column("gauge", np.uint8),
        dangerous_goods=column("dangerous_goods", np.bool_),
        freight=column("freight", np.bool_),
        left_allowed=column("left_allowed", np.bool_),
    )


def _objects(table: _Table | None) -> Objects:
    if table is None:
        return Objects(np.zeros(0, np.int32), np.zeros(0, np.float32), np.zeros(0, np.float32), [])
    return Objects(table.ints("track"), table.floats("from_m"), table.floats("to_m"), table.texts("kind"))
