"""How many paths there can be at most: the narrowest set of tracks that every path has to cross, by free time.

Every path runs over directed pieces, and over each of them it holds the zone for at least a *least hold*: from locking
to releasing, at full speed, without any time lost. Of one piece no more paths can be had within a time than least holds
fit into the free gaps of its zone (and, for a wide load, of the zones it keeps empty). Through a network in which every
piece has such a number no more paths can go than its largest flow, which is that of its narrowest cut. Nothing in this
depends on the search, and no order of paths can beat it.

The least hold of a piece ``d`` for a train of length ``L``, with ``D`` the way from the beginning of its route to its
entry and ``u`` the speed at that beginning (from a stand 0)::

    lead(u)   setup, and when u > 0 also sighting + u / 2b
    way(u)    from the beginning of the route to the entry of d: at full effort from u, limits kept
    over      (length of d + L) / limit of d: the limit holds until the tail has left; without L near the destination
    release

``hold = min over u of lead + way + over + release``, with 3 s more at both ends, as the search widens its intervals.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt

from weerspoor.common.clock import DAY_S, DAY_START_S
from weerspoor.kernel.compiled import compiled
from weerspoor.network.routes import dijkstra
from weerspoor.trains.turning import with_turns

if TYPE_CHECKING:
    from weerspoor.capacity.fit import Problem
    from weerspoor.kernel.graph import TrainModel
    from weerspoor.kernel.timelines import Timelines
    from weerspoor.network.model import Network

Ints = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]

WIDEN_S = 3.0
"""The search widens every interval by so much on both sides."""

SPEEDS = 32
"""Speeds at the beginning of a route that are looked at; between two of them the lesser hold is taken."""

ROUNDING_S = 1.0
"""Taken off every least time, because the search rounds lengths under the tail and speeds."""

UNBOUNDED = 1 << 20


@dataclass(frozen=True)
class Bound:
    """How many paths there can be at most.

    Attributes
    ----------
    hours : list of int
        Of those that leave in each hour of the operating day, from 05:00.
    day : int
        Of all that leave in the operating day together.
    cut : tuple of int
        Directed pieces of the narrowest cut of the day, by leg.
    hour_cuts : list of tuple of int
        Those of each hour.
    """

    hours: list[int]
    day: int
    cut: tuple[int, ...]
    hour_cuts: list[tuple[int, ...]]


class Holds(NamedTuple):
    """Least times by directed piece, in seconds: locked before the head enters, held after it, both together."""

    before_s: Floats
    after_s: Floats
    both_s: Floats


class _Leg(NamedTuple):
    """The way from one place to the next: least seconds from the origin and to the destination, by node."""

    sources: Ints
    goals: Ints
    from_origin_s: npt.NDArray[np.float32]
    to_destination_s: npt.NDArray[np.float32]


def upper_bound(
    problem: Problem, timelines: Timelines, longest_s: float, *, none: tuple[int, ...] = (), repeats: bool = True
) -> Bound:
    """Return how many paths of a train there can be in each hour and in the day.

    Parameters
    ----------
    problem : Problem
        For which tracks lead through.
    timelines : Timelines
        What is in the way.
    longest_s : float
        Journeys that take longer are no paths.
    none : tuple of int
        Hours in which, as a search has proved, not even one path leaves.
    repeats : bool
        The day repeats, and so do the paths: the bound of the day counts a circle of 24 hours.
    """
    start, following = _graph(problem)
    holds, spans = least_holds(problem), _blocked(problem, timelines)
    best = [_Least() for _ in range(24)]
    day, stretches = _Least(), [_Least() for _ in _stretches(none)]
    for leg in _legs(problem, start, following):
        flow = _Flow(problem, start, following, leg, longest_s)

        def within(first: int, last: int, flow: _Flow = flow) -> tuple[int, tuple[int, ...]]:
            span = flow.window(DAY_START_S + 3600.0 * first, DAY_START_S + 3600.0 * (last + 1))
            return flow.most(slots(problem.network, spans, holds, *span))

        for hour in set(range(24)).difference(none):
            best[hour].take(*within(hour, hour))
        for least, (first, last) in zip(stretches, _stretches(none), strict=True):
            least.take(*within(first, last))
        if repeats:
            day.take(*flow.most(slots_of_day(problem.network, spans, holds)))
    for hour in none:
        best[hour].take(0, ())
    for parts in (stretches, best):
        day.take(sum(part.most for part in parts), tuple(sorted({piece for part in parts for piece in part.cut})))
    return Bound([min(part.most, day.most) for part in best], day.most, day.cut, [part.cut for part in best])


class _Least:
    """The least of some bounds, and its cut."""

    def __init__(self) -> None:
        self.most, self.cut = UNBOUNDED, cast("tuple[int, ...]", ())

    def take(self, most: int, cut: tuple[int, ...]) -> None:
        if most < self.most:
            self.most, self.cut = most, cut


def _stretches(none: tuple[int, ...]) -> list[tuple[int, int]]:
    """Return (first, last) of the hours in a row in which a path may leave."""
    found: list[tuple[int, int]] = []
    for hour in sorted(set(range(24)).difference(none)):
        if found and found[-1][1] == hour - 1:
            found[-1] = found[-1][0], hour
        else:
            found.append((hour, hour))
    return found


def _graph(problem: Problem) -> tuple[Ints, Ints]:
    """Return the successors, with a node for every turning when the train may turn back."""
    if problem.turns:
        return with_turns(problem.network, *problem._heads)
    return problem.network.successor_start, problem.network.successor


def _cost(problem: Problem) -> npt.NDArray[np.float32]:
    """Return the least seconds over every node: none for a turning, infinite where the train may not go."""
    speed = np.where(problem.usable, problem.model.speed_ms, 0).astype(np.float64)
    length = np.repeat(problem.network.pieces.length_m, 2).astype(np.float64)
    seconds = np.where(speed > 0, length / np.maximum(speed, 0.1), np.inf)
    turns = len(problem._heads[0]) if problem.turns else 0
    return np.concatenate([seconds, np.zeros(turns)]).astype(np.float32)


def _legs(problem: Problem, start: Ints, following: Ints) -> list[_Leg]:
    """Return the legs between the places asked for, with least times from the origin and to the destination."""
    cost, stages = _cost(problem), problem.query.stages
    after = [_from(start, following, stages[0].directed, np.zeros(len(stages[0].directed), np.float32), cost)]
    for stage in stages[1:-1]:
        after.append(_from(start, following, stage.directed, after[-1][stage.directed], cost))
    back_start, before = _reversed(start, following)
    until = [_to(back_start, before, stages[-1].directed, np.zeros(len(stages[-1].directed), np.float32), cost)]
    for stage in stages[-2:0:-1]:
        until.append(_to(back_start, before, stage.directed, until[-1][stage.directed] - cost[stage.directed], cost))
    until.reverse()
    return [_Leg(stage.directed, goal.directed, after[k], until[k]) for k, (stage, goal) in enumerate(pairwise(stages))]


def _reversed(start: Ints, following: Ints) -> tuple[Ints, Ints]:
    n = len(start) - 1
    origin = np.repeat(np.arange(n, dtype=np.int32), np.diff(start))
    order = np.argsort(following, kind="stable")
    back = np.zeros(n + 1, np.int32)
    np.cumsum(np.bincount(following, minlength=n), out=back[1:])
    return back, origin[order]


def _from(
    start: Ints, following: Ints, sources: Ints, begin: npt.NDArray[np.float32], cost: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Return the least seconds until the exit of every node for a head that is at the exits of sources at times."""
    return _spread(start, following, sources, begin, cost)


