"""Platform and holding tracks: where a train may stand, attached to the directed pieces of the network."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow.parquet as pq
import shapely

from tools.build_data import places
from tools.build_data.places import JOINED_M, Point, Section, rules, sections, sections_by_track
from tools.build_data.source import length_m
from tools.build_data.tables import DATA, Column, write_table

SIGNALS = {
    "BED_SEIN",
    "BLOKMARKEERBORD",
    "BLOKMARKEERLAMP",
    "BLOKBORD",
    "MVB_SEIN",
    "RIJ_NA_OPDR",
    "STOPONTSPRBLOK",
    "STOP_BD",
    "STOP_BD_STS",
}
NEAREST_POINT_M = 2_500.0
"""A numbered section farther from every point belongs to none."""


@dataclass(frozen=True)
class Stand:
    """A place where a train may stand: head at ``at_m``, running with (0) or against (1) rising chainage."""

    track: str
    at_m: float
    direction: int
    point: int
    name: str
    platform_m: float
    usable_m: float


def margin_m(limit: str, *, ahead: bool) -> float:
    """Return what a train keeps from the limit of a section ahead of or behind it."""
    how = rules()["standing"]
    if limit in SIGNALS:
        return float(how["sight_margin_m"]) if ahead else 0.0
    return float(how["buffer_margin_m"] if limit == "STOOTJUK" else how["switch_margin_m"])


def stretch(section: Section) -> tuple[float, float, str, str]:
    """Return begin and end chainage, and the limits there, of the numbered sections joined to this one."""
    on = [s for s in sections_by_track()[section.track] if s.numbered]
    low, high, begin, end = section.from_m, section.to_m, section.begin, section.end
    for other in sorted(on, key=lambda s: -s.from_m):
        if abs(other.to_m - low) < JOINED_M and other.from_m < low:
            low, begin = other.from_m, other.begin
    for other in sorted(on, key=lambda s: s.from_m):
        if abs(other.from_m - high) < JOINED_M and other.to_m > high:
            high, end = other.to_m, other.end
    return low, high, begin, end


def usable_m(section: Section, direction: int) -> float:
    """Return the longest train that stands with its head at the section's end: signal to signal where there are any."""
    low, high, begin, end = stretch(section)
    if direction == 0:
        return section.to_m - low - margin_m(section.end, ahead=True) - margin_m(begin, ahead=False)
    return high - section.from_m - margin_m(section.begin, ahead=True) - margin_m(end, ahead=False)


def has_platform(code: str, section: Section | None) -> bool:
    """Tell whether a track through a station has a platform; a working assumption."""
    wanted = rules()["platform_tracks"].get(code.upper())
    if wanted is None or section is None or not section.numbered:
        return True
    return any(low <= section.number <= high for low, high in places.numbers(wanted))


def public_name(section: Section) -> str:
    """Return the name on the platform: ``5`` for 805, ``8b`` for 508b, ``3`` for 213, ``10`` for 510.

    The signalling numbers the tracks of many stations from a hundred or ten of their own.
    """
    short = section.number % 100
    short = short if short == 10 else short % 10
    if section.number < 100 or short == 0:
        return section.name
    return f"{short}{section.name.lstrip('0123456789')}"


