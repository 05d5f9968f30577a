"""Minimum levels of service (Besluit capaciteitsverdeling, art. 8): what a day has of them, and what a move would take.

What counts, since the law names pairs of stations and no more:

- *Between large stations*: a train counts from one large station to the next if it stops at both and comes through
  no other large one between.
- *Between other stations*: from one station to the next if it stops at both and passes none at which passenger trains
  of the day stop; pairs of two large stations are counted as the above only.
- *Relations* (international, high speed) count trains of their market segment that have all their points.
- *Freight* counts the trains of the flows that use a row of the table, and the reserve paths of that row: the level
  is what may be run. To use a reserve path is no loss; it is there for that (art. 13(2)).

A train counts in the clock hour in which it leaves the first of the two. Moved by no more than a tolerance it still
counts in its own, also over the full hour.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

import numpy as np

from weerspoor.capacity.holders import border_networks, holder_of
from weerspoor.common.clock import DAY_S, DAY_START_S
from weerspoor.network.model import Network
from weerspoor.timetable.day import LAYER_FREIGHT, LAYER_PASSENGER, Day
from weerspoor.trains.tables import Row, norm, norms, number, rows, words

TABLE = "minimum_levels"
LARGE, OTHER, RELATION, FREIGHT = "large", "other", "relation", "freight"
"""Kinds of levels."""

HOURS = 24
FIRST_HOUR = DAY_START_S // 3600
"""Hours are numbered on from 05:00: 0 to 4 o'clock of the next day are 24 to 28."""

WHOLE_DAY = FIRST_HOUR + HOURS
"""Number behind the last hour, under which levels of a whole day are kept."""


@dataclass(frozen=True)
class Section:
    """Two places and a direction, or a row of a table.

    Attributes
    ----------
    kind : str
        large, other, relation or freight.
    name : str
        ``Gd-Ut`` in order of the alphabet, or the name of the relation or row.
    direction : str
        The place it goes to.
    """

    kind: str
    name: str
    direction: str


@dataclass(frozen=True)
class Shortfall:
    """A level that a move would leave unmet.

    Attributes
    ----------
    section : str
        ``Gd-Ut``, or a relation or row of freight.
    direction : str
        Code of the point it goes to.
    hour : int or None
        Clock hour 0-23; None for a level of the whole day.
    needed, before, after : int
        Paths.
    kind : str
        large, other, relation or freight.
    """

    section: str
    direction: str
    hour: int | None
    needed: int
    before: int
    after: int
    kind: str


class _Entry(NamedTuple):
    """A train counts in a section at an hour; the two points at which it has to stop for that."""

    section: int
    hour: int
    leaves_s: int
    points: tuple[int, ...]


@dataclass
class _Counts:
    """Sections by number; of each the paths needed and had by hour."""

    number: dict[Section, int] = field(default_factory=dict)
    needed: list[dict[int, int]] = field(default_factory=list)
    had: list[dict[int, int]] = field(default_factory=list)
    between: dict[tuple[str, int, int], int] = field(default_factory=dict)
    """Number of the section between two points, for quick look-up."""

    def of(self, section: Section, needed: Mapping[int, int]) -> int:
        if section not in self.number:
            self.number[section] = len(self.number)
            self.needed.append(dict(needed))
            self.had.append({})
        return self.number[section]

    def add(self, section: int, hour: int) -> None:
        had = self.had[section]
        had[hour] = had.get(hour, 0) + 1
        had[WHOLE_DAY] = had.get(WHOLE_DAY, 0) + 1


