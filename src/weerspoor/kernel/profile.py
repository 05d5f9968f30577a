"""All departures worth having: runs of which none leaves later, arrives earlier and stops less often than another."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from weerspoor.kernel import engine
from weerspoor.kernel.search import POPS_A_CALL, GaveUpError, Search

if TYPE_CHECKING:
    from weerspoor.kernel.bounds import Bounds
    from weerspoor.kernel.graph import Query, Run, TrackGraph, TrainModel
    from weerspoor.kernel.timelines import Timelines


ROOM = 1 << 10
"""Labels at the end that there is room for at first."""


@dataclass(frozen=True)
class Departures:
    """Departures of the same run, one step after the other, each as much later everywhere as it leaves later.

    Only a stand at the destination until a fixed time ends when it does.

    Attributes
    ----------
    first_s, last_s : int
        From the origin.
    journey_s : float
        To the arrival.
    stops : int
    run : Run or None
        The first of them, when it was asked for.
    """

    first_s: int
    last_s: int
    journey_s: float
    stops: int
    run: Run | None


def departures(
    graph: TrackGraph,
    model: TrainModel,
    timelines: Timelines,
    query: Query,
    *,
    bounds: Bounds | None = None,
    ignore_train: int = -1,
    with_runs: bool = True,
    most_labels: int | None = None,
) -> list[Departures]:
    """Return the Pareto-optimal (departure, arrival, stops), in order of departure, put together where they run alike.

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
    with_runs : bool
        Whether the first run of each is wanted, not only its times.
    most_labels : int, optional
        Give up after so many labels.

    Raises
    ------
    GaveUpError
        If it gave up.
    """
    search = Search(graph, model, timelines, bounds, ignore_train)
    asked = ProfileSearch(search, query, most_labels)
    labels = search.workspace.space.labels
    found = [
        Departures(
            first_s,
            until_s,
            float(arrive_s - first_s),
            int(labels[label]["stops"]),
            search.run_of(label, arrive_s) if with_runs else None,
        )
        for label, first_s, until_s, arrive_s in asked.parts()
    ]
    return sorted(found, key=lambda part: (part.first_s, part.journey_s, part.stops))


class ProfileSearch:
    """One search for all departures.

    Parameters
    ----------
    search : Search
        Of the train among the others.
    query : Query
    most_labels : int, optional
    """

    def __init__(self, search: Search, query: Query, most_labels: int | None = None) -> None:
        self._search, self._query = search, query
        self._step = query.step_s
        self._ended = np.zeros(ROOM, np.int64)
        self._base, self._count = 0, 0
        self._run(most_labels)

    def _run(self, most_labels: int | None) -> None:
        search = self._search
        if not search.start(self._query, most_labels, profile=True):
            return
        self._base, last = search.departures_asked
        self._count = (last - self._base) // self._step + 1
        blocks = -(-self._count // engine.BLOCK)
        arrive_s, longest = np.full((engine.LEVELS, self._count), np.inf), np.full((engine.LEVELS, blocks), np.inf)
        state = search.workspace.space.state
        while True:
            status = int(
                engine.advance(
                    arrive_s, longest, self._base, self._ended, *search.compiled(),
                    int(state[engine.TAKEN]) + POPS_A_CALL,
                )
            )  # fmt: skip
            if status == engine.GAVE_UP:
                raise GaveUpError
            if status == engine.EMPTY:
                return
            if status == engine.GROW_ENDED:
                self._ended = np.concatenate([self._ended[:-1], np.zeros(len(self._ended) + 1, np.int64)])
                self._ended[-1] = len(self._ended) // 2 - 1
            elif status != engine.RUNNING:
                search.grow(status)

    def parts(self) -> list[tuple[int, int, int, int]]:
        """Return (label, first departure, last departure, arrival of the first) of what was found.

        To be asked before the next search on the same graph, as :meth:`Search.run_of` is.
        """
        if not self._count:
            return []
        labels = self._search.workspace.space.labels
        rows = 1024
        while True:
            out = np.zeros((rows, 3), np.int64)
            n = engine.best_of(labels, self._ended, self._base, self._count, self._step, out)
            if n >= 0:
                break
            rows *= 8
        chains: dict[int, list[list[int]]] = {}
        for leave_s, label, arrive_s in out[:n][::-1].tolist():
            chain = chains.setdefault(label, [])
            if chain and leave_s - chain[-1][1] == self._step and arrive_s - leave_s == chain[-1][2] - chain[-1][0]:
                chain[-1][1] = leave_s
            else:
                chain.append([leave_s, leave_s, arrive_s])
        return [(label, *part) for label, chain in chains.items() for part in chain]  # type: ignore[misc]


def profile(
    graph: TrackGraph,
    model: TrainModel,
    timelines: Timelines,
    query: Query,
    *,
    bounds: Bounds | None = None,
    ignore_train: int = -1,
    most_labels: int | None = None,
) -> list[Run]:
    """Return the Pareto-optimal runs in (departure, arrival, stops), in order of departure; see :func:`departures`.

    A run for every departure: on a free railway there is one each ``Query.step_s``.
    """
    search = Search(graph, model, timelines, bounds, ignore_train)
    asked = ProfileSearch(search, query, most_labels)
    runs = []
    for label, first_s, until_s, arrive_s in asked.parts():
        runs += [search.run_of(label, arrive_s + by_s) for by_s in range(0, until_s - first_s + 1, query.step_s)]
    return sorted(runs, key=lambda run: (run.depart_s[0], run.exit_s[-1], run.stops))


def later(run: Run, by_s: int) -> Run:
    """Return the same run a time later."""
    if not by_s:
        return run
    return replace(
        run,
        enter_s=run.enter_s + by_s,
        exit_s=run.exit_s + by_s,
        depart_s=run.depart_s + by_s,
        from_s=run.from_s + np.int32(by_s),
        until_s=run.until_s + np.int32(by_s),
        kept_from_s=run.kept_from_s + np.int32(by_s),
        kept_until_s=run.kept_until_s + np.int32(by_s),
    )
