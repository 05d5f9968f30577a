"""Corridors: the tracks along ways that share little with a path, when another route is looked for."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from weerspoor.network.routes import shortest_times
from weerspoor.trains.access import with_beside

if TYPE_CHECKING:
    from weerspoor.capacity.fit import Problem
    from weerspoor.kernel.graph import Floats, Ints, Stage


def corridor(problem: Problem, used: Ints, *, penalty: float, share: float, extra_s: float) -> Problem:
    """Return the problem kept to the ways that are not much longer than the shortest.

    Parameters
    ----------
    problem : Problem
    used : (k,) int32
        Pieces that, with those beside them, count as longer.
    penalty : float
        By how much.
    share, extra_s : float
        A way may take this times the shortest, and so many seconds more.
    """
    network = problem.network
    allowed = np.zeros(2 * network.n_pieces, dtype=bool)
    for stage, after, through, end in _through(problem, used, penalty):
        allowed |= through <= end * share + extra_s
        allowed[stage.directed] = allowed[after.directed] = True
    from weerspoor.capacity.fit import vary

    banned = ~allowed if problem.banned is None else ~allowed | problem.banned
    return vary(problem, banned=banned)


def _through(problem: Problem, used: Ints, penalty: float) -> Iterator[tuple[Stage, Stage, Floats, float]]:
    """Yield two places after each other, the seconds between them over each directed piece and by the quickest way."""
    network, model = problem.network, problem.model
    speed = model.speed_ms
    length = np.repeat(network.pieces.length_m, 2)
    seconds = np.where(speed > 0, length / np.maximum(speed, np.float32(0.1)), np.inf).astype(np.float32)
    again = np.zeros(network.n_pieces, dtype=bool)
    again[with_beside(network, used)] = True
    cost = np.where(np.repeat(again, 2), seconds * np.float32(penalty), seconds)
    for stage, after in pairwise(problem.query.stages):
        onward, _ = shortest_times(network, stage.directed, cost)
        back, _ = shortest_times(network, after.directed, cost, reverse=True)
        through = onward + back - np.where(np.isfinite(cost), cost, 0)
        yield stage, after, through, float(onward[after.directed].min())
