"""From a request to paths: the train, where it may go, the places it has to come through, the search, the plan."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import numpy.typing as npt

from weerspoor.capacity.occupation import Occupation, occupation
from weerspoor.capacity.request import ALLOWED, NEVER, Request, Via, Window, point_index, where
from weerspoor.capacity.settings import settings
from weerspoor.common.clock import STEP_S
from weerspoor.common.errors import InputError
from weerspoor.kernel.engine import TAKEN
from weerspoor.kernel.graph import Query, Run, Stage, TrainModel
from weerspoor.kernel.profile import ProfileSearch
from weerspoor.kernel.search import GaveUpError, Search
from weerspoor.network.points import directed_at_point
from weerspoor.network.routes import dijkstra, reachable
from weerspoor.trains.access import Access, access
from weerspoor.trains.catalogue import train_from
from weerspoor.trains.kernel_model import train_model
from weerspoor.trains.starting import known_too_steep, reference_permille, startable_permille
from weerspoor.trains.stops import REVERSING, stop_kind
from weerspoor.trains.turning import Turning, turned_heads, turning, with_turns

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
    gave_up : bool
        A search was broken off, so that finding nothing proves nothing.
    """

    labels: int
    gave_up: bool = False

    @property
    def left(self) -> bool:
        """Something is left."""
        return self.labels > 0


class BoundedSearch(Search):
    """A search that does no more than the work it is given."""

    def within(self, query: Query, work: Work) -> Run | None:
        """Return a run that arrives first; None if there is none, or it gave up."""
        if not work.left:
            work.gave_up = True
            return None
        try:
            return self.earliest_arrival(query, work.labels)
        except GaveUpError:
            work.gave_up = True
            return None
        finally:
            work.labels -= self.popped + settings().work.start_labels

    def all_within(self, query: Query, work: Work) -> BoundedProfile:
        """Return all Pareto-optimal departures, or as many as were found with the work."""
        found = BoundedProfile(self, query, max(work.labels, 0))
        work.gave_up |= found.gave_up
        work.labels -= found.taken + settings().work.start_labels
        return found


