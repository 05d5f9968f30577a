"""A peer on the same question: CP-SAT looks for the earliest arrival of one train through the same free gaps.

A constraint solver has no railway in it, so the question is cut down to what both can answer: *along fixed routes, from
when the train is ready, among the same trains, how early can it arrive?* The routes are given: that of the best path,
and that of the best path on an empty railway. Both programs get the same routes, the same free gaps of every zone
(kept zones of wide loads included), the same least times over each piece, the same blocking before and behind the
train, the same places to stand, and the same share that may be lost between two signals.

What differs: the kernel works out running, braking and blocking anew for every run; CP-SAT is given them as whole
seconds measured on a run without stops, with a fixed number of seconds added for stopping and for starting. So the
arrivals are close but not equal, and both are reported. Only the time to the answer is compared: building the model and
solving it on one thread, against the kernel's search with its bounds worked out anew.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from weerspoor.kernel.graph import KEEP_ALL, Query, Run, TrainModel
from weerspoor.kernel.search import Search
from weerspoor.kernel.timelines import Timelines

if TYPE_CHECKING:
    from weerspoor.capacity.fit import Problem

Ints = npt.NDArray[np.int32]

WIDEN_S = 3
"""The kernel widens what a train holds by so much on both sides."""


@dataclass(frozen=True)
class Asked:
    """A question for both programs: a way through, from one of its ends to the other.

    Attributes
    ----------
    problem : Problem
    routes : list of Run
        Runs without stops on an empty railway, one a route.
    ready_s, horizon_s : int
    """

    problem: Problem
    routes: list[Run]
    ready_s: int
    horizon_s: int


@dataclass(frozen=True)
class Answer:
    """What a program said.

    Attributes
    ----------
    seconds : float
    arrival_s : float or None
    proven : bool
        It says that there is nothing earlier; a program that ran out of time does not.
    """

    seconds: float
    arrival_s: float | None
    proven: bool = True


def asked(problem: Problem, found: Run, *, most_km: float, hours: float) -> Asked | None:
    """Return the question along the route of a run, and of the run on an empty railway; None if there is none.

    Parameters
    ----------
    problem : Problem
        One without places to come through between its ends.
    found : Run
        Its earliest arrival.
    most_km, hours : float
        Only so much of the way, and so long after the train is ready.
    """
    network, model = problem.network, problem.model
    ready_s = int(problem.query.stages[0].earliest_s)
    empty = Timelines.empty(network.n_zones)
    alone = Search(network.graph(), model, empty).earliest_arrival(problem.query)
    routes: list[Run] = []
    end: int | None = None
    for run in (found, alone):
        if run is None:
            continue
        km = np.cumsum(network.pieces.length_m[run.directed >> 1]) / 1000
        last = int(np.searchsorted(km, most_km))
        if last < len(run.directed) - 1:
            signals = np.flatnonzero(network.pieces.signal[run.directed[: last + 1]])
            last = int(signals[-1]) if len(signals) else 0
        else:
            last = len(run.directed) - 1
        if last < 5:
            continue
        directed = run.directed[: last + 1]
        if end is None:
            end = int(directed[-1])
        if end not in directed.tolist():
            continue
        directed = directed[: directed.tolist().index(end) + 1]
        if any(np.array_equal(directed, known.directed) for known in routes):
            continue
        free = Search(network.graph(), _kept_to(model, directed), empty)
        through = free.earliest_arrival(_query(problem.query, directed, ready_s, ready_s + hours * 3600))
        if through is not None and through.stops == 0 and np.array_equal(through.directed, directed):
            routes.append(through)
    return Asked(problem, routes, ready_s, int(ready_s + hours * 3600)) if routes else None


def _kept_to(model: TrainModel, directed: Ints) -> TrainModel:
    """Return the train kept to some directed pieces."""
    speed = np.zeros_like(model.speed_ms)
    speed[directed] = model.speed_ms[directed]
    return replace(model, speed_ms=speed)


def _query(query: Query, directed: Ints, ready_s: float, horizon_s: float) -> Query:
    first = replace(query.stages[0], directed=directed[:1], earliest_s=ready_s)
    passing = replace(query.stages[-1], directed=directed[-1:], stop_s=-1.0, earliest_s=-1e9, latest_s=horizon_s)
    return Query(stages=[first, passing], horizon_s=horizon_s)


def by_kernel(question: Asked) -> Answer:
    """Answer by the kernel, its bounds worked out anew."""
    problem = question.problem
    directed = np.unique(np.concatenate([run.directed for run in question.routes])).astype(np.int32)
    way = question.routes[0].directed
    begin = time.perf_counter()
    search = Search(problem.network.graph(), _kept_to(problem.model, directed), problem.occupation.timelines)
    run = search.earliest_arrival(_query(problem.query, way, question.ready_s, question.horizon_s))
    return Answer(time.perf_counter() - begin, None if run is None else float(run.exit_s[-1]))


def by_cp_sat(question: Asked, limit_s: float) -> Answer:
    """Answer by CP-SAT: one model a route, one after the other, the best of them."""
    begin = time.perf_counter()
    best: float | None = None
    proven = True
    for run in question.routes:
        left_s = limit_s - (time.perf_counter() - begin)
        if left_s <= 0:
            proven = False
            break
        arrival_s, certain = _along(question, run, left_s, best)
        proven &= certain
        if arrival_s is not None and (best is None or arrival_s < best):
            best = arrival_s
    return Answer(time.perf_counter() - begin, best, proven)


def _gaps(timelines: Timelines, zone: int, occupies: int, blocks: int, span: tuple[int, int]) -> list[tuple[int, int]]:
    """Return the stretches of time in which nothing on a zone conflicts with a train."""
    lines = timelines.lines
    rows = slice(int(lines.first[zone]), int(lines.first[zone] + lines.number[zone]))
    from_s, until_s, occupied, blocked = (c[rows] for c in (lines.from_s, lines.until_s, lines.occupies, lines.blocks))
    met = ((occupied & blocks) | (blocked & occupies)) != 0
    low, high = span
    gaps, free = [], low
    for a, b in zip(from_s[met].tolist(), until_s[met].tolist(), strict=True):
        if a >= high:
            break
        if a > free:
            gaps.append((free, a))
        free = max(free, b)
    if free < high:
        gaps.append((free, high))
    return gaps


def _along(question: Asked, run: Run, limit_s: float, known: float | None) -> tuple[float | None, bool]:
    """Return the earliest arrival along one route and whether that is proven."""
    from ortools.sat.python import cp_model

    problem, model = question.problem, question.problem.model
    timelines, network = problem.occupation.timelines, problem.network
    n = len(run.directed)
    low, high = question.ready_s, question.horizon_s
    took = np.ceil(np.diff(run.exit_s)).astype(int).tolist()
    top_ms = float(model.speed_ms[run.directed].max())
    braking_s = math.ceil(top_ms / (2 * model.braking_ms2))
    starting_s = math.ceil(float(np.interp(top_ms, model.accel_v, model.accel_t - model.accel_s / max(top_ms, 1.0))))
    cp: Any = cp_model.CpModel()
    arrive = [cp.new_int_var(low, high, "") for _ in range(n)]
    leave = list(arrive)
    signal = network.pieces.signal[run.directed]
    since = 0
    stopped: list[Any] = [None] * n
    leave[0] = arrive[0]
    for k in range(1, n):
        if model.may_stop[run.directed[k]] and k < n - 1:
            stopped[k] = cp.new_bool_var("")
            leave[k] = cp.new_int_var(low, high, "")
            cp.add(leave[k] - arrive[k] >= math.ceil(model.min_stop_s)).only_enforce_if(stopped[k])
            cp.add(leave[k] == arrive[k]).only_enforce_if(~stopped[k])
        least = took[k - 1]
        if stopped[k] is not None:
            least = least + braking_s * stopped[k]
        if k > 1 and stopped[k - 1] is not None:
            least = least + starting_s * stopped[k - 1]
        if signal[k]:
            may_lose = int(model.slower * sum(took[since:k]))
            lost = cp.new_int_var(0, may_lose, "")
            cp.add(arrive[k] == leave[k - 1] + least + lost)
            since = k
        else:
            cp.add(arrive[k] == leave[k - 1] + least)
    everything = np.full(len(run.zone), KEEP_ALL, np.uint8)
    held = (
        (model.kind, run.zone, run.from_s, run.until_s, everything),
        (0, run.kept_zone, run.kept_from_s, run.kept_until_s, run.kept_mask),
    )
    release = math.ceil(model.release_s) + WIDEN_S
    prepared = model.setup_s + model.sighting_s + WIDEN_S + braking_s
    for occupies, *columns in held:
        for zone, a, b, mask in zip(*(column.tolist() for column in columns), strict=True):
            gaps = _gaps(timelines, zone, occupies, mask, (low - 3600, high + 3600))
            # Locked so long before the head is at the signal, free so long after the tail is off: as on the run.
            out = min(int(np.searchsorted(run.exit_s, b - release)), n - 1)
            at = min(int(np.searchsorted(run.exit_s, a + prepared)), out)
            before, after = math.ceil(float(run.exit_s[at]) - a), math.ceil(b - float(run.exit_s[out]))
            chosen = [cp.new_bool_var("") for _ in gaps]
            cp.add_exactly_one(chosen)
            for taken, (free_from, free_until) in zip(chosen, gaps, strict=True):
                cp.add(arrive[at] - before >= free_from).only_enforce_if(taken)
                cp.add(arrive[out] + after <= free_until).only_enforce_if(taken)
    if known is not None:
        cp.add(arrive[-1] <= int(known))
    cp.minimize(arrive[-1])
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.max_time_in_seconds = limit_s
    solver.parameters.random_seed = 1
    status = solver.solve(cp)
    if status in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return float(solver.value(arrive[-1])), status == cp_model.OPTIMAL
    return None, status == cp_model.INFEASIBLE
