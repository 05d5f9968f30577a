"""All departures worth having: runs of which none leaves later, arrives earlier and stops less often than another."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from weerspoor.kernel.search import Search

if TYPE_CHECKING:
    from weerspoor.kernel.bounds import Bounds
    from weerspoor.kernel.graph import Query, Run, TrackGraph, TrainModel
    from weerspoor.kernel.timelines import Timelines


def profile(
    graph: TrackGraph,
    model: TrainModel,
    timelines: Timelines,
    query: Query,
    *,
    bounds: Bounds | None = None,
    ignore_train: int = -1,
    by_stops: bool = True,
) -> list[Run]:
    """Return the Pareto-optimal runs in (departure, arrival, stops), in order of departure.

    The earliest arrival is asked for again and again, each time leaving later than the last run found; with
    ``by_stops`` once more for each smaller number of stops.

    Parameters
    ----------
    graph : TrackGraph
    model : TrainModel
    timelines : Timelines
    query : Query
        Departures lie between ``earliest_s`` and ``latest_s`` of its first stage.
    bounds : Bounds, optional
        Of the same train.
    ignore_train : int
        A train whose intervals do not count.
    by_stops : bool
        Whether a run that leaves no later and arrives no earlier counts when it stops less often.
    """
    search = Search(graph, model, timelines, bounds, ignore_train)
    found: list[Run] = []
    most = query.max_stops
    while most >= 0:
        runs = _departures(search, replace(query, max_stops=most))
        found.extend(runs)
        if not by_stops or not runs:
            break
        most = max(run.stops for run in runs) - 1
    return pareto_runs(found)


def _departures(search: Search, query: Query) -> list[Run]:
    """Return a run for every Pareto-optimal (departure, arrival), and perhaps some others."""
    origin = query.stages[0]
    runs: list[Run] = []
    while True:
        run = search.earliest_arrival(query)
        if run is None:
            return runs
        runs.append(run)
        later = replace(origin, earliest_s=float(run.depart_s[0]) + query.step_s, stop_s=min(origin.stop_s, 0.0))
        query = replace(query, stages=[later, *query.stages[1:]])


def pareto_runs(runs: list[Run]) -> list[Run]:
    """Return the runs that no other beats or equals in departure, arrival and stops, in order of departure."""
    best: list[Run] = []
    for run in sorted(runs, key=lambda r: (r.exit_s[-1], r.stops, -r.depart_s[0])):
        if not any(
            b.depart_s[0] >= run.depart_s[0] and b.exit_s[-1] <= run.exit_s[-1] and b.stops <= run.stops for b in best
        ):
            best.append(run)
    return sorted(best, key=lambda r: (r.depart_s[0], r.exit_s[-1], r.stops))
