"""Day files: one zip archive with a Parquet table for trains, calls, movements and holdings each.

A day with passengers has tables ``passengers`` (the calls at which anything of it changes) and ``connections``
besides, one with turns a table ``turns``. Numbers of passengers are stored in sixteenths, shares in sixty-fourths,
waits in whole seconds.

Times and pieces are stored as differences, train after train, so that trains of one series look alike and compress
well; loading is a handful of cumulative sums. A reserve is stored in the same archive under ``reserve/``.
"""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import weerspoor.data
from weerspoor.common.columns import array_of
from weerspoor.common.errors import DataError, InputError
from weerspoor.common.files import content_hash, write_whole
from weerspoor.network.model import Network
from weerspoor.timetable.day import Calls, Day, DayTrains, Holdings, Movements, Passengers, Turns

FORMAT = "weerspoor-day"
VERSION = 2
READABLE = (1, 2)
"""Version 1 has neither passengers nor turns."""
SUFFIX = ".day"
EMBEDDED = Path(weerspoor.data.__file__).parent
"""Folder of the days that ship with the package: ``pattern-weekday`` is ``pattern_weekday.day``."""

PASSENGER_STEP, SHARE_STEP = 1 / 16, 1 / 64
"""Steps in which numbers of passengers and shares are stored; exact in float32."""

_TABLES = ("trains", "calls", "movements", "holdings")
_OPTIONAL = ("passengers", "connections", "turns")
_LEVEL = 15
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)


def load_day(name: str, network: Network) -> Day:
    """Return an embedded day by name, such as ``pattern-weekday``, or the day of a file.

    Parameters
    ----------
    name : str
        Name of an embedded day, or the path of a day file.
    network : Network
        The network the day was made on.

    Raises
    ------
    InputError
        If there is neither, or the file is no day file or was made on another network.
    """
    path = Path(name)
    if name == path.name and not path.exists():
        embedded = EMBEDDED / f"{name.replace('-', '_')}{SUFFIX}"
        if embedded.is_file():
            return read_day(embedded, network)
        names = sorted(found.stem.replace("_", "-") for found in EMBEDDED.glob(f"*{SUFFIX}"))
        raise InputError(f"there is no day or day file {name!r}", where="day", hint=", ".join(names))
    return read_day(path, network)


