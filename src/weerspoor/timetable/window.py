"""A stretch of a day as a day of its own: every train that is met in it once, under a name of its own, to be moved.

A pattern day meets its trains again every day; whoever moves one of them on one morning needs that one alone. So a
window holds all trains that are met between two times, those of the days beside it included (``1100a02+1``), and does
not repeat itself.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from weerspoor.common.clock import DAY_S
from weerspoor.kernel.timelines import Rows
from weerspoor.timetable.day import Calls, Day, DayTrains, Holdings, Movements

Ints = npt.NDArray[np.int32]


def copies(day: Day, from_s: float, until_s: float) -> range:
    """Return how many days later the trains of a day are met again between two times."""
    if not day.periodic:
        return range(1)
    last_s = int(day.holdings.until_s.max(initial=0))
    first_s = int(day.holdings.from_s.min(initial=0))
    first = int(np.ceil((from_s - last_s) / DAY_S))
    last = int(np.floor((until_s - first_s) / DAY_S))
    return range(min(first, 0), max(last, 0) + 1)


def copy_reference(reference: str, days: int) -> str:
    """Return the reference of a train that is met again some days later (or earlier)."""
    return f"{reference}{days:+d}" if days else reference


@dataclass(frozen=True)
class Window:
    """A stretch of a day.

    Attributes
    ----------
    whole : Day
        The day it is taken from.
    day : Day
        The trains met in the stretch; not periodic, with its reserve, without passengers and turns.
    origin : (n,) int32
        Index of each train in ``whole``.
    days : (n,) int32
        So many days later than there.
    from_s, until_s : int
    """

    whole: Day
    day: Day
    origin: Ints
    days: Ints
    from_s: int
    until_s: int

    @cached_property
    def by_train(self) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        """CSR of the rows of ``day.holdings`` by train: offsets, rows."""
        return rows_by_train(self.day)

    def rows_of(self, train: int) -> Rows:
        """Return what a train holds, in order of zone and time."""
        start, rows = self.by_train
        at, held = rows[start[train] : start[train + 1]], self.day.holdings
        return Rows(held.zone[at], held.from_s[at], held.until_s[at], held.occupies[at], held.blocks[at])

    def calls_of(self, train: int) -> slice:
        """Return the rows of a train in ``whole.calls``; times there are ``days`` days earlier."""
        start = self.whole.calls.start
        return slice(int(start[self.origin[train]]), int(start[self.origin[train] + 1]))

    @cached_property
    def number(self) -> dict[tuple[int, int], int]:
        """Train by index in ``whole`` and days later."""
        pairs = zip(self.origin.tolist(), self.days.tolist(), strict=True)
        return {pair: number for number, pair in enumerate(pairs)}

    @cached_property
    def turns(self) -> dict[int, tuple[int, int]]:
        """By train the one that its stock goes on as, and the least time between, where both are in the window."""
        found: dict[int, tuple[int, int]] = {}
        if self.whole.turns is None:
            return found
        columns = (self.whole.turns.turn_from, self.whole.turns.turn_to, self.whole.turns.turn_least_s)
        then = {a: (b, least_s) for a, b, least_s in zip(*(column.tolist() for column in columns), strict=True)}
        for (train, days), number in self.number.items():
            onward = then.get(train)
            if onward is not None and (onward[0], days) in self.number:
                found[number] = (self.number[onward[0], days], onward[1])
        return found


def rows_by_train(day: Day) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return the rows of the holdings of a day by train: CSR offsets and rows."""
    order = np.argsort(day.holdings.train, kind="stable")
    counts = np.bincount(day.holdings.train, minlength=len(day.trains.reference))
    return np.concatenate([[0], np.cumsum(counts)]), order


def window_of(day: Day, from_s: int, until_s: int) -> Window:
    """Return the trains of a day that are met between two times, whole.

    Parameters
    ----------
    day : Day
    from_s, until_s : int
        Seconds of the operating day.
    """
    part, origin, days = _cut(day, from_s, until_s)
    reserve = None if day.reserve is None else _cut(day.reserve, from_s, until_s)[0]
    return Window(day, replace(part, reserve=reserve), origin, days, from_s, until_s)