def stands(points: Sequence[Point]) -> list[Stand]:
    """Return every place where a train may stand."""
    made: list[Stand] = []
    point_of: dict[tuple[str, float], tuple[int, float, int]] = {}
    platform_of: dict[tuple[str, float], float] = {}
    for kind in ("station", "yard", "harbour"):
        for i, point in enumerate(points):
            if point.kind != kind:
                continue
            for track, low, high, chainage in point.places:
                section = places.section_at(sections_by_track(), track, chainage)
                if section is not None and section.numbered:
                    far = float(np.hypot(section.x - point.x, section.y - point.y))
                    rank = (
                        2 if kind == "station" and not has_platform(point.code, section) else int(kind != "station"),
                        far,
                        i,
                    )
                    point_of[(track, section.from_m)] = min(point_of.get((track, section.from_m), rank), rank)
                if kind != "station" or point.code.upper() not in places.station_rows():
                    continue
                if section is None or not has_platform(point.code, section):
                    continue
                length = places.platform_m(places.station_rows()[point.code.upper()]["type"])
                ends = places.platform_stretch(point, track, low, high, chainage)
                if ends is None:
                    platform_of[(track, section.from_m)] = min(length, section.length_m)
                elif ends[1] - ends[0] >= rules()["standing"]["least_holding_m"]:
                    name = public_name(section) if section.numbered else ""
                    edge = ends[1] - ends[0]
                    made += [
                        Stand(track, ends[1], 0, i, name, edge, edge),
                        Stand(track, ends[0], 1, i, name, edge, edge),
                    ]
    near = {i: p for i, p in enumerate(points) if p.kind in ("station", "yard", "harbour") and p.places}
    tree, rows = shapely.STRtree(shapely.points([(p.x, p.y) for p in near.values()])), list(near)
    for section in sections():
        how = rules()["standing"]
        if not section.numbered or not how["least_holding_m"] <= section.length_m <= how["most_holding_m"]:
            continue
        key = (section.track, section.from_m)
        if key in point_of:
            here = point_of[key][2]
        else:
            found = tree.query_nearest(shapely.Point(section.x, section.y), max_distance=NEAREST_POINT_M)
            here = rows[int(min(found))] if len(found) else -1
        for direction in (0, 1):
            usable = usable_m(section, direction)
            if usable < rules()["standing"]["least_holding_m"]:
                continue
            at_m = section.to_m if direction == 0 else section.from_m
            name = public_name(section) if key in platform_of else section.name
            made.append(Stand(section.track, at_m, direction, here, name, platform_of.get(key, 0.0), usable))
    return made


def write_stops(points: Sequence[Point]) -> None:
    """Write stops.parquet from the places and the pieces of the network."""
    table = pq.read_table(DATA / "pieces.parquet")
    track, from_m, to_m = (table.column(name).to_numpy() for name in ("track", "from_m", "to_m"))
    number = {name: i for i, name in enumerate(length_m())}
    first = np.searchsorted(track, np.arange(len(number) + 1))
    chosen: dict[int, Stand] = {}
    double: dict[int, int] = defaultdict(int)
    for stand in stands(points):
        low, high = int(first[number[stand.track]]), int(first[number[stand.track] + 1])
        ends = (to_m if stand.direction == 0 else from_m)[low:high]
        piece = low + int(np.argmin(np.abs(ends - stand.at_m)))
        directed = 2 * piece + stand.direction
        old = chosen.get(directed)
        if old is not None:
            double[directed] += 1
        if old is None or (stand.platform_m > 0, stand.usable_m) > (old.platform_m > 0, old.usable_m):
            chosen[directed] = stand
    rows = sorted(chosen.items())
    stops = [stand for _, stand in rows]
    write_table(
        "stops",
        "Platform and holding tracks: a train stands with its head at the exit of the directed piece.",
        places.SOURCES,
        places.LICENCES,
        {
            "directed": Column(np.array([d for d, _ in rows], dtype=np.int32), "-", "2 * piece + direction", "likely"),
            "point": Column(
                np.array([s.point for s in stops], dtype=np.int32), "-", "row of points, -1: none", "likely"
            ),
            "name": Column(
                [s.name for s in stops],
                "-",
                "name of the track on the platform (last digit of a number above 100) or in the yard",
                "likely",
            ),
            "platform_m": Column(
                np.array([round(s.platform_m, 1) for s in stops], dtype=np.float32),
                "m",
                "length of the platform edge by type of station, 0: none",
                "assumed",
            ),
            "usable_m": Column(
                np.array([round(s.usable_m, 1) for s in stops], dtype=np.float32),
                "m",
                "longest train that stands clear: signal to signal, else switch to switch less a margin",
                "likely",
            ),
        },
    )
    report(stops, len(double))


def report(stops: Sequence[Stand], double: int) -> None:
    """Print what was found."""
    signalled = [s for s in sections() if s.numbered and s.begin in SIGNALS and s.end in SIGNALS]
    print(
        f"  {len(stops)} stops, {sum(s.platform_m > 0 for s in stops)} at platforms,"
        f" {sum(s.point < 0 for s in stops)} at no point, {double} directed pieces wanted twice"
    )
    print(
        f"  named tracks between signals: {len(signalled)}, at least 740 m from signal to signal:"
        f" {sum(s.length_m >= 740 for s in signalled)}; stops that hold 740 m: {sum(s.usable_m >= 740 for s in stops)}"
    )