class MinimumLevels:
    """The minimum levels of a day, counted once.

    Parameters
    ----------
    network : Network
    day : Day
        Made for this network.
    """

    def __init__(self, network: Network, day: Day) -> None:
        self._counts = _Counts()
        self._tolerance_s = int(norm("counting", "hour_tolerance_s", TABLE))
        self._entries: list[tuple[_Entry, ...]] = []
        runs = _Runs(network, day)
        served = runs.served()
        for train in range(len(day.trains.reference)):
            found = [*self._passenger(runs, train, served), *self._relation(runs, train), *self._freight(runs, train)]
            for entry in found:
                self._counts.add(entry.section, entry.hour)
            self._entries.append(tuple(found))
        if day.reserve is not None:
            self._count_reserve(_Runs(network, day.reserve))
        self._sections = list(self._counts.number)

    def may_lose(
        self,
        trains_removed: Iterable[int],
        moved: Mapping[int, int | Mapping[int, int]] | None = None,
        lost: Mapping[int, Collection[int]] | None = None,
    ) -> list[Shortfall]:
        """Return the levels that are unmet, and worse than before, when trains go or are moved.

        Parameters
        ----------
        trains_removed : iterable of int
            Trains that do not run; indices into ``day.trains``.
        moved : mapping of int to int, or to mapping of int to int
            Shift of a train in s, later is positive: of the whole train, or by the point that it leaves (index into
            ``network.points``), 0 at others.
        lost : mapping of int to collection of int
            Points (indices into ``network.points``) at which a train that is shortened or sent another way no longer
            stops.

        Returns
        -------
        list of Shortfall
            By section and hour; empty if every level that was met is met, and no other gets worse.
        """
        gone = frozenset(trains_removed)
        moved, lost = moved or {}, lost or {}
        change: dict[tuple[int, int], int] = {}
        for train in sorted(gone | moved.keys() | lost.keys()):
            for entry in self._entries[train]:
                at = None if train in gone else self._hour_after(entry, moved.get(train, 0), lost.get(train, ()))
                if at != entry.hour:
                    _add(change, entry.section, entry.hour, -1)
                    if at is not None:
                        _add(change, entry.section, at, 1)
        return [
            self._shortfall(section, hour, by)
            for (section, hour), by in sorted(change.items())
            if self._short(section, hour, by)
        ]

    def levels(self) -> Iterator[Shortfall]:
        """Yield every level with what the day has of it, as a shortfall that loses nothing."""
        for section in range(len(self._sections)):
            for hour in sorted(self._counts.needed[section]):
                yield self._shortfall(section, hour, 0)

    def _hour_after(self, entry: _Entry, shift: int | Mapping[int, int], lost: Collection[int]) -> int | None:
        """Return the hour in which a train still counts; None if it no longer does."""
        if any(point in lost for point in entry.points):
            return None
        if isinstance(shift, int):
            shift_s = shift
        else:
            shift_s = shift.get(entry.points[0], 0) if entry.points else max(shift.values(), default=0, key=abs)
        return entry.hour if abs(shift_s) <= self._tolerance_s else _hour(entry.leaves_s + shift_s)

    def _short(self, section: int, hour: int, by: int) -> bool:
        return by < 0 and self._counts.had[section].get(hour, 0) + by < self._counts.needed[section].get(hour, 0)

    def _shortfall(self, section: int, hour: int, by: int) -> Shortfall:
        where, before = self._sections[section], self._counts.had[section].get(hour, 0)
        needed = self._counts.needed[section].get(hour, 0)
        clock_hour = None if hour == WHOLE_DAY else hour % HOURS
        return Shortfall(where.name, where.direction, clock_hour, needed, before, before + by, where.kind)

    def _passenger(self, runs: _Runs, train: int, served: frozenset[int]) -> Iterator[_Entry]:
        """Yield what a passenger train counts for between stations."""
        if runs.day.trains.layer[train] != LAYER_PASSENGER:
            return
        large, weekend = runs.large, runs.day.kind != "weekday"
        last: tuple[int, int] | None = None
        last_large: tuple[int, int] | None = None
        for point, leaves_s, stops in runs.calls(train):
            if not stops:
                last = None if point in served else last
                last_large = None if point in large else last_large
                continue
            if last is not None and not (last[0] in large and point in large):
                yield self._between(runs, OTHER, last, point, _needed_between_others(weekend))
            if last_large is not None and point in large:
                yield self._between(runs, LARGE, last_large, point, _needed_between_large())
            last = (point, leaves_s)
            if point in large:
                last_large = (point, leaves_s)

    def _between(self, runs: _Runs, kind: str, start: tuple[int, int], end: int, needed: Mapping[int, int]) -> _Entry:
        key = (kind, start[0], end)
        section = self._counts.between.get(key, -1)
        if section < 0:
            names = runs.code[start[0]], runs.code[end]
            section = self._counts.of(Section(kind, "-".join(sorted(names)), names[1]), needed)
            self._counts.between[key] = section
        return _Entry(section, _hour(start[1]), start[1], (start[0], end))

    def _relation(self, runs: _Runs, train: int) -> Iterator[_Entry]:
        """Yield the relations that a passenger train serves."""
        if runs.day.trains.layer[train] != LAYER_PASSENGER:
            return
        at = runs.visits(train)
        for row in rows("minimum_levels_by_relation"):
            found = runs.on_relation(train, at, row)
            if found is not None:
                direction, leaves_s, points = found
                section = self._counts.of(Section(RELATION, row["relation"], direction), _needed_on_relation(row))
                yield _Entry(section, _hour(leaves_s), leaves_s, points)

    def _freight(self, runs: _Runs, train: int) -> Iterator[_Entry]:
        """Yield the rows of the freight levels that a train of a flow uses."""
        flow = _flows().get(runs.day.trains.series[train])
        if runs.day.trains.layer[train] != LAYER_FREIGHT or flow is None:
            return
        forward = runs.begins_at(train, flow["from"])
        for name in flow["row"].split():
            row = _freight_rows()[name]
            leaves_s = runs.begin_s(train)
            yield _Entry(self._of_freight(row, forward, runs.day), _hour(leaves_s), leaves_s, ())

    def _of_freight(self, row: Row, forward: bool, day: Day) -> int:
        section = Section(FREIGHT, row["row"], row["to"] if forward else row["from"])
        return self._counts.of(section, _needed_of_freight(row["row"], day.kind == "weekday"))

    def _count_reserve(self, reserve: _Runs) -> None:
        for train, name in enumerate(reserve.day.trains.series):
            row = _freight_rows().get(name)
            if row is not None:
                section = self._of_freight(row, reserve.begins_at(train, row["from"]), reserve.day)
                self._counts.add(section, _hour(reserve.begin_s(train)))


