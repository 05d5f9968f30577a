"""The shortest time for which a train can hold the zone of a piece, whatever it does before and behind.

For a train of length ``L`` on a directed piece ``d``, with ``D`` the way from the beginning of its route to its entry
and ``u`` the speed at that beginning (from a stand 0)::

    lead(u)   setup, and when u > 0 also sighting + u / 2b
    way(u)    from the beginning of the route to the entry of d: at full effort from u, limits kept
    over      (length of d + L) / limit of d: the limit holds until the tail has left; without L near the destination
    release

``hold = min over u of lead + way + over + release``, with 3 s more at both ends, as the search widens its intervals.
No train is faster anywhere than it can have become since it left its origin.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from weerspoor.kernel.compiled import compiled
from weerspoor.network.routes import dijkstra

if TYPE_CHECKING:
    from weerspoor.capacity.fit import Problem
    from weerspoor.kernel.graph import TrainModel

Ints = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]

WIDEN_S = 3.0
"""The search widens every interval by so much on both sides."""

SPEEDS = 32
"""Speeds at the beginning of a route that are looked at; between two of them the lesser hold is taken."""

ROUNDING_S = 1.0
"""Taken off every least time, because the search rounds lengths under the tail and speeds."""


class Holds(NamedTuple):
    """Least times by directed piece, in seconds.

    Attributes
    ----------
    before_s, after_s, both_s : (2 n_pieces,) float64
        Held before the head enters, after it, and both together.
    run_s, clear_s : (2 n_pieces,) float64
        From entry to exit of the head, and from its exit until the zone is released.
    """

    before_s: Floats
    after_s: Floats
    both_s: Floats
    run_s: Floats
    clear_s: Floats


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
    run_s = np.maximum(length / speed, _least_run_s(model, enter_ms, length))
    return Holds(
        before + starts,
        over_s + ends,
        np.maximum(both, before + over_s) + starts + ends,
        np.maximum(run_s - ROUNDING_S / 10, 0.0),
        (over_m - length) / speed + ends,
    )


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
    seconds = least_seconds(problem)[:n]
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
    back, before = predecessors(start, following)
    ends = [problem.query.stages[-1].directed, problem.query.stages[0].directed]
    if problem.turns:
        ends.append(problem._heads[0])
    length = np.repeat(network.pieces.length_m, 2).astype(np.float32)
    dist, _ = dijkstra(back, before, np.unique(np.concatenate(ends)).astype(np.int32), length)
    near: npt.NDArray[np.bool_] = dist - length < model.length_m + 1.0
    return near


def least_seconds(problem: Problem) -> npt.NDArray[np.float32]:
    """Return the least seconds over every node: none for a turning, infinite where the train may not go."""
    speed = np.where(problem.usable, problem.model.speed_ms, 0).astype(np.float64)
    length = np.repeat(problem.network.pieces.length_m, 2).astype(np.float64)
    seconds = np.where(speed > 0, length / np.maximum(speed, 0.1), np.inf)
    turns = len(problem._heads[0]) if problem.turns else 0
    return np.concatenate([seconds, np.zeros(turns)]).astype(np.float32)


def predecessors(start: Ints, following: Ints) -> tuple[Ints, Ints]:
    """Return the CSR of predecessors of a graph in CSR form."""
    n = len(start) - 1
    origin = np.repeat(np.arange(n, dtype=np.int32), np.diff(start))
    order = np.argsort(following, kind="stable")
    back = np.zeros(n + 1, np.int32)
    np.cumsum(np.bincount(following, minlength=n), out=back[1:])
    return back, origin[order]
