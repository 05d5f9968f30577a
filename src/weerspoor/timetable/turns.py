"""Which train's stock goes on as which: worked out, since no source says so.

A train that ends at a point goes on as the first train of the same series, else of the same kind, that begins there
late enough, at the same platform track where there is one. Who ended first goes on first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from weerspoor.timetable.day import LAYER_PASSENGER, Day, Turns
from weerspoor.trains import tables
from weerspoor.trains.tables import number


@dataclass(frozen=True)
class _End:
    """Where a train begins or ends: its number, the point, the track and the time."""

    train: int
    point: int
    track: str
    time_s: int


@dataclass(frozen=True)
class TurnNorm:
    """Least and longest stand of a kind of train that goes on as another, in seconds."""

    least_s: int
    longest_s: int


def turn_norms() -> dict[str, TurnNorm]:
    """Return the norms of ``turns.csv`` by kind of train; other kinds do not go on as other trains."""
    return {
        row["kind"]: TurnNorm(int(number(row, "least_s")), int(number(row, "longest_s")))
        for row in tables.rows("turns")
    }


def find_turns(day: Day, norms: dict[str, TurnNorm] | None = None) -> Turns:
    """Return which passenger train's stock goes on as which.

    Parameters
    ----------
    day : Day
    norms : dict or None
        By kind of train; those of the package when None.
    """
    norms = turn_norms() if norms is None else norms
    trains = day.trains
    turning = [
        train
        for train, (kind, layer) in enumerate(zip(trains.kind, trains.layer, strict=True))
        if layer == LAYER_PASSENGER and kind in norms and day.calls.start[train] < day.calls.start[train + 1]
    ]
    ends = [_end(day, train, last=True) for train in turning]
    begins = [_end(day, train, last=False) for train in turning]
    found: dict[int, int] = {}
    rules: tuple[Callable[[_End], tuple[object, ...]], ...] = (
        lambda end: (end.point, trains.series[end.train], trains.kind[end.train], end.track),
        lambda end: (end.point, trains.series[end.train], trains.kind[end.train]),
        lambda end: (end.point, trains.kind[end.train], end.track),
        lambda end: (end.point, trains.kind[end.train]),
    )
    for rule in rules:
        taken = set(found.values())
        _match(
            [end for end in ends if end.train not in found],
            [begin for begin in begins if begin.train not in taken],
            rule,
            lambda end: norms[trains.kind[end.train]],
            found,
        )
    first = np.array(sorted(found), np.int32)
    onward = np.array([found[train] for train in first.tolist()], np.int32)
    least = np.array([norms[trains.kind[train]].least_s for train in first.tolist()], np.int32)
    return Turns(first, onward, least)


def _end(day: Day, train: int, *, last: bool) -> _End:
    calls = day.calls
    row = int(calls.start[train + 1]) - 1 if last else int(calls.start[train])
    time_s = int(calls.arrival_s[row]) if last else int(calls.departure_s[row])
    return _End(train, int(calls.point[row]), calls.track[row], time_s)


def _match(
    ends: list[_End],
    begins: list[_End],
    rule: Callable[[_End], tuple[object, ...]],
    norm_of: Callable[[_End], TurnNorm],
    found: dict[int, int],
) -> None:
    """Give each train that ends, the earliest first, the first train of the same rule that begins late enough."""
    waiting: defaultdict[tuple[object, ...], list[_End]] = defaultdict(list)
    for begin in sorted(begins, key=_in_time):
        waiting[rule(begin)].append(begin)
    for end in sorted(ends, key=_in_time):
        norm = norm_of(end)
        for begin in waiting[rule(end)]:
            stand_s = begin.time_s - end.time_s
            if norm.least_s <= stand_s <= norm.longest_s:
                found[end.train] = begin.train
                waiting[rule(end)].remove(begin)
                break


def _in_time(end: _End) -> tuple[int, int]:
    return end.time_s, end.train