class _Runs:
    """The calls of a day's trains as plain values."""

    def __init__(self, network: Network, day: Day) -> None:
        self.network, self.day, self.code = network, day, network.points.code
        self.index = {code: i for i, code in enumerate(self.code)}
        self.large = frozenset(self.index[row["point"]] for row in rows("large_stations") if row["point"] in self.index)
        self.station = np.array([kind == "station" for kind in network.points.kind], dtype=np.bool_)
        calls = day.calls
        stops = calls.departure_s > calls.arrival_s
        stops[calls.start[:-1][np.diff(calls.start) > 0]] = True
        stops[calls.start[1:][np.diff(calls.start) > 0] - 1] = True
        self.start, self.point = calls.start.tolist(), calls.point.tolist()
        self.leaves_s = calls.departure_s.tolist()
        self.stops = (stops & self.station[calls.point]).tolist()

    def calls(self, train: int) -> Iterator[tuple[int, int, bool]]:
        """Yield point, departure in s and whether it stops there for passengers, in order of running."""
        for i in range(self.start[train], self.start[train + 1]):
            yield self.point[i], self.leaves_s[i], self.stops[i]

    def served(self) -> frozenset[int]:
        """Return the stations at which passenger trains of the day stop."""
        return frozenset(
            point
            for train, layer in enumerate(self.day.trains.layer)
            if layer == LAYER_PASSENGER
            for point, _, stops in self.calls(train)
            if stops
        )

    def begins_at(self, train: int, code: str) -> bool:
        """Return whether a run begins at a place; one that ends there too has come in over a border close by."""
        first, last = (self.code[self.point[i]] for i in (self.start[train], self.start[train + 1] - 1))
        return bool(first == code != last)

    def begin_s(self, train: int) -> int:
        """Return when a run begins."""
        return int(self.leaves_s[self.start[train]])

    def visits(self, train: int) -> dict[str, int]:
        """Return the index of the last call of a train at each of its points."""
        return {self.code[self.point[i]]: i for i in range(self.start[train], self.start[train + 1])}

    def on_relation(self, train: int, at: dict[str, int], row: Row) -> tuple[str, int, tuple[int, ...]] | None:
        """Return where to, when and over which points a train serves a relation; None if it does not."""
        places = [row["from"], *row["via"].split()]
        if any(place not in at for place in places):
            return None
        holder = holder_of(self.day, train, self.network)
        if holder.segment not in words(row, "segments"):
            return None
        if row["to"] in at:
            forward = at[row["from"]] < at[row["to"]]
            places.append(row["to"])
        elif row["to"] in holder.borders:
            forward = self.code[self.point[self.start[train + 1] - 1]] in words(border_networks()[row["to"]], "ends")
        else:
            return None
        leaves_s = self.leaves_s[at[places[0] if forward else places[-1]]]
        return row["to"] if forward else row["from"], leaves_s, tuple(self.index[place] for place in places)