def write_day(day: Day, path: Path) -> Day:
    """Write a day to one file, whole or not at all, and return it with its content hash.

    The same day gives the same bytes.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    sealed = seal(day)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for prefix, part in (("", sealed), ("reserve/", sealed.reserve)):
            if part is None:
                continue
            _put(archive, f"{prefix}day.json", _head(part))
            for table, columns in _encode(part).items():
                _put(archive, f"{prefix}{table}.parquet", _parquet(columns))
    write_whole(path, packed.getvalue())
    return sealed


def read_day(path: Path, network: Network | None) -> Day:
    """Read a day file.

    Parameters
    ----------
    path : Path
    network : Network or None
        The network the day must have been made on; None to take any.

    Raises
    ------
    InputError
        If the file is missing, is no day file, is of another version, or was made on another network.
    """
    where = str(path)
    if path.is_dir():
        raise InputError("is a folder, a day file was expected", where=where)
    try:
        with zipfile.ZipFile(path) as archive:
            day = _part(archive, "", where)
            if "reserve/day.json" in archive.namelist():
                day = replace(day, reserve=_part(archive, "reserve/", where))
    except (OSError, zipfile.BadZipFile) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "is not a day file"
        raise InputError(reason, where=where, hint="weerspoor import gtfs makes one") from error
    if network is not None and day.network_hash != network.content_hash:
        raise InputError(
            f"was made on another network ({day.network_hash or 'none'}, here {network.content_hash})",
            where=where,
            hint="make the day again with this version",
        )
    return day


def seal(day: Day) -> Day:
    """Return the day, holdings in their order, with the hash of its content."""
    reserve = None if day.reserve is None else seal(day.reserve)
    held = day.holdings
    order = np.lexsort((held.train, held.from_s, held.zone))
    ordered = Holdings(
        held.zone[order], held.from_s[order], held.until_s[order], held.train[order], held.occupies[order],
        held.blocks[order],
    )  # fmt: skip
    passengers = None if day.passengers is None else rounded(day.passengers, day.calls)
    sealed = replace(day, holdings=ordered, reserve=reserve, passengers=passengers)
    return replace(sealed, content_hash=_hash(sealed))


def rounded(passengers: Passengers, calls: Calls) -> Passengers:
    """Return passengers in the steps in which they are stored, who is aboard summed up anew.

    The last call of each train takes what rounding left, so that everybody who gets on gets off.
    """
    on = np.rint(passengers.boarding.astype(np.float64) / PASSENGER_STEP).astype(np.int64)
    off = np.rint(passengers.alighting.astype(np.float64) / PASSENGER_STEP).astype(np.int64)
    aboard = _aboard(on, off, calls.start)
    return Passengers(
        boarding=_floats(on, PASSENGER_STEP),
        alighting=_floats(off, PASSENGER_STEP),
        aboard=_floats(aboard, PASSENGER_STEP),
        estimated=_floats(np.rint(passengers.estimated.astype(np.float64) / SHARE_STEP), SHARE_STEP),
        wait_s=_floats(np.rint(passengers.wait_s), 1),
        connection_from=passengers.connection_from,
        connection_to=passengers.connection_to,
        connection_passengers=_floats(
            np.rint(passengers.connection_passengers.astype(np.float64) / PASSENGER_STEP), PASSENGER_STEP
        ),
        connection_spare_s=passengers.connection_spare_s,
        connection_wait_s=_floats(np.rint(passengers.connection_wait_s), 1),
    )


def _aboard(
    on: npt.NDArray[np.int64], off: npt.NDArray[np.int64], start: npt.NDArray[np.int32]
) -> npt.NDArray[np.int64]:
    """Return who is aboard after each call; ``on`` and ``off`` are altered: nobody leaves who was not there."""
    aboard = np.zeros_like(on)
    there = 0
    last = np.zeros(len(on), np.bool_)
    last[start[1:][np.diff(start) > 0] - 1] = True
    rows = np.flatnonzero((on != 0) | (off != 0) | last)
    for row, ends in zip(rows.tolist(), last[rows].tolist(), strict=True):
        if ends:
            on[row], off[row] = 0, there
        off[row] = min(int(off[row]), there)
        there += int(on[row] - off[row])
        aboard[row] = there
    return _carried(aboard, rows)


def _carried(values: npt.NDArray[np.int64], rows: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Return the value of the last of ``rows`` at or before each row, 0 before the first."""
    if not len(rows):
        return values
    at = np.searchsorted(rows, np.arange(len(values)), side="right") - 1
    return np.where(at < 0, 0, values[rows[np.maximum(at, 0)]])


def _floats(values: npt.NDArray[Any], step: float) -> npt.NDArray[np.float32]:
    return (values * step).astype(np.float32)


def _hash(day: Day) -> str:
    trains, calls, moves, held = day.trains, day.calls, day.movements, day.holdings
    texts = [trains.reference, trains.series, trains.kind, trains.layer, trains.phase, calls.track]
    arrays: list[npt.NDArray[Any]] = [
        trains.length_m, trains.occupies, calls.start, calls.point, calls.arrival_s, calls.departure_s,
        calls.planned_arrival_s, calls.planned_departure_s, moves.start, moves.directed, moves.enter_ds, moves.exit_ds,
        moves.depart_ds, held.zone, held.from_s, held.until_s, held.train, held.occupies, held.blocks,
    ]  # fmt: skip
    for part in (day.passengers, day.turns):
        if part is not None:
            arrays += [getattr(part, name) for name in type(part).__dataclass_fields__]
    head = [day.name, day.kind, day.date, day.lacks, day.periodic, day.network_hash, day.notes]
    return content_hash(
        json.dumps(head, sort_keys=True).encode(),
        b"" if day.reserve is None else day.reserve.content_hash.encode(),
        *("\x1f".join(text).encode() for text in texts),
        *(np.ascontiguousarray(array).tobytes() for array in arrays),
    )  # fmt: skip


