"""Least running time from everywhere to a set of places, without other trains: the guide of the search.

The bound counts every piece at the train's highest speed there, without starting, stopping or waiting, so it is never
more than what a run takes. Rows are kept, because many searches of one train, or of trains of one kind, go to the
same places.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from numba import njit

if TYPE_CHECKING:
    from weerspoor.kernel.graph import Ints, TrackGraph, TrainModel

SAFETY = 1.0 - 1e-6
"""Bounds are made smaller by this factor, so that rounding to float32 never makes one too great."""


@njit(cache=True)
def _reverse(start, successor):  # type: ignore[no-untyped-def]
    """Return the predecessors as CSR."""
    n = len(start) - 1
    first = np.zeros(n + 1, np.int32)
    for s in successor:
        first[s + 1] += 1
    for i in range(n):
        first[i + 1] += first[i]
    fill = first[:-1].copy()
    before = np.empty(len(successor), np.int32)
    for i in range(n):
        for k in range(start[i], start[i + 1]):
            before[fill[successor[k]]] = i
            fill[successor[k]] += 1
    return first, before


@njit(cache=True)
def _fill(first, before, cost, targets, value):  # type: ignore[no-untyped-def]
    """Dijkstra against the running direction: ``value[dp]`` becomes the least time from the exit of ``dp``."""
    n = len(cost)
    value[:] = np.inf
    # A label-correcting pass over buckets of 4 s keeps the queue cheap: most pieces have one predecessor.
    heap_key = np.empty(n + 16, np.float64)
    heap_item = np.empty(n + 16, np.int32)
    size = 0
    for t in targets:
        if value[t] > 0.0:
            value[t] = 0.0
            heap_key[size] = 0.0
            heap_item[size] = t
            size += 1
    while size > 0:
        key = heap_key[0]
        item = heap_item[0]
        size -= 1
        last_key = heap_key[size]
        last_item = heap_item[size]
        i = 0
        while True:
            c = 2 * i + 1
            if c >= size:
                break
            if c + 1 < size and heap_key[c + 1] < heap_key[c]:
                c += 1
            if heap_key[c] >= last_key:
                break
            heap_key[i] = heap_key[c]
            heap_item[i] = heap_item[c]
            i = c
        heap_key[i] = last_key
        heap_item[i] = last_item
        if key > value[item]:
            continue
        # Chains without choice are followed at once, so that they never enter the queue.
        while True:
            key = value[item] + cost[item]
            follow = -1
            for k in range(first[item], first[item + 1]):
                p = before[k]
                if key < value[p] and cost[p] < np.inf:
                    value[p] = key
                    if first[item + 1] - first[item] == 1:
                        follow = p
                        continue
                    if size == len(heap_key):
                        heap_key = np.concatenate((heap_key, np.empty(size, np.float64)))
                        heap_item = np.concatenate((heap_item, np.empty(size, np.int32)))
                    j = size
                    size += 1
                    while j > 0:
                        up = (j - 1) >> 1
                        if heap_key[up] <= key:
                            break
                        heap_key[j] = heap_key[up]
                        heap_item[j] = heap_item[up]
                        j = up
                    heap_key[j] = key
                    heap_item[j] = p
            if follow < 0:
                break
            item = follow


def predecessors(graph: TrackGraph) -> tuple[Ints, Ints]:
    """Return the predecessors of every directed piece as CSR, made once a graph."""
    if "predecessors" not in graph.cache:
        graph.cache["predecessors"] = _reverse(graph.successor_start, graph.successor)
    return graph.cache["predecessors"]  # type: ignore[return-value]


class Bounds:
    """Rows of least running times of one train, one row a set of target pieces.

    Parameters
    ----------
    graph : TrackGraph
    model : TrainModel
        The train; trains with the same speeds may share the object.
    rows : int
        Rows kept at most; those unused for longest go first.
    """

    def __init__(self, graph: TrackGraph, model: TrainModel, rows: int = 64) -> None:
        self.graph = graph
        self.top_ms = min(float(model.accel_v[-1]), float(model.speed_ms.max()))
        speed = np.minimum(model.speed_ms, np.float32(model.accel_v[-1])).astype(np.float64)
        length = np.repeat(graph.length_m.astype(np.float64), 2)
        with np.errstate(divide="ignore"):
            self._cost = np.where(speed > 0.0, SAFETY * length / speed, np.inf)
        self.values: npt.NDArray[np.float32] = np.empty((4, len(speed)), np.float32)
        self._row_of: dict[bytes, int] = {}
        self._rows = rows

    def row(self, directed: Ints, pinned: set[int] | None = None) -> int:
        """Return the row of ``values`` with the least time from the exit of each directed piece to one of ``directed``.

        Parameters
        ----------
        directed : (k,) int32
        pinned : set of int, optional
            Rows that must stay.
        """
        key = np.sort(directed).astype(np.int32).tobytes()
        if key in self._row_of:
            row = self._row_of.pop(key)
            self._row_of[key] = row
            return row
        row = len(self._row_of)
        if row >= self._rows:
            for oldest, candidate in self._row_of.items():
                if pinned is None or candidate not in pinned:
                    row = candidate
                    del self._row_of[oldest]
                    break
        if row == len(self.values):
            wider = np.empty((2 * row, self.values.shape[1]), np.float32)
            wider[:row] = self.values
            self.values = wider
        first, before = predecessors(self.graph)
        exact = np.empty(self.values.shape[1], np.float64)
        _fill(first, before, self._cost, directed, exact)
        self.values[row] = exact * SAFETY
        self._row_of[key] = row
        return row
