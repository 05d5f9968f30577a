"""Paths that really differ: earlier, later, faster, with fewer stops, with more slack, over another route."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from weerspoor.capacity.fit import Problem, first_path, journey_s, vary
from weerspoor.capacity.settings import settings
from weerspoor.kernel.graph import Run

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Choice:
    """A run, the problem whose search found it, and what speaks for it."""

    problem: Problem
    run: Run
    why: str


def cost_s(run: Run) -> float:
    """Return what a run costs when paths are compared: seconds of the journey, and so many for each stop."""
    return journey_s(run) + settings().choice.stop_s * run.stops


def best_of(runs: list[Run]) -> Run:
    """Return the best run: the least journey with its stops, then the earliest arrival."""
    return min(runs, key=lambda run: (cost_s(run), float(run.exit_s[-1])))


def choose(problem: Problem, runs: list[Run], most: int, progress: Progress = lambda _: None) -> list[Choice]:
    """Return the best path and up to ``most`` others that differ from it and from each other.

    Parameters
    ----------
    problem : Problem
    runs : list of Run
        The paths that none beats in departure, arrival and stops at once; at least one.
    most : int
    progress : callable
    """
    chosen = [Choice(problem, best_of(runs), "best")]
    for choice in _candidates(problem, runs, chosen[0].run, progress):
        if len(chosen) > most:
            break
        if all(_differs(choice.run, other.run) for other in chosen):
            chosen.append(choice)
    return chosen[: most + 1]


def _candidates(problem: Problem, runs: list[Run], best: Run, progress: Progress) -> Iterator[Choice]:
    """Yield what may be an alternative, the kinds in turn, the cheap ones first."""
    rule = settings().alternatives
    by_arrival = min(runs, key=lambda run: (float(run.exit_s[-1]), cost_s(run)))
    if by_arrival.exit_s[-1] <= best.exit_s[-1] - rule.earlier_s:
        yield Choice(problem, by_arrival, "earlier")
    fastest = min(runs, key=lambda run: (journey_s(run), cost_s(run)))
    if journey_s(fastest) <= journey_s(best) - rule.faster_s:
        yield Choice(problem, fastest, "faster")
    fewest = min(runs, key=lambda run: (run.stops, cost_s(run)))
    if fewest.stops < best.stops:
        yield Choice(problem, fewest, "fewer_stops")
    later = [run for run in runs if run.depart_s[0] >= best.depart_s[0] + rule.earlier_s]
    progress("looking for another route")
    yield from _other_route(problem, best)
    progress("looking for more distance to other trains")
    for slack_s in rule.more_slack_s:
        if slack_s <= problem.slack_s:
            continue
        wider = vary(problem, slack_s=slack_s)
        found = first_path(wider, exact=False)
        if found is not None:
            yield Choice(wider, found, "more_slack")
            break
    for run in sorted(later, key=cost_s):
        yield Choice(problem, run, "later")
    for run in sorted(runs, key=cost_s):
        yield Choice(problem, run, "earlier" if run.exit_s[-1] < best.exit_s[-1] else "later")


def _other_route(problem: Problem, best: Run) -> Iterator[Choice]:
    """Yield the best path on a route that shares little with the first: thirds of the first are closed in turn."""
    length = problem.network.pieces.length_m[best.directed >> 1]
    along = np.cumsum(length) / max(float(length.sum()), 1.0)
    stages = {int(d) for stage in problem.query.stages for d in stage.directed}
    for begin, end in ((0.34, 0.66), (0.1, 0.4), (0.6, 0.9)):
        part = best.directed[(along > begin) & (along < end)]
        part = np.array([d for d in part.tolist() if d not in stages], dtype=np.int64)
        if not len(part):
            continue
        banned = np.zeros(2 * problem.network.n_pieces, dtype=bool)
        zones = np.unique(problem.network.pieces.zone[part >> 1])
        lines = np.isin(problem.network.pieces.zone, zones)
        banned[np.repeat(lines, 2)] = True
        banned[list(stages)] = False
        if problem.banned is not None:
            banned |= problem.banned
        run = first_path(vary(problem, banned=_with_line(problem, banned)), exact=False)
        if run is not None and other_share(problem, run, best) >= settings().alternatives.other_route_share:
            yield Choice(problem, run, "other_route")
            return


def _with_line(problem: Problem, banned: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return the ban with the tracks beside: another track of the same line is no other route."""
    network = problem.network
    pieces = np.flatnonzero(banned[::2] | banned[1::2])
    rows = np.concatenate(
        [np.arange(network.neighbours.start[q], network.neighbours.start[q + 1]) for q in pieces]
        or [np.zeros(0, np.int64)]
    )
    wider = banned.copy()
    beside = np.unique(network.neighbours.piece[rows])
    wider[2 * beside] = True
    wider[2 * beside + 1] = True
    for stage in problem.query.stages:
        wider[stage.directed] = False
    return wider


def other_share(problem: Problem, run: Run, first: Run) -> float:
    """Return the share of a run's length that lies on tracks, or beside tracks, the first does not use."""
    network = problem.network
    own = set((first.directed >> 1).tolist())
    near = set(own)
    for piece in own:
        near.update(
            network.neighbours.piece[network.neighbours.start[piece] : network.neighbours.start[piece + 1]].tolist()
        )
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
