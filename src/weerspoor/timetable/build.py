"""Building a day: every wanted train gets real tracks, platforms and zones, and no two trains conflict.

The same search that fits a military train places every civil train. Trains are inserted in order of how certain their
minute is; then the worst placed are re-planned: the trains in the way of a late train are taken out, the late train
goes first, the others are put back, and the result is kept when it harms less (insert, price, re-plan).
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from weerspoor.common.clock import DAY_END_S, DAY_S, DAY_START_S
from weerspoor.kernel.bounds import Bounds
from weerspoor.kernel.graph import KEEP_ALL, Query, Run, Stage, TrackGraph, TrainModel
from weerspoor.kernel.search import GaveUpError, search
from weerspoor.kernel.timelines import Rows, Timelines
from weerspoor.network.model import Network
from weerspoor.network.points import directed_at_point
from weerspoor.network.routes import reversed_successors
from weerspoor.timetable.corridor import CorridorNorms, NoWayError, Route, Stretch, corridor, usual_ways
from weerspoor.trains.access import point_pieces

BEFORE_S = 3 * 3600
"""How far before the seam the trains of the day before are met while a day is built."""

PLATFORM_SHARE = 0.5
"""Share of a passenger train that has to stand beside its platform, or of the longest platform there is."""

OTHER_WAY_S = 30.0
"""A way to another track of a station may take so much longer than the best."""

TIGHTENINGS = 3
"""So often a train that would stand too long at a call is asked to be sooner at the next."""

LONGEST_RUN_S = 8 * 3600.0
"""No train without minutes runs longer."""

SETTLING_ROUNDS = 3
"""How often every train looks again which way the others run."""

LONGEST_PLATFORM_M = 450.0
"""Sections of one platform are looked for so far behind the head."""


@dataclass(frozen=True)
class Wanted:
    """A train before it has tracks.

    Attributes
    ----------
    reference, series, kind, layer, phase : str
        As in :class:`weerspoor.timetable.day.DayTrains`.
    points : tuple of int
        Operational points in order; it stops at each for which ``stops`` is true, and passes the others.
    stops : tuple of bool
    arrival_s, departure_s : tuple of int
        As the source asks; -1 where it says nothing.
    dwell_s : tuple of int
    window_s : float
        How much later than its first departure it may start: 0 for a train with a minute of its own.
    group : str
        Trains whose minute is free move together; empty for the others.
    count : int
        How many trains of the day it stands for.
    contradicted : bool
        Its source contradicts itself: another train excludes it.
    moved_s : int
        So much later than asked the builder has put its minutes, which no source gives.
    """

    reference: str
    series: str
    kind: str
    layer: str
    phase: str
    points: tuple[int, ...]
    stops: tuple[bool, ...]
    arrival_s: tuple[int, ...]
    departure_s: tuple[int, ...]
    dwell_s: tuple[int, ...]
    window_s: float = 0.0
    group: str = ""
    count: int = 1
    contradicted: bool = False
    moved_s: int = 0

    @property
    def pattern(self) -> tuple[object, ...]:
        """What trains have in common that run over the same tracks in the same way, whatever their times."""
        return self.kind, self.points, self.stops, self.layer

    def shifted(self, by_s: int) -> Wanted:
        """Return the same train ``by_s`` seconds later."""
        return replace(
            self,
            arrival_s=tuple(time + by_s if time >= 0 else time for time in self.arrival_s),
            departure_s=tuple(time + by_s if time >= 0 else time for time in self.departure_s),
        )

    def moved(self, to_s: int) -> Wanted:
        """Return the same train with minutes chosen anew: ``to_s`` seconds later than asked."""
        return self if to_s == self.moved_s else replace(self.shifted(to_s - self.moved_s), moved_s=to_s)


@dataclass(frozen=True)
class BuildNorms:
    """What the builder weighs, from ``data/day_building.toml``.

    Attributes
    ----------
    weight : dict of str to float
        By phase: how much a second of lateness of such a train matters.
    contradicted_weight : float
        Trains that contradict others of their source count as so much of a train.
    free_s, bad_s : float
        Lateness that costs nothing, and lateness that costs ``bad_cost`` once more.
    bad_cost, minute_cost, missing_cost : float
        What it costs to be later than ``free_s``, every minute of that, and to have no path.
    corridor : CorridorNorms
        Where trains may run.
    early_arrival_s : float
        How much before its minute it may arrive at its last stop; and on the way, as long as it finds a path so.
    steps_s : list of float
        A train is first looked for with no lateness greater than the first of these, then the next, then the longest.
    longest_delay_s : float
        A train that would be later than this counts as not placed.
    most_labels, quick_labels : int
        A search gives up after so many labels of the kernel; one for a train that is hardly late after fewer.
    move_s : dict of str to float
        By phase: by how much the builder may choose the minutes of each train otherwise than asked, at no cost.
    move_grid_s : float
        In steps of this.
    """

    weight: dict[str, float]
    contradicted_weight: float
    free_s: float
    bad_s: float
    bad_cost: float
    minute_cost: float
    missing_cost: float
    corridor: CorridorNorms
    early_arrival_s: float
    steps_s: list[float]
    longest_delay_s: float
    most_labels: int
    quick_labels: int
    move_s: dict[str, float]
    move_grid_s: float


@dataclass(frozen=True)
class Repeat:
    """How often the timelines of a placer repeat themselves, and the stretch of time in which they are filled.

    Attributes
    ----------
    period_s : int
    from_s, until_s : int
        Intervals outside are left out, but for those of the train itself.
    """

    period_s: int
    from_s: int
    until_s: int


def every_day(longest_delay_s: float) -> Repeat:
    """Return the repetition of a day in which no train is later than this: the next morning is met as far as that."""
    return Repeat(DAY_S, DAY_START_S - BEFORE_S, DAY_END_S + math.ceil(LONGEST_RUN_S + longest_delay_s))


@dataclass
class Placed:
    """A wanted train with its run (several where it reverses on the way) and how late it is at the worst place."""

    wanted: Wanted
    runs: list[Run] = field(default_factory=list)
    lateness_s: float = 0.0
    cost: float = 0.0
    reason: str = ""


@dataclass(frozen=True)
class _Leg:
    """A part of a pattern between reversals, on a graph of its own that has nothing but its corridor.

    ``stages`` and ``model`` are in the pieces of that graph; ``pieces`` gives the network's.
    """

    first: int
    stages: tuple[npt.NDArray[np.int32], ...]
    graph: TrackGraph
    model: TrainModel
    bounds: Bounds
    pieces: npt.NDArray[np.int32]

    def inside(self, directed: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
        """Return directed pieces of the network as those of the leg's graph; those outside are left out."""
        place = np.searchsorted(self.pieces, directed >> 1)
        place = np.minimum(place, len(self.pieces) - 1)
        known = self.pieces[place] == directed >> 1
        return np.asarray((2 * place + (directed & 1))[known], np.int32)

    def outside(self, directed: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
        """Return directed pieces of the leg's graph as those of the network."""
        return np.asarray(2 * self.pieces[directed >> 1] + (directed & 1), np.int32)


@dataclass(frozen=True)
class _Leeway:
    """How late a train may be at any call, and its running times to each call from the one before.

    With ``not_early`` it comes in nowhere long before its minute, so that it takes room only when it has to. Without
    ``arrivals`` it may come in later than that on the way where it still leaves in time. ``latest_s`` has latest
    arrivals of its own for some calls.
    """

    within_s: float
    runs_s: npt.NDArray[np.float64]
    arrivals: bool = True
    not_early: bool = False
    latest_s: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True)