class BoundedProfile(ProfileSearch):
    """The Pareto-optimal departures, or those found before the search gave up.

    Attributes
    ----------
    gave_up : bool
    """

    gave_up = False

    def _run(self, most_labels: int | None) -> None:
        try:
            super()._run(most_labels)
        except GaveUpError:
            self.gave_up = True

    @property
    def taken(self) -> int:
        """Labels that it took."""
        return int(self._search.workspace.space.state[TAKEN])

    def chosen(self, cost: Callable[[float, float, int], float], apart_s: float, most: int) -> list[Run]:
        """Return the best runs first, those that stop as often at least so long apart in departure; so many at most.

        Parameters
        ----------
        cost : callable
            Of departure, arrival and number of stops.
        apart_s : float
        most : int
        """
        labels = self._search.workspace.space.labels
        parts = []
        for label, first_s, last_s, arrive_s in self.parts():
            stops = int(labels[label]["stops"])
            later = range(0, last_s - first_s + 1, max(int(apart_s) // STEP_S * STEP_S, STEP_S))
            parts += [
                (cost(first_s + by_s, arrive_s + by_s, stops), arrive_s + by_s, -first_s - by_s, stops, label)
                for by_s in later
            ]
        taken: list[tuple[int, int]] = []
        runs = []
        for _, arrive_s, minus_s, stops, label in sorted(parts):
            if any(stops == other and abs(minus_s - at_s) < apart_s for other, at_s in taken):
                continue
            taken.append((stops, minus_s))
            runs.append(self._search.run_of(label, arrive_s))
            if len(runs) == most:
                break
        return runs


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
    pinned : Query or None
        The places to come through, instead of those of the request: of a train that is under way.
    """

    network: Network
    day: Day | None
    request: Request
    train: Train
    slack_s: int = 0
    banned: npt.NDArray[np.bool_] | None = None
    without: tuple[str, ...] = ()
    pinned: Query | None = None

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
        turning = self.turning if self.turns else None
        model = _kept(
            self.network,
            ("model", *self._tracks_asked, self.slack_s, self.turns),
            lambda: train_model(self.network, self.train, self.access, slack_s=self.slack_s, turning=turning),
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
        return self._leads_through or (self.turns and self._leads_through_turning)

    @cached_property
    def turning(self) -> Turning:
        """How and where the train turns back."""
        return _kept(
            self.network, ("turning", *self._tracks_asked), lambda: turning(self.network, self.train, self.access)
        )

    @cached_property
    def turns(self) -> bool:
        """It may turn back on its way, as the request says: mostly only where tracks lead through in no other way."""
        if self.request.turn_back == NEVER or self.no_track or not self.startable:
            return False
        asked = any(via.kind.startswith(REVERSING) for via in self.request.via)
        return asked or self.request.turn_back == ALLOWED or not self._leads_through

    @cached_property
    def _leads_through(self) -> bool:
        """Tracks lead through all its places in turn without turning back."""
        at = self.query.stages[0].directed
        for stage in self.query.stages[1:]:
            at = stage.directed[reachable(self.network, at, self.usable)[stage.directed]]
            if not len(at):
                return False
        return True

    @cached_property
    def _leads_through_turning(self) -> bool:
        """Tracks lead through all its places in turn, turning back included; where it stands it may go either way."""
        stands, heads = self._heads
        start, following = with_turns(self.network, stands, heads)
        cost = np.where(self.usable, np.float32(1), np.float32(np.inf))
        cost = np.concatenate([cost, np.ones(len(stands), np.float32)])
        at = self.query.stages[0].directed
        for stage in self.query.stages[1:]:
            dist, _ = dijkstra(start, following, at, cost)
            reached = np.isfinite(dist[stage.directed])
            at = stage.directed[reached]
            if not len(at):
                return False
            turned = np.flatnonzero(np.isin(stands, at)) if stage.stop_s >= 0 else np.empty(0, np.intp)
            at = np.concatenate([at, 2 * self.network.n_pieces + turned]).astype(np.int32)
        return True

    @cached_property
    def _heads(self) -> tuple[Ints, Ints]:
        """The directed pieces at whose exit it may turn, and those at whose exit its head then is."""
        return turned_heads(self.network, self.train, self.usable, self.turning.may_turn)

    @cached_property
    def usable(self) -> npt.NDArray[np.bool_]:
        """Directed pieces that it may run over."""
        return self.access.allowed if self.banned is None else self.access.allowed & ~self.banned

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
        if self.pinned is not None:
            return self.pinned
        return Query(stages=self._stages[0], horizon_s=float(self.request.horizon_s))

    @cached_property
    def _stages(self) -> tuple[list[Stage], list[NoTrack | None]]:
        request = self.request
        stages: list[Stage] = []
        missing: list[NoTrack | None] = []

        def add(
            point: str,
            *,
            stands: bool,
            stop_s: float,
            window: Window | None,
            ready_s: int | None = None,
            turns: bool = False,
        ) -> None:
            directed = self.standing(point) if stands else self.passing(point)
            if turns:
                directed = directed[np.isin(directed, self._heads[0])]
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
            turns = via.kind.startswith(REVERSING)
            add(via.point, stands=via.stop_s > 0, stop_s=float(via.stop_s), window=via.window, turns=turns)
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
        return directed[self.usable[directed]]

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


def stop_seconds(request: Request, via: Via, train: Train) -> int:
    """Return the least stand at a place on the way, which its kind of stop may lengthen."""
    if not via.kind:
        return via.stop_s
    try:
        kind = stop_kind(via.kind)
    except InputError as error:
        raise InputError(error.message, where=where(request, "via.kind"), hint=error.hint) from error
    if via.kind.startswith(REVERSING) and via.kind != train.turns_by:
        raise InputError(
            f"is {via.kind!r}, which is not how this train turns back",
            where=where(request, "via.kind"),
            hint=f'write kind = "{train.turns_by}"; cab_at_both_ends of the train decides',
        )
    if via.kind.startswith(REVERSING) and request.turn_back == NEVER:
        raise InputError("asks to turn back, which prefer.turn_back rules out", where=where(request, "via.kind"))
    return max(via.stop_s, math.ceil(kind.least_for(train)))


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
    train = request_train(request)
    request = replace(request, via=tuple(replace(via, stop_s=stop_seconds(request, via, train)) for via in request.via))
    without = (request.reference,) if day is not None and request.reference in day.trains.reference else ()
    problem = Problem(network, day, request, train, slack_s=request.slack_s, without=without)
    try:
        _ = problem.startable and problem.model
    except InputError as error:
        key = f"train.{error.where}" if error.where else "train"
        raise InputError(error.message, where=where(request, key), hint=error.hint) from error
    return problem


def vary(problem: Problem, **changes: object) -> Problem:
    """Return the problem with other values; trains and closures in the way stay shared."""
    return replace(problem, **changes)  # type: ignore[arg-type]


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
    if not problem.tracks_lead_through or not np.isfinite(problem.least_journey_s):
        return None
    query = problem.query
    if ready_s is not None:
        query = _from(query, ready_s)
    return problem.search.within(query, work)


def _from(query: Query, ready_s: float) -> Query:
    """Return the query with a departure not before a time."""
    first = query.stages[0]
    later = replace(first, earliest_s=max(first.earliest_s, ready_s // STEP_S * STEP_S))
    return replace(query, stages=[later, *query.stages[1:]])


def first_path(problem: Problem, work: Work) -> Run | None:
    """Return a good path; None means that there is none, unless the work gave up.

    The one with the earliest arrival. A train that has to be somewhere in a window first tries to leave as late as it
    can, then ever earlier, so that it does not stand about; what takes longer takes more to search as well.
    """
    if not problem.tracks_lead_through or not np.isfinite(problem.least_journey_s):
        return None
    origin, goal = problem.query.stages[0], problem.query.stages[-1]
    sooner_s = settings().choice.sooner_s
    latest_s = min(goal.earliest_s - problem.least_journey_s, origin.latest_s)
    while latest_s - sooner_s > origin.earliest_s and goal.earliest_s > 0:
        run = earliest(problem, work, ready_s=latest_s - sooner_s)
        if run is not None or not work.left:
            return run
        sooner_s *= 2
    return earliest(problem, work)


def cost_s(problem: Problem, run: Run) -> float:
    """Return what a run costs when paths are compared; see :func:`cost_of`."""
    return cost_of(problem, float(run.depart_s[0]), float(run.exit_s[-1]), run.stops)


def cost_of(problem: Problem, depart_s: float, arrive_s: float, stops: int) -> float:
    """Return what a path costs when paths are compared: seconds, and so many for each stop.

    The seconds are those of the journey when there is a window at its end; without one the time from when the train
    is ready, because then the earliest arrival is asked, and a share of the journey, so that it does not stand about.
    """
    choice = settings().choice
    if problem.request.destination_window is not None:
        return arrive_s - depart_s + choice.stop_s * stops
    since_s = arrive_s - problem.request.anchor_s
    return since_s + choice.journey_share * (arrive_s - depart_s) + choice.stop_s * stops


def better(problem: Problem, found: Run, work: Work, *, most: int = 24) -> list[Run]:
    """Return paths that cost no more than one found, the best first: of all there are, unless the work gave up.

    Only departures, arrivals and numbers of stops that can cost as little are looked at. Where the path has more stops
    than it was asked for, it is first asked for with few of them, because that narrows what is left to look at.
    """
    choice = settings().choice
    fewest = _stops_asked(problem)
    for more in FEW_STOPS:
        if fewest + more >= found.stops:
            break
        few = Work(settings().work.alternative_labels)
        run = problem.search.within(_no_dearer(problem, found, fewest + more), few)
        if run is not None and cost_s(problem, run) < cost_s(problem, found):
            found = run
            break
    cost = cost_s(problem, found)
    profile = problem.search.all_within(_no_dearer(problem, found), work)
    runs = profile.chosen(lambda *run: cost_of(problem, *run), choice.apart_s, most)
    runs = [run for run in runs if cost_s(problem, run) <= cost]
    if not runs or cost_s(problem, runs[0]) >= cost:
        runs.insert(0, found)
    return runs


FEW_STOPS = (0, 1, 3, 7)
"""Stops beyond those asked for that a path with more of them is first tried with."""


def _stops_asked(problem: Problem) -> int:
    return sum(stage.stop_s >= 0 for stage in problem.query.stages[1:-1])


def _no_dearer(problem: Problem, found: Run, most_stops: int | None = None) -> Query:
    """Return the query for paths that cost no more than one found, as far as departure, arrival and stops tell."""
    query, least_s = problem.query, problem.least_journey_s
    origin, goal = query.stages[0], query.stages[-1]
    fewest = _stops_asked(problem)
    # What a path may take longer than the least, or arrive later than the soonest, and still cost no more.
    least_cost = cost_of(problem, origin.earliest_s, origin.earliest_s + least_s, fewest)
    spare_s = max(cost_s(problem, found) - least_cost, 0.0)
    window = problem.request.destination_window is not None
    low = goal.earliest_s - least_s - spare_s if window else origin.earliest_s
    high = goal.latest_s if window else min(goal.latest_s, origin.earliest_s + least_s + spare_s)
    first = _from(query, low).stages[0]
    first = replace(first, latest_s=min(first.latest_s, high - least_s))
    if most_stops is None:
        most_stops = fewest + int(spare_s // settings().choice.stop_s)
    return replace(query, stages=[first, *query.stages[1:-1], replace(goal, latest_s=high)], max_stops=most_stops)


def further(problem: Problem, after_s: float, work: Work, *, most: int = 6) -> Iterator[Run]:
    """Yield paths that leave later than a time, at least ``apart_s`` apart, as long as there are any."""
    apart_s = settings().choice.later_s
    for _ in range(most):
        run = earliest(problem, work, ready_s=after_s + apart_s)
        if run is None:
            return
        yield run
        after_s = float(run.depart_s[0])


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
