"""The pattern hour: most trains of a weekday are the same train an hour later, so they are placed once for all hours.

Trains with the same calls at the same minutes of different hours are one *hourly train*. The hourly trains are placed
on timelines that repeat every hour; what is free of conflicts there stays so whichever hours of the day each train runs
in. The few hundred hourly trains can be re-planned much longer than the thousands of trains they stand for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from weerspoor.kernel.profile import later
from weerspoor.timetable.build import Placed, Repeat, Wanted

HOUR_S = 3600

BASE_S = 12 * HOUR_S
"""Hourly trains leave between this hour and the next."""

EVERY_HOUR = Repeat(HOUR_S, BASE_S - HOUR_S, BASE_S + 10 * HOUR_S)
"""The longest train runs less than seven hours; it begins within an hour, moved to earlier by less than another, and is
late by no more than two."""


@dataclass(frozen=True)
class HourlyTrain:
    """Trains that differ by whole hours only.

    Attributes
    ----------
    wanted : Wanted
        The train of the base hour; its ``count`` says how many trains of the day it stands for.
    trains : tuple of int
        Their indices.
    shifts : tuple of int
        How much later than ``wanted`` each of them is, in seconds: whole hours.
    """

    wanted: Wanted
    trains: tuple[int, ...]
    shifts: tuple[int, ...]


def hourly_trains(wanted: Sequence[Wanted], chosen: Sequence[int], least: int) -> tuple[list[HourlyTrain], list[int]]:
    """Return the hourly trains among some trains, and the trains that belong to none.

    Parameters
    ----------
    wanted : sequence of Wanted
    chosen : sequence of int
        The trains looked at.
    least : int
        An hourly train stands for at least so many.
    """
    groups: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for number in chosen:
        groups[wanted[number].phase, *_key(wanted[number])].append(number)
    hourly: list[HourlyTrain] = []
    single: list[int] = []
    for numbers in groups.values():
        if len(numbers) < least:
            single += numbers
            continue
        first = wanted[numbers[0]]
        down = (first.departure_s[0] - BASE_S) // HOUR_S * HOUR_S
        contradicted = 2 * sum(wanted[number].contradicted for number in numbers) > len(numbers)
        base = replace(first.shifted(-down), count=len(numbers), contradicted=contradicted)
        shifts = tuple(wanted[number].departure_s[0] - base.departure_s[0] for number in numbers)
        hourly.append(HourlyTrain(base, tuple(numbers), shifts))
    return hourly, sorted(single)


def joined_by(hourly: Sequence[HourlyTrain], wanted: Sequence[Wanted], chosen: Sequence[int]) -> list[HourlyTrain]:
    """Return the hourly trains, each with the other trains that do the same in other hours, as in the evening.

    Parameters
    ----------
    hourly : sequence of HourlyTrain
    wanted : sequence of Wanted
    chosen : sequence of int
        The trains looked at; those that no hourly train fits stay out.
    """
    row = {_key(train.wanted): number for number, train in enumerate(hourly)}
    made = list(hourly)
    for number in chosen:
        place = row.get(_key(wanted[number]))
        if place is None:
            continue
        train = made[place]
        shift = wanted[number].departure_s[0] - train.wanted.departure_s[0]
        if shift not in train.shifts:
            more = replace(train.wanted, count=train.wanted.count + 1)
            made[place] = HourlyTrain(more, (*train.trains, number), (*train.shifts, shift))
    return made


def at_hour(placed: Placed, wanted: Wanted, shift_s: int) -> Placed:
    """Return a placed hourly train as one train of the day, ``shift_s`` later, at the minutes chosen for it."""
    return replace(
        placed,
        wanted=wanted.moved(placed.wanted.moved_s),
        runs=[later(run, shift_s) for run in placed.runs],
        cost=placed.cost / placed.wanted.count,
    )


def _key(train: Wanted) -> tuple[object, ...]:
    """Return what trains an hour apart have in common."""
    begin = train.departure_s[0]
    return (
        train.kind,
        train.layer,
        train.group,
        train.points,
        train.stops,
        train.dwell_s,
        train.window_s,
        begin % HOUR_S,
        tuple(time - begin if time >= 0 else -1 for time in train.arrival_s),
        tuple(time - begin if time >= 0 else -1 for time in train.departure_s),
    )
