"""Narrow corridors: a hard search is asked again on the tracks along one way only, where there is less to try."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from weerspoor.capacity.settings import settings
from weerspoor.network.routes import shortest_times, way_to
from weerspoor.trains.access import with_beside

if TYPE_CHECKING:
    from weerspoor.capacity.fit import Problem
    from weerspoor.kernel.graph import Floats, Ints, Stage, TrainModel


def corridor(problem: Problem, used: Ints, *, penalty: float, share: float, extra_s: float) -> tuple[Problem, Ints]:
    """Return the problem kept to the ways that are not much longer than the shortest, and the pieces of that one.

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
    shortest = []
    for stage, after, through, end, way in _through(problem, used, penalty):
        allowed |= through <= end * share + extra_s
        allowed[stage.directed] = allowed[after.directed] = True
        shortest.append(way)
    from weerspoor.capacity.fit import vary

    banned = ~allowed if problem.banned is None else ~allowed | problem.banned
    return vary(problem, banned=banned), np.unique(np.concatenate(shortest)).astype(np.int32)


Leg = tuple["Stage", "Stage", "Floats", float, "Ints"]
"""Two places, the seconds of the quickest way between them over each directed piece, of the quickest of all, and it."""

KEPT = 4
"""So many answers of :func:`_through` are kept; the same is asked for corridors of several widths."""


def _through(problem: Problem, used: Ints, penalty: float) -> list[Leg]:
    """Return the ways from each place of the request to the next, without stops and other trains."""
    network, model = problem.network, problem.model
    asked = (used.tobytes(), penalty, *(stage.directed.tobytes() for stage in problem.query.stages))
    kept: list[tuple[TrainModel, tuple[object, ...], list[Leg]]]
    kept = network.cache.setdefault("corridor", [])  # type: ignore[assignment]
    for of_model, known, legs in kept:
        if of_model is model and known == asked:
            return legs
    speed = model.speed_ms
    length = np.repeat(network.pieces.length_m, 2)
    seconds = np.where(speed > 0, length / np.maximum(speed, np.float32(0.1)), np.inf).astype(np.float32)
    again = np.zeros(network.n_pieces, dtype=bool)
    again[with_beside(network, used)] = True
    cost = np.where(np.repeat(again, 2), seconds * np.float32(penalty), seconds)
    found: list[Leg] = []
    for stage, after in pairwise(problem.query.stages):
        onward, parent = shortest_times(network, stage.directed, cost)
        back, _ = shortest_times(network, after.directed, cost, reverse=True)
        end = int(after.directed[np.argmin(onward[after.directed])])
        through = onward + back - np.where(np.isfinite(cost), cost, 0)
        found.append((stage, after, through, float(onward[end]), way_to(parent, end) >> 1))
    del kept[: max(0, len(kept) - KEPT + 1)]
    kept.append((model, asked, found))
    return found


def narrower(problem: Problem) -> Iterator[Problem]:
    """Yield the problem kept to ever other ways: the shortest, then ways that share little with those before."""
    rule = settings().corridor
    used = np.zeros(0, np.int32)
    for _ in range(rule.ways):
        way = used
        for share, extra_s in zip(rule.share, rule.extra_s, strict=True):
            kept, way = corridor(problem, used, penalty=rule.penalty, share=share, extra_s=extra_s)
            yield kept
        used = np.union1d(used, way).astype(np.int32)
