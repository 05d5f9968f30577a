"""Paths that can be had together: found one after the other, each put into the timelines before the next is sought."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from weerspoor.capacity.fit import BORDER, BoundedSearch, Problem, Work, journey_s
from weerspoor.capacity.guarantee.settings import guarantee_settings
from weerspoor.capacity.occupation import occupation
from weerspoor.capacity.request import Request, TrainRequest, Via, Window, point_index
from weerspoor.common.clock import DAY_END_S, DAY_S, DAY_START_S, STEP_S
from weerspoor.kernel.graph import Query, Run
from weerspoor.kernel.profile import later
from weerspoor.kernel.timelines import Lines, Rows, Timelines
from weerspoor.timetable.window import copies

if TYPE_CHECKING:
    from weerspoor.capacity.guarantee.demand import Relation
    from weerspoor.network.model import Network
    from weerspoor.timetable.day import Day
    from weerspoor.trains.model import Train

FREE, RESERVE = "free", "reserve"
"""Clear of the trains and of the reserve paths of the day; clear of the trains only."""

LATEST_S = DAY_END_S + DAY_S + DAY_S // 2
"""No path of a count is looked at later than this."""

FIRST_PATH = 1 << 28
"""Numbers in the timelines from here on are paths found; lower ones are trains and reserve paths of the day."""


def relation_problem(network: Network, day: Day | None, relation: Relation, train: Train, name: str = "") -> Problem:
    """Return the problem of a train on a relation that is ready at the beginning of the day.

    From a border it passes in; elsewhere it begins standing. Places in between it passes.
    """
    points = network.points
    enters = points.kind[point_index(points, relation.origin)] == BORDER
    request = Request(
        reference=name or f"{relation.origin}-{relation.destination}",
        date=None,
        train=TrainRequest("", {}),
        origin=relation.origin,
        ready_s=None if enters else DAY_START_S,
        origin_window=Window(DAY_START_S, DAY_END_S) if enters else None,
        destination=relation.destination,
        destination_window=None,
        via=tuple(Via(point) for point in relation.via),
    )
    return Problem(network, day, request, train)


def longest_s(problem: Problem) -> float:
    """Return the longest journey that still counts as a path."""
    rule = guarantee_settings().path
    return float(int(problem.least_journey_s * rule.longest_share + rule.longest_extra_s) // STEP_S * STEP_S)


class DayLines:
    """The timelines of a day to which paths are added and from which they are taken again.

    Parameters
    ----------
    network : Network
    day : Day or None
    kept : str
        ``FREE``: the reserve paths of the day are in the way as well; ``RESERVE``: they are not.
    """

    def __init__(self, network: Network, day: Day | None, kept: str = RESERVE) -> None:
        self.network, self.day = network, day
        self.repeats = day is None or day.periodic
        base = occupation(network, day, (), DAY_START_S, LATEST_S)
        self.reference = dict(base.reference)
        self.first_reserve = max(self.reference, default=-1) + 1
        if kept == FREE and day is not None and day.reserve is not None:
            self.timelines = _with_reserve(network, base.timelines, day, self.reference)
        else:
            lines = Lines._make(column.copy() for column in base.timelines.lines)
            self.timelines = Timelines(network.n_zones, lines, len(lines.from_s))
        self._next = FIRST_PATH

    def is_reserve(self, number: int) -> bool:
        """Tell whether a number in the timelines is that of a reserve path of the day."""
        return self.first_reserve <= number < FIRST_PATH

    def add(self, run: Run, kind: int) -> int:
        """Add a path, on a day that repeats also the day before and after; return its number."""
        number, self._next = self._next, self._next + 1
        for by_s in (-DAY_S, 0, DAY_S) if self.repeats else (0,):
            self.timelines.insert(number, Rows.of(later(run, by_s), kind))
        return number

    def remove(self, number: int) -> None:
        """Take a train, a reserve path or a path that was added out again."""
        self.timelines.remove(number)

    def mark(self) -> tuple[int, int]:
        """Return a mark to which :meth:`rollback` can return."""
        return self.timelines.mark(), self._next

    def rollback(self, mark: tuple[int, int]) -> None:
        """Take back everything that was added or removed since the mark."""
        self.timelines.rollback(mark[0])
        self._next = mark[1]


def _with_reserve(network: Network, base: Timelines, day: Day, reference: dict[int, str]) -> Timelines:
    """Return timelines with the reserve paths of a day beside its trains; their names go into ``reference``."""
    assert day.reserve is not None
    reserve, first = day.reserve, max(reference, default=-1) + 1
    held, n = reserve.holdings, len(reserve.trains.reference)
    parts = [base.table()]
    for number, days in enumerate(copies(day, DAY_START_S - DAY_S, LATEST_S)):
        by = np.int32(days * DAY_S)
        trains = held.train + np.int32(first + number * n)
        parts.append((held.zone, held.from_s + by, held.until_s + by, trains, held.occupies, held.blocks))
        for i, name in enumerate(reserve.trains.reference):
            reference[first + number * n + i] = name
    zone, from_s, until_s, train, occupies, blocks = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return Timelines.build(network.n_zones, zone, from_s, until_s, train, occupies, blocks)


class Finder:
    """Looks for paths of one train on one relation among what is in the timelines now.

    Parameters
    ----------
    problem : Problem
    lines : DayLines
    longest : float, optional
        The longest journey in seconds; that of the rules when left out.

    Attributes
    ----------
    possible : bool
        Tracks lead through, and there is room to stand at both ends.
    gave_up : bool
        Some search ended with its work, so that a path may have been missed.
    """

    def __init__(self, problem: Problem, lines: DayLines, longest: float | None = None) -> None:
        self.problem, self.lines = problem, lines
        self.possible = not problem.no_track and problem.tracks_lead_through
        self.gave_up = False
        if self.possible:
            self.longest_s = longest if longest is not None else longest_s(problem)
            self._search = BoundedSearch(problem.network.graph(), problem.model, lines.timelines)

    def first(self, from_s: int, before_s: int, work: Work) -> Run | None:
        """Return the run that arrives first of those that leave in ``from_s <= t < before_s`` and take not too long.

        A run that takes too long shows that nothing arrives before it; so whatever arrives later and is quick enough
        leaves at least so late that the next question can begin there.
        """
        while self.possible and from_s < before_s and work.left:
            one = Work(min(work.labels, guarantee_settings().work.path_labels))
            given = one.labels
            run = self._search.within(self._query(from_s, before_s), one)
            work.labels -= given - one.labels
            if run is None:
                self.gave_up |= one.gave_up
                return None
            if journey_s(run) <= self.longest_s:
                return run
            from_s = max(int(np.ceil((run.exit_s[-1] - self.longest_s) / STEP_S)) * STEP_S, from_s + STEP_S)
        self.gave_up |= self.possible and from_s < before_s
        return None

    def _query(self, from_s: int, before_s: int) -> Query:
        query = self.problem.query
        from_s = -(-from_s // STEP_S) * STEP_S
        last_s = (before_s - 1) // STEP_S * STEP_S
        origin = replace(query.stages[0], earliest_s=float(from_s), latest_s=float(last_s))
        end_s = last_s + self.longest_s
        goal = replace(query.stages[-1], latest_s=min(query.stages[-1].latest_s, end_s))
        return Query([origin, *query.stages[1:-1], goal], horizon_s=end_s, step_s=query.step_s)


@dataclass(frozen=True)
class Count:
    """Paths of one kind on one relation that can be had together.

    Attributes
    ----------
    runs : list of Run
        In the order in which they were found.
    possible : bool
        Tracks lead through for this train.
    broken_off : tuple of int
        Hours of the operating day, 0 to 23 from 05:00, in which a search gave up, so that more may be possible.
    none : tuple of int
        Hours in which, as was proved, not even one path leaves.
    """

    runs: list[Run]
    possible: bool
    broken_off: tuple[int, ...]
    none: tuple[int, ...]

    def by_hour(self) -> list[int]:
        """Return the number of departures in each hour from 05:00, 24 of them."""
        hours = [0] * 24
        for run in self.runs:
            hours[(int(run.depart_s[0]) - DAY_START_S) // 3600] += 1
        return hours


def count(
    problem: Problem,
    lines: DayLines,
    *,
    none: tuple[int, ...] = (),
    on_path: Callable[[int], None] = lambda _: None,
    labels: int | None = None,
) -> Count:
    """Return the paths of one operating day that the greedy finds; the timelines are left as they were.

    Hour by hour the path that arrives first is taken and put in, until the hour has none left.

    Parameters
    ----------
    problem : Problem
    lines : DayLines
    none : tuple of int
        Hours in which not even one path leaves, as is known already.
    on_path : callable
        Is told how many there are.
    labels : int, optional
        Work of all searches of an hour together; that of the settings when left out.
    """
    finder, kind = Finder(problem, lines), problem.train.occupies
    runs: list[Run] = []
    broken_off: list[int] = []
    empty: list[int] = []
    mark = lines.mark()
    try:
        for hour in sorted(set(range(24)).difference(none)):
            begin_s, finder.gave_up, before = DAY_START_S + hour * 3600, False, len(runs)
            work = Work(labels if labels is not None else guarantee_settings().work.hour_labels)
            while (run := finder.first(begin_s, begin_s + 3600, work)) is not None:
                lines.add(run, kind)
                runs.append(run)
                on_path(len(runs))
            if finder.gave_up:
                broken_off.append(hour)
            elif len(runs) == before:
                empty.append(hour)
    finally:
        lines.rollback(mark)
    proved = [hour for hour in empty if _no_path(finder, hour)]
    return Count(runs, finder.possible, tuple(broken_off), tuple(sorted({*none, *proved})))


def _no_path(finder: Finder, hour: int) -> bool:
    """Tell whether it is proved that no path leaves in an hour of the operating day among what is there now."""
    begin_s, finder.gave_up = DAY_START_S + hour * 3600, False
    run = finder.first(begin_s, begin_s + 3600, Work(guarantee_settings().work.path_labels))
    return run is None and not finder.gave_up