def _cut(day: Day, from_s: int, until_s: int) -> tuple[Day, Ints, Ints]:
    n, held = len(day.trains.reference), day.holdings
    first_s, last_s = np.full(n, 2**30), np.full(n, -(2**30))
    np.minimum.at(first_s, held.train, held.from_s)
    np.maximum.at(last_s, held.train, held.until_s)
    shifts = list(copies(day, from_s, until_s))
    chosen = [np.flatnonzero((last_s + k * DAY_S > from_s) & (first_s + k * DAY_S < until_s)) for k in shifts]
    origin = np.concatenate(chosen).astype(np.int32)
    days = np.repeat(np.array(shifts, np.int32), [len(some) for some in chosen])
    numbers = {k: np.full(n, -1, np.int32) for k in shifts}
    at = 0
    for k, some in zip(shifts, chosen, strict=True):
        numbers[k][some] = np.arange(at, at + len(some))
        at += len(some)
    columns: list[tuple[npt.NDArray[np.integer[Any]], ...]] = []
    for k in shifts:
        number = numbers[k][held.train]
        rows = np.flatnonzero(number >= 0)
        by_s = np.int32(k * DAY_S)
        columns.append(
            (held.zone[rows], held.from_s[rows] + by_s, held.until_s[rows] + by_s, number[rows], held.occupies[rows],
             held.blocks[rows])
        )  # fmt: skip
    zone, begin, end, train, occupies, blocks = (np.concatenate(parts) for parts in zip(*columns, strict=True))
    order = np.argsort((zone.astype(np.int64) << 32) + begin, kind="stable")
    trains = day.trains
    names = zip(origin.tolist(), days.tolist(), strict=True)
    part = Day(
        name=day.name,
        kind=day.kind,
        date=day.date,
        lacks=list(day.lacks),
        periodic=False,
        trains=DayTrains(
            reference=[copy_reference(trains.reference[i], k) for i, k in names],
            series=[trains.series[i] for i in origin.tolist()],
            kind=[trains.kind[i] for i in origin.tolist()],
            layer=[trains.layer[i] for i in origin.tolist()],
            phase=[trains.phase[i] for i in origin.tolist()],
            length_m=trains.length_m[origin],
            occupies=trains.occupies[origin],
        ),
        calls=_calls(day.calls, origin, days),
        movements=_movements(day.movements, origin, days),
        holdings=Holdings(zone[order], begin[order], end[order], train[order], occupies[order], blocks[order]),
        reserve=None,
        network_hash=day.network_hash,
        content_hash=day.content_hash,
        notes=dict(day.notes),
    )
    return part, origin, days


def _gather(start: Ints, chosen: Ints) -> tuple[Ints, npt.NDArray[np.intp]]:
    """Return the CSR offsets of some groups, and the rows of them all."""
    begin, count = start[chosen].astype(np.int64), np.diff(start)[chosen].astype(np.int64)
    offsets = np.concatenate([[0], np.cumsum(count)])
    rows = np.repeat(begin - offsets[:-1], count) + np.arange(int(offsets[-1]))
    return offsets.astype(np.int32), rows


def _calls(calls: Calls, origin: Ints, days: Ints) -> Calls:
    start, rows = _gather(calls.start, origin)
    by_s = np.repeat(days, np.diff(start)) * np.int32(DAY_S)

    def planned(times: Ints) -> Ints:
        return np.where(times[rows] >= 0, times[rows] + by_s, times[rows]).astype(np.int32)

    return Calls(
        start,
        calls.point[rows],
        calls.arrival_s[rows] + by_s,
        calls.departure_s[rows] + by_s,
        planned(calls.planned_arrival_s),
        planned(calls.planned_departure_s),
        [calls.track[row] for row in rows.tolist()],
    )


def _movements(moves: Movements, origin: Ints, days: Ints) -> Movements:
    start, rows = _gather(moves.start, origin)
    by_ds = np.repeat(days, np.diff(start)) * np.int32(10 * DAY_S)
    return Movements(
        start,
        moves.directed[rows],
        moves.enter_ds[rows] + by_ds,
        moves.exit_ds[rows] + by_ds,
        moves.depart_ds[rows] + by_ds,
    )
