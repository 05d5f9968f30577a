# ruff: noqa: PLR0917
"""The model of a run in plain Python, and a search that tries everything: what the compiled search must equal.

A *course* is a route with its stops, without times. All its times are fixed but for the departures of its legs and what
it loses at signals; :func:`time_course` gives them, each counted from the departure of a leg. The rules:

- From a departure the head runs at full effort up to the lowest of the limit of its piece and the limits of the pieces
  still under the train. Before a slower piece, and before a stop, the time that constant braking loses
  is added at the exit of the last piece: ``(v - u)^2 / (2 b v)``. Where the train has slowed down already since that
  braking curve begins, the head leaves the piece no earlier than on the curve.
- On a piece with a signal that faces it at the exit it may lose time, in steps of those of departures, up to a share
  of the least time from the signal before. It is spent on entering the piece; what depends on how it braked before, and
  the bound of a lock by the departure, are as if all before had been lost standing.
- At signals, where routes meet and at stops times are rounded up to whole seconds; the rest is spent on entering the
  piece. All times are rounded up to 1/1024 s.
- A train that passes in does so at the lower of the limits of the origin and the next piece, at a multiple of the step
  of departures.
- At every signal that faces it the train locks all pieces up to the next, ``v / (2 b) + sighting`` before it passes
  the signal, though not before its last departure, and ``setup`` before that. A departure begins a lock of its own, and
  so does passing in.
- A piece is cleared when the head is a train length beyond its exit; on the braking curve if the train brakes there,
  also where the curve begins before the last piece, or before a place where it braked already.
- A piece's zone is held, and its neighbour zones are kept empty, from ``floor(lock) - 3`` to
  ``ceil(clear + release) + 3``.

The search enumerates all courses and, with numpy, all departures on the grid. It is for small networks.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from weerspoor.kernel.bounds import exact_length, marks
from weerspoor.kernel.graph import KEEP_ALL, Query, TrackGraph, TrainModel
from weerspoor.kernel.timelines import Timelines

WIDEN_S = 3


def up_tick(value: float) -> float:
    """Round up to 1/1024."""
    return math.ceil(value * 1024.0) / 1024.0


@dataclass(frozen=True)
class Halt:
    """The end of a leg: the least stand, the earliest departure, and the stage reached there (or -1)."""

    least_s: float
    depart_from_s: float
    stage: int


@dataclass(frozen=True)
class Course:
    """A route without times.

    Attributes
    ----------
    directed : tuple of int
        Directed pieces, the origin's first.
    leg : tuple of int
        Leg in which the head runs over each piece; that of the origin is 0.
    halts : tuple of Halt
        Between the legs.
    passed : tuple of (int, int)
        Place in ``directed`` and the stage passed at its exit.
    """

    directed: tuple[int, ...]
    leg: tuple[int, ...] = (0,)
    halts: tuple[Halt, ...] = ()
    passed: tuple[tuple[int, int], ...] = ()


@dataclass
class CourseTimes:
    """Times of a course, each from the departure of a leg.

    Attributes
    ----------
    leave : list of float
        Head at the exit of each piece, from the departure of the piece's leg (an arrival at the end of a leg).
    lock : list of float
        Start of the lock, from the departure of the piece's leg.
    clear : list of list of (int, float)
        Times at which the tail has left each piece, of which the last counts, each with the place of the piece on which
        the head is then; the time is since the departure of that piece's leg. None for those still held at the end.
    speed_ms : list of float
        Of the head at the exit.
    """

    leave: list[float] = field(default_factory=list)
    lock: list[float] = field(default_factory=list)
    clear: list[list[tuple[int, float]]] = field(default_factory=list)
    speed_ms: list[float] = field(default_factory=list)


def time_course(
    graph: TrackGraph, model: TrainModel, course: Course, *, passing_in: bool, stopping: bool
) -> CourseTimes:
    """Return the times of a course; ``stopping`` tells whether it ends with a stop."""
    curve_v, curve_t, curve_s = model.accel_v, model.accel_t, model.accel_s
    length, mark = exact_length(graph), marks(graph)
    brake = float(model.braking_ms2)
    top = min(float(curve_v[-1]), float(model.speed_ms.max()))
    train_m, setup = up_tick(model.length_m), up_tick(model.setup_s)

    def at(xs: npt.NDArray[np.float64], ys: npt.NDArray[np.float64], x: float) -> float:
        if x <= xs[0]:
            return float(ys[0])
        if x >= xs[-1]:
            return float(ys[-1])
        i = int(np.searchsorted(xs, x, side="right"))
        return float(ys[i - 1] + (x - xs[i - 1]) * (ys[i] - ys[i - 1]) / (xs[i] - xs[i - 1]))

    def run(x: float, metres: float, limit: float) -> tuple[float, float]:
        x_limit = at(curve_v, curve_s, limit)
        if x >= x_limit:
            return metres / at(curve_s, curve_v, x), x
        rise = x_limit - x
        if metres <= rise:
            return at(curve_s, curve_t, x + metres) - at(curve_s, curve_t, x), x + metres
        rest = (metres - rise) / min(limit, float(curve_v[-1]))
        return at(curve_s, curve_t, x_limit) - at(curve_s, curve_t, x) + rest, x_limit

    n = len(course.directed)
    limit = [float(model.speed_ms[dp]) for dp in course.directed]
    own = [min(limit[i], top) for i in range(n)]
    place = [0.0]
    for dp in course.directed[1:]:
        place.append(place[-1] + float(length[dp >> 1]))
    before_braking = [(0.0, 0.0)]
    times = CourseTimes([0.0], [-setup], [[] for _ in range(n)], [0.0])
    entered = passing_in
    x = at(curve_v, curve_s, own[0]) if passing_in else 0.0
    now = 0.0
    if passing_in:
        x = min(x, at(curve_v, curve_s, own[1]))
        times.speed_ms[0] = at(curve_s, curve_v, x)
    for i in range(1, n):
        dp, before = course.directed[i], course.directed[i - 1]
        if course.leg[i] != course.leg[i - 1] or (i == 1 and not passing_in):
            entered, now, x = False, 0.0, 0.0
            times.lock.append(-setup)
        elif graph.signal[before] or i == 1:
            lock = now - up_tick(at(curve_s, curve_v, x) / (2 * brake) + model.sighting_s)
            times.lock.append((lock if entered else max(lock, 0.0)) - setup)
        else:
            times.lock.append(times.lock[-1])
        begin, end = place[i - 1], place[i]
        under = [j for j in range(i) if place[j] + train_m > begin]
        cleared = {}
        spent, done = 0.0, begin
        for j in [j for j in under if place[j] + train_m <= end]:
            cap = min(limit[k] for k in under if k >= j)
            dt, x = run(x, place[j] + train_m - done, min(own[i], cap))
            spent, done = spent + dt, place[j] + train_m
            cleared[j] = now + up_tick(spent)
        if done < end:
            cap = min([limit[k] for k in under if place[k] + train_m > end], default=math.inf)
            dt, x = run(x, end - done, min(own[i], cap))
            spent += dt
        exact = now + up_tick(spent)
        r = float(math.ceil(exact)) if mark[dp] else exact
        cleared = {j: t + (r - exact) for j, t in cleared.items()}
        v = at(curve_s, curve_v, x)
        before_braking.append((r, v))
        last = i == n - 1
        stops_here = (last and stopping) or (not last and course.leg[i + 1] != course.leg[i])
        x_next = x if last or stops_here else min(x, at(curve_v, curve_s, own[i + 1]))
        u = 0.0 if stops_here else v if x_next == x else at(curve_s, curve_v, x_next)
        x = x_next
        leave, curve_m = r, end
        if u < v:
            leave = r + up_tick((v - u) * (v - u) / (2 * brake * v))
            for k in range(i, 0, -1):
                r_k, v_k = before_braking[k]
                meets = min(place[k], end - (v_k * v_k - u * u) / (2 * brake))
                curve_m, there_s = meets, r_k - (place[k] - meets) / v_k
                if meets >= place[k - 1]:
                    break
                begins = k == 1 or course.leg[k - 1] != course.leg[i]
                curve_m, there_s = place[k - 1], 0.0 if begins else times.leave[k - 1]
                if begins:
                    break
            if any(times.speed_ms[j] < before_braking[j][1] for j in range(k, i)):
                w = math.sqrt(u * u + 2 * brake * (end - curve_m))
                leave = max(leave, up_tick(there_s + (w - u) / brake))
        if stops_here or mark[dp]:
            leave = float(math.ceil(leave))
        for j in range(i):
            if j in cleared:
                times.clear[j].append((i, cleared[j]))
            if end >= place[j] + train_m > curve_m and (j in cleared or place[j] + train_m <= begin):
                z = end - (place[j] + train_m)
                w = math.sqrt(u * u + 2 * brake * z)
                times.clear[j].append((i, leave if z == 0.0 else leave - up_tick((w - u) / brake)))
            elif j in cleared and end == place[j] + train_m:
                times.clear[j].append((i, leave))
        times.leave.append(leave)
        times.speed_ms.append(u)
        now = leave
    if not stopping:
        for j in range(n):
            if not times.clear[j]:
                times.clear[j].append((n - 1, now + up_tick((place[j] + train_m - place[-1]) / v)))
    return times


def courses(graph: TrackGraph, model: TrainModel, query: Query) -> Iterator[Course]:
    """Yield every course that answers a query but for its times; the network must have no circle."""
    stages = query.stages
    last = len(stages) - 1

    def extend(course: Course, stage: int) -> Iterator[Course]:
        here = course.directed[-1]
        target = here in stages[stage].directed
        stopping = stages[stage].stop_s >= 0.0
        if len(course.directed) > 1:
            if target and stage == last:
                yield course
            halts = []
            if target and stage < last and (stopping or model.may_stop[here]):
                least = stages[stage].stop_s if stopping else model.min_stop_s
                halts.append((Halt(least, stages[stage].depart_s, stage), stage + 1))
            if model.may_stop[here]:
                halts.append((Halt(model.min_stop_s, -math.inf, -1), stage))
            if len(course.halts) < query.max_stops:
                for halt, then in halts:
                    yield from go_on(course, (*course.halts, halt), then)
        yield from go_on(course, course.halts, stage)
        if len(course.directed) > 1 and target and stage < last and not stopping:
            passed = (*course.passed, (len(course.directed) - 1, stage))
            yield from go_on(Course(course.directed, course.leg, course.halts, passed), course.halts, stage + 1)

    def go_on(course: Course, halts: tuple[Halt, ...], stage: int) -> Iterator[Course]:
        here = course.directed[-1]
        for s in graph.successor[graph.successor_start[here] : graph.successor_start[here + 1]]:
            if model.speed_ms[s] > 0.0:
                leg = course.leg[-1] + (len(halts) > len(course.halts))
                longer = Course((*course.directed, int(s)), (*course.leg, leg), halts, course.passed)
                yield from extend(longer, stage)

    for origin in np.unique(stages[0].directed):
        if model.speed_ms[origin] > 0.0:
            for course in extend(Course((int(origin),)), 1):
                if len(course.directed) > 1:
                    yield course


def next_busy(
    timelines: Timelines, zone: int, occupies: int, blocks: int, begin: int, until: int
) -> npt.NDArray[np.int64]:
    """Return, for each second, when the zone is next held by a train in conflict; -1 while it is."""
    zones, from_s, until_s, _, occ, blk = timelines.table()
    out = np.full(until - begin, 10**9, np.int64)
    rows = np.flatnonzero((zones == zone) & (((occ & blocks) != 0) | ((blk & occupies) != 0)))
    for row in rows:
        a, b = int(from_s[row]), int(until_s[row])
        out[: max(a - begin, 0)] = np.minimum(out[: max(a - begin, 0)], a)
    for row in rows:
        a, b = int(from_s[row]), int(until_s[row])
        out[max(a - begin, 0) : max(b - begin, 0)] = -1
    return out


def block_times(graph: TrackGraph, model: TrainModel) -> dict[int, float]:
    """Return the least time over each directed piece and those before it up to the nearest signal that faces it."""
    length = exact_length(graph)
    speed = {dp: min(float(v), float(model.accel_v[-1])) for dp, v in enumerate(model.speed_ms) if v > 0.0}
    before: dict[int, list[int]] = {dp: [] for dp in speed}
    for q in speed:
        for p in graph.successor[graph.successor_start[q] : graph.successor_start[q + 1]]:
            if int(p) in speed:
                before[int(p)].append(q)
    least = dict.fromkeys(speed, math.inf)
    for _ in range(len(speed) + 1):
        for p, limit in speed.items():
            behind = [0.0 if graph.signal[q] else least[q] for q in before[p]] or [0.0]
            least[p] = float(length[p >> 1]) / limit + min(behind)
    return {dp: time for dp, time in least.items() if math.isfinite(time)}


def all_runs(
    graph: TrackGraph, model: TrainModel, timelines: Timelines, query: Query, most: int | None = None
) -> list[tuple[int, float, int]] | None:
    """Return (departure, arrival, stops) of all runs, for each arrival of a course the latest departure only.

    None if a course has more than ``most`` combinations of departures and times lost.
    """
    stages = query.stages
    first, final = stages[0], stages[-1]
    passing_in, stopping = first.stop_s < 0.0, final.stop_s >= 0.0
    limit = min(query.horizon_s, final.latest_s)
    lo = first.earliest_s if passing_in else max(first.earliest_s + first.stop_s, first.depart_s)
    step = query.step_s
    grid = np.arange(math.ceil(lo / step), math.floor(limit / step) + 1, dtype=np.int64) * step
    if not len(grid):
        return []
    begin, until = int(grid[0]) - 500, int(grid[-1]) + 2000
    busy: dict[tuple[int, int, int], npt.NDArray[np.int64]] = {}
    release = up_tick(model.release_s)
    block_s = block_times(graph, model)
    found: list[tuple[int, float, int]] = []
    for course in courses(graph, model, query):
        times = time_course(graph, model, course, passing_in=passing_in, stopping=stopping)
        n, legs = len(course.directed), course.leg[-1] + 1
        may_lose = [
            int(model.slower * block_s.get(dp, 0.0) / step) if i and graph.signal[dp] else 0
            for i, dp in enumerate(course.directed)
        ]
        loses = [i for i in range(n) if may_lose[i]]
        origins = grid[grid <= first.latest_s]
        if not len(origins):
            continue
        sizes = [len(origins), *[len(grid)] * (legs - 1), *[may_lose[i] + 1 for i in loses]]
        if most is not None and math.prod(sizes) > most:
            return None

        def axis(values: npt.NDArray[np.int64], number: int, axes: int = len(sizes)) -> npt.NDArray[np.int64]:
            return values.reshape([-1 if place == number else 1 for place in range(axes)])

        d = [axis(origins if leg == 0 else grid, leg) for leg in range(legs)]
        lost = [axis(np.arange(may_lose[i] + 1, dtype=np.int64) * step, legs + k) for k, i in enumerate(loses)]

        def shift(
            i: int,
            *,
            before: bool = False,
            course: Course = course,
            d: list[npt.NDArray[np.int64]] = d,
            lost: list[npt.NDArray[np.int64]] = lost,
            loses: list[int] = loses,
        ) -> npt.NDArray[np.int64]:
            """Return what is added to the times of a piece: the departure, and what was lost since then."""
            total = d[course.leg[i]]
            for k, j in enumerate(loses):
                if course.leg[j] == course.leg[i] and (j < i or (j == i and not before)):
                    total = total + lost[k]
            return total

        good = np.ones(sizes, bool)
        good &= (d[0] >= lo) & (d[0] <= first.latest_s)
        ends = [i for i in range(1, n) if i + 1 == n or course.leg[i + 1] != course.leg[i]]
        for leg, halt in enumerate(course.halts):
            arrive = shift(ends[leg]) + times.leave[ends[leg]]
            good &= (d[leg + 1] >= arrive + up_tick(halt.least_s)) & (d[leg + 1] >= halt.depart_from_s)
            if halt.stage >= 0:
                good &= (arrive >= stages[halt.stage].earliest_s) & (arrive <= stages[halt.stage].latest_s)
        for i, stage in course.passed:
            at = shift(i) + times.leave[i]
            good &= (at >= stages[stage].earliest_s) & (at <= stages[stage].latest_s)
        arrival = shift(n - 1) + times.leave[-1]
        good &= (arrival >= final.earliest_s) & (arrival <= limit)
        if not good.any():
            continue
        for i, dp in enumerate(course.directed):
            piece = dp >> 1
            from_s = shift(i, before=True) + (math.floor(times.lock[i]) - WIDEN_S)
            until_s = np.full([1] * len(sizes), -(10**9), np.int64)
            for j, clear in times.clear[i]:
                until_s = np.maximum(until_s, shift(j) + (math.ceil(clear + release) + WIDEN_S))
            if not times.clear[i]:
                gone = np.maximum(arrival + up_tick(final.stop_s), final.depart_s)
                until_s = np.ceil(gone + release).astype(np.int64) + WIDEN_S
            keys = [(int(graph.zone[piece]), model.kind, KEEP_ALL)]
            if len(model.keep_start):
                for k in range(model.keep_start[piece], model.keep_start[piece + 1]):
                    keys.append((int(model.keep_zone[k]), 0, int(model.keep_mask[k])))
            for key in keys:
                if key not in busy:
                    busy[key] = next_busy(timelines, *key, begin, until)
                good &= busy[key][np.clip(from_s - begin, 0, until - begin - 1)] >= until_s
        left = np.broadcast_to(d[0], sizes)[good]
        at = np.broadcast_to(arrival, sizes)[good]
        for time in np.unique(at).tolist():
            found.append((int(left[at == time].max()), float(time), len(course.halts)))
    return found


def pareto(runs: list[tuple[int, float, int]]) -> list[tuple[int, float, int]]:
    """Return the (departure, arrival, stops) that no other beats or equals in all three, by departure."""
    best: list[tuple[int, float, int]] = []
    for run in sorted(set(runs), key=lambda r: (r[1], r[2], -r[0])):
        if not any(b[0] >= run[0] and b[1] <= run[1] and b[2] <= run[2] for b in best):
            best.append(run)
    return sorted(best, key=lambda r: (r[0], r[1], r[2]))
