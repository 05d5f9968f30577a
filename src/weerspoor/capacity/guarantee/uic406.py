"""Occupation of line sections as UIC leaflet 406 works it out: the trains of some hours pushed together.

The trains keep their order, their running times and what they hold; each is moved as early as the ones before it let
it. When the first train is set behind the last once more, its move is the time the section is occupied::

    zone b   |--1--|   |-2-|      |--3--|          |--1--||-2-||--3--||--1'--|
    zone a  |--1--|  |-2-|      |--3--|     ->    |--1--||-2-||--3--||--1'--|
                                                  <--- occupied ---->

Occupation is that time as a share of the hours. A section lies between two nodes: junctions, yards, borders, and
stations with enough tracks to change the order of trains. It is looked at in one direction, on the tracks of the way of
the corridor; on a single track the trains against it hold the same zones and count as well.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from weerspoor.capacity.guarantee.binding import Section, Way, place
from weerspoor.capacity.guarantee.result import BandOccupation, SectionOccupation
from weerspoor.capacity.guarantee.settings import Band, guarantee_settings
from weerspoor.common.clock import DAY_S

if TYPE_CHECKING:
    from weerspoor.timetable.day import Day

Ints = npt.NDArray[np.int32]

NODES = ("yard", "junction", "border", "harbour")
MIXED, SUBURBAN = "mixed", "suburban"


@dataclass(frozen=True)
class Blocking:
    """What trains hold of a section, by train in order of their coming.

    Attributes
    ----------
    train : list of int
        Index into the trains of the day.
    from_s : list of int
        When each begins to hold something, rising.
    held : list of (k, 3) int arrays
        Zone, from when and until when of each.
    """

    train: list[int]
    from_s: list[int]
    held: list[npt.NDArray[np.int64]]


def compressed_s(held: list[npt.NDArray[np.int64]]) -> int:
    """Return for how many seconds trains occupy a section when they are pushed together.

    Parameters
    ----------
    held : list of (k, 3) int arrays
        Zone, from when and until when, of each train in their order.

    Returns
    -------
    int
        From the beginning of the first train until it could come once more behind the last.
    """
    if not held:
        return 0
    open_s: dict[int, int] = {}

    def push(rows: npt.NDArray[np.int64], begin: int) -> int:
        """Set a train as early as it can be, not before ``begin``; return when it begins to hold something."""
        origin = int(rows[:, 1].min())
        earliest: int = max([begin, *(open_s[z] - (a - origin) for z, a, _ in rows.tolist() if z in open_s)])
        for z, _, b in rows.tolist():
            open_s[z] = max(open_s.get(z, earliest), earliest + b - origin)
        return earliest

    starts = [push(rows, 0) for rows in held]
    return push(held[0], 0) - starts[0]


def occupations(way: Way, day: Day) -> list[SectionOccupation]:
    """Return the occupation of every line section of a way in each band of hours."""
    rule = guarantee_settings()
    found = []
    for begin, end, km, zones in sections(way):
        blocking = _blocking(day, zones)
        traffic = _traffic(day, blocking.train)
        bands = [_occupied(blocking, band, traffic) for band in rule.band]
        network = way.network
        found.append(
            SectionOccupation(
                begin=place(network, begin), end=place(network, end), km=round(km, 1), traffic=traffic, bands=bands
            )
        )
    return found


def sections(way: Way) -> list[tuple[int, int, float, Ints]]:
    """Return (begin, end, km, zones) of the line sections of a way, in order of running."""
    found: list[tuple[int, int, float, Ints]] = []
    parts: list[Ints] = []
    km, begin = 0.0, -1
    for number, section in enumerate(way.sections):
        if begin < 0:
            begin = section.begin
        parts.append(way.zones(section))
        km += section.km
        if is_node(way, section) or number == len(way.sections) - 1:
            found.append((begin, section.end, km, np.unique(np.concatenate(parts))))
            parts, km, begin = [], 0.0, -1
    return found


def is_node(way: Way, section: Section) -> bool:
    """Tell whether the order of trains can change at the end of a stretch, so that a line section ends there.

    On single track two tracks do, because trains that meet pass each other there.
    """
    network, rule = way.network, guarantee_settings().occupation
    if network.points.kind[section.end] in NODES:
        return True
    stops = network.stops
    tracks = np.unique(network.pieces.track[stops.directed[stops.point == section.end] >> 1])
    return len(tracks) >= (rule.node_tracks_single if _single(way, section) else rule.node_tracks)


def _single(way: Way, section: Section) -> bool:
    """Tell whether most of a stretch is single track: the normal track for both directions."""
    assert way.run is not None
    directed = way.run.directed[section.first + 1 : section.last + 1]
    length, right = way.network.pieces.length_m[directed >> 1], way.network.pieces.right_hand
    return bool(length[right[directed] & right[directed ^ 1]].sum() > 0.5 * length.sum())


def _blocking(day: Day, zones: Ints) -> Blocking:
    """Return what the trains of a day hold of some zones, kept-empty zones included."""
    held = day.holdings
    rows = np.flatnonzero(np.isin(held.zone, zones))
    order = rows[np.lexsort((held.from_s[rows], held.train[rows]))]
    cuts = np.flatnonzero(np.diff(held.train[order])) + 1
    parts = [part for part in np.split(order, cuts) if len(part)]
    ready = sorted((int(held.from_s[part].min()), int(held.train[part[0]]), i) for i, part in enumerate(parts))
    tables = [np.stack([held.zone[p], held.from_s[p], held.until_s[p]], axis=1).astype(np.int64) for p in parts]
    return Blocking([t for _, t, _ in ready], [s for s, _, _ in ready], [tables[i] for _, _, i in ready])


def _traffic(day: Day, trains: list[int]) -> str:
    rule = guarantee_settings().occupation
    kinds = Counter(day.trains.kind[train] for train in trains)
    suburban = sum(kinds[kind] for kind in rule.suburban_kinds)
    return SUBURBAN if trains and suburban >= rule.suburban_share * len(trains) else MIXED


def _occupied(blocking: Blocking, band: Band, traffic: str) -> BandOccupation:
    rule = guarantee_settings().occupation
    begin_s, end_s = round(band.from_h * 3600), round(band.to_h * 3600)
    inside = [
        rows
        for from_s, rows in zip(blocking.from_s, blocking.held, strict=True)
        if (from_s - begin_s) % DAY_S < end_s - begin_s
    ]
    ordered = sorted(range(len(inside)), key=lambda i: ((int(inside[i][:, 1].min()) - begin_s) % DAY_S, i))
    percent = 100.0 * compressed_s([inside[i] for i in ordered]) / (end_s - begin_s)
    name = f"{traffic}_{'peak' if band.peak else 'day'}"
    threshold = float(getattr(rule, name))
    return BandOccupation(
        band=band.name,
        trains=len(inside),
        percent=round(percent, 1),
        threshold=threshold,
        over=percent > threshold,
    )
