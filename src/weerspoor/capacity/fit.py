"""From a request to paths: the train, where it may go, the places it has to come through, the search, the plan."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from weerspoor.capacity.occupation import Occupation, occupation
from weerspoor.capacity.request import Request, Via, Window, point_index, where
from weerspoor.common.clock import STEP_S
from weerspoor.common.errors import InputError
from weerspoor.kernel.graph import Query, Run, Stage, TrainModel
from weerspoor.trains.access import Access, access, point_pieces
from weerspoor.trains.catalogue import train_from
from weerspoor.trains.kernel_model import train_model

if TYPE_CHECKING:
    from weerspoor.network.model import Network
    from weerspoor.timetable.day import Day
    from weerspoor.trains.model import Train

Ints = npt.NDArray[np.int32]
Progress = Callable[[str], None]
BORDER = "border"


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
    shared: dict[str, Occupation] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def access(self) -> Access:
        """What the train may do on the tracks."""
        points = self.network.points
        return access(
            self.network,
            self.train,
            avoid_points=[point_index(points, code) for code in self.request.avoid],
            stand_avoid=[point_index(points, code) for code in self.request.avoid_stand],
        )

    @cached_property
    def model(self) -> TrainModel:
        """The kernel's train."""
        model = train_model(self.network, self.train, self.access, slack_s=self.slack_s)
        if self.banned is not None:
            model = replace(model, speed_ms=np.where(self.banned, np.float32(0), model.speed_ms).astype(np.float32))
        return model

    @cached_property
    def occupation(self) -> Occupation:
        """The trains and closures in the way; shared by every variation that meets the same."""
        key = f"{self.request.anchor_s} {self.request.horizon_s} {self.without} {self.request.closures}"
        if key not in self.shared:
            self.shared[key] = occupation(
                self.network,
                self.day,
                self.request.closures,
                self.request.anchor_s,
                self.request.horizon_s,
                without=self.without,
            )
        return self.shared[key]

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
        return self._usable(passing_pieces(self.network, point_index(self.network.points, point)))

    def _usable(self, directed: Ints) -> Ints:
        return directed[self.model.speed_ms[directed] > 0]

    def _longest_m(self, point: str) -> float:
        stops = self.network.stops
        at = np.flatnonzero(stops.point == point_index(self.network.points, point))
        at = at[self.access.allowed[stops.directed[at]]]
        return float(stops.usable_m[at].max(initial=0.0))


def passing_pieces(network: Network, point: int) -> Ints:
    """Return the directed pieces that a train runs over when its head passes a point.

    On each track of the point it is the piece with the chainage at which trains are timed; where a piece ends there,
    as at a border, the one that ends there in each direction.
    """
    pieces, points = network.pieces, network.points
    found: list[int] = []
    for row in np.flatnonzero(points.place_point == point):
        track, at_m = int(points.place_track[row]), float(points.place_at_m[row])
        low, high = np.searchsorted(pieces.track, [track, track + 1])
        for direction in (0, 1):
            end_m = pieces.to_m[low:high] if direction == 0 else pieces.from_m[low:high]
            exact = np.flatnonzero(np.abs(end_m - at_m) < 0.5)
            holding = np.flatnonzero((pieces.from_m[low:high] <= at_m) & (pieces.to_m[low:high] >= at_m))
            chosen = exact if len(exact) else holding
            found += [2 * int(low + i) + direction for i in chosen[:1]]
    return np.unique(np.array(found, dtype=np.int32))


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
    _ = problem.model
    return problem


def vary(problem: Problem, **changes: object) -> Problem:
    """Return the problem with other values; trains and closures in the way stay shared."""
    return replace(problem, **changes)  # type: ignore[arg-type]


def earliest(problem: Problem) -> Run | None:
    """Return the path with the earliest arrival, and of those the latest departure; None if there is none."""
    from weerspoor.kernel.search import search

    if problem.no_track:
        return None
    return search(problem.network.graph(), problem.model, problem.occupation.timelines, problem.query)


def pareto(problem: Problem) -> list[Run]:
    """Return the paths that none beats in departure, arrival and stops at once."""
    from weerspoor.kernel.profile import profile

    if problem.no_track:
        return []
    return profile(problem.network.graph(), problem.model, problem.occupation.timelines, problem.query)


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


def pieces_of(network: Network, points: Sequence[str]) -> Ints:
    """Return the pieces that belong to points."""
    return point_pieces(network, [point_index(network.points, code) for code in points])
