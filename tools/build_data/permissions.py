"""What each piece allows: voltage, train protection, load, gauge, length, dangerous goods; from a table by line."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
import shapely

from tools.build_data.lines import track_lines
from tools.build_data.places import areas
from tools.build_data.source import geometry, length_m, rows, track_rows
from tools.build_data.tables import DATA, Column, write_table
from weerspoor.network.model import GAUGES, LINE_CATEGORIES, PROTECTIONS, VOLTAGES

TABLE = "permissions_by_line.csv"
STATION_TRACK_M = 2_500.0
"""A track longer than this is open line, even with both ends in one place."""

FIELDS = (
    "voltage",
    "protection",
    "line_category",
    "category_speed_kmh",
    "gauge",
    "max_train_m",
    "dangerous_goods",
    "freight",
    "left_allowed",
)
Bools = npt.NDArray[np.bool_]


def table(path: Path = DATA / TABLE) -> list[dict[str, str]]:
    """Return the rows of the table by line, comments left out."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return list(csv.DictReader(line for line in lines if not line.startswith("#")))


def value(field: str, text: str) -> int | float | bool:
    """Return a field of the table as it is stored.

    Raises
    ------
    ValueError
        If the text names something that does not exist.
    """
    if field in ("voltage", "protection"):
        names = VOLTAGES if field == "voltage" else PROTECTIONS
        return 0 if text == "none" else sum(1 << names.index(part) for part in text.split("+"))
    if field == "line_category":
        return LINE_CATEGORIES.index(text)
    if field == "gauge":
        return GAUGES.index(text)
    if field in ("max_train_m", "category_speed_kmh"):
        return float(text)
    return {"yes": True, "no": False}[text]


@dataclass(frozen=True)
class Where:
    """Where every piece lies: line, track, chainages and the point in its middle."""

    line: npt.NDArray[np.str_]
    track: npt.NDArray[np.str_]
    from_m: npt.NDArray[np.float64]
    to_m: npt.NDArray[np.float64]
    middle: npt.NDArray[np.object_]


def covered(key: str, pieces: Where) -> Bools:
    """Return which pieces a key of the table means.

    Raises
    ------
    ValueError
        If it means none.
    """
    kind, _, rest = key.partition(":")
    if key == "*":
        found = np.ones(len(pieces.line), dtype=np.bool_)
    elif kind == "area":
        found = shapely.contains(areas()[rest], pieces.middle)
    elif kind == "track":
        name, _, span = rest.partition("@")
        found = pieces.track == name
        if span:
            low, high = (float(part) for part in span.split("-"))
            found &= (pieces.from_m < high) & (pieces.to_m > low)
    else:
        wanted = key.split("|")
        found = np.isin(pieces.line, wanted)
    if not found.any():
        raise ValueError(f"{TABLE}: no track belongs to {key!r}")
    return np.asarray(found, dtype=np.bool_)


def meet(columns: dict[str, list[int | float | bool]], pieces: Where) -> None:
    """Let the tracks of a station serve every line that meets there.

    A track with both ends in one place, short enough to belong to it, takes what any running line that touches the
    place takes: wires and protections are joined, of the others the most generous counts. Harbours, yards with a line
    of their own and areas given in the table by name are left as they are.
    """
    ends = {name: (row["GEOCODE_BEGIN"], row["GEOCODE_EIND"]) for name, row in track_rows().items()}
    running = {row["SPOORTAK_IDENTIFICATIE"] for row in rows("TRAJECTINDELING") if row["TRAJECT"]}
    fixed = {row["key"].removeprefix("area:") for row in table() if row["key"].startswith("area:")}
    at_place: dict[str, set[str]] = defaultdict(set)
    for name in running & ends.keys():
        for code in ends[name]:
            at_place[code].add(name)
    spans: dict[str, list[int]] = defaultdict(list)
    for index, name in enumerate(pieces.track.tolist()):
        spans[name].append(index)
    first = {name: span[0] for name, span in spans.items()}
    known = length_m()
    running_lines = {pieces.line[first[name]] for name in running}
    for name, (begin, end) in sorted(ends.items()):
        own_line = name not in running and pieces.line[first[name]] not in running_lines
        if begin != end or begin in fixed or own_line or known[name] > STATION_TRACK_M:
            continue
        others = sorted({first[other] for other in at_place[begin]})
        span = spans[name]
        for field in FIELDS:
            found = [columns[field][other] for other in others] + [columns[field][span[0]]]
            if field in ("voltage", "protection"):
                joined: int | float | bool = 0
                for bits in found:
                    joined |= int(bits)
                if field == "protection" and 0 in found:
                    joined = 0
            elif field == "left_allowed":
                continue
            else:
                joined = max(found)
            for piece in span:
                columns[field][piece] = joined


def build() -> None:
    """Write permissions.parquet, a row for every piece."""
    pieces = pq.read_table(DATA / "pieces.parquet")
    names = list(length_m())
    number, from_m, to_m = (pieces.column(name).to_numpy() for name in ("track", "from_m", "to_m"))
    lines: Mapping[str, str] = track_lines()
    track = np.array(names)[number]
    line = np.array([lines.get(name, "") for name in names])[number]
    length = np.array(list(length_m().values()))[number]
    shapes = np.array(list(geometry().values()), dtype=object)[number]
    middle = shapely.line_interpolate_point(shapes, (from_m + to_m) / 2 / np.maximum(length, 1e-6), normalized=True)
    places = Where(line, track, from_m, to_m, middle)
    columns: dict[str, list[int | float | bool]] = {}
    known = set(lines.values())
    for i, row in enumerate(table()):
        missing = [n for n in row["key"].split("|") if ":" not in n and n != "*" and n not in known]
        if missing:
            raise ValueError(f"{TABLE}: there is no line {', '.join(missing)}")
        where = np.flatnonzero(covered(row["key"], places))
        for field in FIELDS:
            if i == 0:
                columns[field] = [value(field, row[field])] * len(line)
            elif row[field]:
                new = value(field, row[field])
                for piece in where.tolist():
                    columns[field][piece] = new
    meet(columns, places)
    small = {"voltage": np.uint8, "protection": np.uint8, "line_category": np.uint8, "gauge": np.uint8}
    meaning = {
        "voltage": "bit mask of 1.5 kV DC, 3 kV DC, 15 kV AC, 25 kV AC; 0: no wire",
        "protection": "bit mask of ATB-EG, ATB-NG, ETCS, any of which will do; 0: none needed",
        "line_category": "index into " + ", ".join(LINE_CATEGORIES),
        "category_speed_kmh": "speed at which the line category holds",
        "gauge": "index into " + ", ".join(GAUGES),
        "max_train_m": "longest train",
        "dangerous_goods": "dangerous goods may pass",
        "freight": "freight trains may run",
        "left_allowed": "the track that is not the right-hand one may be planned",
    }
    units = {"category_speed_kmh": "km/h", "max_train_m": "m"}
    write_table(
        "permissions",
        "What each piece allows, a row for every piece in order.",
        f"{TABLE}, by line; each of its rows has a certainty and a source",
        "own compilation",
        {
            field: Column(
                np.array(
                    columns[field],
                    dtype=small.get(field, np.float32 if field in units else np.bool_),
                ),
                units.get(field, "-"),
                meaning[field],
                "assumed",
            )
            for field in FIELDS
        },
    )
    km = (to_m - from_m) / 1000
    wired = np.array(columns["voltage"]) > 0
    print(f"  {km[wired].sum():.0f} of {km.sum():.0f} km of track under wire")
