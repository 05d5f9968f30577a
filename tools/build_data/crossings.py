"""Where the centre lines of two tracks cross: at one level, so that trains conflict, or at two.

The rule, first match wins:

1. both have a crossing record there, or records of one and the same switch: one level;
2. both lie on switches: one level;
3. one of them has a bridge or tunnel there: two levels;
4. one lies on a switch and the other within ``END_M`` of the end of its section: one level;
5. otherwise two levels: the source ends a section at every flat crossing it knows, so a crossing in the middle of
   a section is none.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np

from tools.build_data import source
from tools.build_data.tables import Column, write_table

RECORD_M = 2.0
OBJECT_M = 10.0
END_M = 30.0


@dataclass(frozen=True)
class Crossing:
    """A geometric crossing of two tracks and what was decided."""

    track: str
    at_m: float
    other: str
    other_at_m: float
    flat: bool
    reason: str


def find(records: dict[str, list[Any]]) -> list[Crossing]:
    """Return every geometric crossing of two tracks, in order of track and place."""
    import shapely

    names = list(source.geometry())
    lines = list(source.geometry().values())
    bridges: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for row in source.rows("SPOORTAK_OBJECTEN"):
        if row["DOORSNIJDINGSYSTEEM"] != "Overweg":
            ends = sorted((source.number(row[f"SPOORTAK_LRS_{end}"]) or 0.0) * 1000 for end in ("VAN", "TOT"))
            bridges[row["SPOORTAK_IDENTIFICATIE"]].append((ends[0] - OBJECT_M, ends[1] + OBJECT_M))
    one, other = shapely.STRtree(lines).query(lines, predicate="crosses")
    found = []
    for i, j in zip(one.tolist(), other.tolist(), strict=True):
        if i >= j:
            continue
        for point in shapely.get_parts(shapely.intersection(lines[i], lines[j])):
            if shapely.get_type_id(point) != 0:
                continue
            tracks = (names[i], names[j])
            at = tuple(float(shapely.line_locate_point(lines[k], point)) for k in (i, j))
            bridged = any(a <= at[k] <= b for k in (0, 1) for a, b in bridges[tracks[k]])
            flat, reason = decide([records[tracks[k]] for k in (0, 1)], at, bridged)
            found.append(Crossing(tracks[0], at[0], tracks[1], at[1], flat, reason))
    return sorted(found, key=lambda c: (c.track, c.at_m, c.other, c.other_at_m))


def decide(records: list[list[Any]], at: tuple[float, ...], bridged: bool) -> tuple[bool, str]:
    """Return whether a crossing is at one level, and by which part of the rule."""
    there = [[r for r in records[k] if r.from_m - RECORD_M <= at[k] <= r.to_m + RECORD_M] for k in (0, 1)]
    kinds = [{r.kind for r in found} for found in there]
    numbers = [{n for r in found if r.kind == "W" for n in r.name.split("/")} for found in there]
    if "K" in kinds[0] and "K" in kinds[1]:
        return True, "crossing record"
    if numbers[0] & numbers[1]:
        return True, "same switch"
    on_points = [bool(kind & {"W", "K"}) for kind in kinds]
    if all(on_points):
        return True, "both on points"
    if bridged:
        return False, "bridge or tunnel"
    if any(on_points):
        k = on_points.index(False)
        section = there[k][0]
        if min(at[k] - section.from_m, section.to_m - at[k]) <= END_M:
            return True, "points and end of section"
    return False, "middle of a section"


def write(found: list[Crossing]) -> None:
    """Write crossings.parquet."""
    write_table(
        "crossings",
        "Places where the centre lines of two tracks cross, and whether trains conflict there",
        f"{source.DESCRIBED}; rule and program in tools/build_data/crossings.py",
        source.LICENCE,
        {
            "track": Column([c.track for c in found], "-", "Name of a track", "sure"),
            "at_m": Column(np.array([c.at_m for c in found], np.float32), "m", "Chainage on it", "sure"),
            "other": Column([c.other for c in found], "-", "Name of the other track", "sure"),
            "other_at_m": Column(np.array([c.other_at_m for c in found], np.float32), "m", "Chainage on that", "sure"),
            "flat": Column([c.flat for c in found], "-", "At one level: both hold one zone", "likely"),
            "reason": Column([c.reason for c in found], "-", "Part of the rule that decided", "sure"),
        },
    )
