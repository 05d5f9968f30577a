"""Which trains of a demand fit on a day: free, with the reserve, or by displacing others; each stays put."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from weerspoor.capacity.fit import Problem, Work
from weerspoor.capacity.guarantee.binding import place
from weerspoor.capacity.guarantee.packing import FREE, DayLines, Finder, longest_s, relation_problem
from weerspoor.capacity.guarantee.result import FlowResult, Place, Shares, TrainResult
from weerspoor.capacity.guarantee.settings import guarantee_settings
from weerspoor.capacity.request import Window, point_index
from weerspoor.kernel.timelines import Rows
from weerspoor.timetable.altered import Added, altered
from weerspoor.timetable.day import LAYER_MILITARY, Day

if TYPE_CHECKING:
    import numpy.typing as npt

    from weerspoor.capacity.guarantee.demand import Flow, MilitaryDemand, Relation
    from weerspoor.kernel.graph import Run
    from weerspoor.network.model import Network
    from weerspoor.trains.model import Train

BY_READY, BY_HARDNESS = "ready", "hard"
"""Orders in which the trains are placed: as they are ready; first the kinds with the fewest paths to choose from."""

COMPUTED, NOT_COMPUTED, NOT_NEEDED = "computed", "not_computed", "not_needed"


@dataclass(frozen=True)
class Displaced:
    """A path for which trains of the day were moved.

    Attributes
    ----------
    run : Run
        Of the military train.
    day : Day
        The day after the trains were moved, without the military train.
    trains : tuple of str
        References of the trains moved.
    harm : float
    harm_unit : str
    """

    run: Run
    day: Day
    trains: tuple[str, ...]
    harm: float
    harm_unit: str


Displacer = Callable[[Problem], Displaced | None]
"""Finds a path by moving trains of ``problem.day``, which holds the paths given so far; None if there is none."""


@dataclass
class Asked:
    """One train of a flow.

    Attributes
    ----------
    flow : int
        Index of the flow.
    number : int
        From 1 within its flow.
    """

    flow: int
    number: int
    ready_s: int


@dataclass
class Placing:
    """All trains of a demand placed in one order.

    Attributes
    ----------
    results : dict of tuple of int to TrainResult
        By flow and number.
    accepted : list of tuple of Run and Train
        The paths, in the order in which they were given.
    reserve_taken : list of str
        Reserve paths of the day that were taken.
    """

    order: str
    results: dict[tuple[int, int], TrainResult] = field(default_factory=dict)
    accepted: list[tuple[Run, Train]] = field(default_factory=list)
    reserve_taken: list[str] = field(default_factory=list)

    def score(self) -> tuple[int, int]:
        """Return how many fit, and how many of them free."""
        outcomes = [row.outcome for row in self.results.values()]
        return sum(not outcome.startswith("none") for outcome in outcomes), outcomes.count("free")


class DemandFit:
    """Places the trains of a demand on a day.

    Parameters
    ----------
    network : Network
    day : Day or None
    demand : MilitaryDemand
        With the codes of its points.
    displaced : callable, optional
        Is asked for the trains that do not fit with the reserve.
    """

    def __init__(
        self, network: Network, day: Day | None, demand: MilitaryDemand, displaced: Displacer | None = None
    ) -> None:
        self.network, self.day, self.demand, self.displaced = network, day, demand, displaced
        self._free, self._all = DayLines(network, day, FREE), DayLines(network, day)

    def asked(self) -> list[Asked]:
        """Return the trains of the demand in the order of its flows."""
        return [
            Asked(index, t * flow.trains + k + 1, ready_s)
            for index, flow in enumerate(self.demand.flows)
            for t, ready_s in enumerate(flow.ready_s)
            for k in range(flow.trains)
        ]

    def problem(self, flow: Flow) -> Problem:
        """Return the problem of the trains of a flow."""
        train = self.demand.kinds[flow.kind].train
        return relation_problem(self.network, self.day, flow.relation, train, flow.name)

    def best(self, progress: Callable[[str], None] = lambda _: None) -> Placing:
        """Return the better of the two orders: the one in which more trains fit, and more of them free."""
        first = self.place(self._by_ready(), BY_READY, progress)
        if first.score() == (len(first.results),) * 2:
            return first
        second = self.place(self._by_hardness(), BY_HARDNESS, progress)
        return second if second.score() > first.score() else first

    def _by_ready(self) -> list[Asked]:
        return sorted(self.asked(), key=lambda row: (row.ready_s, row.flow, row.number))

    def _by_hardness(self) -> list[Asked]:
        """Wide loads first, then those with the least time to choose from beside their journey."""

        def ease(row: Asked) -> tuple[bool, float, int, int, int]:
            flow = self.demand.flows[row.flow]
            problem = self.problem(flow)
            possible = not problem.no_track and problem.tracks_lead_through
            share = flow.within_s / problem.least_journey_s if possible else 0.0
            return not problem.train.is_wide, share, row.ready_s, row.flow, row.number

        return sorted(self.asked(), key=ease)

    def place(self, trains: list[Asked], order: str, progress: Callable[[str], None] = lambda _: None) -> Placing:
        """Place trains one after the other; the timelines are left as they were.

        Parameters
        ----------
        trains : list of Asked
            In the order in which they are placed.
        order : str
            What to call the order.
        """
        placing = Placing(order)
        marks = self._free.mark(), self._all.mark()
        finders: dict[int, tuple[Finder, Finder]] = {}
        try:
            for done, row in enumerate(trains):
                progress(f"placing train {done + 1} of {len(trains)}")
                if row.flow not in finders:
                    problem = self.problem(self.demand.flows[row.flow])
                    finders[row.flow] = Finder(problem, self._free), Finder(problem, self._all)
                result = self._one(row, finders[row.flow], placing)
                placing.results[row.flow, row.number] = result
        finally:
            self._free.rollback(marks[0])
            self._all.rollback(marks[1])
        if self.displaced is not None:
            self._displace(trains, placing, progress)
        return placing

    def _one(self, row: Asked, finders: tuple[Finder, Finder], placing: Placing) -> TrainResult:
        """Place one train where it arrives first: free if it can be, else in the reserve."""
        flow, train = self.demand.flows[row.flow], finders[0].problem.train
        before_s = row.ready_s + flow.within_s + 1
        gave_up = False
        for outcome, finder in zip(("free", "reserve"), finders, strict=True):
            finder.gave_up = False
            run = finder.first(row.ready_s, before_s, Work(guarantee_settings().work.train_labels))
            gave_up = finder.gave_up
            if run is None:
                continue
            taken = self._take_reserve(run, train)
            placing.reserve_taken += taken
            for lines in (self._free, self._all):
                lines.add(run, train.occupies)
            placing.accepted.append((run, train))
            return _result(row, outcome, run, taken)
        return _result(row, "none_unproven" if gave_up else "none", None)

    def _take_reserve(self, run: Run, train: Train) -> list[str]:
        """Take the reserve paths that a run needs out of what is in the way of later trains; return their names."""
        day = self.day
        if day is None or day.reserve is None:
            return []
        met = self._free.timelines.conflicts_of(Rows.of(run, train.occupies))
        names, first = day.reserve.trains.reference, self._free.first_reserve
        paths = sorted({(number - first) % len(names) for number in met if self._free.is_reserve(number)})
        for number in sorted(self._free.reference):
            if self._free.is_reserve(number) and (number - first) % len(names) in paths:
                self._free.remove(number)
        return [names[path] for path in paths]

    def _displace(self, trains: list[Asked], placing: Placing, progress: Callable[[str], None]) -> None:
        """Ask for a path by displacement for every train without one, on the day with the paths given so far."""
        assert self.displaced is not None
        left = [row for row in trains if placing.results[row.flow, row.number].outcome.startswith("none")]
        if not left or self.day is None:
            return
        day = self.day
        for run, train in placing.accepted:
            day = with_run(day, run, train, f"{self.demand.reference} {len(day.trains.reference)}")
        for row in left:
            flow = self.demand.flows[row.flow]
            progress(f"displacing for train {row.number} of {flow.name}")
            problem = self.problem(flow)
            if problem.no_track or not problem.tracks_lead_through:
                continue
            found = self.displaced(_timed(problem, row.ready_s, flow.within_s, day))
            if found is None:
                continue
            day = with_run(found.day, found.run, problem.train, f"{flow.name} {row.number}")
            placing.accepted.append((found.run, problem.train))
            placing.results[row.flow, row.number] = msgspec.structs.replace(
                _result(row, "displaced", found.run),
                displaced=list(found.trains),
                harm=found.harm,
                harm_unit=found.harm_unit,
            )


def _timed(problem: Problem, ready_s: int, within_s: int, day: Day) -> Problem:
    """Return the problem of a train that is ready at a time and has to leave within another."""
    request, longest = problem.request, int(longest_s(problem))
    enters = request.origin_window is not None
    request = replace(
        request,
        ready_s=None if enters else ready_s,
        origin_window=Window(ready_s, ready_s + within_s) if enters else None,
        destination_window=Window(ready_s, ready_s + within_s + longest),
    )
    return Problem(problem.network, day, request, problem.train)


def _result(row: Asked, outcome: str, run: Run | None, reserve: list[str] | None = None) -> TrainResult:
    return TrainResult(
        number=row.number,
        ready_s=row.ready_s,
        outcome=outcome,
        departure_s=None if run is None else int(run.depart_s[0]),
        arrival_s=None if run is None else int(run.exit_s[-1]),
        reserve_paths=reserve or [],
        displaced=[],
        harm=None,
        harm_unit="",
    )


def with_run(day: Day, run: Run, train: Train, reference: str) -> Day:
    """Return a day with a path as one more military train; calls are left out, because nothing stops for it.

    Parameters
    ----------
    day : Day
    run : Run
    train : Train
    reference : str
    """

    def tenths(seconds: npt.NDArray[np.float64]) -> npt.NDArray[np.int32]:
        return np.round(seconds * 10).astype(np.int32)

    made = Added.without_calls(
        reference,
        Rows.of(run, train.occupies),
        (run.directed, tenths(run.enter_s), tenths(run.exit_s), tenths(run.depart_s)),
        kind=train.kind,
        layer=LAYER_MILITARY,
        length_m=train.length_m,
    )
    return altered(day, (), [made])


def shares(network: Network, demand: MilitaryDemand, placing: Placing, *, displaces: bool) -> Shares:
    """Return how much of a demand fits, flow by flow.

    Parameters
    ----------
    displaces : bool
        Displacement was looked for.
    """
    flows = [_flow_result(network, flow, _of_flow(placing.results, i)) for i, flow in enumerate(demand.flows)]
    totals = {key: sum(getattr(flow, key) for flow in flows) for key in ("asked", "free", "reserve", "none")}
    moved = sum(flow.displaced for flow in flows)
    left = totals["none"] + moved
    return Shares(
        **totals,
        displaced=moved,
        order=placing.order,
        displacement=NOT_NEEDED if not left else COMPUTED if displaces else NOT_COMPUTED,
        flows=flows,
    )


def _of_flow(results: Mapping[tuple[int, int], TrainResult], flow: int) -> list[TrainResult]:
    return [results[key] for key in sorted(results) if key[0] == flow]


def ends(network: Network, relation: Relation) -> tuple[Place, Place]:
    """Return the points at the ends of a relation."""
    points = network.points
    return place(network, point_index(points, relation.origin)), place(
        network, point_index(points, relation.destination)
    )


def _flow_result(network: Network, flow: Flow, trains: list[TrainResult]) -> FlowResult:
    origin, destination = ends(network, flow.relation)
    outcomes = [train.outcome for train in trains]
    return FlowResult(
        name=flow.name,
        title=flow.title,
        origin=origin,
        destination=destination,
        kind=flow.kind,
        notice_h=flow.notice_s / 3600,
        within_h=flow.within_s / 3600,
        asked=len(trains),
        free=outcomes.count("free"),
        reserve=outcomes.count("reserve"),
        displaced=outcomes.count("displaced"),
        none=sum(outcome.startswith("none") for outcome in outcomes),
        trains=trains,
    )