class _Asked:
    """What is looked for: a train on ways, through the free gaps of timelines, with a leeway.

    With ``exact`` it may not come in before its minute at the last call. Of the tracks at a call ``only`` names, it
    uses that alone which lies at a share of their list.
    """

    wanted: Wanted
    legs: list[_Leg]
    timelines: Timelines
    leeway: _Leeway
    exact: bool = True
    only: tuple[int, float] | None = None


class UnroutableError(Exception):
    """The tracks do not allow the pattern, whatever the time; the message says between which points."""


class Placer:
    """Puts wanted trains on the tracks, one at a time, through the free gaps of the timelines.

    Parameters
    ----------
    network : Network
    timelines : Timelines
    model_of : callable
        Gives the kernel's train for a kind of train, free to run on either track of a line.
    norms : BuildNorms
    repeat : Repeat, optional
        Every train is met again after this time; a day if not given.
    ways_of : Placer, optional
        Another on the same network, for the same trains; what it found out about ways is used again.
    """

    def __init__(
        self,
        network: Network,
        timelines: Timelines,
        model_of: Callable[[str], TrainModel],
        norms: BuildNorms,
        *,
        repeat: Repeat | None = None,
        ways_of: Placer | None = None,
    ) -> None:
        self.repeat = every_day(norms.longest_delay_s) if repeat is None else repeat
        self.network = network
        self.graph = network.graph()
        self.timelines = timelines
        self.norms = norms
        self.model_of = model_of
        self._patterns: dict[tuple[object, ...], list[_Leg] | UnroutableError] = {}
        self._empty = Timelines.empty(network.n_zones)
        self._runs_s: dict[tuple[object, ...], npt.NDArray[np.float64]] = {}
        self._known_alone: dict[Wanted, Placed] = {}
        self._usual: dict[tuple[object, ...], list[_Leg]] = {}
        self._opposed = np.zeros(2 * network.n_pieces, np.bool_)
        if ways_of is not None:
            self._patterns, self._opposed, self._runs_s = ways_of._patterns, ways_of._opposed, ways_of._runs_s
            self._usual, self._known_alone = ways_of._usual, ways_of._known_alone
        self._stops_at: dict[int, list[int]] = defaultdict(list)
        for row, point in enumerate(network.stops.point):
            self._stops_at[int(point)].append(row)

    # -- where a train of a kind may call ---------------------------------------------------------------------------

    def _calls(self, wanted: Wanted, model: TrainModel) -> list[npt.NDArray[np.int32]]:
        """Return the directed pieces of every point of a train; see :meth:`_calling_pieces`."""
        return [self._calling_pieces(wanted, number, model) for number in range(len(wanted.points))]

    def _calling_pieces(self, wanted: Wanted, number: int, model: TrainModel) -> npt.NDArray[np.int32]:
        """Return the directed pieces at whose exit this train may call at, or pass, one of its points."""
        point = wanted.points[number]
        ends = number in (0, len(wanted.points) - 1)
        if self.network.points.kind[point] == "border":
            directed = self._border_pieces(point, model)
        elif not wanted.stops[number] and not ends:
            pieces = point_pieces(self.network, [point])
            directed = np.concatenate([2 * pieces, 2 * pieces + 1])
        else:
            directed = self._stopping_pieces(point, model.length_m, passenger=wanted.layer in ("passenger", "empty"))
        return np.unique(directed[model.speed_ms[directed] > 0]).astype(np.int32)

    def _border_pieces(self, point: int, model: TrainModel) -> npt.NDArray[np.int32]:
        """Return the directed pieces that end at a border; for one abroad that the train may not use, the next ones."""
        found = directed_at_point(self.network, point).tolist()
        start, following = self.network.successor_start, self.network.successor
        for way in [way for way in found if model.speed_ms[way] <= 0]:
            found += [int(other) for other in following[start[way] : start[way + 1]]]
        return np.array(found, dtype=np.int32)

    def _stopping_pieces(self, point: int, length_m: float, *, passenger: bool) -> npt.NDArray[np.int32]:
        """Return where a train of a length stands at a point: at platforms for passengers, else wherever it fits best.

        A platform may be cut into sections; a train stands with its head at the exit of the section that leaves most of
        it beside the sections of the same platform behind its head.
        """
        stops = self.network.stops
        rows = np.array(self._stops_at.get(point, []), dtype=np.int64)
        if not len(rows):
            return np.empty(0, np.int32)
        if passenger and np.any(stops.platform_m[rows] > 0):
            rows = rows[stops.platform_m[rows] > 0]
            room = np.array([self._platform_behind(int(row)) for row in rows])
        else:
            room = np.maximum(stops.platform_m[rows], stops.usable_m[rows])
        fits = room >= min(length_m, float(room.max())) * (PLATFORM_SHARE if passenger else 1.0)
        return stops.directed[rows[fits]]

    def _platform_behind(self, row: int) -> float:
        """Return the length of platform behind a head that stands at a stop, sections of the same platform joined."""
        stops, point = self.network.stops, int(self.network.stops.point[row])
        same = {
            int(stops.directed[other]): float(stops.platform_m[other])
            for other in self._stops_at[point]
            if stops.platform_m[other] > 0 and _platform(stops.name[other]) == _platform(stops.name[row])
        }
        start, before = reversed_successors(self.network)
        length = self.network.pieces.length_m
        total, seen = 0.0, set()
        front = [(int(stops.directed[row]), 0.0)]
        while front:
            way, behind_m = front.pop()
            if way in seen or behind_m > LONGEST_PLATFORM_M:
                continue
            seen.add(way)
            total += same.get(way, 0.0)
            further = behind_m + float(length[way >> 1])
            front += [(int(other), further) for other in before[start[way] : start[way + 1]]]
        return total

    def settle_ways(self, trains: Sequence[Wanted]) -> None:
        """Let trains settle which way each track is usually run; to be called before any is placed."""
        routes: dict[tuple[object, ...], Route] = {}
        for wanted in trains:
            key = wanted.pattern
            if key in routes:
                routes[key] = replace(routes[key], count=routes[key].count + wanted.count)
                continue
            model = self.model_of(wanted.kind)
            calls = self._calls(wanted, model)
            if all(len(pieces) for pieces in calls):
                routes[key] = Route(model.speed_ms, calls, wanted.stops, wanted.count)
        self._opposed = usual_ways(self.network, list(routes.values()), self.norms.corridor, SETTLING_ROUNDS)

    def _pattern(self, wanted: Wanted) -> list[_Leg]:
        key = wanted.pattern
        known = self._patterns.get(key)
        if known is None:
            try:
                known = self._make_pattern(wanted)
            except UnroutableError as error:
                known = error
            self._patterns[key] = known
        if isinstance(known, UnroutableError):
            raise known
        return known

    def _make_pattern(self, wanted: Wanted) -> list[_Leg]:
        """Find the corridor of a pattern of points, with reversals where the tracks leave no other way."""
        model = self.model_of(wanted.kind)
        calls = self._calls(wanted, model)
        codes = [self.network.points.code[point] for point in wanted.points]
        for code, pieces in zip(codes, calls, strict=True):
            if not len(pieces):
                raise UnroutableError(f"no track for it at {code}")
        try:
            stretches = corridor(self.network, model.speed_ms, calls, wanted.stops, self.norms.corridor)
        except NoWayError as error:
            raise UnroutableError(f"no way from {codes[error.leg]} to {codes[error.leg + 1]}") from error
        legs: list[_Leg] = []
        for stretch in stretches:
            legs.append(self._leg(stretch, model, legs[-1] if legs else None))
        return legs

    def _leg(self, stretch: Stretch, model: TrainModel, behind: _Leg | None) -> _Leg:
        """Return a leg on its corridor; after a reversal the pieces of the leg before lie in its graph too."""
        allowed = stretch.allowed
        used = allowed[0::2] | allowed[1::2]
        if behind is not None:
            used[behind.pieces] = True
        pieces = np.flatnonzero(used).astype(np.int32)
        directed = both_ways(pieces)
        graph = part_of(self.graph, pieces)
        pace = np.where(self._opposed[directed], self.norms.corridor.opposed_speed, 1.0)
        limited = replace(
            model,
            speed_ms=np.where(allowed[directed], model.speed_ms[directed] * pace, 0.0).astype(np.float32),
            may_stop=model.may_stop[directed],
        )
        bounds = Bounds(graph, limited)
        leg = _Leg(stretch.first, (), graph, limited, bounds, pieces)
        return replace(leg, stages=tuple(leg.inside(call) for call in stretch.calls))

    def _usual_legs(self, wanted: Wanted) -> list[_Leg]:
        """Return the legs without the tracks that most trains run the other way, but for those of its quickest way."""
        key = wanted.pattern
        if key not in self._usual:
            legs = self._pattern(wanted)
            nothing = (-1,) * len(wanted.points)
            asked = replace(wanted, arrival_s=nothing, departure_s=(wanted.departure_s[0], *nothing[1:]), window_s=0.0)
            leeway = _Leeway(self.norms.longest_delay_s, np.full(len(wanted.points), np.inf))
            quickest = self._find_within(_Asked(asked, legs, self._empty, leeway, exact=False))
            self._usual[key] = [self._usual_leg(leg, run) for leg, run in zip(legs, quickest.runs, strict=False)]
            if len(quickest.runs) < len(legs):
                self._usual[key] = legs
        return self._usual[key]

    def _usual_leg(self, leg: _Leg, quickest: Run) -> _Leg:
        closed = self._opposed[leg.outside(np.arange(len(leg.model.speed_ms), dtype=np.int32))]
        closed[leg.inside(quickest.directed)] = False
        model = replace(leg.model, speed_ms=np.where(closed, 0.0, leg.model.speed_ms).astype(np.float32))
        stages = tuple(stage[model.speed_ms[stage] > 0] for stage in leg.stages)
        return replace(leg, stages=stages, model=model, bounds=Bounds(leg.graph, model))

    # -- placing ----------------------------------------------------------------------------------------------------

    def find(
        self,
        wanted: Wanted,
        *,
        empty: bool = False,
        only: tuple[int, float] | None = None,
        most_cost: float = math.inf,
        move: bool = True,
        early: bool = False,
    ) -> Placed:
        """Return the train placed as well as the timelines allow; nothing is inserted.

        Parameters
        ----------
        wanted : Wanted
            Where no source gives its minutes, they are chosen anew if these do not fit.
        empty : bool
            Look at an empty railway instead: what the train would do alone.
        only : (int, float), optional
            Of the tracks at this call, use only the one that lies at this share of their list.
        most_cost : float
            What costs more need not be found: the train may then come back without a run, at infinite cost.
        move : bool
            Minutes may be chosen anew.
        early : bool
            It may come in long before its minute, and so be out of the way of others behind it sooner.
        """
        timelines = self._empty if empty else self.timelines
        try:
            legs = self._pattern(wanted)
        except UnroutableError as error:
            return Placed(wanted, cost=self._missing(wanted), reason=str(error))
        if empty and only is None:
            return self._alone(wanted)
        others = self._other_minutes(wanted) if move and not empty else []
        if others:
            alone = self._alone(wanted)
            usual = self._usual_legs(wanted) if only is None else legs
            for ways, chosen in itertools.product([usual] if usual is legs else [usual, legs], others):
                late_s = max(self.norms.steps_s[0], alone.lateness_s)
                leeway = _Leeway(late_s, self._running_times(wanted), arrivals=False, not_early=ways is usual)
                found = self._leaving_in_time(_Asked(chosen, ways, timelines, leeway, only=only))
                if found.runs:
                    self._price(found)
                    if found.cost <= alone.cost:
                        return found
        return self._find_late(wanted, legs, timelines, only, most_cost, early=early)

    def within(
        self, wanted: Wanted, latest_s: Mapping[int, float], at: Mapping[int, npt.NDArray[np.int32]] | None = None
    ) -> Placed:
        """Return the train placed so that it comes in nowhere too late, and at its last call as early as it can.

        Parameters
        ----------
        wanted : Wanted
        latest_s : mapping of int to float
            Latest arrival by call; the others may be as late as the norms allow at all.
        at : mapping of int to (k,) int32, optional
            Directed pieces by call of which one has to be taken there.
        """
        try:
            legs = self._pattern(wanted)
        except UnroutableError as error:
            return Placed(wanted, reason=str(error))
        legs = [_bound_to(leg, at or {}) for leg in legs]
        if not all(len(stage) for leg in legs for stage in leg.stages):
            return Placed(wanted, reason="no way over the tracks it is bound to")
        leeway = _Leeway(self.norms.longest_delay_s, np.full(len(wanted.points), np.inf), latest_s=latest_s)
        return self._find_within(_Asked(wanted, legs, self.timelines, leeway, exact=False))

    def _other_minutes(self, wanted: Wanted) -> list[Wanted]:
        """Return a train of free minutes at all that it may have, the present first; nothing for one without choice."""
        most = int(self.norms.move_s.get(wanted.phase, 0.0)) if wanted.group or wanted.phase == "evening" else 0
        grid = int(self.norms.move_grid_s)
        if most < grid or wanted.window_s > 0:
            return []
        moves = range(-(most // grid) * grid, most + 1, grid)
        return [wanted.moved(to) for to in sorted(moves, key=lambda to: (to != wanted.moved_s, abs(to), to))]

    def _alone(self, wanted: Wanted) -> Placed:
        """Return what a train would do alone on the railway."""
        if wanted not in self._known_alone:
            self._known_alone[wanted] = self._find_late(wanted, self._pattern(wanted), self._empty, None, math.inf)
        return self._known_alone[wanted]

    def _find_quickly(
        self,
        wanted: Wanted,
        legs: list[_Leg],
        timelines: Timelines,
        only: tuple[int, float] | None,
        *,
        early: bool = False,
    ) -> list[Placed]:
        """Return the train hardly late: on usual ways in time at every call, or on any in time where it leaves."""
        found: list[Placed] = []
        usual = self._usual_legs(wanted) if only is None else legs
        for ways, also in ((usual, True), (legs, False)):
            leeway = _Leeway(self.norms.steps_s[0], self._running_times(wanted), also, not_early=also and not early)
            found.append(self._leaving_in_time(_Asked(wanted, ways, timelines, leeway, only=only)))
            if found[-1].runs:
                self._price(found[-1])
                if self._is_within(found[-1], self.norms.steps_s[0]):
                    break
        return found

    def _find_late(
        self,
        wanted: Wanted,
        legs: list[_Leg],
        timelines: Timelines,
        only: tuple[int, float] | None,
        most_cost: float,
        *,
        early: bool = False,
    ) -> Placed:
        """Return the train as little late as it can be."""
        first, *more = self.norms.steps_s
        runs_s = self._running_times(wanted)

        def within(most_s: float, exact: bool) -> Placed:
            leeway = _Leeway(most_s, runs_s)
            placed = self._leaving_in_time(_Asked(wanted, legs, timelines, leeway, exact=exact, only=only))
            if placed.runs:
                self._price(placed)
            found.append(placed)
            return placed

        found = self._find_quickly(wanted, legs, timelines, only, early=early)
        late = self._weight(wanted) * self.norms.bad_cost
        if not self._is_within(found[-1], first):
            if late > most_cost:
                return Placed(wanted, cost=math.inf, reason="too late")
            # Whether there is any path at all is asked before how late the best is: to find none takes longest.
            if not (more and within(more[0], True).runs):
                if 2 * late > most_cost:
                    return Placed(wanted, cost=math.inf, reason="too late")
                if within(self.norms.longest_delay_s, False).runs:
                    for most_s in more[1:]:
                        if within(most_s, True).runs:
                            break
        possible = [placed for placed in found if placed.runs]
        if possible:
            return min(possible, key=lambda placed: (placed.cost, abs(placed.lateness_s)))
        reason = "no free path" if timelines is not self._empty else "no path even alone"
        return Placed(wanted, cost=self._missing(wanted), reason=reason)

    def _is_within(self, placed: Placed, most_s: float) -> bool:
        """Tell whether a train has a run and leaves every call with no more lateness than this."""
        return bool(placed.runs) and all(late_s <= most_s for _, late_s, _ in self.deviations(placed))

    def _leaving_in_time(self, asked: _Asked) -> Placed:
        """Return the train placed, and asked to be sooner at the next call wherever it would leave one too late.

        The search bounds arrivals only: a train may come in time and then stand too long where it goes on no earlier.
        """
        best, leeway = Placed(asked.wanted), asked.leeway
        latest: dict[int, float] = {}
        for _ in range(TIGHTENINGS + 1):
            placed = self._find_within(replace(asked, leeway=replace(leeway, latest_s=latest)))
            if not placed.runs:
                break
            late = {number: over_s - leeway.within_s for number, over_s, _ in self.deviations(placed)}
            over = {number: over_s for number, over_s in late.items() if over_s > 0}
            if not best.runs or not over:
                best = placed
            if not over:
                break
            latest = dict(latest)
            for leg, run in zip(asked.legs, placed.runs, strict=True):
                for position in np.flatnonzero(run.stage > 0).tolist():
                    number = leg.first + int(run.stage[position])
                    if number - 1 in over:
                        latest[number] = float(run.exit_s[position]) - over[number - 1]
        return best

    def _find_within(self, asked: _Asked) -> Placed:
        """Return the train placed with no lateness greater than allowed; without runs if that cannot be."""
        placed, leeway = Placed(asked.wanted), asked.leeway
        earliest = -1e9
        for number, leg in enumerate(asked.legs):
            here = leg if number == 0 else self._turned(leg, placed)
            exact = asked.exact and number + 1 == len(asked.legs)
            stages = self._stages(asked.wanted, here, earliest, leeway, exact_arrival=exact, only=asked.only)
            run = self._search(here, asked.timelines, stages, quick=leeway.within_s <= self.norms.steps_s[0])
            if run is None or (number and not self._stand(placed, run, asked.timelines)):
                return Placed(asked.wanted)
            placed.runs.append(run)
            earliest = float(run.exit_s[-1])
        return placed

    def _running_times(self, wanted: Wanted) -> npt.NDArray[np.float64]:
        """Return the running time to each call from the one before, alone on the railway; infinite if not known."""
        key = wanted.pattern
        known = self._runs_s.get(key)
        if known is None:
            known = np.full(len(wanted.points), np.inf)
            legs = self._pattern(wanted)
            leeway = _Leeway(self.norms.longest_delay_s, known)
            alone = self._find_within(_Asked(wanted, legs, self._empty, leeway, exact=False))
            for leg, run in zip(legs, alone.runs, strict=False):
                at = np.flatnonzero(run.stage >= 0)
                number = leg.first + run.stage[at]
                known[number[1:]] = run.exit_s[at][1:] - run.depart_s[at][:-1]
            self._runs_s[key] = known
        return known

    def _weight(self, wanted: Wanted) -> float:
        """Return how much a second of lateness of a train matters."""
        certain = self.norms.contradicted_weight if wanted.contradicted else 1.0
        return self.norms.weight[wanted.phase] * certain * wanted.count

    def _missing(self, wanted: Wanted) -> float:
        return self.norms.missing_cost * self._weight(wanted)

    def _under(self, placed: Placed) -> npt.NDArray[np.int32]:
        """Return the directed pieces on which a train stands at the end of its last run, the foremost first."""
        length_m = self.model_of(placed.wanted.kind).length_m
        back = placed.runs[-1].directed[::-1]
        behind = np.cumsum(self.network.pieces.length_m[back >> 1])
        return back[: int(np.searchsorted(behind, length_m)) + 1]

    def _turned(self, leg: _Leg, placed: Placed) -> _Leg:
        """Return the leg after a reversal, begun where the train stands: its new head is at its old tail."""
        under = leg.inside(self._under(placed) ^ 1)
        speed = leg.model.speed_ms.copy()
        speed[under] = self.model_of(placed.wanted.kind).speed_ms[leg.outside(under)]
        model = replace(leg.model, speed_ms=speed)
        bounds = Bounds(leg.graph, model)
        return replace(leg, stages=(under[-1:], *leg.stages[1:]), model=model, bounds=bounds)

    def _stand(self, placed: Placed, onward: Run, timelines: Timelines) -> bool:
        """Hold the track under a train from its arrival until it leaves again; tell whether it is free so long."""
        run = placed.runs[-1]
        zones = np.unique(self.graph.zone[self._under(placed) >> 1])
        last = np.array([int(np.flatnonzero(run.zone == zone)[-1]) for zone in zones])
        until_s = run.until_s.copy()
        until_s[last] = np.maximum(until_s[last], math.ceil(float(onward.depart_s[0])))
        held = replace(run, until_s=until_s)
        if timelines.conflicts_of(self.rows_of(placed, held)):
            return False
        placed.runs[-1] = held
        return True

    def _stages(
        self,
        wanted: Wanted,
        leg: _Leg,
        earliest: float,
        leeway: _Leeway,
        *,
        exact_arrival: bool,
        only: tuple[int, float] | None,
    ) -> list[Stage]:
        """Return what is asked of one leg; ``exact_arrival`` asks not to come in before its minute."""
        stages: list[Stage] = []
        known = wanted.window_s == 0
        for offset, tracks in enumerate(leg.stages):
            number = leg.first + offset
            chosen = tracks
            if only is not None and only[0] == number and (offset or not number):
                place = int(only[1] * len(tracks))
                chosen = tracks[place : place + 1]
            departs, arrives = wanted.departure_s[number], wanted.arrival_s[number]
            border = self.network.points.kind[wanted.points[number]] == "border"
            if offset == 0 and border:
                late = float(departs) + wanted.window_s + self.norms.longest_delay_s
                stages.append(Stage(directed=chosen, stop_s=-1.0, earliest_s=float(departs), latest_s=late))
                continue
            if offset == 0:
                start = max(float(departs), earliest + (wanted.dwell_s[number] if number else 0.0))
                late = departs + leeway.within_s if known and departs >= 0 else 1e9
                stages.append(Stage(directed=chosen, stop_s=0.0, earliest_s=start, latest_s=late, depart_s=start))
                continue
            last = number == len(wanted.points) - 1
            stands = (wanted.stops[number] or offset == len(leg.stages) - 1) and not border
            latest = 1e9
            if known and departs >= 0 and stands and not last:
                latest = departs + leeway.within_s - wanted.dwell_s[number]
            if known and arrives >= 0 and (last or (stands and (leeway.arrivals or departs < 0))):
                latest = min(latest, arrives + leeway.within_s)
            before = wanted.departure_s[number - 1]
            if known and before >= 0 and wanted.stops[number - 1]:
                soon = before + float(leeway.runs_s[number]) + OTHER_WAY_S
                latest = min(latest, leeway.within_s + max(soon, float(arrives)))
            latest = min(latest, leeway.latest_s.get(number, latest))
            final = offset == len(leg.stages) - 1
            timed = known and arrives >= 0 and ((exact_arrival and final) or (leeway.not_early and stands))
            stages.append(
                Stage(
                    directed=chosen,
                    stop_s=float(wanted.dwell_s[number]) if stands else -1.0,
                    earliest_s=arrives - self.norms.early_arrival_s if timed else -1e9,
                    latest_s=latest,
                    depart_s=float(departs) if departs >= 0 and known and not final else -1e9,
                )
            )
        return stages

    def _search(self, leg: _Leg, timelines: Timelines, stages: list[Stage], *, quick: bool) -> Run | None:
        """Search one leg."""
        begin = stages[0].earliest_s
        bounded = [stage.latest_s for stage in stages[1:] if stage.latest_s < 1e8]
        horizon = (max(bounded) if bounded else begin + LONGEST_RUN_S) + self.norms.longest_delay_s
        horizon = max(horizon, stages[0].latest_s + LONGEST_RUN_S if stages[0].latest_s < 1e8 else horizon)
        query = Query(stages=stages, horizon_s=horizon)
        most = self.norms.quick_labels if quick else self.norms.most_labels
        try:
            run = search(leg.graph, leg.model, timelines, query, bounds=leg.bounds, early=True, most_labels=most)
        except GaveUpError:
            return None
        return None if run is None else replace(run, directed=leg.outside(run.directed))

    def _price(self, placed: Placed) -> None:
        """Set lateness and cost of a placed train."""
        wanted, norms = placed.wanted, self.norms
        if wanted.window_s > 0:
            placed.lateness_s, placed.cost = 0.0, 0.0
            return
        deviations = [deviation for _, deviation, _ in self.deviations(placed)]
        worst = max([*deviations, 0.0])
        early = max(0.0, -deviations[-1]) if wanted.arrival_s[-1] >= 0 else 0.0
        placed.lateness_s = worst if worst >= early else -early
        weight = self._weight(wanted)
        over = max(0.0, max(worst, early) - norms.free_s)
        placed.cost = weight * (norms.minute_cost * over / 60.0 + (norms.bad_cost if over > 0 else 0.0))
        if max(worst, early) > norms.bad_s:
            placed.cost += weight * norms.bad_cost
        if worst > norms.longest_delay_s:
            placed.runs = []
            placed.reason = f"later than {norms.longest_delay_s / 60:.0f} minutes"
            placed.cost = self._missing(wanted)

    def deviations(self, placed: Placed) -> list[tuple[int, float, float]]:
        """Return (call, deviation from its minute, time) of the departures with a minute and of the last arrival."""
        wanted = placed.wanted
        found: list[tuple[int, float, float]] = []
        for leg, run in zip(self._pattern(wanted), placed.runs, strict=True):
            for position in np.flatnonzero(run.stage >= 0).tolist():
                number = leg.first + int(run.stage[position])
                if number == len(wanted.points) - 1:
                    time_s, minute = float(run.exit_s[position]), wanted.arrival_s[number]
                else:
                    time_s, minute = float(run.depart_s[position]), wanted.departure_s[number]
                if minute >= 0 and (wanted.stops[number] or number == len(wanted.points) - 1):
                    found.append((number, time_s - minute, time_s))
        return found

    # -- in and out of the timelines --------------------------------------------------------------------------------

    def insert(self, train: int, placed: Placed) -> None:
        """Put a placed train into the timelines, with its copies in other periods."""
        period = self.repeat.period_s
        for run in placed.runs:
            rows = self.rows_of(placed, run)
            first = -((int(rows.until_s.max()) - self.repeat.from_s) // period)
            last = (self.repeat.until_s - int(rows.from_s.min())) // period
            for shift in range(period * min(first, 0), period * max(last, 0) + 1, period):
                chosen = (rows.until_s + shift > self.repeat.from_s) & (rows.from_s + shift < self.repeat.until_s)
                chosen |= shift == 0
                if chosen.any():
                    self.timelines.insert(train, _shifted(rows, chosen, shift))

    def rows_of(self, placed: Placed, run: Run) -> Rows:
        """Return what a run of a placed train holds and keeps empty."""
        return Rows.of(run, self.model_of(placed.wanted.kind).kind)

    def in_the_way(self, ideal: Placed, train: int, from_s: float = -1e9, until_s: float = 1e9) -> list[int]:
        """Return the other trains in the timelines that conflict with the runs of a train in a stretch of time."""
        found: set[int] = set()
        for run in ideal.runs:
            rows = self.rows_of(ideal, run)
            rows = _shifted(rows, (rows.until_s > from_s) & (rows.from_s < until_s), 0)
            found.update(self.timelines.conflicts_of(rows, train))
        return sorted(found)

    def there(self, wanted: Wanted, number: int, from_s: float, until_s: float) -> list[int]:
        """Return the trains in the timelines that are, in a stretch of time, on the tracks of one call of a train."""
        leg = next(leg for leg in reversed(self._pattern(wanted)) if leg.first <= number)
        zone = np.unique(leg.graph.zone[leg.stages[number - leg.first] >> 1]).astype(np.int32)
        whole = np.full(len(zone), KEEP_ALL, np.uint8)
        begin, end = np.full(len(zone), from_s, np.int32), np.full(len(zone), until_s, np.int32)
        return self.timelines.conflicts_of(Rows(zone, begin, end, whole, whole))

    def remove(self, train: int) -> None:
        """Take a train and its copies out of the timelines."""
        self.timelines.remove(train)


def _bound_to(leg: _Leg, at: Mapping[int, npt.NDArray[np.int32]]) -> _Leg:
    """Return a leg that uses nothing but the given directed pieces at some calls; none of them where it has none."""
    stages = tuple(
        leg.inside(at[leg.first + number]) if leg.first + number in at else stage
        for number, stage in enumerate(leg.stages)
    )
    return replace(leg, stages=stages)


def both_ways(pieces: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Return both directed pieces of each piece, in the order of the pieces."""
    return np.repeat(2 * pieces, 2) + np.tile(np.array([0, 1], np.int32), len(pieces))


def part_of(graph: TrackGraph, pieces: npt.NDArray[np.int32]) -> TrackGraph:
    """Return the graph of some pieces, in rising order; zones keep their numbers, links to other pieces are cut."""
    number = np.full(len(graph.length_m), -1, np.int32)
    number[pieces] = np.arange(len(pieces), dtype=np.int32)
    directed = both_ways(pieces)
    begin = graph.successor_start[directed]
    count = graph.successor_start[directed + 1] - begin
    row = np.repeat(np.arange(len(directed)), count)
    place = np.arange(int(count.sum())) + np.repeat(begin - (np.cumsum(count) - count), count)
    target = graph.successor[place]
    kept = number[target >> 1] >= 0
    start = np.zeros(len(directed) + 1, np.int32)
    np.cumsum(np.bincount(row[kept], minlength=len(directed)), out=start[1:])
    return TrackGraph(
        length_m=graph.length_m[pieces],
        zone=graph.zone[pieces],
        signal=graph.signal[directed],
        successor_start=start,
        successor=(2 * number[target[kept] >> 1] + (target[kept] & 1)).astype(np.int32),
        n_zones=graph.n_zones,
        halt=None if graph.halt is None else graph.halt[directed],
        ways=graph.ways,
    )


def _platform(name: str) -> str:
    """Return the number of a platform track without the letter of its section."""
    return name.rstrip("abcdefghijklmnopqrstuvwxyz")


def _shifted(rows: Rows, chosen: npt.NDArray[np.bool_], shift_s: int) -> Rows:
    """Return the chosen rows, later by ``shift_s``."""
    return Rows(
        rows.zone[chosen],
        (rows.from_s[chosen] + shift_s).astype(np.int32),
        (rows.until_s[chosen] + shift_s).astype(np.int32),
        rows.occupies[chosen],
        rows.blocks[chosen],
    )


def choose_phases(
    placer: Placer, wanted: Sequence[Wanted], grid_s: int, sample: int, progress: Callable[[str], None]
) -> dict[str, int]:
    """Choose for each group of trains with a free minute the shift that fits best what is already placed.

    Parameters
    ----------
    placer : Placer
        Its timelines hold the trains whose minute is known.
    wanted : sequence of Wanted
    grid_s : int
        Step of the shifts tried.
    sample : int
        Number of trains of a group that are tried at each shift, spread over the day.
    progress : callable

    Returns
    -------
    dict
        Shift in seconds by group. The trains of a group chosen earlier are in the timelines while later groups choose.
    """
    groups: dict[str, list[Wanted]] = defaultdict(list)
    for train in wanted:
        groups[train.group].append(train)
    shifts: dict[str, int] = {}
    temporary = 1_000_000
    inserted: list[int] = []
    for name in sorted(groups, key=lambda group: (-len(groups[group]), group)):
        trains = sorted(groups[name], key=lambda train: train.departure_s[0])
        gaps = [b.departure_s[0] - a.departure_s[0] for a, b in itertools.pairwise(trains)]
        period = min([gap for gap in gaps if gap >= 600] or [1800])
        middle = trains[len(trains) // 4 :: max(1, len(trains) // max(1, sample))][:sample]
        best = (float("inf"), 0.0, 0)
        for shift in range(0, min(period, 3600), grid_s):
            centred = shift if shift <= period // 2 else shift - period
            costs = [placer.find(train.shifted(centred), move=False) for train in middle]
            total = sum(found.cost for found in costs)
            late = sum(max(0.0, found.lateness_s) for found in costs)
            best = min(best, (total, late, centred), key=lambda option: (option[0], option[1], abs(option[2])))
            if total == 0 and late == 0:
                break
        shifts[name] = best[2]
        for train in trains:
            found = placer.find(train.shifted(best[2]))
            if found.runs:
                temporary += 1
                placer.insert(temporary, found)
                inserted.append(temporary)
        if len(shifts) % 25 == 0 or len(shifts) == len(groups):
            progress(f"minute chosen for {len(shifts)} of {len(groups)} groups")
    for train_id in inserted:
        placer.remove(train_id)
    return shifts


def place_all(
    placer: Placer,
    wanted: Sequence[Wanted],
    placed: list[Placed],
    order: Sequence[int],
    progress: Callable[[str], None],
    *,
    offset: int = 0,
) -> None:
    """Insert trains once, in the given order; alters ``placed``, which has the positions of ``wanted``.

    In the timelines each has its position plus ``offset``.
    """
    for count, number in enumerate(order):
        placed[number] = placer.find(wanted[number])
        if placed[number].runs:
            placer.insert(offset + number, placed[number])
        if count % 250 == 249 or count + 1 == len(order):
            progress(f"{count + 1} of {len(order)} trains tried")
