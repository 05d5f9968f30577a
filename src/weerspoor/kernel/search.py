# ruff: noqa: PLR0917
"""The exact search for a path through the free gaps of a day: earliest arrival, latest departure.

The model that it is exact for is written out in :mod:`weerspoor.kernel.plain`. A label stands for all shifts in time
of one run since its last departure; at every piece it is split over the free windows of the piece. Labels are taken
in order of the least arrival that they may still lead to. A label is dropped only when another is at the same place in
the same physical state, for all of the same times, and with no more stops: what is dropped can be done by the other to
the second, so nothing is lost.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from weerspoor.kernel import engine
from weerspoor.kernel.bounds import Bounds, Way, exact_length, marks
from weerspoor.kernel.graph import KEEP_ALL, Ints, Query, Run, TrackGraph, TrainModel

if TYPE_CHECKING:
    from weerspoor.kernel.timelines import Timelines

POPS_A_CALL = 20_000
"""Labels taken from the queue between two moments at which an interruption is noticed (well under 0.1 s)."""

BUCKETS = 1 << 17
"""Buckets of labels in the same physical state; a power of two."""

MOST_AHEAD = 4_096
"""Most pieces that are looked at to see how slow a train may become."""

MAX_PIECES = 65_536
"""Longest path in pieces."""


class Workspace:
    """Arrays that searches on one graph use again; they grow when needed.

    Parameters
    ----------
    graph : TrackGraph
    """

    def __init__(self, graph: TrackGraph) -> None:
        n = len(graph.length_m)
        self.labels = np.zeros(1 << 13, engine.LABEL)
        self.windows_from = np.zeros(1 << 14, np.int32)
        self.windows_until = np.zeros(1 << 14, np.int32)
        self.busy = np.zeros(1 << 12, np.int64)
        self.scratch: Any = (np.zeros(1 << 10, np.int32), np.zeros(1 << 10), np.zeros(1 << 10))
        self.heap: Any = (np.zeros(1 << 13), np.zeros(1 << 13), np.zeros(1 << 13, np.int32))
        self.buckets: Any = (np.full(BUCKETS, engine.UNTOUCHED, np.int32), np.zeros(BUCKETS, np.int32))
        self.book: Any = (np.zeros(n, np.int32), np.full(n, -1, np.int32), np.zeros(1, np.int64))
        self.state = np.zeros(8, np.int64)
        self.pieces: Any = (
            np.zeros((MAX_PIECES, 2), np.int32),
            np.zeros((MAX_PIECES, 5)),
            np.zeros((MAX_PIECES, 2), np.int32),
        )

    @classmethod
    def of(cls, graph: TrackGraph) -> Workspace:
        """Return the workspace of a graph, made once."""
        if "workspace" not in graph.cache:
            graph.cache["workspace"] = cls(graph)
        workspace = graph.cache["workspace"]
        assert isinstance(workspace, cls)
        return workspace

    def clear_labels(self) -> None:
        """Forget the labels of the last search."""
        self.buckets[0][self.buckets[1][: self.state[engine.N_TOUCHED]]] = engine.UNTOUCHED
        self.state[:] = 0
        self.state[engine.BEST] = -1

    def clear_windows(self) -> None:
        """Forget the free windows of all pieces."""
        self.book[1][:] = -1
        self.book[2][0] = 0

    def grow(self, status: int) -> None:
        """Double what was too small."""
        if status == engine.GROW_LABELS:
            self.labels = np.concatenate([self.labels, np.zeros_like(self.labels)])
            self.heap = tuple(np.concatenate([part, np.zeros_like(part)]) for part in self.heap)
        elif status == engine.GROW_WINDOWS:
            self.windows_from = np.concatenate([self.windows_from, np.zeros_like(self.windows_from)])
            self.windows_until = np.concatenate([self.windows_until, np.zeros_like(self.windows_until)])
        else:
            self.busy = np.concatenate([self.busy, np.zeros_like(self.busy)])
            self.scratch = tuple(np.concatenate([part, np.zeros_like(part)]) for part in self.scratch)


class GaveUpError(Exception):
    """A search took as many labels as it may, without an answer."""


def _way(query: Query, k: int) -> Way:
    """Return how the train comes through a stage, for its bounds."""
    if query.stages[k].stop_s >= 0.0:
        return "stop"
    # Where a window closes, braking for what comes after must not be counted: the model takes it later.
    closes = k == len(query.stages) - 1 or min(s.latest_s for s in query.stages[k:]) < 1e8
    return "end" if closes else "through"


def _tick(value: float) -> float:
    return math.ceil(value * engine.TICKS) / engine.TICKS


class Search:
    """One train on one day, asked once or many times.

    The free windows of the pieces are worked out when first needed and serve all questions until :meth:`refresh`; so
    use one object only as long as the timelines stay as they are.

    Parameters
    ----------
    graph : TrackGraph
    model : TrainModel
    timelines : Timelines
    bounds : Bounds, optional
        Of the same train, to be used again.
    ignore_train : int
        A train whose intervals do not count; -1 for none.
    early : bool
        Runs leave every stop as early as they can, instead of as late as their arrival allows.
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
        self._late = not early
        self.graph = graph
        self.model = model
        self.timelines = timelines
        self.bounds = bounds if bounds is not None else Bounds.of(graph, model)
        self.ignore_train = ignore_train
        self.workspace = Workspace.of(graph)
        top = self.bounds.top_ms
        par = np.zeros(16)
        par[engine.BRAKING] = model.braking_ms2
        par[engine.SETUP] = _tick(model.setup_s)
        par[engine.SIGHTING] = model.sighting_s
        par[engine.RELEASE] = _tick(model.release_s)
        par[engine.MIN_STOP] = _tick(model.min_stop_s)
        par[engine.TOP] = top
        par[engine.LENGTH] = _tick(model.length_m)
        par[engine.FREE_AFTER] = _tick(top / (2.0 * model.braking_ms2) + model.sighting_s) + 1.0
        par[engine.KIND] = model.kind
        self._par = par
        par[engine.SLOWER] = model.slower
        self._stops_known = not (model.may_stop & ~self.bounds.model.may_stop).any()
        n = len(model.speed_ms)
        self._ahead = np.full(n, -1.0), np.zeros(n), np.full(n, -1.0), np.empty(MOST_AHEAD, np.int32)
        self._curve = (model.accel_v, model.accel_t, model.accel_s)
        self._train = (
            exact_length(graph),
            model.speed_ms,
            graph.signal,
            marks(graph),
            self.bounds.to_stop_m,
            self.bounds.block_s,
        )
        self._keep = (model.keep_start, model.keep_zone, model.keep_mask)
        self._seen = -math.inf
        self._last = math.inf
        self.popped = 0
        self.labels = 0
        self.departures_asked = 0, -1

    def stage_table(self, query: Query) -> npt.NDArray[np.float64]:
        """Return the array of stages: times, and rows of bounds."""
        rows = np.zeros((len(query.stages), engine.S_ROW + 1))
        pinned: set[int] = set()
        self.bounds.admit(query.stages[0].directed)
        for k, stage in enumerate(query.stages):
            if k > 0:
                row = self.bounds.row(stage.directed, pinned, way=_way(query, k))
                pinned.add(row)
                rows[k, engine.S_ROW] = row
        for k in range(len(query.stages) - 1, -1, -1):
            stage = query.stages[k]
            stop = max(stage.stop_s, 0.0)
            rows[k, engine.S_STOP] = _tick(stage.stop_s) if stage.stop_s >= 0.0 else -1.0
            rows[k, engine.S_EARLIEST] = max(stage.earliest_s, -1e9)
            rows[k, engine.S_LATEST] = min(stage.latest_s, 1e9)
            rows[k, engine.S_DEPART] = max(stage.depart_s, -1e9)
            if k == len(query.stages) - 1:
                rows[k, engine.S_ADD] = 0.0
                rows[k, engine.S_FLOOR] = rows[k, engine.S_EARLIEST]
                continue
            least = float(self.bounds.values[int(rows[k + 1, engine.S_ROW])][stage.directed].min())
            rows[k, engine.S_ADD] = stop + least + rows[k + 1, engine.S_ADD]
            leave = rows[k, engine.S_EARLIEST] + stop
            if stage.stop_s >= 0.0:
                leave = max(leave, rows[k, engine.S_DEPART])
            rows[k, engine.S_FLOOR] = max(rows[k + 1, engine.S_FLOOR], leave + least + rows[k + 1, engine.S_ADD])
            if k > 0:
                rows[k, engine.S_LATEST] = min(rows[k, engine.S_LATEST], rows[k + 1, engine.S_LATEST] - least - stop)
        return rows

    def _compiled(self, stage: npt.NDArray[np.float64]) -> tuple[Any, ...]:
        space = self.workspace
        graph = (self.graph.zone, self.graph.successor_start, self.graph.successor)
        return (
            graph, self._train, self._ahead, self.model.may_stop, self._par, self._curve, space.scratch, self._keep,
            self.timelines.rows, self.timelines.index, self.ignore_train, space.book, space.windows_from,
            space.windows_until, space.busy, stage, self.bounds.values,
        )  # fmt: skip

    def refresh(self) -> None:
        """Forget the free windows: the timelines have changed."""
        self._last = math.inf
        self._seen = -math.inf

    def _windows_for(self, begin: float, limit: float) -> None:
        space = self.workspace
        if self.graph.cache.get("windows_of") is self and begin >= self._seen and limit <= self._last:
            return
        self.graph.cache["windows_of"] = self
        space.clear_windows()
        self._seen = begin
        self._last = limit
        self._par[engine.FROM] = begin

    def start(
        self,
        query: Query,
        stage: npt.NDArray[np.float64],
        limit: float,
        most_labels: int | None,
        *,
        profile: bool = False,
    ) -> bool:
        """Write the first labels; tell whether there are any."""
        space = self.workspace
        first = query.stages[0]
        par = self._par
        lowest = max(first.earliest_s, -1e8) - par[engine.SETUP] - par[engine.FREE_AFTER] - 60.0
        space.clear_labels()
        self._windows_for(lowest, limit)
        par[engine.LIMIT] = limit
        par[engine.MAX_STOPS] = query.max_stops
        par[engine.STEP] = step = query.step_s
        par[engine.PROFILE] = float(profile)
        stands = all(self.model.may_stop[s.directed].all() for s in query.stages[1:] if s.stop_s >= 0.0)
        par[engine.STANDS] = float(stands and self._stops_known)
        space.state[engine.LEAST_STOPS] = sum(s.stop_s >= 0.0 for s in query.stages[1:-1])
        space.state[engine.MOST] = most_labels if most_labels is not None else np.iinfo(np.int64).max
        standing = first.stop_s >= 0.0
        lo = max(first.earliest_s + first.stop_s, first.depart_s) if standing else first.earliest_s
        hi = min(first.latest_s, limit)
        if not -1e8 < lo <= hi:
            return False
        d_lo, d_hi = math.ceil(lo / step) * step, math.floor(hi / step) * step
        self.departures_asked = d_lo, d_hi
        origins = np.unique(first.directed).astype(np.int32)
        while True:
            status = engine.begin(
                space.labels, space.state, space.heap, origins, d_lo, d_hi, standing, self._train, par, self._curve,
                self.graph.zone, self._keep, self.timelines.rows, self.timelines.index, self.ignore_train, space.book,
                space.windows_from, space.windows_until, space.busy, stage, self.bounds.values,
            )  # fmt: skip
            if status == engine.RUNNING:
                return bool(space.state[engine.N_QUEUE] > 0)
            space.grow(status)

    def earliest_arrival(self, query: Query, most_labels: int | None = None) -> Run | None:
        """Return the run that arrives first; among these one with the fewest stops; None if there is none.

        Parameters
        ----------
        query : Query
        most_labels : int, optional
            Give up after so many labels (about 3 microseconds each); without it the search always has an answer.

        Raises
        ------
        GaveUpError
            If it gave up.
        """
        if len(query.stages) < 2:
            raise ValueError("a query has at least an origin and a destination")
        limit = float(min(query.horizon_s, query.stages[-1].latest_s, 1e9))
        stage = self.stage_table(query)
        if not self.start(query, stage, limit, most_labels):
            return None
        space = self.workspace
        state = space.state
        while True:
            pops = int(state[engine.TAKEN]) + POPS_A_CALL
            status = engine.advance(space.labels, state, space.heap, space.buckets, pops, *self._compiled(stage))
            if status in {engine.EMPTY, engine.GAVE_UP}:
                break
            if status != engine.RUNNING:
                space.grow(status)
        self.popped = int(state[engine.TAKEN])
        self.labels = int(state[engine.N_LABELS])
        if status == engine.GAVE_UP:
            raise GaveUpError
        best = int(state[engine.BEST])
        return self.run_of(best, int(space.labels[best]["d_lo"])) if best >= 0 else None

    def latest_departure(self, query: Query) -> Run | None:
        """Return the run that leaves last; among these the one that arrives first; None if there is none."""
        from dataclasses import replace

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

    def run_of(self, last: int, depart_s: int) -> Run:
        """Return the run that ends in a label of the last search and leaves its last stop at ``depart_s``."""
        space = self.workspace
        out_int, out_time, out_span = space.pieces
        k = engine.retrace(
            space.labels, last, depart_s, self._train, self._par, self._curve, space.scratch, out_int,
            out_time, out_span, self._late,
        )  # fmt: skip
        if k < 0:
            raise RuntimeError(f"a path of more than {MAX_PIECES} pieces")
        directed = out_int[:k, 0].copy()
        piece = directed >> 1
        zone, from_s, until_s, _ = merge(
            self.graph.zone[piece], np.full(k, KEEP_ALL, np.uint8), out_span[:k, 0], out_span[:k, 1]
        )
        keep_start, keep_zone, keep_mask = self._keep
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
    """Return the run with the earliest arrival, among these one with the fewest stops, or None if there is none.

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
        Give up after so many labels (about 3 microseconds each).

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
