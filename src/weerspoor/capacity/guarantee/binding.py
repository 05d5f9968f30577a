"""Where paths fail and against which trains: a path without waiting, tried at every minute of the day."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from weerspoor.capacity.calls import calls
from weerspoor.capacity.fit import BoundedSearch, Problem, Work
from weerspoor.capacity.geometry import Course
from weerspoor.capacity.guarantee.packing import DayLines
from weerspoor.capacity.guarantee.result import Binding, Place
from weerspoor.capacity.settings import settings
from weerspoor.common.clock import DAY_START_S
from weerspoor.kernel.profile import later
from weerspoor.kernel.timelines import Rows, Timelines

if TYPE_CHECKING:
    from weerspoor.kernel.graph import Run
    from weerspoor.network.model import Network

Ints = npt.NDArray[np.int32]

STEP_S = 60
"""Departures that are tried lie so far apart."""

MOST_SERIES = 5

RESERVE_PATH = "reserve_path"
"""Stands for the series of a reserve path; a key of the texts."""


@dataclass(frozen=True)
class Section:
    """A stretch of a way between two operational points after each other.

    Attributes
    ----------
    begin, end : int
        Index into the points of the network.
    first, last : int
        Its pieces are ``first < i <= last`` of the way.
    km : float
    """

    begin: int
    end: int
    first: int
    last: int
    km: float


class Way:
    """The way of a train on an empty railway: the one that takes least.

    Parameters
    ----------
    problem : Problem
        For which tracks lead through.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem, self.network = problem, problem.network
        empty = Timelines.empty(self.network.n_zones)
        search = BoundedSearch(self.network.graph(), problem.model, empty)
        self.run: Run | None = search.within(problem.query, Work(settings().work.path_labels))

    @cached_property
    def sections(self) -> list[Section]:
        """The stretches between its points, in order of running."""
        if self.run is None:
            return []
        course = Course(self.network, self.run.directed)
        found = calls(course, self.run.enter_s, self.run.exit_s, self.run.depart_s)
        rows = [row for i, row in enumerate(found) if i == 0 or row.position > found[i - 1].position]
        return [
            Section(a.point, b.point, a.position, b.position, round((b.distance_m - a.distance_m) / 1000, 3))
            for a, b in pairwise(rows)
        ]

    def zones(self, section: Section) -> Ints:
        """Return the zones of a stretch, rising."""
        assert self.run is not None
        directed = self.run.directed[section.first + 1 : section.last + 1]
        return np.unique(self.network.pieces.zone[directed >> 1]).astype(np.int32)

    @cached_property
    def _section_of_zone(self) -> dict[int, int]:
        """The stretch of every zone that the way holds, and of every zone that it keeps empty."""
        found: dict[int, int] = {}
        model = self.problem.model
        for number, section in enumerate(self.sections):
            for zone in self.zones(section).tolist():
                found.setdefault(zone, number)
        if self.run is not None and len(model.keep_start):
            for number, section in enumerate(self.sections):
                for piece in (self.run.directed[section.first + 1 : section.last + 1] >> 1).tolist():
                    for zone in model.keep_zone[model.keep_start[piece] : model.keep_start[piece + 1]].tolist():
                        found.setdefault(zone, number)
        return found

    def bindings(self, lines: DayLines, hours: list[int]) -> list[Binding]:
        """Return where paths that leave in some hours fail most, hours that fail at the same place together."""
        if self.run is None or not self.sections:
            return []
        table = Rows.of(self.run, self.problem.train.occupies)
        section = np.array([self._section_of_zone.get(zone, -1) for zone in table.zone.tolist()], np.int32)
        by_section: dict[int, list[_Met]] = {}
        for hour in hours:
            met = self._met(lines, table, section, hour)
            if met is not None:
                by_section.setdefault(met.section, []).append(met)
        ranked = sorted(by_section.items(), key=lambda item: (-len(item[1]), item[0]))
        return [self._binding(number, rows) for number, rows in ranked]

    def _met(self, lines: DayLines, table: Rows, section: Ints, hour: int) -> _Met | None:
        """Return the stretch on which most departures of an hour meet a train, and which trains."""
        assert self.run is not None
        hits: Counter[int] = Counter()
        trains: dict[int, Counter[str]] = {}
        beside: Counter[int] = Counter()
        tried = range(0, 3600, STEP_S)
        for minute in tried:
            by_s = DAY_START_S + 3600 * hour + minute - int(self.run.depart_s[0])
            moved = Rows.of(later(self.run, by_s), self.problem.train.occupies)
            rows, others = lines.timelines.conflicts(
                moved.zone, moved.from_s, moved.until_s, moved.occupies, moved.blocks
            )
            at = section[rows]
            for number in np.unique(at[at >= 0]).tolist():
                hits[number] += 1
                here = at == number
                beside[number] += bool((table.occupies[rows[here]] == 0).all())
                names = {self._series(lines, int(train)) for train in np.unique(others[here]).tolist()}
                trains.setdefault(number, Counter()).update(sorted(names))
        if not hits:
            return None
        worst = min(hits, key=lambda number: (-hits[number], number))
        return _Met(worst, hour, hits[worst] / len(tried), trains[worst], beside[worst] / hits[worst])

    def _series(self, lines: DayLines, number: int) -> str:
        """Return the series of a train of the day, or ``RESERVE_PATH``."""
        if lines.is_reserve(number) or lines.day is None:
            return RESERVE_PATH
        trains = lines.day.trains
        return trains.series[number % len(trains.reference)]

    def _binding(self, number: int, rows: list[_Met]) -> Binding:
        section = self.sections[number]
        trains: Counter[str] = Counter()
        for row in rows:
            trains.update(row.trains)
        ordered = sorted(trains, key=lambda name: (-trains[name], name))
        return Binding(
            hours=[row.hour for row in rows],
            begin=place(self.network, section.begin),
            end=place(self.network, section.end),
            tracks=self._tracks(section),
            share=round(sum(row.share for row in rows) / len(rows), 3),
            trains=ordered[:MOST_SERIES],
            beside=round(sum(row.beside for row in rows) / len(rows), 3),
        )

    def _tracks(self, section: Section) -> list[str]:
        assert self.run is not None
        pieces = self.run.directed[section.first + 1 : section.last + 1] >> 1
        names = (self.network.tracks.name[track] for track in self.network.pieces.track[pieces].tolist())
        return list(dict.fromkeys(names))


@dataclass(frozen=True)
class _Met:
    section: int
    hour: int
    share: float
    trains: Counter[str]
    beside: float


def place(network: Network, point: int) -> Place:
    """Return a point by its index."""
    return Place(code=network.points.code[point], name=network.points.name[point])
