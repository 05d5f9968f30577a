"""Paths that really differ: earlier, later, faster, with fewer stops, with more slack, over another route."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise

import numpy as np

from weerspoor.capacity.fit import Problem, Work, better, first_path, further, journey_s, vary
from weerspoor.capacity.settings import settings
from weerspoor.kernel.graph import Run
from weerspoor.network.routes import shortest_times
from weerspoor.trains.access import with_beside

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Choice:
    """A run, the problem whose search found it, and what speaks for it."""

    problem: Problem
    run: Run
    why: str


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


def best_of(problem: Problem, runs: list[Run]) -> Run:
    """Return the best run: the one that costs least, then the earliest arrival, then the latest departure."""
    return min(runs, key=lambda run: (cost_s(problem, run), float(run.exit_s[-1]), -float(run.depart_s[0])))


def choose(problem: Problem, found: Run, most: int, progress: Progress = lambda _: None) -> list[Choice]:
    """Return the best path and up to ``most`` others that differ from it and from each other.

    Parameters
    ----------
    problem : Problem
    found : Run
        A path.
    most : int
    progress : callable
    """
    rule = settings().work
    runs = better(problem, found, Work(rule.better_labels, rule.a_search_labels))
    chosen = [Choice(problem, best_of(problem, runs), "best")]
    if not most:
        return chosen
    for choice in _candidates(problem, runs, chosen[0].run, progress):
        if len(chosen) > most:
            break
        if all(_differs(choice.run, other.run) for other in chosen):
            chosen.append(choice)
    return chosen[: most + 1]


def _candidates(problem: Problem, runs: list[Run], best: Run, progress: Progress) -> Iterator[Choice]:
    """Yield what may be an alternative, the kinds in turn, the cheap ones first."""
    rule = settings().alternatives
    yield from _kinds(problem, runs, best)
    if len(best.directed) and best.stops > sum(via.stop_s > 0 for via in problem.request.via):
        progress("looking for fewer stops")
        fewer = problem.full_pace_search.within(replace(problem.query, max_stops=best.stops - 1), _work())
        if fewer is not None:
            yield Choice(problem, fewer, "fewer_stops")
    progress("looking for another route")
    yield from _other_route(problem, best, _work())
    progress("looking for more distance to other trains")
    work = _work()
    for slack_s in rule.more_slack_s:
        if slack_s <= problem.slack_s or problem.day is None:
            continue
        wider = vary(problem, slack_s=slack_s)
        found = first_path(wider, work, exact=False)
        if found is not None:
            yield Choice(wider, found, "more_slack")
            break
    progress("looking for other departures")
    seen = list(runs)
    for run in further(problem, float(best.depart_s[0]), _work()):
        seen.append(run)
        yield from _kinds(problem, [run], best)
        yield Choice(problem, run, "later")
    for run in sorted(seen, key=partial(cost_s, problem)):
        yield Choice(problem, run, "earlier" if run.exit_s[-1] < best.exit_s[-1] else "later")


def _work() -> Work:
    """Return the work that the search for one kind of alternative may do."""
    rule = settings().work
    return Work(rule.alternative_labels, rule.a_search_labels)


def _kinds(problem: Problem, runs: list[Run], best: Run) -> Iterator[Choice]:
    """Yield what arrives earlier, takes less time or stops less often than the best."""
    rule = settings().alternatives
    by_arrival = min(runs, key=lambda run: (float(run.exit_s[-1]), cost_s(problem, run)))
    if by_arrival.exit_s[-1] <= best.exit_s[-1] - rule.earlier_s:
        yield Choice(problem, by_arrival, "earlier")
    fastest = min(runs, key=lambda run: (journey_s(run), cost_s(problem, run)))
    if journey_s(fastest) <= journey_s(best) - rule.faster_s:
        yield Choice(problem, fastest, "faster")
    fewest = min(runs, key=lambda run: (run.stops, cost_s(problem, run)))
    if fewest.stops < best.stops:
        yield Choice(problem, fewest, "fewer_stops")


def _other_route(problem: Problem, best: Run, work: Work) -> Iterator[Choice]:
    """Yield the best path on a route that shares little with the first.

    The tracks of the first, and those beside them, are made longer; the search then keeps to ways that are not much
    longer than the shortest of the others.
    """
    network, rule = problem.network, settings().alternatives
    speed = problem.model.speed_ms
    length = np.repeat(network.pieces.length_m, 2)
    seconds = np.where(speed > 0, length / np.maximum(speed, np.float32(0.1)), np.inf).astype(np.float32)
    used = np.zeros(network.n_pieces, dtype=bool)
    used[with_beside(network, best.directed >> 1)] = True
    for penalty in (rule.penalty, rule.penalty**3):
        cost = np.where(np.repeat(used, 2), seconds * np.float32(penalty), seconds)
        allowed = np.zeros(len(cost), dtype=bool)
        for stage, after in pairwise(problem.query.stages):
            onward, _ = shortest_times(network, stage.directed, cost)
            back, _ = shortest_times(network, after.directed, cost, reverse=True)
            limit = float(onward[after.directed].min(initial=np.inf)) * 1.03 + 60.0
            through = onward + back
            allowed |= through - np.where(np.isfinite(cost), cost, 0) <= limit
            allowed[stage.directed] = allowed[after.directed] = True
        banned = ~allowed if problem.banned is None else ~allowed | problem.banned
        run = first_path(vary(problem, banned=banned), work, exact=False)
        if run is not None and other_share(problem, run, best) >= rule.other_route_share:
            yield Choice(problem, run, "other_route")
            return


def other_share(problem: Problem, run: Run, first: Run) -> float:
    """Return the share of a run's length that lies on tracks, or beside tracks, the first does not use."""
    network = problem.network
    near = set(with_beside(network, first.directed >> 1).tolist())
    pieces = run.directed >> 1
    length = network.pieces.length_m[pieces]
    other = np.array([piece not in near for piece in pieces.tolist()])
    return float(length[other].sum() / max(float(length.sum()), 1.0))


def _differs(run: Run, other: Run) -> bool:
    """Tell whether two paths are different ones to a planner: in minutes, in stops or in tracks."""
    rule = settings().alternatives
    if run.stops != other.stops:
        return True
    if abs(float(run.exit_s[-1] - other.exit_s[-1])) >= rule.earlier_s:
        return True
    if abs(float(run.depart_s[0] - other.depart_s[0])) >= rule.earlier_s:
        return True
    mine, others = set((run.directed >> 1).tolist()), set((other.directed >> 1).tolist())
    return len(mine - others) > rule.other_route_share * len(mine)
