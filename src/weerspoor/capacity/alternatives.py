"""Paths that really differ: earlier, later, faster, with fewer stops, with more slack, over another route."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from weerspoor.capacity.corridor import corridor
from weerspoor.capacity.fit import Problem, Work, better, cost_s, first_path, further, journey_s, vary
from weerspoor.capacity.settings import settings
from weerspoor.kernel.graph import Run
from weerspoor.trains.access import with_beside

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Choice:
    """A run, the problem whose search found it, and what speaks for it."""

    problem: Problem
    run: Run
    why: str


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
    runs = better(problem, found, Work(settings().work.better_labels))
    chosen = [Choice(problem, runs[0], "best")]
    if not most:
        return chosen
    for choice in _candidates(problem, runs, progress):
        if len(chosen) > most:
            break
        late = float(choice.run.exit_s[-1] - chosen[0].run.exit_s[-1])
        if choice.why != "later" and late > settings().alternatives.latest_s:
            continue
        if all(_differs(choice.run, other.run) for other in chosen):
            chosen.append(choice)
    return chosen[: most + 1]


def _candidates(problem: Problem, runs: list[Run], progress: Progress) -> Iterator[Choice]:
    """Yield what may be an alternative, the kinds in turn, the cheap ones first; the first of the runs is the best."""
    rule, best = settings().alternatives, runs[0]
    yield from _kinds(problem, runs, best)
    goal = problem.query.stages[-1]
    soon = replace(goal, latest_s=min(goal.latest_s, float(best.exit_s[-1]) + rule.latest_s))
    query = replace(problem.query, stages=[*problem.query.stages[:-1], soon])
    if best.stops > sum(via.stop_s > 0 for via in problem.request.via):
        progress("looking for fewer stops")
        fewer = problem.search.within(replace(query, max_stops=best.stops - 1), _work())
        if fewer is not None:
            yield Choice(problem, fewer, "fewer_stops")
    progress("looking for another route")
    yield from _other_route(problem, best, _work())
    progress("looking for more distance to other trains")
    for slack_s in rule.more_slack_s:
        if slack_s <= problem.slack_s or problem.day is None:
            continue
        wider = vary(problem, slack_s=slack_s)
        found = first_path(wider, _work())
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
    return Work(settings().work.alternative_labels)


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
    rule = settings().alternatives
    kept = corridor(
        problem,
        best.directed >> 1,
        penalty=rule.penalty,
        share=1.0 + rule.corridor_share,
        extra_s=rule.corridor_extra_s,
    )
    run = first_path(kept, work) if kept.tracks_lead_through else None
    if run is not None and other_share(problem, run, best) >= rule.other_route_share:
        yield Choice(problem, run, "other_route")


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
