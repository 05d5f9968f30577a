# ruff: noqa: PLR0917
"""The exact search for a path through the free gaps of a day: earliest arrival, latest departure.

The model that it is exact for is written out in :mod:`weerspoor.kernel.plain`. Labels are taken in order of the least
arrival that they may still lead to. A label is dropped only when another is at the same place in the same state, for
all of the same times, with nothing stricter behind it: what is dropped can be done by the other to the second, so
nothing is lost.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from weerspoor.kernel import engine
from weerspoor.kernel.bounds import Bounds
from weerspoor.kernel.graph import KEEP_ALL, Ints, Query, Run, TrackGraph, TrainModel
from weerspoor.kernel.motion import STEP

if TYPE_CHECKING:
    from weerspoor.kernel.timelines import Timelines

POPS_A_CALL = 20_000
"""Labels taken from the queue between two moments at which an interruption is noticed (well under 0.1 s)."""

BUCKETS = 1 << 16
"""Buckets of labels; a power of two."""

NO_FRONT, NO_ENDS = np.empty((engine.LEVELS, 0)), np.zeros(1, np.int64)
"""Of a search that is not a profile."""

MAX_PIECES = 65_536
"""Longest path in pieces."""


class Workspace:
    """Arrays that searches on one graph use again; they grow when needed.

    Parameters
    ----------
    graph : TrackGraph
    """

    def __init__(self, graph: TrackGraph) -> None:
        size = 1 << 12
        self.space = engine.Space(
            np.zeros(size, engine.LABEL), np.zeros(size), np.zeros(size, np.int32), np.zeros(size), np.zeros(size),
            np.zeros(size, np.int32), np.zeros(size, np.int32), np.zeros(size),
            np.full(BUCKETS, engine.UNTOUCHED, np.int32), np.zeros(BUCKETS, np.int32),
            np.zeros((4096, 2), np.int32), np.zeros((4096, 2), np.int32), np.zeros(engine.COUNT_STOPS + 1, np.int64),
        )  # fmt: skip
        self.pieces = (np.zeros((1024, 2), np.int32), np.zeros((1024, 5)), np.zeros((1024, 2), np.int32))

    @classmethod
    def of(cls, graph: TrackGraph) -> Workspace:
        """Return the workspace of a graph, made once."""
        if "workspace" not in graph.cache:
            graph.cache["workspace"] = cls(graph)
        workspace = graph.cache["workspace"]
        assert isinstance(workspace, cls)
        return workspace

    def clear(self) -> None:
        """Forget the labels of the last search."""
        state = self.space.state
        self.space.heads[self.space.touched[: state[engine.N_TOUCHED]]] = engine.UNTOUCHED
        state[:] = 0
        state[engine.BEST] = -1

    def grow(self, status: int) -> None:
        """Double what was too small."""
        if status == engine.GROW_LABELS:
            self._double("labels", "key", "second", "item", "since", "band")
        elif status == engine.GROW_TAILS:
            self._double("tail_m", "tail_end")
        else:
            self._double("windows_a", "windows_b")

    def _double(self, *names: str) -> None:
        grown = {name: np.concatenate([part := getattr(self.space, name), np.zeros_like(part)]) for name in names}
        self.space = self.space._replace(**grown)


class GaveUpError(Exception):
    """A search took as many labels as it may, without an answer."""


class Search:
    """One train on one day, asked once or many times.

    Parameters
    ----------
    graph : TrackGraph
    model : TrainModel
    timelines : Timelines
    bounds : Bounds, optional
        Of the same train, to be used again.
    ignore_train : int
        A train whose intervals do not count.
    early : bool
        Runs leave every stop as early as they can, instead of as late as their arrival allows.

    Attributes
    ----------
    popped, labels : int
        Labels that the last question took from the queue, and wrote.
    """

    def __init__(
        self,
        graph: TrackGraph,
        model: TrainModel,
        timelines: Timelines,
        bounds: Bounds | None = None,
        ignore_train: int = -1,
        early: bool = False,
    ) -> None:
        self.graph = graph
        self.model = model
        self.timelines = timelines
        self.bounds = bounds if bounds is not None else Bounds.of(graph, model)
        self.ignore_train = ignore_train
        self.workspace = Workspace.of(graph)
        self._late = not early
        self.stage = np.zeros((0, engine.S_ROW + 1))
        self.popped = 0
        self.labels = 0
        self.departures_asked = 0, -1

    def _stage_table(self, query: Query, limit: float) -> npt.NDArray[np.float64]:
        """Return the array of stages: times, and rows of least times."""
        stages, bounds = query.stages, self.bounds
        rows = np.zeros((len(stages), engine.S_ROW + 1))
        pinned: set[int] = set()
        for k, stage in enumerate(stages):
            if k > 0:
                row = bounds.row(stage.directed, stages[k - 1].directed, pinned)
                pinned.add(row)
                rows[k, engine.S_ROW] = row
        for k in range(len(stages) - 1, -1, -1):
            stage = stages[k]
            stop = max(stage.stop_s, 0.0)
            rows[k, engine.S_STOP] = stage.stop_s
            rows[k, engine.S_EARLIEST] = max(stage.earliest_s, -1e9)
            rows[k, engine.S_LATEST] = min(stage.latest_s, limit)
            rows[k, engine.S_DEPART] = max(stage.depart_s, -1e9)
            if k == len(stages) - 1:
                rows[k, engine.S_FLOOR] = rows[k, engine.S_EARLIEST]
                continue
            least = 0.0 if k == 0 else bounds.least_s(stage.directed, int(rows[k + 1, engine.S_ROW]))
            rows[k, engine.S_ADD] = stop + least + rows[k + 1, engine.S_ADD]
            leave = rows[k, engine.S_EARLIEST] + stop
            if stage.stop_s >= 0.0:
                leave = max(leave, rows[k, engine.S_DEPART])
            rows[k, engine.S_FLOOR] = max(rows[k + 1, engine.S_FLOOR], leave + least + rows[k + 1, engine.S_ADD])
            if k > 0:
                rows[k, engine.S_LATEST] = min(rows[k, engine.S_LATEST], rows[k + 1, engine.S_LATEST] - least - stop)
        return rows

    def compiled(self) -> tuple[object, ...]:
        """Return what the compiled functions take, as it is now."""
        bounds = self.bounds
        return (
            bounds.routes.track, bounds.routes.book, bounds.mover, bounds.known, self.timelines.lines, bounds.least,
            self.workspace.space, self.stage,
        )  # fmt: skip

    def grow(self, status: int) -> None:
        """Double what was too small for the compiled functions to go on."""
        if status >= engine.GROW_LABELS:
            self.workspace.grow(status)
        else:
            self.bounds.grow(status)

    def start(self, query: Query, most_labels: int | None, *, profile: bool = False) -> bool:
        """Write the first labels; tell whether there are any."""
        if len(query.stages) < 2:
            raise ValueError("a query has at least an origin and a destination")
        first, step, bounds = query.stages[0], query.step_s, self.bounds
        limit = min(query.horizon_s, query.stages[-1].latest_s, 1e9)
        ends = [
            stage.directed[~self.model.may_stop[stage.directed]] for stage in query.stages[1:] if stage.stop_s >= 0.0
        ]
        bounds.routes.halt_at(np.concatenate([*ends, query.stages[-1].directed]).astype(np.int32))
        origins = np.unique(first.directed).astype(np.int32)
        bounds.routes.list(origins)
        bounds.refresh()
        bounds.mover.par[STEP] = step
        self.workspace.clear()
        self.stage = self._stage_table(query, limit)
        state = self.workspace.space.state
        state[engine.LIMIT] = math.floor(limit)
        state[engine.MAX_STOPS] = query.max_stops
        state[engine.PROFILE] = profile
        state[engine.COUNT_STOPS] = profile or query.max_stops < 1_000_000
        state[engine.IGNORE] = self.ignore_train
        state[engine.MOST] = most_labels if most_labels is not None else np.iinfo(np.int64).max
        standing = first.stop_s >= 0.0
        lo = max(first.earliest_s + first.stop_s, first.depart_s) if standing else first.earliest_s
        hi = min(first.latest_s, limit)
        if not -1e8 < lo <= hi:
            return False
        d_lo, d_hi = math.ceil(lo / step) * step, math.floor(hi / step) * step
        self.departures_asked = d_lo, d_hi
        while True:
            status = engine.begin(*self.compiled(), origins, d_lo, d_hi, standing)
            if status == engine.RUNNING:
                return bool(state[engine.N_QUEUE] > 0)
            self.grow(status)

    def earliest_arrival(self, query: Query, most_labels: int | None = None) -> Run | None:
        """Return a run that arrives first; None if there is none.

        Parameters
        ----------
        query : Query
        most_labels : int, optional
            Give up after so many labels; without it the search always has an answer.

        Raises
        ------
        GaveUpError
            If it gave up.
        """
        self.popped = self.labels = 0
        if not self.start(query, most_labels):
            return None
        state = self.workspace.space.state
        while True:
            status = int(
                engine.advance(NO_FRONT, NO_FRONT, 0, NO_ENDS, *self.compiled(), int(state[engine.TAKEN]) + POPS_A_CALL)
            )
            if status in {engine.EMPTY, engine.GAVE_UP}:
                break
            if status != engine.RUNNING:
                self.grow(status)
        self.popped = int(state[engine.TAKEN])
        self.labels = int(state[engine.N_LABELS])
        if status == engine.GAVE_UP:
            raise GaveUpError
        best = int(state[engine.BEST])
        return self.run_of(best, int(self.workspace.space.labels[best]["lo"])) if best >= 0 else None

    def latest_departure(self, query: Query) -> Run | None:
        """Return the run that leaves last; among these the one that arrives first; None if there is none."""
        best = self.earliest_arrival(query)
        if best is None:
            return None
        origin = query.stages[0]
        low = int(best.depart_s[0])
        high = int(min(origin.latest_s, query.horizon_s, query.stages[-1].latest_s)) // query.step_s * query.step_s
        gallop = 600
        while low < high:
            middle = min(low + gallop, (low + high + query.step_s) // 2)
            middle = max(middle // query.step_s * query.step_s, low + query.step_s)
            later = replace(origin, earliest_s=float(middle), stop_s=min(origin.stop_s, 0.0))
            run = self.earliest_arrival(replace(query, stages=[later, *query.stages[1:]]))
            if run is None:
                high = middle - query.step_s
            else:
                best = run
                low = int(run.depart_s[0])
                gallop *= 2
        return best

    def run_of(self, last: int, arrive_s: int) -> Run:
        """Return the run that ends in a label of the last search and arrives at a time."""
        space, workspace = self.workspace.space, self.workspace
        while True:
            out_int, out_time, out_span = workspace.pieces
            k = int(engine.retrace(*self.traced(), last, arrive_s, self._late, out_int, out_time, out_span))
            if k >= 0:
                break
            if len(out_int) >= MAX_PIECES:
                raise RuntimeError(f"a path of more than {MAX_PIECES} pieces")
            workspace.pieces = tuple(np.concatenate([part, part]) for part in workspace.pieces)  # type: ignore[assignment]
        directed = out_int[:k, 0].copy()
        piece = directed >> 1
        zone, from_s, until_s, _ = merge(
            self.graph.zone[piece], np.full(k, KEEP_ALL, np.uint8), out_span[:k, 0], out_span[:k, 1]
        )
        keep_start, keep_zone, keep_mask = self.model.keep_start, self.model.keep_zone, self.model.keep_mask
        if len(keep_start):
            begin = keep_start[piece]
            count = keep_start[piece + 1] - begin
            row = np.repeat(np.arange(k), count)
            place = np.arange(int(count.sum())) + np.repeat(begin - (np.cumsum(count) - count), count)
            kept = merge(keep_zone[place], keep_mask[place], out_span[row, 0], out_span[row, 1])
        else:
            none = np.empty(0, np.int32)
            kept = (none, none, none, np.empty(0, np.uint8))
        return Run(
            directed=directed,
            enter_s=out_time[:k, 0].copy(),
            exit_s=out_time[:k, 1].copy(),
            depart_s=out_time[:k, 2].copy(),
            stage=out_int[:k, 1].copy(),
            speed_ms=out_time[:k, 3].copy(),
            lost_s=out_time[:k, 4].copy(),
            zone=zone,
            from_s=from_s,
            until_s=until_s,
            kept_zone=kept[0],
            kept_from_s=kept[1],
            kept_until_s=kept[2],
            kept_mask=kept[3],
            stops=int(space.labels[last]["stops"]),
        )

    def traced(self) -> tuple[object, ...]:
        """Return what :func:`weerspoor.kernel.engine.retrace` takes of :meth:`compiled`."""
        track, book, mover, known, _, least, space, stage = self.compiled()
        return track, book, mover, known, least, space, stage


def merge(
    zone: Ints, mask: npt.NDArray[np.uint8], from_s: Ints, until_s: Ints
) -> tuple[Ints, Ints, Ints, npt.NDArray[np.uint8]]:
    """Return (zone, from_s, until_s, mask) with overlapping or touching intervals of a zone and mask made one."""
    if not len(zone):
        none = np.empty(0, np.int32)
        return none, none, none, np.empty(0, np.uint8)
    order = np.lexsort((from_s, mask, zone))
    zone, mask, from_s, until_s = zone[order], mask[order], from_s[order], until_s[order]
    group = np.cumsum(np.r_[False, (zone[1:] != zone[:-1]) | (mask[1:] != mask[:-1])]).astype(np.int64) << 32
    until = np.maximum.accumulate(group + until_s)
    begins = np.r_[True, group[1:] + from_s[1:] > until[:-1]]
    first = np.flatnonzero(begins)
    last = np.r_[first[1:], len(zone)] - 1
    return zone[first], from_s[first], (until[last] - group[last]).astype(np.int32), mask[first]


def search(
    graph: TrackGraph,
    model: TrainModel,
    timelines: Timelines,
    query: Query,
    *,
    bounds: Bounds | None = None,
    ignore_train: int = -1,
    early: bool = False,
    most_labels: int | None = None,
) -> Run | None:
    """Return a run with the earliest arrival, or None if there is none.

    Its departures are the latest that its route and windows allow for that arrival, or with ``early`` the earliest.
    Every stop between origin and destination counts towards ``Query.max_stops`` and ``Run.stops``, also those of the
    stages. A standing origin is left between ``earliest_s + stop_s`` and ``latest_s``.

    Parameters
    ----------
    graph : TrackGraph
    model : TrainModel
    timelines : Timelines
    query : Query
    bounds : Bounds, optional
        Of the same train; give it when there are several searches.
    ignore_train : int
        A train whose intervals do not count.
    early : bool
        Leave every stop as early as possible.
    most_labels : int, optional
        Give up after so many labels.

    Raises
    ------
    GaveUpError
        If it gave up.
    """
    return Search(graph, model, timelines, bounds, ignore_train, early).earliest_arrival(query, most_labels)


def latest_departure(
    graph: TrackGraph,
    model: TrainModel,
    timelines: Timelines,
    query: Query,
    *,
    bounds: Bounds | None = None,
    ignore_train: int = -1,
) -> Run | None:
    """Return the run with the latest departure, among these one with the earliest arrival; see :func:`search`."""
    return Search(graph, model, timelines, bounds, ignore_train).latest_departure(query)
