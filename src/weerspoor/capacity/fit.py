"""From a request to paths: the train, where it may go, the places it has to come through, the search, the plan."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import numpy.typing as npt

from weerspoor.capacity.corridor import narrower
from weerspoor.capacity.occupation import Occupation, occupation
from weerspoor.capacity.request import Request, Via, Window, point_index, where
from weerspoor.capacity.settings import settings
from weerspoor.common.clock import STEP_S
from weerspoor.common.errors import InputError
from weerspoor.kernel.graph import Query, Run, Stage, TrainModel
from weerspoor.kernel.search import GaveUpError, Search
from weerspoor.network.points import directed_at_point
from weerspoor.network.routes import reachable
from weerspoor.trains.access import Access, access
from weerspoor.trains.catalogue import train_from
from weerspoor.trains.kernel_model import train_model
from weerspoor.trains.starting import known_too_steep, reference_permille, startable_permille

if TYPE_CHECKING:
    from weerspoor.network.model import Network
    from weerspoor.timetable.day import Day
    from weerspoor.trains.model import Train

Ints = npt.NDArray[np.int32]
BORDER = "border"

KEPT = 48
"""So many accesses and models of trains are kept for a network, those asked for last."""

Value = TypeVar("Value")


def _kept(network: Network, key: tuple[Hashable, ...], make: Callable[[], Value]) -> Value:
    """Return what was made for a key, made once as long as it is one of those asked for last."""
    kept: dict[tuple[Hashable, ...], Value] = network.cache.setdefault("fit", {})  # type: ignore[assignment]
    value = kept.pop(key) if key in kept else make()
    kept[key] = value
    if len(kept) > KEPT:
        del kept[next(iter(kept))]
    return value


@dataclass
class Work:
    """How much searches may still do, in labels taken from their queues: the same on every machine.

    Attributes
    ----------
    labels : int
        What is left for all of them together.
    a_search : int
        Most for one of them.
    gave_up : bool
        A search was broken off, so that finding nothing proves nothing.
    """

    labels: int
    a_search: int
    gave_up: bool = False

    @property
    def left(self) -> bool:
        """Something is left."""
        return self.labels > 0


class BoundedSearch(Search):
    """A search that gives up when its work is done.

    Attributes
    ----------
    to_take : int or None
        How many labels it may still take; None for any number.
    found : Run or None
        The last run found, also by a question that was then broken off.
    """

    to_take: int | None = None
    found: Run | None = None

    def earliest_arrival(self, query: Query, most_labels: int | None = None) -> Run | None:
        """Return the run that arrives first, None if there is none.

        Raises
        ------
        GaveUpError
            If its work is done before.
        """
        most = self.to_take if most_labels is None else most_labels
        if most is not None and most <= 0:
            raise GaveUpError
        self.popped = 0
        try:
            run = super().earliest_arrival(query, most)
        finally:
            if self.to_take is not None:
                self.to_take -= self.popped
        self.found = run if run is not None else self.found
        return run

    def within(self, query: Query, work: Work, *, last: bool = False) -> Run | None:
        """Return the run that arrives first (or leaves last); None if none was found with the work that is left."""
        given = min(work.labels, work.a_search)
        self.to_take, self.found = given, None
        try:
            return self.latest_departure(query) if last else self.earliest_arrival(query)
        except GaveUpError:
            work.gave_up = True
            return self.found
        finally:
            work.labels -= given - self.to_take + settings().work.start_labels
            self.to_take = None


@dataclass(frozen=True)
class NoTrack:
    """A place of the request that no track serves, whatever the time.

    Attributes
    ----------
    point : str
        Code of the point.
    stands : bool
        It has to stand there, not only to pass.
    longest_m : float
        The longest train that could stand there; 0 when no track of the point may be used at all.
    """

    point: str
    stands: bool
    longest_m: float


@dataclass(frozen=True)
class Problem:
    """One request made ready for the search; what varies it returns another one.

    Attributes
    ----------
    request : Request
        With the codes of its points.
    slack_s : int
        Distance to other trains that is asked of the search, beyond the norm.
    banned : tuple of int
        Directed pieces that may not be used, beside what the access forbids.
    without : tuple of str
        References of trains that are taken for moved.
    """

    network: Network
    day: Day | None
    request: Request
    train: Train
    slack_s: int = 0
    banned: npt.NDArray[np.bool_] | None = None
    without: tuple[str, ...] = ()

    @cached_property
    def access(self) -> Access:
        """What the train may do on the tracks; the same for every problem of the same train and places to avoid."""
        points = self.network.points
        return _kept(
            self.network,
            ("access", *self._tracks_asked),
            lambda: access(
                self.network,
                self.train,
                avoid_points=[point_index(points, code) for code in self.request.avoid],
                stand_avoid=[point_index(points, code) for code in self.request.avoid_stand],
                steep=[(item.from_point, item.to_point) for item in known_too_steep(self.train)],
            ),
        )

    @property
    def _tracks_asked(self) -> tuple[Hashable, ...]:
        """What decides on the tracks that may be used."""
        return self.train, self.request.avoid, self.request.avoid_stand

    @cached_property
    def startable(self) -> bool:
        """The engines start the train on a common gradient."""
        return startable_permille(self.train) >= reference_permille()

    @cached_property
    def model(self) -> TrainModel:
        """The kernel's train; one object for every problem of the same train, so that its bounds serve them all."""
        model = _kept(
            self.network,
            ("model", *self._tracks_asked, self.slack_s),
            lambda: train_model(self.network, self.train, self.access, slack_s=self.slack_s),
        )
        if self.banned is not None:
            model = replace(model, speed_ms=np.where(self.banned, np.float32(0), model.speed_ms).astype(np.float32))
        return model

    @cached_property
    def occupation(self) -> Occupation:
        """The trains and closures in the way; shared by every variation that meets the same."""
        return occupation(
            self.network,
            self.day,
            self.request.closures,
            self.request.anchor_s,
            self.request.horizon_s,
            without=self.without,
        )

    @cached_property
    def search(self) -> BoundedSearch:
        """The search of this train among these others, with everything it may do."""
        return BoundedSearch(self.network.graph(), self.model, self.occupation.timelines)

    @cached_property
    def tracks_lead_through(self) -> bool:
        """Tracks that the train may use lead through all its places in turn, whatever the time."""
        if not self.startable or self.no_track:
            return False
        open_to_it = self.model.speed_ms > 0
        at = self.query.stages[0].directed
        for stage in self.query.stages[1:]:
            at = stage.directed[reachable(self.network, at, open_to_it)[stage.directed]]
            if not len(at):
                return False
        return True

    @cached_property
    def least_journey_s(self) -> float:
        """The least time from the origin through every place to the destination, stops asked for included."""
        total = 0.0
        for stage, after in pairwise(self.query.stages):
            row = self.search.bounds.row(after.directed, stage.directed)
            total += self.search.bounds.least_s(stage.directed, row) + max(after.stop_s, 0.0)
        return total

    @cached_property
    def no_track(self) -> list[NoTrack]:
        """The places of the request that no track serves."""
        return [place for place in self._stages[1] if place is not None]

    @cached_property
    def query(self) -> Query:
        """The places to come through; see :attr:`no_track` before using it."""
        return Query(stages=self._stages[0], horizon_s=float(self.request.horizon_s))

    @cached_property
    def _stages(self) -> tuple[list[Stage], list[NoTrack | None]]:
        request = self.request
        stages: list[Stage] = []
        missing: list[NoTrack | None] = []

        def add(point: str, *, stands: bool, stop_s: float, window: Window | None, ready_s: int | None = None) -> None:
            directed = self.standing(point) if stands else self.passing(point)
            earliest_s = window.earliest_s if window else ready_s if ready_s is not None else -1e9
            latest_s = window.latest_s // STEP_S * STEP_S if window else 1e9
            stages.append(
                Stage(
                    directed,
                    stop_s=stop_s if stands else -1.0,
                    earliest_s=-(-earliest_s // STEP_S) * STEP_S if earliest_s > 0 else earliest_s,
                    latest_s=latest_s,
                )
            )
            missing.append(None if len(directed) else NoTrack(point, stands, self._longest_m(point)))

        add(
            request.origin,
            stands=request.origin_window is None,
            stop_s=0.0,
            window=request.origin_window,
            ready_s=request.ready_s,
        )
        for via in request.via:
            add(via.point, stands=via.stop_s > 0, stop_s=float(via.stop_s), window=via.window)
        add(
            request.destination,
            stands=not self.is_border(request.destination),
            stop_s=0.0,
            window=request.destination_window,
        )
        return stages, missing

    def is_border(self, point: str) -> bool:
        """Tell whether trains come in or leave the network at a point."""
        return self.network.points.kind[point_index(self.network.points, point)] == BORDER

    def standing(self, point: str) -> Ints:
        """Return the directed pieces at whose exit the train may stand at a point."""
        stops = self.network.stops
        rows = self.access.stop_rows
        at = rows[stops.point[rows] == point_index(self.network.points, point)]
        return self._usable(np.unique(stops.directed[at]).astype(np.int32))

    def passing(self, point: str) -> Ints:
        """Return the directed pieces on which the head passes the point."""
        return self._usable(directed_at_point(self.network, point_index(self.network.points, point)))

    def _usable(self, directed: Ints) -> Ints:
        return directed[self.model.speed_ms[directed] > 0]

    def _longest_m(self, point: str) -> float:
        stops = self.network.stops
        at = np.flatnonzero(stops.point == point_index(self.network.points, point))
        at = at[self.access.allowed[stops.directed[at]]]
        return float(stops.usable_m[at].max(initial=0.0))


def request_train(request: Request) -> Train:
    """Return the train that a request describes.

    Raises
    ------
    InputError
        With the place in the file.
    """
    given = dict(request.train.values)
    if request.train.template:
        given["template"] = request.train.template
    try:
        return train_from(given)
    except InputError as error:
        key = error.where or "template"
        raise InputError(error.message, where=where(request, f"train.{key}"), hint=error.hint) from error


def stop_seconds(request: Request, via: Via) -> int:
    """Return the least stand at a place on the way, which its kind of stop may lengthen."""
    if not via.kind:
        return via.stop_s
    from weerspoor.trains.stops import stop_kind

    try:
        kind = stop_kind(via.kind)
    except InputError as error:
        raise InputError(error.message, where=where(request, "via.kind"), hint=error.hint) from error
    return max(via.stop_s, int(kind.least_s))


def prepare(request: Request, network: Network, day: Day | None) -> Problem:
    """Make a request ready: its train, and the problem to search.

    Parameters
    ----------
    request : Request
        With the codes of its points (:func:`weerspoor.capacity.request.with_points`).
    network : Network
    day : Day or None

    Raises
    ------
    InputError
        If the train cannot be, or a closure names tracks that are not there.
    """
    request = replace(request, via=tuple(replace(via, stop_s=stop_seconds(request, via)) for via in request.via))
    without = (request.reference,) if day is not None and request.reference in day.trains.reference else ()
    problem = Problem(network, day, request, request_train(request), slack_s=request.slack_s, without=without)
    try:
        _ = problem.startable and problem.model
    except InputError as error:
        key = f"train.{error.where}" if error.where else "train"
        raise InputError(error.message, where=where(request, key), hint=error.hint) from error
    return problem


def vary(problem: Problem, **changes: object) -> Problem:
    """Return the problem with other values; trains and closures in the way stay shared."""
    return replace(problem, **changes)  # type: ignore[arg-type]


LATER_S = (0, 600, 1200, 2400, 4800, 9600, 19200)
"""How long before the latest start that the bounds allow a train for a window is tried, least first."""


def earliest(problem: Problem, work: Work, *, ready_s: float | None = None) -> Run | None:
    """Return the path with the earliest arrival; None if none was found with the work that is left.

    Parameters
    ----------
    problem : Problem
    work : Work
        What the search may do; ``gave_up`` tells whether finding none proves that there is none.
    ready_s : float, optional
        Leaves not before this instead of what the request says.
    """
    if not problem.tracks_lead_through:
        return None
    query = problem.query
    if ready_s is not None:
        first = query.stages[0]
        later = replace(first, earliest_s=max(first.earliest_s, ready_s // STEP_S * STEP_S))
        query = replace(query, stages=[later, *query.stages[1:]])
    return problem.search.within(query, work)


def first_path(problem: Problem, work: Work, *, exact: bool = True) -> Run | None:
    """Return a good path, or None if there is none at all; see :func:`settle`."""
    settled = settle(problem, work, exact=exact)
    return settled[1] if settled is not None else None


def settle(problem: Problem, work: Work, *, exact: bool = True) -> tuple[Problem, Run] | None:
    """Return a good path and the problem it is a path of, or None if there is none at all.

    The problem is the one given, or where that is too hard the same kept to a corridor. A train that has to be
    somewhere in a window is first tried with late departures, so that it does not stand about.

    Parameters
    ----------
    problem : Problem
    work : Work
        What the searches may do; with ``exact`` corridors come on top of it.
    exact : bool
        None means that there is no path, unless the work gave up; without it, that none was found quickly.
    """
    if not work.left or not problem.tracks_lead_through or not np.isfinite(problem.least_journey_s):
        work.gave_up |= not work.left
        return None
    before, work.gave_up = work.gave_up, False
    run = quick_path(problem, work)
    if run is not None:
        work.gave_up = before
        return problem, run
    if not work.gave_up and problem.query.stages[-1].earliest_s <= 0:
        work.gave_up = before
        return None
    if work.gave_up:
        found = []
        narrow = Work(settings().work.corridor_labels, settings().work.corridor_labels)
        for kept in narrower(problem):
            run = quick_path(kept, narrow) if narrow.left else None
            if run is not None:
                found.append((kept, run))
            if exact:
                narrow = Work(narrow.a_search, narrow.a_search)
        if not exact:
            work.labels -= narrow.a_search - narrow.labels
        if found:
            return min(found, key=lambda item: cost_s(problem, item[1]))
    if not exact:
        work.gave_up |= before
        return None
    run = _exact_path(problem, thorough(work))
    return None if run is None else (problem, run)


def quick_path(problem: Problem, work: Work) -> Run | None:
    """Return a path; None proves nothing.

    Parameters
    ----------
    problem : Problem
        One whose tracks lead through.
    work : Work
    """
    query = problem.query
    origin, goal = query.stages[0], query.stages[-1]
    if goal.earliest_s <= 0:
        return earliest(problem, work)
    for later_s in LATER_S:
        start_s = goal.earliest_s - problem.least_journey_s - later_s
        if origin.earliest_s < start_s <= origin.latest_s:
            run = earliest(problem, work, ready_s=start_s)
            if run is not None:
                return run
    at_any_time = replace(query, stages=[*query.stages[:-1], replace(goal, earliest_s=-1e9)])
    early = problem.search.within(at_any_time, work)
    return early if early is not None and early.exit_s[-1] >= goal.earliest_s else None


def _exact_path(problem: Problem, work: Work) -> Run | None:
    """Return a path; None proves that there is none, unless the work gave up."""
    query = problem.query
    goal = query.stages[-1]
    if goal.earliest_s <= 0:
        return earliest(problem, work)
    early = problem.search.within(replace(query, stages=[*query.stages[:-1], replace(goal, earliest_s=-1e9)]), work)
    if early is not None and early.exit_s[-1] >= goal.earliest_s:
        return early
    return None if early is None or work.gave_up else earliest(problem, work)


def cost_s(problem: Problem, run: Run) -> float:
    """Return what a run costs when paths are compared: seconds, and so many for each stop.

    The seconds are those of the journey when there is a window at its end; without one the time from when the train
    is ready, because then the earliest arrival is asked, and a share of the journey, so that it does not stand about.
    """
    choice = settings().choice
    cost = journey_s(run) + choice.stop_s * run.stops
    if problem.request.destination_window is None:
        since_s = float(run.exit_s[-1]) - problem.request.anchor_s
        cost = since_s + choice.journey_share * journey_s(run) + choice.stop_s * run.stops
    return cost


def thorough(work: Work) -> Work:
    """Make the rest of the work one for a search that proves what it says, and return it."""
    work.a_search, work.gave_up = work.labels, not work.left
    return work


def better(problem: Problem, found: Run, work: Work) -> list[Run]:
    """Return a path found with others that arrive about as early but leave later or stand less."""
    runs = [found]
    goal = problem.query.stages[-1]
    for spare_s in SPARE_S:
        start_s = float(found.exit_s[-1]) - problem.least_journey_s - spare_s
        if start_s > found.depart_s[0]:
            runs.append(earliest(problem, work, ready_s=start_s) or found)
    if journey_s(found) > problem.least_journey_s + STANDS_S:
        same_arrival = replace(goal, latest_s=min(goal.latest_s, float(np.ceil(found.exit_s[-1]))))
        query = replace(problem.query, stages=[*problem.query.stages[:-1], same_arrival])
        runs.append(problem.search.within(query, work, last=True) or found)
    return undominated(runs)


def further(problem: Problem, after_s: float, work: Work, *, most: int = 6) -> Iterator[Run]:
    """Yield paths that leave later than a time, at least ``FURTHER_S`` apart, as long as there are any."""
    for _ in range(most):
        run = earliest(problem, work, ready_s=after_s + FURTHER_S)
        if run is None:
            return
        yield run
        after_s = float(run.depart_s[0])


SPARE_S = (0.0, 1800.0, 5400.0)
"""A train that would stand about is also tried with a departure so much before what its least journey allows."""

STANDS_S = 900.0
"""A train that takes so much longer than its least journey may stand about."""

FURTHER_S = 900.0
"""Between the departures that are looked at."""


def undominated(runs: list[Run]) -> list[Run]:
    """Return the runs that no other beats in departure, arrival and stops at once, in order of departure."""
    kept: list[Run] = []
    for run in sorted(runs, key=lambda run: (float(run.exit_s[-1]), run.stops, -float(run.depart_s[0]))):
        if not any(
            other.depart_s[0] >= run.depart_s[0] and other.exit_s[-1] <= run.exit_s[-1] and other.stops <= run.stops
            for other in kept
        ):
            kept.append(run)
    return sorted(kept, key=lambda run: float(run.depart_s[0]))


def journey_s(run: Run) -> float:
    """Return the seconds from departure to arrival."""
    return float(run.exit_s[-1] - run.depart_s[0])


def trim(run: Run, slack_s: int) -> Run:
    """Return a run that was searched with slack, with what it really holds.

    The search lengthens the setting and the release of every route by the slack; both ends of each interval are
    therefore too far out by just that.
    """
    if not slack_s:
        return run
    return replace(
        run,
        from_s=run.from_s + np.int32(slack_s),
        until_s=run.until_s - np.int32(slack_s),
        kept_from_s=run.kept_from_s + np.int32(slack_s),
        kept_until_s=run.kept_until_s - np.int32(slack_s),
    )