@dataclass(frozen=True)
class HeldPaths:
    """How many paths a day are to be held for ad hoc requests on a row of the freight levels, and how many there are.

    Attributes
    ----------
    row, direction : str
    level : int
        Paths a day of the minimum level.
    held : int
        A share of them (art. 13(2)), whole paths, rounded up.
    found : int
        Reserve paths of the day; those above ``held`` are paths of the level that nobody has asked for.
    """

    row: str
    direction: str
    level: int
    held: int
    found: int


def held_paths(network: Network, day: Day) -> list[HeldPaths]:
    """Return the reserve for ad hoc requests of a day, by row and direction of the freight levels.

    The share is taken of each row and direction by itself, over the whole day, since a path held elsewhere helps nobody
    here: a tenth of one path an hour is 2.4 paths a day, so three are held.
    """
    found: dict[tuple[str, str], int] = {}
    if day.reserve is not None:
        runs = _Runs(network, day.reserve)
        for train, name in enumerate(day.reserve.trains.series):
            if (row := _freight_rows().get(name)) is not None:
                key = (name, row["to"] if runs.begins_at(train, row["from"]) else row["from"])
                found[key] = found.get(key, 0) + 1
    share, step = norm("reserve", "share", TABLE), _whole("reserve", "least_step")
    result = []
    for name, row in _freight_rows().items():
        level = sum(_needed_of_freight(name, day.kind == "weekday").values())
        held = step * math.ceil(round(share * level / step, 9))
        result += [HeldPaths(name, to, level, held, found.get((name, to), 0)) for to in (row["to"], row["from"])]
    return result


def _hour(moment_s: int) -> int:
    """Return the hour of a moment, 5 to 28; the day repeats."""
    return FIRST_HOUR + (moment_s - DAY_START_S) % DAY_S // 3600


def _add(change: dict[tuple[int, int], int], section: int, hour: int, by: int) -> None:
    change[section, hour] = change.get((section, hour), 0) + by
    change[section, WHOLE_DAY] = change.get((section, WHOLE_DAY), 0) + by


@cache
def _needed_between_large() -> dict[int, int]:
    group = "large_stations"
    return dict.fromkeys(range(_whole(group, "from_h"), _whole(group, "until_h")), _whole(group, "paths"))


@cache
def _needed_between_others(weekend: bool) -> dict[int, int]:
    group = "other_stations"
    by_day = _whole(group, "weekend_paths" if weekend else "paths")
    by_evening = _whole(group, "weekend_paths" if weekend else "evening_paths")
    evening_h = _whole(group, "evening_h")
    return {
        hour: by_day if hour < evening_h else by_evening
        for hour in range(_whole(group, "from_h"), _whole(group, "until_h"))
    }


def _needed_on_relation(row: Row) -> dict[int, int]:
    needed: dict[int, int] = {}
    if row["per_hour"]:
        hours = range(_whole("large_stations", "from_h"), _whole("large_stations", "until_h"))
        needed = dict.fromkeys(hours, int(number(row, "per_hour")))
    if row["per_day"]:
        needed[WHOLE_DAY] = int(number(row, "per_day"))
    return needed


@cache
def _needed_of_freight(name: str, working_day: bool) -> dict[int, int]:
    """Return whole paths by hour: half a path an hour is one every other hour."""
    row = _freight_rows()[name]
    needed, owed = {}, 0.0
    for hour in range(FIRST_HOUR, FIRST_HOUR + HOURS):
        owed += number(row, "peak" if working_day and hour % HOURS in _peak_hours() else "off_peak")
        needed[hour] = int(owed + 1e-9)
        owed -= needed[hour]
    return needed


def _whole(group: str, key: str) -> int:
    return int(norm(group, key, TABLE))


@cache
def _peak_hours() -> frozenset[int]:
    value = norms("peak", TABLE)["hours"].value
    return frozenset(int(hour) for hour in value) if isinstance(value, list) else frozenset((int(value),))


@cache
def _freight_rows() -> dict[str, Row]:
    return {row["row"]: row for row in rows("freight_minimum_levels")}


@cache
def _flows() -> dict[str, Row]:
    return {row["flow"]: row for row in rows("freight_flows")}