def _to(
    start: Ints, before: Ints, goals: Ints, begin: npt.NDArray[np.float32], cost: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Return the least seconds from the entry of every node to the exits of goals, and on from there."""
    return _spread(start, before, goals, begin + cost[goals], cost)


def _spread(
    start: Ints, following: Ints, sources: Ints, begin: npt.NDArray[np.float32], cost: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Return the least cost by node when each source is reached at a cost of its own."""
    n, k = len(start) - 1, len(sources)
    # One node more a source leads to it; its cost is what the source is reached at beyond its own cost.
    wider = np.concatenate([start, start[-1] + np.arange(1, k + 1, dtype=np.int32)]).astype(np.int32)
    onward = np.concatenate([following, sources]).astype(np.int32)
    extra = (begin - np.where(np.isfinite(cost[sources]), cost[sources], 0)).astype(np.float32)
    shift = np.float32(max(0.0, -float(extra.min(initial=0.0))))
    dist, _ = dijkstra(
        wider, onward, np.arange(n, n + k, dtype=np.int32), np.concatenate([cost, extra + shift]).astype(np.float32)
    )
    return dist[:n] - shift


def least_holds(problem: Problem) -> Holds:
    """Return how long every directed piece is held at least by a train that runs over it; see the module's text."""
    model, network = problem.model, problem.network
    speed = np.maximum(np.where(problem.usable, model.speed_ms, 0.0).astype(np.float64), 1e-3)
    length = np.repeat(network.pieces.length_m, 2).astype(np.float64)
    begins = _route_begins(problem)
    way_m, way_s = _from_route_begin(problem, begins)
    enter_ms, begin_ms = _highest_speeds(problem, begins)
    over_m = length + np.where(_near_end(problem), 0.0, model.length_m - 1.0)
    over_s = np.maximum(over_m / speed, _least_run_s(model, enter_ms, over_m))
    before, both = np.full(len(speed), np.inf), np.full(len(speed), np.inf)
    for lead_s, low_ms, high_ms in _leads(model):
        from_ms = np.minimum(high_ms, np.maximum(begin_ms, low_ms))
        until_entry = np.maximum(_least_run_s(model, from_ms, way_m), way_s)
        until_clear = np.maximum(_least_run_s(model, from_ms, way_m + over_m), until_entry + over_s)
        possible = begin_ms >= low_ms
        before = np.where(possible, np.minimum(before, lead_s + until_entry), before)
        both = np.where(possible, np.minimum(both, lead_s + until_clear), both)
    ends = model.release_s + WIDEN_S - ROUNDING_S
    starts = model.setup_s + WIDEN_S - ROUNDING_S
    return Holds(before + starts, over_s + ends, np.maximum(both, before + over_s) + starts + ends)


def _highest_speeds(problem: Problem, begins: npt.NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Return the highest speeds at the entry of every directed piece, and at the beginning of its route.

    No train is faster than it can become since it left its origin, on any way; from a border it comes as it likes.
    """
    model, network, first = problem.model, problem.network, problem.query.stages[0]
    n = 2 * network.n_pieces
    limit = np.where(problem.usable, model.speed_ms, 0.0).astype(np.float64)
    leave = np.full(n, -1.0)
    leave[first.directed] = 0.0 if first.stop_s >= 0 else limit[first.directed]
    if problem.turns:
        leave[problem._heads[1]] = 0.0
    length = np.repeat(network.pieces.length_m, 2).astype(np.float64)
    enter, begin = np.zeros(n), np.full(n, -1.0)
    _spread_speeds(
        network.successor_start, network.successor, limit, length, begins, model.accel_v, model.accel_s, leave, enter,
        begin,
    )  # fmt: skip
    return enter, begin


@compiled
def _spread_speeds(start, following, limit, length, begins, curve_v, curve_s, leave, enter, begin):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    """Spread the highest speeds from the pieces with ``leave >= 0``, until none grows by more than a little."""
    n = len(leave)
    waits = np.zeros(n, np.bool_)
    queue = np.empty(n + 1, np.int64)
    at, size = 0, 0
    for d in range(n):
        if leave[d] >= 0.0:
            queue[size] = d
            size += 1
            waits[d] = True
    while at != size:
        here = queue[at]
        at = (at + 1) % (n + 1)
        waits[here] = False
        for k in range(start[here], start[here + 1]):
            d = following[k]
            if limit[d] <= 0.0:
                continue
            first = leave[here] if begins[here] else begin[here]
            into = min(leave[here], limit[d])
            if into <= enter[d] + 0.01 and first <= begin[d] + 0.01:
                continue
            enter[d], begin[d] = max(enter[d], into + 0.01), max(begin[d], first + 0.01)
            x = np.interp(enter[d], curve_v, curve_s) + length[d]
            out = min(np.interp(x, curve_s, curve_v), limit[d])
            leave[d] = max(leave[d], out)
            if not waits[d]:
                waits[d] = True
                queue[size] = d
                size = (size + 1) % (n + 1)


def _leads(model: TrainModel) -> list[tuple[float, float, float]]:
    """Return (seconds beyond the setting, least speed, highest speed) for a stand and for passing within each step.

    For the speeds between two steps the braking time of the lower and the running time of the higher is taken.
    """
    top = float(model.accel_v[-1])
    steps = np.linspace(0.0, top, SPEEDS + 1)
    brake = 2.0 * model.braking_ms2
    passing = [(model.sighting_s + low / brake, low, high) for low, high in pairwise(steps.tolist())]
    return [(0.0, -1.0, 0.0), *passing]


def _least_run_s(model: TrainModel, from_ms: Floats, metres: Floats) -> Floats:
    """Return the least seconds over distances at full effort from speeds, no limit kept."""
    begin_s = np.interp(from_ms, model.accel_v, model.accel_t)
    begin_m = np.interp(from_ms, model.accel_v, model.accel_s)
    top_m, top_ms = float(model.accel_s[-1]), float(model.accel_v[-1])
    at_m = begin_m + metres
    beyond = np.maximum(at_m - top_m, 0.0) / top_ms
    least: Floats = np.maximum(_time_below(model, np.minimum(at_m, top_m)) + beyond - begin_s, metres / top_ms)
    return least


def _time_below(model: TrainModel, at_m: Floats) -> Floats:
    """Return a time at which the head is not yet beyond a distance of the curve, close below the true one."""
    k = np.clip(np.searchsorted(model.accel_s, at_m, side="right") - 1, 0, len(model.accel_s) - 1)
    rest = at_m - model.accel_s[k]
    faster = model.accel_v[np.minimum(k + 1, len(model.accel_v) - 1)]
    return np.asarray(model.accel_t[k] + rest / np.maximum(faster, 1e-6), np.float64)


def _route_begins(problem: Problem) -> npt.NDArray[np.bool_]:
    """Tell at the exits of which directed pieces a route can begin."""
    graph = problem.network.graph()
    begins = graph.signal | problem.model.may_stop
    if graph.halt is not None:
        begins = begins | graph.halt
    begins = begins.copy()
    for stage in problem.query.stages:
        begins[stage.directed] = True
    if problem.turns:
        begins[problem._heads[1]] = True
    return begins


def _from_route_begin(problem: Problem, begins: npt.NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Return the least metres and seconds from where a route can begin to the entry of every directed piece."""
    network = problem.network
    n = 2 * network.n_pieces
    usable = problem.usable
    origin = np.repeat(np.arange(n), np.diff(network.successor_start))
    after = network.successor
    first = np.unique(after[begins[origin]]).astype(np.int32)
    length = np.repeat(network.pieces.length_m, 2).astype(np.float32)
    inside = np.where(usable, length, np.inf).astype(np.float32)
    seconds = _cost(problem)[:n]
    metres_to_exit, _ = dijkstra(network.successor_start, after, first, inside)
    seconds_to_exit, _ = dijkstra(network.successor_start, after, first, seconds)
    reached = np.isfinite(metres_to_exit)
    way_m, way_s = np.zeros(n), np.zeros(n)
    way_m[reached] = metres_to_exit[reached] - length[reached]
    way_s[reached] = seconds_to_exit[reached] - seconds[reached]
    return np.maximum(way_m - 0.1, 0.0), np.maximum(way_s - 0.1, 0.0)


def _near_end(problem: Problem) -> npt.NDArray[np.bool_]:
    """Tell from which directed pieces the end, or a place to turn, is nearer than a train length beyond the exit."""
    network, model = problem.network, problem.model
    start, following = network.successor_start, network.successor
    back, before = _reversed(start, following)
    ends = [problem.query.stages[-1].directed, problem.query.stages[0].directed]
    if problem.turns:
        ends.append(problem._heads[0])
    length = np.repeat(network.pieces.length_m, 2).astype(np.float32)
    dist, _ = dijkstra(back, before, np.unique(np.concatenate(ends)).astype(np.int32), length)
    near: npt.NDArray[np.bool_] = dist - length < model.length_m + 1.0
    return near


class _Blocked(NamedTuple):
    """When each piece is not free for the train: merged spans, CSR by piece."""

    start: Ints
    from_s: Ints
    until_s: Ints


def _blocked(problem: Problem, timelines: Timelines) -> _Blocked:
    """Return when the zone of a piece, or one that is kept empty beside it, is taken by what excludes the train."""
    model, pieces = problem.model, problem.network.pieces
    lines = timelines.lines
    keep_start = model.keep_start if len(model.keep_start) else np.zeros(problem.network.n_pieces + 1, np.int32)
    useful = problem.usable.reshape(-1, 2).any(axis=1)
    rows = 1 << 20
    while True:
        start, begin, end, n = _merge_blocked(
            (lines.first, lines.number, lines.from_s, lines.until_s, lines.occupies, lines.blocks), pieces.zone, useful,
            model.kind, (keep_start, model.keep_zone, model.keep_mask), rows,
        )  # fmt: skip
        if n <= rows:
            return _Blocked(start, begin[:n], end[:n])
        rows = int(n)


@compiled
def _merge_blocked(lines, zone, useful, kind, keeps, rows):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    first, number, from_s, until_s, occupies, blocks = lines
    keep_start, keep_zone, keep_mask = keeps
    n_pieces = len(zone)
    start = np.zeros(n_pieces + 1, np.int32)
    begin, end = np.zeros(rows, np.int32), np.zeros(rows, np.int32)
    n = 0
    for piece in range(n_pieces):
        start[piece] = n
        if not useful[piece]:
            continue
        size = number[zone[piece]]
        for k in range(keep_start[piece], keep_start[piece + 1]):
            size += number[keep_zone[k]]
        a, b = np.zeros(size, np.int32), np.zeros(size, np.int32)
        m = 0
        z = zone[piece]
        for i in range(first[z], first[z] + number[z]):
            if occupies[i] != 0 or (blocks[i] & kind) != 0:
                a[m], b[m] = from_s[i], until_s[i]
                m += 1
        for k in range(keep_start[piece], keep_start[piece + 1]):
            z = keep_zone[k]
            for i in range(first[z], first[z] + number[z]):
                if (occupies[i] & keep_mask[k]) != 0:
                    a[m], b[m] = from_s[i], until_s[i]
                    m += 1
        order = np.argsort(a[:m])
        reach = -(2**31)
        for j in range(m):
            i = order[j]
            if a[i] > reach:
                if n < rows:
                    begin[n], end[n] = a[i], b[i]
                n += 1
                reach = b[i]
            elif b[i] > reach:
                reach = b[i]
                if n <= rows:
                    end[n - 1] = reach
    start[n_pieces] = n
    return start, begin, end, n


def slots(network: Network, blocked: _Blocked, holds: Holds, first_s: Floats, last_s: Floats) -> Ints:
    """Return how many trains can enter each directed piece between two times, each with its least hold in a gap.

    Parameters
    ----------
    first_s, last_s : (2 n_pieces,) float64
        When the head may enter at the soonest and at the latest.
    """
    n = 2 * network.n_pieces
    found: Ints = _slots(blocked.start, blocked.from_s, blocked.until_s, *holds, first_s[:n], last_s[:n])
    return found


@compiled
def _slots(start, from_s, until_s, before_s, after_s, both_s, first_s, last_s):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    n = len(first_s)
    out = np.zeros(n, np.int32)
    for d in range(n):
        if not (first_s[d] <= last_s[d] and np.isfinite(both_s[d])):
            continue
        piece = d >> 1
        a, b = start[piece], start[piece + 1]
        low, high = a, b
        while low < high:
            middle = (low + high) >> 1
            if until_s[middle] < first_s[d]:
                low = middle + 1
            else:
                high = middle
        total = 0
        i = low
        opens = until_s[low - 1] if low > a else -(2**30)
        while True:
            closes = from_s[i] if i < b else 2**30
            lo, hi = max(opens + before_s[d], first_s[d]), min(closes - after_s[d], last_s[d])
            if lo <= hi:
                total += 1
                more = hi - lo - before_s[d] - after_s[d]
                if more >= 0.0:
                    total += 1 + int(more / both_s[d])
            if i >= b or from_s[i] > last_s[d]:
                break
            opens = until_s[i]
            i += 1
        out[d] = total
    return out


def slots_of_day(network: Network, blocked: _Blocked, holds: Holds) -> Ints:
    """Return how many least holds of each directed piece fit into the gaps of a day that repeats."""
    n = 2 * network.n_pieces
    found: Ints = _slots_of_day(blocked.start, blocked.from_s, blocked.until_s, holds.both_s, n, DAY_START_S, DAY_S)
    return found


@compiled
def _slots_of_day(start, from_s, until_s, both_s, n, begin, day):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    out = np.zeros(n, np.int32)
    for d in range(n):
        if not np.isfinite(both_s[d]):
            continue
        a, b = start[d >> 1], start[(d >> 1) + 1]
        first = -1
        total = 0
        for i in range(a, b):
            if from_s[i] >= begin + day:
                break
            if first < 0:
                if from_s[i] >= begin:
                    first = i
            elif from_s[i] > until_s[i - 1]:
                total += int((from_s[i] - until_s[i - 1]) / both_s[d])
        if first < 0:
            # Nothing begins within the day: either free all day or taken all day.
            inside = False
            for i in range(a, b):
                inside |= from_s[i] < begin and until_s[i] > begin + day
            out[d] = 0 if inside else int(day / both_s[d]) + 1
            continue
        last = first
        while last + 1 < b and from_s[last + 1] < begin + day:
            last += 1
        around = from_s[first] + day - until_s[last]
        if around > 0:
            total += int(around / both_s[d])
        out[d] = total
    return out


class _Flow:
    """The largest flow of a leg through directed pieces that each let so many through.

    Only nodes on ways that are short enough count.
    """

    def __init__(self, problem: Problem, start: Ints, following: Ints, leg: _Leg, longest_s: float) -> None:
        self.n_pieces2, self.longest_s = 2 * problem.network.n_pieces, longest_s
        cost, onward, back = (
            part.astype(np.float64) for part in (_cost(problem), leg.from_origin_s, leg.to_destination_s)
        )
        reached = np.isfinite(onward) & np.isfinite(back)
        self._enter_s = np.where(reached, onward - np.where(np.isfinite(cost), cost, 0.0), np.inf)
        self._left_s = np.where(reached, back, np.inf)
        self.leg, self.nodes = (
            leg,
            np.flatnonzero(self._enter_s + self._left_s <= longest_s + ROUNDING_S).astype(np.int32),
        )
        self.index = np.full(len(cost), -1, np.int32)
        self.index[self.nodes] = np.arange(len(self.nodes), dtype=np.int32)
        self.tail, self.head, self.edge_of = self._edges(start, following)

    def window(self, begin_s: float, end_s: float) -> tuple[Floats, Floats]:
        """Return when the head of a train that leaves between two times may enter each node: soonest and latest."""
        return begin_s + self._enter_s - ROUNDING_S, end_s + self.longest_s - self._left_s + ROUNDING_S

    def _edges(self, start: Ints, following: Ints) -> tuple[Ints, Ints, Ints]:
        """Return edges: node ``2 i`` is the entry, ``2 i + 1`` the exit of a directed piece; then source and sink."""
        n, index = len(self.nodes), self.index
        origin = np.repeat(np.arange(len(start) - 1), np.diff(start))
        inside = (index[origin] >= 0) & (index[following] >= 0)
        source, sink = 2 * n, 2 * n + 1
        begins, ends = index[self.leg.sources], index[self.leg.goals]
        begins, ends = begins[begins >= 0], ends[ends >= 0]
        own = np.arange(n)
        tail: list[npt.NDArray[Any]] = [
            2 * own, 2 * index[origin[inside]] + 1, np.full(len(begins), source), 2 * ends,
        ]  # fmt: skip
        head: list[npt.NDArray[Any]] = [
            2 * own + 1,
            2 * index[following[inside]],
            2 * begins + 1,
            np.full(len(ends), sink),
        ]
        both_tail, both_head = np.concatenate(tail).astype(np.int32), np.concatenate(head).astype(np.int32)
        # Every edge has its reverse right behind it.
        tails, heads = np.empty(2 * len(both_tail), np.int32), np.empty(2 * len(both_tail), np.int32)
        tails[0::2], tails[1::2], heads[0::2], heads[1::2] = both_tail, both_head, both_head, both_tail
        return tails, heads, np.argsort(tails, kind="stable").astype(np.int32)

    def most(self, room: Ints) -> tuple[int, tuple[int, ...]]:
        """Return the largest flow and the directed pieces of its narrowest cut."""
        n = len(self.nodes)
        capacity = np.zeros(len(self.tail), np.int64)
        capacity[0::2] = UNBOUNDED
        own = np.full(n, UNBOUNDED, np.int64)
        pieces = self.nodes < self.n_pieces2
        own[pieces] = room[self.nodes[pieces]]
        capacity[0 : 2 * n : 2] = own
        start = np.zeros(2 * n + 3, np.int32)
        np.cumsum(np.bincount(self.tail, minlength=2 * n + 2), out=start[1:])
        total, seen = _largest_flow(start, self.edge_of, self.head, capacity, 2 * n, 2 * n + 1)
        cut = self.nodes[np.flatnonzero(seen[0 : 2 * n : 2] & ~seen[1 : 2 * n : 2])]
        return min(int(total), UNBOUNDED), tuple(cut.tolist())


@compiled
def _largest_flow(start, edge_of, head, capacity, source, sink):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    """Return the largest flow (shortest augmenting ways) and which nodes are on the side of the source."""
    n = len(start) - 1
    by, queue = np.zeros(n, np.int32), np.zeros(n, np.int32)
    total = np.int64(0)
    while True:
        by[:] = -1
        by[source] = -2
        queue[0] = source
        at, size = 0, 1
        while at < size and by[sink] == -1:
            here = queue[at]
            at += 1
            for k in range(start[here], start[here + 1]):
                edge = edge_of[k]
                if capacity[edge] > 0 and by[head[edge]] == -1:
                    by[head[edge]] = edge
                    queue[size] = head[edge]
                    size += 1
        if by[sink] == -1 or total >= 1 << 20:
            return total, by != -1
        least = np.int64(1 << 40)
        node = sink
        while node != source:
            least = min(least, capacity[by[node]])
            node = head[by[node] ^ 1]
        node = sink
        while node != source:
            capacity[by[node]] -= least
            capacity[by[node] ^ 1] += least
            node = head[by[node] ^ 1]
        total += least