def _head(day: Day) -> bytes:
    head = {
        "format": FORMAT,
        "version": VERSION,
        "name": day.name,
        "kind": day.kind,
        "date": day.date,
        "lacks": day.lacks,
        "periodic": day.periodic,
        "network_hash": day.network_hash,
        "content_hash": day.content_hash,
        "notes": day.notes,
    }
    return (json.dumps(head, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def _encode(day: Day) -> dict[str, dict[str, Any]]:
    trains, calls, moves, held = day.trains, day.calls, day.movements, day.holdings
    n = len(trains.reference)
    enter, leave = moves.enter_ds.astype(np.int64), moves.depart_ds.astype(np.int64)
    before = np.concatenate([[0], leave[:-1]])
    first = np.zeros(n, np.int64)
    filled = np.diff(moves.start) > 0
    first[filled] = enter[moves.start[:-1][filled]] // 10
    order = np.lexsort((held.zone, held.from_s, held.train))
    train, from_s = held.train[order], held.from_s[order].astype(np.int64)
    return _encode_passengers(day) | {
        "trains": {
            "reference": trains.reference,
            "series": trains.series,
            "kind": trains.kind,
            "layer": trains.layer,
            "phase": trains.phase,
            "length_m": trains.length_m,
            "occupies": trains.occupies,
            "calls": np.diff(calls.start),
            "movements": np.diff(moves.start),
            "holdings": np.bincount(held.train, minlength=n),
        },
        "calls": {
            "point": calls.point,
            "arrival_s": _steps(calls.arrival_s),
            "stand_s": calls.departure_s - calls.arrival_s,
            "planned_arrival_s": _against(calls.planned_arrival_s, calls.arrival_s),
            "planned_departure_s": _against(calls.planned_departure_s, calls.departure_s),
            "track": calls.track,
        },
        "movements": {
            "directed": _steps(moves.directed),
            "gap_ds": enter - before,
            "run_ds": moves.exit_ds - moves.enter_ds,
            "stand_ds": moves.depart_ds - moves.exit_ds,
        },
        "holdings": {
            "zone": _steps(held.zone[order]),
            "from_s": _steps(from_s - first[train]),
            "held_s": held.until_s[order] - held.from_s[order],
            "occupies": held.occupies[order],
            "blocks": held.blocks[order],
        },
    }


def _encode_passengers(day: Day) -> dict[str, dict[str, Any]]:
    """Return the tables of passengers and turns of a sealed day; none where it has none."""
    tables: dict[str, dict[str, Any]] = {}
    found, turns = day.passengers, day.turns
    if found is not None:
        changed = (found.boarding != 0) | (found.alighting != 0)
        for values in (found.estimated, found.wait_s):
            changed |= np.diff(values, prepend=0) != 0
        rows = np.flatnonzero(changed)
        changes = day.calls.departure_s[found.connection_to] - day.calls.arrival_s[found.connection_from]
        tables["passengers"] = {
            "row": _steps(rows),
            "boarding": _whole(found.boarding[rows], PASSENGER_STEP),
            "alighting": _whole(found.alighting[rows], PASSENGER_STEP),
            "estimated": _whole(found.estimated[rows], SHARE_STEP).astype(np.uint8),
            "wait_s": _whole(found.wait_s[rows], 1),
        }
        tables["connections"] = {
            "from": _steps(found.connection_from),
            "onward": found.connection_to - found.connection_from,
            "passengers": _whole(found.connection_passengers, PASSENGER_STEP),
            "least_s": changes - found.connection_spare_s,
            "wait_s": _whole(found.connection_wait_s, 1),
        }
    if turns is not None:
        tables["turns"] = {
            "from": _steps(turns.turn_from),
            "onward": turns.turn_to - turns.turn_from,
            "least_s": turns.turn_least_s,
        }
    return tables


def _whole(values: npt.NDArray[np.float32], step: float) -> npt.NDArray[np.int32]:
    whole: npt.NDArray[np.int32] = np.rint(values / np.float32(step)).astype(np.int32)
    return whole


def _decode_passengers(tables: dict[str, dict[str, Any]], calls: Calls) -> Passengers | None:
    if "passengers" not in tables:
        return None
    by_row, changes = tables["passengers"], tables["connections"]
    rows = _sums(by_row["row"])
    first = _sums(changes["from"])
    onward = first + changes["onward"]
    on, off = (_at(rows, by_row[name], len(calls.point)) for name in ("boarding", "alighting"))
    return Passengers(
        boarding=_floats(on, PASSENGER_STEP),
        alighting=_floats(off, PASSENGER_STEP),
        aboard=_floats(np.cumsum(on - off), PASSENGER_STEP),
        estimated=_floats(_carried(_at(rows, by_row["estimated"], len(on)), rows), SHARE_STEP),
        wait_s=_floats(_carried(_at(rows, by_row["wait_s"], len(on)), rows), 1),
        connection_from=first,
        connection_to=onward,
        connection_passengers=_floats(changes["passengers"], PASSENGER_STEP),
        connection_spare_s=(calls.departure_s[onward] - calls.arrival_s[first] - changes["least_s"]).astype(np.int32),
        connection_wait_s=_floats(changes["wait_s"], 1),
    )


def _at(rows: npt.NDArray[np.int32], values: npt.NDArray[Any], count: int) -> npt.NDArray[np.int64]:
    spread = np.zeros(count, np.int64)
    spread[rows] = values
    return spread


def _decode_turns(tables: dict[str, dict[str, Any]]) -> Turns | None:
    if "turns" not in tables:
        return None
    first = _sums(tables["turns"]["from"])
    return Turns(first, first + tables["turns"]["onward"], tables["turns"]["least_s"].astype(np.int32))


_NOTHING = -1_000_000


def _against(planned: npt.NDArray[np.int32], actual: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Return planned times as differences from the actual; ``_NOTHING`` where the source says nothing."""
    return np.where(planned < 0, _NOTHING, planned - actual).astype(np.int32)


def _back(difference: npt.NDArray[np.int32], actual: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    return np.where(difference == _NOTHING, -1, difference + actual).astype(np.int32)


def _steps(values: npt.NDArray[Any]) -> npt.NDArray[np.int32]:
    return np.diff(values.astype(np.int64), prepend=0).astype(np.int32)


def _sums(steps: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    return np.cumsum(steps, dtype=np.int32)


def _offsets(counts: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    return np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]).astype(np.int32)


def _put(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    archive.writestr(zipfile.ZipInfo(name, _ZIP_DATE), content)


def _parquet(columns: dict[str, Any]) -> bytes:
    import pyarrow as pa
    from pyarrow import parquet

    arrays = {}
    dictionary = []
    for name, values in columns.items():
        if isinstance(values, np.ndarray):
            kind = values.dtype if values.dtype in (np.dtype(np.uint8), np.dtype(np.float32)) else np.dtype(np.int32)
            arrays[name] = pa.array(np.ascontiguousarray(values, dtype=kind))
            if kind == np.uint8:
                dictionary.append(name)
        else:
            arrays[name] = pa.array(values, type=pa.string())
            dictionary.append(name)
    out = io.BytesIO()
    parquet.write_table(
        pa.table(arrays),
        out,
        compression="zstd",
        compression_level=_LEVEL,
        use_dictionary=dictionary,
        data_page_size=1 << 28,
        row_group_size=1 << 27,
        write_batch_size=1 << 20,
        write_statistics=False,
        store_schema=False,
    )
    return out.getvalue()


def _part(archive: zipfile.ZipFile, prefix: str, where: str) -> Day:
    try:
        head = json.loads(archive.read(f"{prefix}day.json"))
        if head.get("format") != FORMAT:
            raise InputError("is not a day file", where=where)
        if head.get("version") not in READABLE:
            raise InputError(
                f"is a day file of version {head.get('version')}, here {VERSION}", where=where, hint="make it again"
            )
        present = [name for name in _OPTIONAL if f"{prefix}{name}.parquet" in archive.namelist()]
        tables = {name: _columns(archive.read(f"{prefix}{name}.parquet")) for name in (*_TABLES, *present)}
        return _decode(head, tables)
    except (KeyError, ValueError, IndexError, TypeError, UnicodeDecodeError, DataError) as error:
        raise InputError("is damaged or no day file", where=where, hint="make the day again") from error


def _columns(content: bytes) -> dict[str, Any]:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        table = parquet.ParquetFile(pa.BufferReader(content)).read(use_threads=False)
    except (pa.ArrowException, OSError) as error:
        raise DataError("cannot be read as a table") from error
    found: dict[str, Any] = {}
    for name in table.column_names:
        column = table[name].combine_chunks()
        if pa.types.is_string(column.type) or pa.types.is_dictionary(column.type):
            found[name] = column.to_pylist()
        else:
            found[name] = array_of(column)
    return found


def _decode(head: dict[str, Any], tables: dict[str, dict[str, Any]]) -> Day:
    trains, calls, moves, held = (tables[name] for name in _TABLES)
    n = len(trains["reference"])
    movement_start = _offsets(trains["movements"])
    gap, run, stand = (moves[name] for name in ("gap_ds", "run_ds", "stand_ds"))
    leave = _sums(gap + run + stand)
    exit_ds = leave - stand
    enter = exit_ds - run
    first = np.zeros(n, np.int32)
    filled = np.diff(movement_start) > 0
    first[filled] = enter[movement_start[:-1][filled]] // 10
    train = np.repeat(np.arange(n, dtype=np.int32), trains["holdings"])
    from_s = _sums(held["from_s"]) + first[train]
    zone = _sums(held["zone"])
    until = from_s + held["held_s"]
    order = _by_zone(zone, from_s)
    arrival = _sums(calls["arrival_s"])
    departure = arrival + calls["stand_s"]
    made_calls = Calls(
        start=_offsets(trains["calls"]),
        point=calls["point"].astype(np.int32),
        arrival_s=arrival,
        departure_s=departure,
        planned_arrival_s=_back(calls["planned_arrival_s"], arrival),
        planned_departure_s=_back(calls["planned_departure_s"], departure),
        track=calls["track"],
    )
    return Day(
        name=str(head["name"]),
        kind=str(head["kind"]),
        date=str(head["date"]),
        lacks=list(head["lacks"]),
        periodic=bool(head["periodic"]),
        trains=DayTrains(
            reference=trains["reference"],
            series=trains["series"],
            kind=trains["kind"],
            layer=trains["layer"],
            phase=trains["phase"],
            length_m=trains["length_m"].astype(np.float32),
            occupies=trains["occupies"].astype(np.uint8),
        ),
        calls=made_calls,
        passengers=_decode_passengers(tables, made_calls),
        turns=_decode_turns(tables),
        movements=Movements(
            start=movement_start,
            directed=_sums(moves["directed"]),
            enter_ds=enter,
            exit_ds=exit_ds,
            depart_ds=leave,
        ),
        holdings=Holdings(
            zone=zone[order],
            from_s=from_s[order],
            until_s=until[order],
            train=train[order],
            occupies=held["occupies"].astype(np.uint8)[order],
            blocks=held["blocks"].astype(np.uint8)[order],
        ),
        reserve=None,
        network_hash=str(head["network_hash"]),
        content_hash=str(head["content_hash"]),
        notes=dict(head["notes"]),
    )


def _by_zone(zone: npt.NDArray[np.int32], from_s: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    """Return the order by zone, then start, then train; the rows come in order of train."""
    low = int(from_s.min(initial=0))
    width = int(from_s.max(initial=0)) - low + 1
    shift = max(1, len(zone).bit_length())
    key = ((zone.astype(np.int64) * width + (from_s - low)) << shift) | np.arange(len(zone), dtype=np.int64)
    key.sort()
    return key & ((1 << shift) - 1)
